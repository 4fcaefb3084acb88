from operator import not_

import numpy as np
import pytest
from pymatgen.core.surface import SlabGenerator

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal, material
from ionface.structures.groups import count_groups, whole_groups
from ionface.structures.slabs.slab import turned_over
from ionface.structures.slabs.terminations import FacetSlabs


def terminations(crystal, miller, layers=1, *more, **options):
    return FacetSlabs(crystal, miller, *more, **options).slabs(layers)


ALL = [
    ("LiGe2(PO4)3", (1, 0, 0)),
    ("LiGe2(PO4)3", (0, 0, 1)),
    ("LiGe2(PO4)3", (0, 1, 2)),
    ("Li6PS5Cl", (1, 0, 0)),
    ("Li6PS5Cl", (1, 1, 0)),
    ("Li10GeP2S12_ordered", (1, 0, 0)),
    ("Li10GeP2S12_ordered", (0, 0, 1)),
    ("Li3PS4_beta", (0, 1, 0)),
    ("LiF", (1, 1, 1)),
    ("In", (0, 0, 1)),
]


def cut(name, miller, layers=2):
    oxidation = material(name).oxidation
    return terminations(crystal(name), miller, layers, name, "", oxidation)


@pytest.mark.parametrize(("name", "miller"), ALL)
def test_every_termination_is_stoichiometric_with_all_polyanions_whole(name, miller):
    bulk = crystal(name)
    rule = whole_groups(bulk, miller=miller).rule
    slabs = cut(name, miller)
    for slab in slabs:
        ours = slab.structure.composition
        assert ours.reduced_formula == bulk.composition.reduced_formula
        share = len(slab.structure) / len(bulk)
        groups = {k: n * share for k, n in count_groups(bulk).items()}
        assert count_groups(slab.structure, rule) == pytest.approx(groups)
    assert len({slab.label for slab in slabs}) == len(slabs)
    assert [slab.termination for slab in slabs] == list(range(len(slabs)))


@pytest.mark.parametrize(("name", "miller"), ALL)
def test_each_layer_adds_one_repeat_and_keeps_the_density(name, miller):
    thin, thick = (cut(name, miller, n)[0] for n in (2, 5))
    assert thick.thickness - thin.thickness == pytest.approx(3 * thin.repeat)
    per_layer = len(thin.structure) / 2
    assert len(thick.structure) == 5 * per_layer
    bulk = crystal(name)
    assert per_layer / (thin.area * thin.repeat) == pytest.approx(
        len(bulk) / bulk.volume
    )


@pytest.mark.parametrize(("name", "miller"), ALL)
def test_layers_are_copies_of_each_other_one_repeat_apart(name, miller):
    slab = cut(name, miller, 3)[0]
    layers = [[], [], []]
    for site in slab.structure:
        layer = site.properties["layer"]
        height = round(site.z - layer * slab.repeat, 4) + 0.0
        layers[layer].append((site.specie.symbol, height))
    elements = [[symbol for symbol, _ in sorted(layer)] for layer in layers]
    heights = [[height for _, height in sorted(layer)] for layer in layers]
    assert elements[0] == elements[1] == elements[2]
    assert heights[1] == pytest.approx(heights[0], abs=2e-4)
    assert heights[2] == pytest.approx(heights[0], abs=2e-4)


def test_inside_of_a_slab_looks_like_the_bulk():
    bulk = crystal("Li6PS5Cl")
    slab = cut("Li6PS5Cl", (1, 0, 0), 6)[0].structure
    middle = slab.cart_coords[:, 2].max() / 2
    inner = [s for s in slab if s.specie.symbol == "P" and abs(s.z - middle) < 4]
    reference = sorted(
        round(n.nn_distance, 3)
        for n in bulk.get_neighbors(
            next(s for s in bulk if s.specie.symbol == "P"), 5.0
        )
    )
    assert inner
    for site in inner:
        around = sorted(round(n.nn_distance, 3) for n in slab.get_neighbors(site, 5.0))
        assert around == pytest.approx(reference, abs=2e-3)


