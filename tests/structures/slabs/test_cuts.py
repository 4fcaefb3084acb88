import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.crystals.library import crystal
from ionface.structures.slabs.cuts import all_cuts, distinct_cuts, gaps, normal_form
from ionface.structures.slabs.facets import Facet
from ionface.structures.slabs.slab_symmetry import actions

POLYANIONIC = ["LiGe2(PO4)3", "Li6PS5Cl", "Li10GeP2S12_ordered", "Li3PS4_gamma"]


def cuts(name, miller):
    facet = Facet(crystal(name), miller)
    return distinct_cuts(facet, actions(facet))


def plain(name, miller):
    return [cut for cut in cuts(name, miller) if cut.plain]


def test_argyrodite_has_two_plain_terminations_and_a_body_centered_metal_one():
    assert len(plain("Li6PS5Cl", (1, 0, 0))) == 2
    assert len(cuts("Li", (1, 0, 0))) == 1
    assert len(cuts("LiF", (1, 0, 0))) == 1


def test_polar_rock_salt_facet_ends_on_either_ion():
    assert len(cuts("LiF", (1, 1, 1))) == 2


@pytest.mark.parametrize("name", POLYANIONIC)
def test_plain_cut_lies_in_the_middle_of_a_gap_between_centers(name):
    facet = Facet(crystal(name), (1, 0, 0))
    for cut in plain(name, (1, 0, 0)):
        away = (facet.centers[:, 2] - cut.height) / facet.spacing
        away = np.abs(away - np.rint(away)) * facet.spacing
        assert away.min() == pytest.approx(cut.gap / 2)


@pytest.mark.parametrize("name", POLYANIONIC)
def test_atoms_are_where_the_cut_wants_them_and_groups_on_one_side(name):
    # image k of a group lies below if k <= below; single atoms go by their height, and
    # a polyanion only where part of it is
    facet = Facet(crystal(name), (1, 0, 0))
    for cut in all_cuts(facet):
        for index, below in zip(facet.atoms, cut.below, strict=True):
            group = facet.groups[index]
            z = group.center[2] + group.offsets[:, 2]
            last, first = z + below * facet.spacing, z + (below + 1) * facet.spacing
            assert last.min() < cut.height < first.max()
            if len(z) == 1:
                assert last[0] < cut.height < first[0]


def test_polyanions_at_a_cut_go_to_either_side_of_it():
    found = cuts("Li6PS5Cl", (1, 0, 0))
    # Cl, Li, (Li4 S), Li follow each other; PS4 sits at Cl and reaches past both Li, so
    # in each of the four gaps it may be above or below
    assert len(found) == 8
    assert sum(cut.moved > 0 for cut in found) == 4
    # PO4 of the basal plane reaches past one Ge on either side: two more than the four
    assert len(cuts("LiGe2(PO4)3", (0, 0, 1))) == 6
    keys = [cut.key for cut in found]
    assert len(set(keys)) == len(keys)


def test_symmetry_drops_only_terminations_with_the_same_outer_side():
    # along the 3-fold axis of R-3c a glide relates cuts half a repeat apart
    facet = Facet(crystal("LiGe2(PO4)3"), (0, 0, 1))
    every = [cut for cut in all_cuts(facet) if cut.plain]
    assert len(every) == 8
    kept = plain("LiGe2(PO4)3", (0, 0, 1))
    assert len(kept) == 4
    for first in kept:
        for second in kept:
            apart = (first.height - second.height) % (facet.spacing / 2)
            assert first is second or min(apart, facet.spacing / 2 - apart) > 0.05


def test_inversion_does_not_merge_terminations_that_face_opposite_ways():
    # planes Na Na Cl Cl; the inversion centers lie at z = 1/4, so inversion comes with
    # a translation of half the cell, which is no symmetry by itself
    crystal = Structure(
        Lattice.tetragonal(3.0, 12.0),
        ["Na", "Na", "Cl", "Cl"],
        [[0, 0, 0.15], [0, 0, 0.35], [0, 0, 0.65], [0, 0, 0.85]],
    )
    facet = Facet(crystal, (0, 0, 1))
    found = distinct_cuts(facet, actions(facet))
    heights = [cut.height / 12 for cut in found]
    assert heights == pytest.approx([0.0, 0.25, 0.5, 0.75], abs=1e-9)


@pytest.mark.parametrize("name", ["Li6PS5Cl", "LiGe2(PO4)3", "LiF", "In2S3"])
def test_no_listed_cut_is_the_image_of_another_and_every_cut_is_of_a_listed_one(name):
    facet = Facet(crystal(name), (1, 0, 0))
    upright = [a for a in actions(facet) if not a.turns]
    kept = distinct_cuts(facet, upright)
    orbits = [{normal_form(a.image(c.below)) for a in upright} for c in kept]
    for i, first in enumerate(orbits):
        for second in orbits[i + 1 :]:
            assert not first & second
    assert all(any(cut.key in orbit for orbit in orbits) for cut in all_cuts(facet))


def test_gap_across_the_border_of_the_period_counts_once():
    assert gaps(np.array([0.1, 0.105, 2.0]), 4.0) == [
        (pytest.approx(1.0525), pytest.approx(1.895)),
        (pytest.approx(3.05), pytest.approx(2.1)),
    ]
    assert gaps(np.array([1.0]), 3.0) == [(pytest.approx(2.5), pytest.approx(3.0))]
