"""Vacuum, centers of mass and order of sites."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.ledger_cell import (
    center_of_mass,
    context,
    gap_along,
    movable,
    poscar_order,
    with_context,
)


@pytest.fixture
def slab():
    """Four atoms in a cell with 21 Å of vacuum, Ag and Al in turn."""
    species = ["Ag", "Al", "Ag", "Al"]
    coords = [[0, 0, 1], [0, 0, 3], [0, 0, 5], [0, 0, 7]]
    return Structure(
        Lattice.orthorhombic(4, 4, 27),
        species,
        coords,
        coords_are_cartesian=True,
        site_properties={"fixed": [True, False, False, False]},
    )


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.85])
def test_the_center_of_mass_moves_with_a_slab_across_the_border(shift):
    heights = np.array([0.1, 0.2, 0.3])
    expected = float((0.2 + shift) % 1.0)
    lattice = Lattice.orthorhombic(3, 3, 30)
    coords = [[0.5, 0.5, z] for z in (heights + shift) % 1.0]
    center = center_of_mass(Structure(lattice, ["Li"] * 3, coords))
    assert center == pytest.approx([0.5, 0.5, expected], abs=1e-4)


def test_the_center_of_mass_weighs_atoms_by_their_mass():
    lattice = Lattice.orthorhombic(3, 3, 30)
    pair = Structure(lattice, ["H", "O"], [[0, 0, 0.1], [0, 0, 0.2]])
    expected = (0.1 * 1.008 + 0.2 * 15.999) / (1.008 + 15.999)
    assert center_of_mass(pair)[2] == pytest.approx(expected, abs=1e-4)


def test_the_gap_is_measured_across_planes_in_a_skewed_cell():
    skewed = Lattice([[3, 0, 0], [0, 3, 0], [2, 1, 20]])
    one = Structure(skewed, ["Li"], [[0, 0, 0.4]])
    assert gap_along(one, 2) == pytest.approx(20.0)


def test_a_structure_that_says_nothing_is_judged_by_its_gap():
    thin = Structure(Lattice.cubic(4), ["Li"], [[0, 0, 0]])
    thick = Structure(Lattice.orthorhombic(4, 4, 25), ["Li"], [[0, 0, 0]])
    assert (context(thin).slab, context(thin).vacuum) == (False, 0.0)
    assert (context(thick).slab, context(thick).vacuum) == (True, 25.0)


def test_a_slab_of_a_sandwich_has_no_vacuum_of_its_own(slab):
    told = {"part": "film", "cell": slab.lattice.matrix.tolist(), "vacuum": 0.0}
    assert context(with_context(slab, **told)).vacuum == 0.0
    assert context(slab).vacuum > 15  # although its cell is half empty


def test_sites_are_sorted_by_species_and_keep_their_order_within(slab):
    order = poscar_order(slab)
    symbols = [slab[int(i)].specie.symbol for i in order]
    assert symbols == ["Al", "Al", "Ag", "Ag"]  # 1.61 before 1.93
    assert order.tolist() == [1, 3, 0, 2]


def test_only_fixed_sites_do_not_move(slab):
    assert movable(slab).tolist() == [False, True, True, True]
    slab.remove_site_property("fixed")
    assert movable(slab).all()
