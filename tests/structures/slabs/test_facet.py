import numpy as np
import pytest

from ionface.structures.crystals.library import crystal, free_sites
from ionface.structures.slabs.cuts import all_cuts
from ionface.structures.slabs.facet import Facet

FACETS = [(1, 0, 0), (0, 0, 1), (1, 1, 0), (0, 1, 2)]
POLYANIONIC = ["LiGe2(PO4)3", "Li6PS5Cl", "Li10GeP2S12_ordered", "Li3PS4_gamma"]


@pytest.mark.parametrize("miller", FACETS)
@pytest.mark.parametrize("name", POLYANIONIC)
def test_one_repeat_holds_whole_formula_units(name, miller):
    structure = crystal(name)
    facet = Facet(structure, miller)
    symbols = [symbol for group in facet.groups for symbol in group.symbols]
    whole = structure.composition.get_el_amt_dict()
    counts = {element: symbols.count(element) for element in whole}
    ratios = {round(counts[e] / whole[e], 9) for e in whole}
    assert len(ratios) == 1
    volume = np.linalg.det(facet.frame.basis)
    assert len(symbols) / volume == pytest.approx(len(structure) / structure.volume)


def test_groups_repeat_the_crystal_they_come_from():
    structure = crystal("LiGe2(PO4)3")
    facet = Facet(structure, (0, 1, 2))
    turn = facet.frame.rotation
    for group in facet.groups[:8]:
        for symbol, offset in zip(group.symbols, group.offsets, strict=True):
            at = (group.center + offset) @ turn.T
            near = structure.get_sites_in_sphere(at, 1e-3)
            assert [n.specie.symbol for n in near] == [symbol]


def test_candidates_travel_along_but_never_cut():
    structure = crystal("LiGe2(PO4)3")
    plain = Facet(structure, (1, 0, 0))
    filled = Facet(structure, (1, 0, 0), free_sites("LiGe2(PO4)3", "Ge"))
    assert filled.centers.tolist() == plain.centers.tolist()
    assert [c.height for c in all_cuts(filled)] == [c.height for c in all_cuts(plain)]
    assert len(filled.groups) - len(plain.groups) == 36 // 3  # per primitive cell
