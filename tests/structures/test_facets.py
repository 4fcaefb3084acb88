import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from structures.crystals import crystal, free_sites
from structures.facets import Facet

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


def test_argyrodite_has_two_terminations_and_a_body_centered_metal_one():
    assert len(Facet(crystal("Li6PS5Cl"), (1, 0, 0)).cuts) == 2
    assert len(Facet(crystal("Li"), (1, 0, 0)).cuts) == 1
    assert len(Facet(crystal("LiF"), (1, 0, 0)).cuts) == 1


def test_polar_rock_salt_facet_ends_on_either_ion():
    assert len(Facet(crystal("LiF"), (1, 1, 1)).cuts) == 2


def test_no_cut_passes_through_a_center():
    for name in POLYANIONIC:
        facet = Facet(crystal(name), (1, 0, 0))
        heights = np.array([g.center[2] for g in facet.groups])
        for cut, gap in facet.cuts:
            away = (heights - cut) / facet.spacing
            away = np.abs(away - np.rint(away)) * facet.spacing
            assert away.min() == pytest.approx(gap / 2)


def test_candidates_travel_along_but_never_cut():
    structure = crystal("LiGe2(PO4)3")
    plain = Facet(structure, (1, 0, 0))
    filled = Facet(structure, (1, 0, 0), free_sites("LiGe2(PO4)3", "Ge"))
    assert filled.cuts == plain.cuts
    assert len(filled.groups) - len(plain.groups) == 36 // 3  # per primitive cell


def test_symmetry_drops_only_terminations_with_the_same_outer_side():
    # along the 3-fold axis of R-3c a glide relates cuts half a repeat apart
    facet = Facet(crystal("LiGe2(PO4)3"), (0, 0, 1))
    shifts = facet._height_shifts()
    assert any(abs(s - facet.spacing / 2) < 1e-3 for s in shifts)
    heights = [c for c, _ in facet.cuts]
    for a in heights:
        for b in heights:
            if a != b:
                assert abs((a - b) % (facet.spacing / 2)) > 0.05
    assert len(heights) == 4


def test_inversion_does_not_merge_terminations_that_face_opposite_ways():
    # planes Na Na Cl Cl; the inversion centers lie at z = 1/4, so inversion comes with
    # a translation of half the cell, which is no symmetry by itself
    crystal = Structure(
        Lattice.tetragonal(3.0, 12.0),
        ["Na", "Na", "Cl", "Cl"],
        [[0, 0, 0.15], [0, 0, 0.35], [0, 0, 0.65], [0, 0, 0.85]],
    )
    heights = [height / 12 for height, _ in Facet(crystal, (0, 0, 1)).cuts]
    assert heights == pytest.approx([0.0, 0.25, 0.5, 0.75], abs=1e-9)
