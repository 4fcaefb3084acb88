import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.crystals.library import crystal, material
from ionface.structures.slabs.facets import Facet
from ionface.structures.slabs.tasker import dipole_per_area, plane_charges, tasker_class
from ionface.structures.slabs.terminations import FacetSlabs

NACL = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
FLUORITE = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.463), ["Ca", "F"], [[0, 0, 0], [0.25, 0.25, 0.25]]
)
LAYERED = Structure.from_spacegroup(
    "R-3m",
    Lattice.hexagonal(2.816, 14.052),
    ["Li", "Co", "O"],
    [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.2605]],
)
PEROVSKITE = Structure.from_spacegroup(
    "Pm-3m",
    Lattice.cubic(3.905),
    ["Sr", "Ti", "O"],
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]],
)
RUTILE = Structure.from_spacegroup(
    "P4_2/mnm",
    Lattice.tetragonal(4.594, 2.959),
    ["Ti", "O"],
    [[0, 0, 0], [0.3053, 0.3053, 0]],
)
CHARGES = {"Na": 1, "Cl": -1, "Ca": 2, "F": -1, "Li": 1, "Co": 3, "O": -2, "Sr": 2,
           "Ti": 4}  # fmt: skip


def slabs(structure, miller):
    return FacetSlabs(structure, miller, oxidation=CHARGES)


@pytest.mark.parametrize(
    ("structure", "miller", "expected"),
    [
        (NACL, (1, 0, 0), 1),
        (NACL, (1, 1, 0), 1),
        (NACL, (1, 1, 1), 3),
        (FLUORITE, (1, 1, 1), 2),
        (FLUORITE, (1, 1, 0), 1),
        (FLUORITE, (1, 0, 0), 3),
        (LAYERED, (0, 0, 1), 3),
        (PEROVSKITE, (0, 0, 1), 1),
        (PEROVSKITE, (1, 1, 0), 3),
        (PEROVSKITE, (1, 1, 1), 3),
        (RUTILE, (1, 1, 0), 2),
    ],
)
def test_textbook_facets_have_their_class(structure, miller, expected):
    assert slabs(structure, miller).facet_class == expected


def test_corundum_basal_plane_is_the_textbook_example_of_class_two():
    alumina = Structure.from_spacegroup(
        "R-3c",
        Lattice.hexagonal(4.759, 12.991),
        ["Al", "O"],
        [[0, 0, 0.3522], [0.3064, 0, 0.25]],
    )
    found = FacetSlabs(alumina, (0, 0, 1), oxidation={"Al": 3, "O": -2})
    assert found.facet_class == 2
    # Al-O3-Al repeats: the cut between two Al planes alone has no dipole
    assert [t.tasker for t in found.terminations].count(2) == 1
    assert found.terminations[0].top == found.terminations[0].bottom == "Al"


@pytest.mark.parametrize(
    ("structure", "miller", "number"),
    [
        (PEROVSKITE, (0, 0, 1), 2),  # SrO and TiO2
        (PEROVSKITE, (1, 1, 0), 2),  # SrTiO and O2
        (PEROVSKITE, (1, 1, 1), 2),  # SrO3 and Ti
        (NACL, (1, 0, 0), 1),
        (NACL, (1, 1, 1), 2),
        (FLUORITE, (1, 1, 1), 3),  # F-F, and Ca-F seen from either side
        (LAYERED, (0, 0, 1), 4),  # O on Li, O on Co, Li, Co
        (RUTILE, (1, 1, 0), 3),  # bridging O, without it, in-plane TiO
    ],
)
def test_published_facets_have_their_number_of_terminations(structure, miller, number):
    assert len(slabs(structure, miller).terminations) == number


def test_termination_of_a_charged_plane_without_dipole_is_class_two():
    first, *others = slabs(FLUORITE, (1, 1, 1)).terminations
    assert first.top == first.bottom == "F"
    assert first.tasker == 2
    assert [one.tasker for one in others] == [3, 3]


def test_planes_carry_the_charges_of_their_ions():
    found = plane_charges(Facet(NACL, (1, 1, 1)), CHARGES)
    assert sorted(found) == pytest.approx([-1, 1])
    oxidation = material("LiGe2(PO4)3").oxidation
    basal = plane_charges(Facet(crystal("LiGe2(PO4)3"), (0, 0, 1)), oxidation)
    # Li+, Ge4+, (PO4)3 9-, Ge4+, twice
    assert sorted(basal) == pytest.approx([-9, -9, 1, 1, 4, 4, 4, 4])


def test_plane_on_the_border_of_a_repeat_is_not_split():
    # heights 0.02 and 0.98 of 5 Å are 0.2 Å apart: one neutral plane
    cell = Lattice.tetragonal(3.0, 5.0)
    crystal = Structure(cell, ["Na", "Cl"], [[0, 0, 0.02], [0.5, 0.5, 0.98]])
    assert plane_charges(Facet(crystal, (0, 0, 1)), CHARGES) == pytest.approx([0])


def test_dipole_is_charge_times_distance_over_area_and_class_follows_it():
    found = dipole_per_area(["Na", "Cl"], np.array([0.0, 2.5]), CHARGES, 10.0)
    assert found == pytest.approx(-0.25)
    assert tasker_class([0, 0], 0.0) == 1
    assert tasker_class([2, -2], 0.0) == 2
    assert tasker_class([2, -2], -0.25) == 3


def test_dipole_of_a_slab_is_that_of_its_ions():
    found = slabs(NACL, (1, 1, 1))
    slab = found.slab(found.terminations[0], 4)
    charges = np.array([CHARGES[site.specie.symbol] for site in slab.structure])
    moment = float(charges @ slab.structure.cart_coords[:, 2])
    assert slab.dipole_moment == pytest.approx(moment)
    assert slab.provenance["dipole_e_angstrom"] == pytest.approx(moment)
    # four layers of a plane +1 and a plane -1, half a spacing apart
    assert abs(moment) == pytest.approx(4 * 5.64 / 3**0.5 / 2)
