import numpy as np
import pytest

from ionface.structures.drawing import MARK, NEAR, View, draw_model, figure_model


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_picture_is_written_in_the_format_of_its_suffix(small, tmp_path, suffix):
    path = tmp_path / f"model.{suffix}"
    draw_model(small, path)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_picture_names_phases_elements_and_size(small):
    figure = figure_model(small)
    side, _ = figure.axes
    written = {text.get_text() for text in side.texts}
    assert {"LPSCl", "In", "5 Å"} <= written
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"Cl", "In", "Li", "P", "S", "interface"}
    assert "88 atoms" in figure.get_suptitle()
    assert "97.2 Å²" in figure.get_suptitle()


@pytest.mark.slow
def test_each_interface_of_a_sandwich_is_marked(small, polymer):
    def marks(model):
        side, _ = figure_model(model).axes
        lines = [ln for ln in side.lines if isinstance(ln.get_color(), str)]
        lines = [ln for ln in lines if ln.get_color() == MARK]
        return sorted({round(float(ln.get_xdata()[0]), 3) for ln in lines})

    assert marks(polymer) == pytest.approx(polymer.interface_heights, abs=1e-3)
    # the second interface lies on the border of the cell, so it shows at both ends
    height = small.structure.lattice.c
    assert marks(small) == pytest.approx(
        [0, small.interface_heights[0], height], abs=1e-3
    )


def test_a_large_model_is_drawn_one_cell_high(small, monkeypatch):
    monkeypatch.setattr(View, "width", 10 * small.structure.lattice.a)
    assert View(small).copies == 3
    monkeypatch.setattr("ionface.structures.drawing.MOST_BALLS", 2 * 88 - 1)
    assert View(small).copies == 1


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
