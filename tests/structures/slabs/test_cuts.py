import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal, material
from ionface.structures.groups import count_groups
from ionface.structures.slabs.crystal_layer import cut_slab, in_supercell
from ionface.structures.slabs.cuts import all_cuts, distinct_cuts, gaps, normal_form
from ionface.structures.slabs.facet import Facet, actions
from ionface.structures.slabs.terminations import FacetSlabs
from ionface.structures.specs import CrystalLayer


def terminations(crystal, miller, layers=1, *more, **options):
    return FacetSlabs(crystal, miller, *more, **options).slabs(layers)


POLYANIONIC = ["LiGe2(PO4)3", "Li6PS5Cl", "Li10GeP2S12_ordered", "Li3PS4_gamma"]
FACETS = [
    ("LiGe2(PO4)3", (1, 0, 0)),
    ("LiGe2(PO4)3", (0, 0, 1)),
    ("Li6PS5Cl", (1, 0, 0)),
    ("LiF", (1, 1, 1)),
    ("Li2O", (1, 1, 1)),
    ("GeO2", (1, 1, 0)),
    ("Li3PS4_beta", (0, 1, 0)),
    ("LiAlO2_alpha", (0, 0, 1)),
    ("In", (0, 0, 1)),
]


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
    # planes Na Na O O; the inversion centers lie at z = 1/4, so inversion comes with
    # a translation of half the cell, which is no symmetry by itself
    crystal = Structure(
        Lattice.tetragonal(3.0, 12.0),
        ["Na", "Na", "O", "O"],
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


def symmetric(name, miller, layers=2):
    oxidation = material(name).oxidation
    return terminations(
        crystal(name), miller, layers, name, oxidation=oxidation, symmetric=True
    )


@pytest.mark.parametrize(("name", "miller"), FACETS)
def test_an_operation_of_the_slab_itself_turns_it_over(name, miller):
    for slab in symmetric(name, miller):
        analyzer = SpacegroupAnalyzer(slab.structure, symprec=0.05)
        rotations = [
            o.rotation_matrix for o in analyzer.get_symmetry_operations(cartesian=True)
        ]
        assert any(r[2, 2] < -0.99 for r in rotations), slab.label
        assert slab.top == slab.bottom
        assert slab.operation
        assert not slab.polar


@pytest.mark.parametrize(("name", "miller"), FACETS)
def test_polyanions_are_whole_and_the_excess_is_what_it_says(name, miller):
    unit = crystal(name).composition.reduced_composition.get_el_amt_dict()
    for slab in symmetric(name, miller):
        count_groups(slab.structure)
        counts = slab.structure.composition.get_el_amt_dict()
        units = {
            (counts[e] - slab.excess.get(e, 0)) / number for e, number in unit.items()
        }
        assert len(units) == 1
        charge = sum(material(name).oxidation.get(e, 0) * n for e, n in counts.items())
        assert slab.charge == pytest.approx(charge)
        assert slab.stoichiometric == (not slab.excess)
        assert slab.provenance["excess_per_surface_cell"] == slab.excess


def test_known_slabs_are_stoichiometric_or_have_one_ion_too_many():
    def found(*facet):
        return {s.top: s.excess for s in symmetric(*facet) if s.plain}

    assert found("LiF", (1, 1, 1)) == {"Li": {"Li": 1}, "F": {"F": 1}}
    assert found("LiF", (1, 0, 0)) == {"LiF": {}}
    assert symmetric("GeO2", (1, 1, 0))[0].excess == {}
    assert symmetric("LiGe2(PO4)3", (1, 0, 0))[0].excess == {}


def test_half_repeats_are_used_where_they_hold_whole_formula_units():
    # AABB planes related by a glide: a repeat and a half is as symmetric as none
    slab = terminations(crystal("Zn"), (0, 0, 1), 2, symmetric=True)[0]
    assert slab.stoichiometric
    heights = np.unique(slab.structure.cart_coords[:, 2].round(3))
    assert len(heights) >= 4


@pytest.mark.parametrize(("name", "miller"), FACETS)
def test_slab_has_at_least_the_layers_that_were_asked_for(name, miller):
    found = FacetSlabs(crystal(name), miller, symmetric=True)
    for one in found.terminations:
        for layers in (1, 2, 5):
            repeats = found.bounds(one, layers).repeats(found.facet)
            assert layers - 1e-6 <= repeats < layers + 1 + 1e-6


def test_crystal_that_nothing_turns_over_has_no_symmetric_slab():
    # two unlike planes in P4mm
    polar = Structure(
        Lattice.tetragonal(3, 6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.3]]
    )
    with pytest.raises(StructureError, match="turns it over"):
        terminations(polar, (0, 0, 1), symmetric=True)
    # though its sides do turn over
    assert terminations(polar, (1, 0, 0), symmetric=True)[0].operation


def test_layer_asks_for_it_and_the_sheet_states_its_charge():
    layer = CrystalLayer("LiF", (1, 1, 1), thickness=10.0, symmetric=True)
    slab = cut_slab(layer)
    assert slab.thickness >= 10
    sheet = in_supercell(layer, slab, np.diag([2, 2]), film=True)
    assert sheet.charge == pytest.approx(4)
    assert sheet.provenance["excess_per_surface_cell"] == {"Li": 1}
    assert sheet.provenance["symmetric"] == "inversion"
