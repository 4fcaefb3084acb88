"""Polar cuts are told; compensated ones have no dipole and are still the crystal."""

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.checks import check_overlaps
from ionface.structures.groups import count_groups
from ionface.structures.interface import build_interface
from ionface.structures.slabs.crystal_layer import cut_slab, in_supercell, terminations
from ionface.structures.slabs.polarity import dipole, side_notes
from ionface.structures.slabs.slab import POLAR
from ionface.structures.specs import CrystalLayer, InterfaceSpec

CASES = [
    ("LiF", (1, 1, 1), [[2, 0], [0, 1]]),
    ("Li6PS5Cl", (1, 0, 0), [[1, 0], [0, 1]]),
    ("Li6PS5Cl", (1, 0, 0), [[1, 1], [-1, 1]]),
    ("LiTi2(PO4)3", (0, 0, 1), [[2, 0], [0, 1]]),
]


def sheet(material, miller, matrix, film, layers=4, compensate=True):
    layer = CrystalLayer(material, miller, layers=layers, compensate=compensate)
    return in_supercell(layer, cut_slab(layer), np.array(matrix), film)


@pytest.mark.parametrize("film", [True, False], ids=["film", "substrate"])
@pytest.mark.parametrize(("material", "miller", "matrix"), CASES)
def test_a_compensated_slab_has_no_dipole_however_thick(material, miller, matrix, film):
    for layers in (2, 5):
        cut, made = (
            sheet(material, miller, matrix, film, layers, c) for c in (False, True)
        )
        assert abs(dipole(cut.structure, cut.oxidation)) > 1
        assert abs(dipole(made.structure, made.oxidation)) < 0.05
        assert made.structure.composition == cut.structure.composition
        assert made.structure.cart_coords[:, 2].min() == pytest.approx(0)
        told, was = made.provenance, cut.provenance
        assert told["polar"] is False
        assert (was["tasker"], told["tasker"]) == (3, 2)
        assert told["termination"] == f"{was['termination']}, compensated"
        assert abs(was["dipole_e_per_angstrom"]) > POLAR
        assert abs(told["dipole_e_per_angstrom"]) < 1e-3
        assert abs(told["dipole_e_angstrom"]) < 0.05
        check_overlaps(made.structure, "slab")
        assert count_groups(made.structure) == count_groups(cut.structure)


def test_ions_that_cross_stand_where_the_crystal_would_go_on():
    """Each moved ion has the neighbors that its image in the bulk has on that side."""
    cut, made = (sheet(*CASES[1], film=False, compensate=c) for c in (False, True))
    told = made.provenance["compensated"]
    assert (told["element"], told["moved"], told["of"]) == ("Li", 1, 4)
    distances = made.structure.distance_matrix
    np.fill_diagonal(distances, np.inf)
    bulk = cut.structure.distance_matrix
    np.fill_diagonal(bulk, np.inf)
    lithium = [i for i, s in enumerate(made.structure) if s.specie.symbol == "Li"]
    nearest = distances[lithium].min(axis=1)
    assert nearest.min() >= bulk[lithium].min() - 1e-6


def test_what_whole_ions_cannot_cancel_is_refused_with_the_way_out():
    with pytest.raises(StructureError, match=r"0\.50 of 1 Li.* a wider cell"):
        sheet("LiTi2(PO4)3", (0, 0, 1), [[1, 0], [0, 1]], film=False)


def test_a_cut_without_a_dipole_stays_as_it_is():
    plain = sheet("LiF", (1, 0, 0), [[1, 0], [0, 1]], film=False)
    assert "compensated" not in plain.provenance


@pytest.mark.parametrize(
    ("material", "miller"), [("Li6PS5Cl", (1, 1, 0)), ("Li2S", (1, 1, 1)),
                             ("LiGe2(PO4)3", (1, 0, 0))],
)  # fmt: skip
def test_cuts_without_a_dipole_come_first_where_there_are_any(material, miller):
    found = [t.polar for t in terminations(material, miller) if not t.cut.moved]
    assert found == sorted(found)
    assert not found[0]


def test_a_polar_side_is_told_and_a_compensated_one_is_not():
    def notes(compensate):
        layer = CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=2, compensate=compensate)
        film = CrystalLayer("In", (0, 0, 1), layers=2)
        spec = InterfaceSpec("LPSCl|In", film, layer, max_strain=0.02, max_area=120)
        return build_interface(spec).notes()

    (note,) = notes(compensate=False)
    assert "moves as many terminating ions across as cancel the dipole" in note
    assert "Li6PS5Cl(100)" in note
    assert "compensate: true" in note
    assert notes(compensate=True) == []


def test_tables_tell_a_compensated_side_from_a_polar_one():
    def told(compensate):
        layer = CrystalLayer("LiF", (1, 1, 1), layers=2, compensate=compensate)
        film = CrystalLayer("Al", (1, 1, 1), layers=2)
        spec = InterfaceSpec("LiF|Al", film, layer, min_area=14)
        summary = build_interface(spec).summary()
        return summary["substrate"], summary["terminations"]["substrate"]

    (polar, cut), (described, label) = told(compensate=False), told(compensate=True)
    assert (cut, label) == ("Li/F", "Li/F, compensated")
    assert polar.endswith("Li/F")
    assert described.endswith("Li/F, compensated")


def test_a_side_beyond_whole_formula_units_is_told_with_its_formal_charge():
    made = sheet("LiF", (1, 1, 1), np.eye(2, dtype=int), film=False, compensate=False)
    (polar,) = side_notes({"substrate": made.provenance}, "LiF|Li")
    assert "is polar" in polar
    for termination, told in (
        ("Li/Li", "Li/Li holds +1 Li per surface cell beyond whole formula units, a "
                  "formal charge of +1 e,"),
        ("F/F", "F/F holds +1 F per surface cell beyond whole formula units, a formal "
                "charge of -1 e,"),
    ):  # fmt: skip
        layer = CrystalLayer(
            "LiF", (1, 1, 1), layers=2, symmetric=True, termination=termination
        )
        one = in_supercell(layer, cut_slab(layer), np.diag([2, 1]), film=False)
        (note,) = side_notes({"substrate": one.provenance}, "LiF|Li")
        assert told in note
    layer = CrystalLayer("LiF", (1, 0, 0), layers=2, symmetric=True)
    whole = in_supercell(layer, cut_slab(layer), np.eye(2, dtype=int), film=False)
    assert side_notes({"substrate": whole.provenance}, "LiF|Li") == []
