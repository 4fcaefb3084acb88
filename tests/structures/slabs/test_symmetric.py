import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from ionface.errors import StructureError
from ionface.structures.checks import count_polyanions
from ionface.structures.crystals.library import crystal, material
from ionface.structures.slabs.crystal_layer import cut_slab, in_supercell
from ionface.structures.slabs.terminations import FacetSlabs, terminations
from ionface.structures.specs import CrystalLayer

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
        count_polyanions(slab.structure)
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
