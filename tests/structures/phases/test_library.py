"""The phase library: every cell is what its line says, and says where it is from."""

import math

import pytest
from pymatgen.core import Composition, Element
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from ionface.errors import StructureError
from ionface.structures.phases.library import (
    competing,
    known_phases,
    library,
    phase,
    system_remarks,
)

CELLS = [name for name, each in library().items() if each.crystal is None]
SYSTEMS = {
    "Li-In": {"Li5In4", "Li3In2", "Li13In3"},
    "Li-Sn": {"Li2Sn5", "Li7Sn3", "Li5Sn2", "Li13Sn5", "Li17Sn4"},
    "Li-Ga": {"Li3Ga2", "LiGa"},
    "Li-Ge": {"LiGe", "Li9Ge4", "Li7Ge2", "Li17Ge4"},
    "Li-Al": {"Li3Al2", "Li9Al4"},
    "Li-P-S-Cl-In": {
        "LiP",
        "Li3P7",
        "LiPS3",
        "Li7P3S11",
        "Li6PS5Cl",
        "LiInS2",
        "Li3InCl6",
    },
    "Li-Al-Ge-P-O": {"P2O5", "Al2O3", "Li4P2O7", "LiGe2(PO4)3"},
    "Li-Al-Ti-P-O": {"TiO2", "TiPO4", "LiTi2(PO4)3", "LiTiPO5"},
    "Li-Ge-P-S": {"Li10Ge(PS6)2", "Li4GeS4"},
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_what_its_line_says(name):
    each = phase(name)
    structure = each.structure()
    assert structure.composition.reduced_formula == each.formula
    charge = sum(each.oxidation[e.symbol] * n for e, n in structure.composition.items())
    assert charge == pytest.approx(0.0, abs=1e-4 * len(structure))
    assert each.oxidation.keys() == each.elements
    number = SpacegroupAnalyzer(structure, symprec=0.1).get_space_group_number()
    assert number == each.spacegroup
    assert each.licence in ("CC-BY 4.0", "published facts")
    assert each.source


@pytest.mark.parametrize("name", CELLS)
def test_no_two_atoms_of_a_cell_are_too_close(name):
    structure = phase(name).structure()
    for i, j, _, distance in zip(*structure.get_neighbor_list(2.6), strict=True):
        if i < j:
            first, second = structure[i].specie, structure[j].specie
            sizes = (first.atomic_radius or 1.0) + (second.atomic_radius or 1.0)
            # covalent P-O and S-O are the shortest that there are, at three quarters
            assert distance > 0.68 * min(sizes, 3.0), (first, second, distance)
    volume = structure.volume / len(structure)
    assert 5.0 < volume < 40.0 or len(structure.composition) == 1


@pytest.mark.parametrize(("system", "expected"), SYSTEMS.items())
def test_a_system_has_its_observed_phases(system, expected):
    found = {each.formula for each in competing(system.split("-"))}
    assert expected <= found
    assert {Composition(e).reduced_formula for e in system.split("-")} <= found


def test_elements_come_first():
    first = competing(["Li", "In"])[:2]
    assert [each.formula for each in first] == ["In", "Li"]


def test_an_unknown_polymorph_is_answered_with_those_there_are():
    with pytest.raises(
        StructureError, match=r"of this formula there are .*TiO2_mp-390"
    ):
        phase("TiO2")


def test_known_phases_are_formulas_of_known_elements():
    for formula in known_phases():
        composition = Composition(formula)
        assert all(isinstance(e, Element) for e in composition.elements)
        assert not math.isnan(composition.num_atoms)
    assert len({Composition(f).reduced_formula for f in known_phases()}) == len(
        known_phases()
    )


def test_observed_cells_are_known_phases():
    known = {Composition(f).reduced_formula for f in known_phases()}
    cells = {p.formula for p in library().values() if p.observed and p.crystal is None}
    assert cells <= known


def test_where_energies_fail_is_remarked():
    assert "0.43 V" in system_remarks()["Li-Zn"]
