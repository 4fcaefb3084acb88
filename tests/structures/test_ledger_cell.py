"""Vacuum, dipoles, metals and order of sites."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.ledger_cell import (
    context,
    dipole_center,
    gap_along,
    has_metal,
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
def test_the_sheet_that_compensates_a_dipole_is_in_the_middle_of_the_vacuum(shift):
    # heavy atoms at one side: the center of mass would put it beside the other
    heights = np.array([0.1, 0.15, 0.3])
    lattice = Lattice.orthorhombic(3, 3, 30)
    coords = [[0.2, 0.5, z] for z in (heights + shift) % 1.0]
    slab = Structure(lattice, ["In", "In", "Li"], coords)
    sheet = (dipole_center(slab)[2] + 0.5) % 1.0
    away = (slab.frac_coords[:, 2] - sheet + 0.5) % 1.0 - 0.5
    assert np.abs(away).min() == pytest.approx(0.4, abs=1e-4)


def test_a_phase_of_metals_makes_an_interface_one_with_a_metal():
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0, 0, 0.7]]
    both = Structure(Lattice.cubic(9), ["Li", "F", "Li"], sites)
    assert not has_metal(both)
    both.add_site_property("phase", ["LiF", "LiF", "Li"])
    assert has_metal(both)
    assert not has_metal(Structure(Lattice.cubic(9), ["Ge"], [[0, 0, 0]]))
    assert context(Structure(Lattice.cubic(4), ["Li"], [[0, 0, 0]])).metal


def test_the_gap_is_measured_across_planes_in_a_skewed_cell():
    skewed = Lattice([[3, 0, 0], [0, 3, 0], [2, 1, 20]])
    one = Structure(skewed, ["Li"], [[0, 0, 0.4]])
    assert gap_along(one, 2) == pytest.approx(20.0)


def test_a_structure_that_says_nothing_is_judged_by_its_gap():
    thin = Structure(Lattice.cubic(4), ["Li"], [[0, 0, 0]])
    thick = Structure(Lattice.orthorhombic(4, 4, 25), ["Li"], [[0, 0, 0]])
    assert (context(thin).slab, context(thin).vacuum) == (False, 0.0)
    assert (context(thick).slab, context(thick).vacuum) == (True, 25.0)
    molecule = Structure(Lattice.cubic(12), ["Li", "H"], [[0, 0, 0], [0.1, 0, 0]])
    assert context(molecule).isolated
    assert not context(thick).isolated


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