def test_slab_lies_in_the_plane_with_its_normal_along_z_and_vacuum_above():
    slab = cut("LiGe2(PO4)3", (1, 0, 0))[0]
    matrix = slab.structure.lattice.matrix
    assert matrix[0, 1:] == pytest.approx([0, 0])
    assert matrix[1, 2] == pytest.approx(0)
    assert matrix[2] == pytest.approx([0, 0, slab.thickness + 20])
    assert slab.structure.cart_coords[:, 2].min() == pytest.approx(0)
    assert np.linalg.det(matrix) > 0


@pytest.mark.parametrize("miller", [(1, 0, 0), (1, 1, 0), (1, 1, 1)])
def test_metal_slab_is_the_one_that_pymatgen_cuts(miller):
    bulk = crystal("Li")
    ours = cut("Li", miller, 6)[0]
    generator = SlabGenerator(bulk, miller, ours.thickness, 20, primitive=True)
    theirs = generator.get_slabs()[0]
    per_plane = len(ours.structure) / 6 / ours.area
    heights = np.sort(theirs.cart_coords @ theirs.normal)
    distinct = heights[np.insert(np.diff(heights) > 0.1, 0, True)]
    area = theirs.surface_area
    assert len(theirs) / len(distinct) / area == pytest.approx(per_plane)
    assert np.diff(distinct) == pytest.approx(ours.repeat)


def test_argyrodite_terminations_are_the_sulfur_and_the_phosphorus_side():
    slabs = [slab for slab in cut("Li6PS5Cl", (1, 0, 0)) if slab.plain]
    tops = {slab.top: slab for slab in slabs}
    assert set(tops) == {"Li4S", "Li2PS4Cl"}
    # layer charges ±2 e per a²/2, a/4 apart: both are polar, in opposite senses
    a = 9.8603
    expected = 2 * (a / 4) / (a**2 / 2)
    assert abs(tops["Li4S"].dipole) == pytest.approx(expected, rel=1e-6)
    assert tops["Li4S"].dipole == pytest.approx(-tops["Li2PS4Cl"].dipole)
    assert all(slab.polar for slab in tops.values())


def test_dipole_per_layer_does_not_depend_on_thickness():
    two, six = (cut("LiF", (1, 1, 1), n)[0].dipole for n in (2, 6))
    assert two == pytest.approx(six)
    assert abs(two) > 0.1
    assert not cut("LiF", (1, 0, 0))[0].polar


def test_least_polar_plain_termination_comes_first():
    for name, miller in ALL:
        slabs = cut(name, miller, 1)
        dipoles = [round(abs(s.dipole), 3) for s in slabs if s.plain]
        assert dipoles == sorted(dipoles)
        assert [s.plain for s in slabs] == sorted((s.plain for s in slabs), key=not_)


def test_turned_over_slab_shows_its_top_below_and_keeps_all_distances():
    slab = cut("LiGe2(PO4)3", (0, 1, 2), 2)[0].structure
    turned = turned_over(slab)
    assert np.linalg.det(turned.lattice.matrix) > 0
    top = slab[int(np.argmax(slab.cart_coords[:, 2]))].specie.symbol
    low = int(np.argmin(turned.cart_coords[:, 2]))
    assert turned[low].specie.symbol == top
    assert turned.site_properties["layer"][low] == 0
    assert turned.distance_matrix == pytest.approx(slab.distance_matrix, abs=1e-8)
    # a rotation, no mirror: the signed volume of any four atoms stays
    four = slab.cart_coords[[0, 30, 40, 60]]
    same = turned.cart_coords[[0, 30, 40, 60]]
    before, after = (np.linalg.det(x[1:] - x[0]) for x in (four, same))
    assert before == pytest.approx(after)
    again = turned_over(turned)
    assert again.lattice.matrix == pytest.approx(slab.lattice.matrix)


@pytest.mark.parametrize("layers", [0, -1, 501])
def test_impossible_number_of_layers_is_refused(layers):
    with pytest.raises(StructureError, match="layers must be 1 to 500"):
        terminations(crystal("Li"), (1, 0, 0), layers)


def test_disordered_crystal_is_refused():
    disordered = crystal("Li6PS5Cl_exp_disordered")
    with pytest.raises(StructureError, match="partly occupied"):
        terminations(disordered, (1, 0, 0))
