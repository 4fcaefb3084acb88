"""What a study is told about its settings before it runs."""

import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import with_context
from ionface.workflows.engines.vasp.incar import PlaneWaves
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.planning.advice import check_elements, notes
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings


def run(*symbols, metal=True, molecule=None):
    """Return a run of an interface of these atoms."""
    sites = [[0, 0, i / 10] for i in range(len(symbols))]
    cell = Structure(Lattice.orthorhombic(4, 4, 30), symbols, sites)
    if molecule is not None:
        cell.add_site_property("molecule", molecule)
    told = {"part": "interface", "cell": cell.lattice.matrix, "vacuum": 20.0}
    structure = with_context(cell, **told, metal=metal)
    return VaspRun(PlaneWaves(LI_2024, VaspSettings()), structure, {}, None)


@pytest.mark.parametrize(
    ("incar", "symbols", "metal", "told"),
    [
        ({}, ["Li", "Ti", "O"], True, True),
        ({"ISPIN": 2}, ["Li", "Ti", "O"], True, False),
        ({"LDAUU": {"Ti": 4.2}}, ["Li", "Ti", "O"], True, False),
        ({}, ["Li", "Ti", "O"], False, False),
        ({}, ["Li", "Ti"], True, False),
        ({}, ["Li", "Al", "O"], True, False),
    ],
)
def test_shells_that_a_metal_may_open_are_offered_a_u(incar, symbols, metal, told):
    found = notes(VaspSettings(incar=incar), [run(*symbols, metal=metal)])
    assert len(found) == told
    if told:
        assert "LDAUU: {Ti: 4.2}, MAGMOM: {Ti: 1}" in found[0]


@pytest.mark.parametrize(
    ("incar", "symbols", "told"),
    [
        ({}, ["O", "O"], True),
        ({"ISPIN": 2}, ["O", "O"], False),
        ({}, ["Li", "O"], False),
    ],
)
def test_pure_oxygen_needs_open_shells(incar, symbols, told):
    found = notes(VaspSettings(incar=incar), [run(*symbols, metal=False)])
    assert [("triplet" in note) for note in found] == [True] * told


@pytest.mark.parametrize(
    ("settings", "molecule", "metal", "told"),
    [
        ({}, [-1, 0], True, True),
        ({"dispersion": "D3(BJ)"}, [-1, 0], True, False),
        ({}, [-1, 0], False, False),
        ({}, [-1, -1], True, False),
        ({}, None, True, False),
    ],
)
def test_a_molecule_on_a_metal_is_noted_without_dispersion(
    settings, molecule, metal, told
):
    runs = [run("Li", "C", metal=metal, molecule=molecule)] * 2
    found = notes(VaspSettings(**settings), runs)
    assert len(found) == told
    if told:
        assert "dispersion: D3(BJ)" in found[0]


def test_an_element_that_no_cell_holds_is_refused_and_those_that_are_there_told():
    settings = VaspSettings(incar={"MAGMOM": {"Ti": 1}})
    with pytest.raises(IonfaceError, match=r"MAGMOM names Ti.*hold Al, Li, O"):
        check_elements(settings, [run("Li"), run("Al", "O")])
    check_elements(settings, [run("Ti", "O")])
    check_elements(settings, [])  # a study without VASP
