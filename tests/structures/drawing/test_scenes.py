import numpy as np
import pytest

from ionface.structures.drawing.scenes import NEAR, View


def test_side_view_shows_every_atom_at_its_height(model):
    view = View(model)
    scene = view.side()
    assert len(scene.points) >= len(model.structure) * view.copies
    shown = np.unique(scene.points[:, 0].round(4))
    real = np.unique((model.structure.cart_coords[:, 2]).round(4))
    assert shown == pytest.approx(real, abs=2e-4)


def test_view_from_above_shows_only_the_neighborhood_of_the_interface(small):
    scene = View(small).top()
    height = small.interface_heights[0]
    assert (np.abs(scene.points[:, 2] - height) < NEAR).all()
    assert {"In", "S"} <= set(scene.symbols)


def test_half_bonds_reach_the_middle_of_each_bond(small):
    view = View(small)
    scene = view.side()
    phosphorus = [i for i, s in enumerate(scene.symbols) if s == "P"]
    for ball in phosphorus:
        ends = [end for i, end in scene.sticks if i == ball]
        assert len(ends) == 4
        lengths = np.linalg.norm(np.array(ends) - scene.points[ball, :2], axis=1)
        assert (lengths < 2.06 / 2 + 1e-3).all()


def test_thin_cell_is_repeated_upwards(sandwich, doped):
    assert View(sandwich).copies > 1
    assert View(doped).copies == 1
