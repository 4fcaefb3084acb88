import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_neutral, check_overlaps
from ionface.structures.crystals.library import crystal, material


def test_overlap_is_refused_across_the_border_of_the_cell():
    pair = Structure(Lattice.cubic(6), ["Li", "O"], [[0, 0, 0], [0, 0, 0.8333]])
    with pytest.raises(StructureError, match=r"1.00 Å apart.*; correct its cell"):
        check_overlaps(pair, "cell")
    with pytest.raises(StructureError, match="; widen the gap"):
        check_overlaps(pair, "interface", "widen the gap")
    apart = Structure(Lattice.cubic(6), ["Li", "O"], [[0, 0, 0], [0, 0, 0.67]])
    check_overlaps(apart, "cell")


@pytest.mark.parametrize("name", ["LiGe2(PO4)3", "Li6PS5Cl", "LiF", "Li", "P_black"])
def test_real_crystals_have_no_overlaps(name):
    check_overlaps(crystal(name), name)


def test_charged_cell_is_refused_and_its_ions_are_listed():
    entry = material("LiGe2(PO4)3")
    structure = crystal(entry.name)
    check_neutral(structure, entry.oxidation, "cell")
    structure.replace(
        next(i for i, s in enumerate(structure) if s.specie.symbol == "Ge"), "Al"
    )
    with pytest.raises(StructureError, match=r"charged cell: -1.00 e .*Al \+3"):
        check_neutral(structure, {**entry.oxidation, "Al": 3}, "cell")


def test_metals_are_neutral_without_oxidation_states():
    check_neutral(crystal("In"), {}, "metal")
