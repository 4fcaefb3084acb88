import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.periodic import covalent_radii
from ionface.structures.stacking import (
    BEYOND_CONTACT,
    BEYOND_CONTACT_MOLECULE,
    CLOSEST,
    boxed,
    stretched,
    touching_gap,
)


def sheet(symbols, coords, edge=8.0):
    lattice = Lattice.orthorhombic(edge, edge, 30)
    return Structure(lattice, symbols, coords, coords_are_cartesian=True)


def test_atoms_on_top_of_each_other_stand_at_the_sum_of_their_radii():
    lithium, oxygen = sheet(["Li"], [[0, 0, 0]]), sheet(["O"], [[0, 0, 0]])
    touch = covalent_radii(["Li", "O"]).sum()
    gap = touching_gap(oxygen, lithium, molecular=False, sandwich=False)
    assert gap == pytest.approx(touch + BEYOND_CONTACT)
    soft = touching_gap(oxygen, lithium, molecular=True, sandwich=False)
    assert soft == pytest.approx(touch + BEYOND_CONTACT_MOLECULE)


CELLS = [8.0 * np.eye(2), 4.0 * np.eye(2), np.array([[3.2, 0.0], [9.0, 4.5]])]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cell", CELLS)
def test_gap_is_where_the_closest_pair_touches_and_not_wider(cell, seed):
    random = np.random.default_rng(seed)
    lattice = Lattice([[*cell[0], 0], [*cell[1], 0], [0, 0, 30]])
    lower, upper = (
        Structure(lattice, [element] * 3, random.uniform(0, [1, 1, 0.03], (3, 3)))
        for element in ("Ge", "S")
    )
    gap = touching_gap(upper, lower, molecular=False, sandwich=False)
    low, high = lower.cart_coords, upper.cart_coords
    lifted = high + np.array([0, 0, low[:, 2].max() - high[:, 2].min() + gap])
    touch = covalent_radii(["Ge", "S"]).sum() + BEYOND_CONTACT
    images = np.array([[i, j] for i in range(-9, 10) for j in range(-9, 10)]) @ cell
    apart = lifted[:, None] - low[None]
    closest = min(
        np.linalg.norm(apart + np.array([*shift, 0]), axis=-1).min() for shift in images
    )
    assert closest == pytest.approx(touch) or gap == CLOSEST


def test_sandwich_takes_the_wider_of_both_gaps():
    lower = sheet(["Li", "In"], [[0, 0, 0], [0, 0, 5]])
    upper = sheet(["H", "In"], [[0, 0, 0], [0, 0, 5]])
    radii = dict(zip(["Li", "In", "H"], covalent_radii(["Li", "In", "H"]), strict=True))
    single = touching_gap(upper, lower, molecular=False, sandwich=False)
    both = touching_gap(upper, lower, molecular=False, sandwich=True)
    assert single == pytest.approx(radii["In"] + radii["H"] + BEYOND_CONTACT)
    assert both == pytest.approx(radii["In"] + radii["Li"] + BEYOND_CONTACT)


def test_stretching_moves_atoms_in_the_plane_only():
    before = sheet(["Li", "O"], [[1, 2, 3], [4, 4, 7]])
    after = stretched(before, 8.8 * np.eye(2), shift=(0.5, 0.0))
    assert after.cart_coords[:, 2] == pytest.approx([3, 7])
    assert after.cart_coords[0, :2] == pytest.approx([1.1 + 4.4, 2.2])


def test_boxing_changes_the_height_and_the_base_only():
    before = sheet(["Li", "O"], [[1, 2, 3], [4, 4, 7]])
    after = boxed(before, 50, base=10)
    assert after.lattice.c == 50
    assert after.cart_coords[:, 2] == pytest.approx([10, 14])
    assert after.cart_coords[:, :2] == pytest.approx(before.cart_coords[:, :2])
