import numpy as np
import pytest
from ase.build import bulk, fcc111
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal, setting
from ionface.structures.interface import build_interface
from ionface.structures.slabs.crystal_layer import (
    cut_slab,
    facet_slabs,
    in_supercell,
    repeated,
    terminations,
)
from ionface.structures.specs import CrystalLayer, Doping, InterfaceSpec, SlabLayer

LAGP = CrystalLayer(
    "LiGe2(PO4)3", (1, 0, 0), layers=3, doping=Doping("Al", "Ge", 0.5), name="LAGP"
)


@pytest.mark.parametrize(
    ("layer", "repeat", "atoms"),
    [
        (CrystalLayer("Li", (1, 0, 0), layers=5), 3.51 / 2, 5),
        (CrystalLayer("In", (0, 0, 1), layers=12), 4.9463 / 2, 12),
        (CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=6), 9.8603 / 2, 78),
        (CrystalLayer("LiGe2(PO4)3", (1, 0, 0), layers=5), 8.275 * 3**0.5 / 6, 180),
    ],
)
def test_layers_count_the_smallest_repeats(layer, repeat, atoms):
    slab = cut_slab(layer)
    assert slab.repeat == pytest.approx(repeat)
    assert len(slab.structure) == atoms
    assert set(slab.structure.site_properties["layer"]) == set(range(layer.layers))


@pytest.mark.parametrize("thickness", [0.1, 3.0, 10.0, 12.3])
@pytest.mark.parametrize("name", ["Li", "LiF", "Li6PS5Cl"])
def test_thickness_takes_as_few_layers_as_reach_it(name, thickness):
    slab = cut_slab(CrystalLayer(name, (1, 0, 0), thickness=thickness))
    assert slab.thickness >= thickness - 1e-6
    assert slab.layers == 1 or slab.thickness - slab.repeat < thickness


@pytest.mark.parametrize("wanted", [1, "Li4S/Li2PS4Cl", "Li4S"])
def test_termination_is_chosen_by_index_label_or_top(wanted):
    layer = CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=3, termination=wanted)
    slab = cut_slab(layer)
    assert slab.label == "Li4S/Li2PS4Cl"
    top = np.argmax(slab.structure.cart_coords[:, 2])
    assert slab.structure[int(top)].specie.symbol in ("S", "Li")


@pytest.mark.parametrize("wanted", [8, -1, "Cl", ""])
def test_unknown_termination_lists_those_that_exist(wanted):
    layer = CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=1, termination=wanted)
    with pytest.raises(StructureError, match="0: Li2PS4Cl/Li4S, 1: Li4S/Li2PS4Cl"):
        cut_slab(layer)


@pytest.mark.parametrize(
    ("layers", "thickness", "message"),
    [
        (None, None, "not neither"),
        (2, 5.0, "not both"),
        (0, None, "layers=0"),
        (10_000, None, "layers=10000"),
        (None, -1.0, "thickness=-1.0"),
        (None, 1e6, "thickness=1000000.0"),
        (None, float("nan"), "thickness=nan"),
    ],
)
def test_impossible_thickness_is_refused(layers, thickness, message):
    with pytest.raises(StructureError, match=message):
        cut_slab(CrystalLayer("Li", (1, 0, 0), thickness, layers))


def test_disordered_material_names_the_ordered_ones():
    with pytest.raises(StructureError, match=r"partly occupied.*LiGe2"):
        cut_slab(CrystalLayer("LAGP_disordered", (1, 0, 0), layers=1))


def test_supercell_keeps_the_slab_and_lies_along_x():
    slab = cut_slab(CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=1))
    larger = repeated(slab.structure, np.array([[1, 1], [-1, 1]]))
    assert len(larger) == 2 * len(slab.structure)
    assert larger.lattice.matrix[:2] == pytest.approx(
        9.8603 * np.array([[1, 0, 0], [0, 1, 0]]), abs=1e-6
    )
    first = sorted(
        n.nn_distance for n in slab.structure.get_neighbors(slab.structure[5], 6)
    )
    same = slab.structure[5].z
    twin = next(
        s
        for s in larger
        if s.specie == slab.structure[5].specie and abs(s.z - same) < 1e-6
    )
    again = sorted(n.nn_distance for n in larger.get_neighbors(twin, 6))
    assert again == pytest.approx(first, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("film", [False, True])
@pytest.mark.parametrize("size", [1, 2])
def test_doping_fills_the_supercell_as_close_to_x_as_it_can(film, size):
    slab = cut_slab(LAGP)
    sheet = in_supercell(LAGP, slab, np.diag([size, 1]), film)
    counts = sheet.structure.composition.get_el_amt_dict()
    units = 6 * size
    assert counts["Al"] == round(0.5 * units)
    assert counts["Ge"] + counts["Al"] == 2 * units
    assert counts["Li"] == units + counts["Al"]
    assert "X" not in counts
    assert sheet.oxidation["Al"] == 3
    assert sheet.provenance["doping"]["x"] == pytest.approx(0.5)
    assert all(
        isinstance(layer, int) for layer in sheet.structure.site_properties["layer"]
    )


def test_undoped_layer_has_no_candidates():
    assert not len(
        cut_slab(CrystalLayer("LiGe2(PO4)3", (1, 0, 0), layers=1)).candidates
    )


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 1], [2, 2]], "determinant 0: its vectors are dependent"),
        (
            [[51, 0], [0, 50]],
            r"would have 5,100 atoms .* above 5,000; make it thinner",
        ),
        ([[0, 1], [1, 0]], "left-handed"),
        ([[1.5, 0], [0, 1]], "whole numbers"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "2 by 2"),
    ],
)
def test_supercell_that_is_none_is_refused(matrix, message):
    layer = CrystalLayer("LiF", (1, 0, 0), layers=1)
    with pytest.raises(StructureError, match=message):
        in_supercell(layer, cut_slab(layer), np.array(matrix), film=False)


def test_top_alone_means_the_plain_termination_that_ends_with_it():
    layer = CrystalLayer("LiGe2(PO4)3", (0, 0, 1), layers=1, termination="PO4")
    slab = cut_slab(layer)
    assert slab.plain
    assert slab.label == "PO4/Ge"


def test_terminations_are_those_that_layers_are_cut_at():
    options = terminations("Li6PS5Cl", (1, 0, 0))
    assert [option.index for option in options] == list(range(len(options)))
    for option in options[:3]:
        layer = CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=1, termination=option.label)
        slab = cut_slab(layer)
        assert (slab.label, slab.dipole) == (option.label, option.dipole)
        assert option.polar == slab.polar
        assert option.stoichiometric == slab.stoichiometric
        assert 0 <= option.shift < slab.repeat


def test_a_structure_is_cut_as_the_library_s_crystal():
    given = terminations(crystal("LiF"), (1, 1, 1))
    named = terminations("LiF", (1, 1, 1))
    assert [repr(option) for option in given] == [repr(option) for option in named]


@pytest.mark.slow
def test_own_slab_is_built_with_as_the_one_that_is_cut():
    aluminum = CrystalLayer("Al", (1, 0, 0), layers=4)
    silver = CrystalLayer(bulk("Ag", cubic=True), (1, 0, 0), layers=4, fixed_layers=2)
    cut = build_interface(InterfaceSpec("cut", aluminum, silver))
    slab = SlabLayer(cut_slab(silver).structure, name="Ag", fixed_layers=2)
    own = build_interface(InterfaceSpec("own", aluminum, slab))
    assert own.gap == pytest.approx(cut.gap)
    assert own.max_strain == pytest.approx(cut.max_strain)
    for name in ("phase", "layer", "fixed"):
        assert (
            own.structure.site_properties[name] == (cut.structure.site_properties[name])
        )
    film = build_interface(InterfaceSpec("both", slab, slab))
    assert len(film.structure) == 8


def test_own_slab_may_cross_the_border_and_have_any_frame():
    slab = fcc111("Al", (1, 1, 3), vacuum=8.0)
    plain = cut_slab(SlabLayer(slab))
    moved = slab.copy()
    moved.positions[:, 2] += 12.0
    moved.rotate(40, "x", rotate_cell=True)
    moved.wrap()
    again = cut_slab(SlabLayer(moved))
    assert again.structure.distance_matrix == pytest.approx(
        plain.structure.distance_matrix, abs=1e-6
    )
    assert again.layers == 3
    assert again.thickness == pytest.approx(plain.thickness)


@pytest.mark.parametrize(
    ("slab", "message"),
    [(bulk("Al", cubic=True), "at least 5 Å of vacuum"), ("nothing.cif", "neither")],
)
def test_own_slab_that_is_none_is_refused(slab, message):
    with pytest.raises(StructureError, match=message):
        cut_slab(SlabLayer(slab))


def test_own_slab_with_a_cut_polyanion_is_refused():
    layer = CrystalLayer("Li3PO4", (1, 0, 0), layers=2)
    whole = cut_slab(layer).structure
    cut_slab(SlabLayer(whole))
    oxygen = next(i for i, s in enumerate(whole) if s.specie.symbol == "O")
    whole.remove_sites([oxygen])
    with pytest.raises(StructureError, match="cut polyanion"):
        cut_slab(SlabLayer(whole))


@pytest.mark.parametrize("name", ["LiF", "Li6PS5Cl", "LiGe2(PO4)3", "Li"])
@pytest.mark.parametrize("miller", [(1, 0, 0), (1, 1, 1)])
def test_a_primitive_cell_has_the_facets_of_the_conventional_one(name, miller):
    whole = crystal(name)
    primitive = whole.get_primitive_structure()
    assert len(primitive) < len(whole)
    ours, theirs = (
        facet_slabs(CrystalLayer(cell, miller, layers=1)) for cell in (primitive, whole)
    )
    assert ours.setting == theirs.setting == setting(name)
    labels = [sorted(t.label for t in one.terminations) for one in (ours, theirs)]
    assert labels[0] == labels[1]
    areas = [one.slab(one.terminations[0], 1).area for one in (ours, theirs)]
    assert areas[0] == pytest.approx(areas[1], rel=1e-4)


def test_a_file_in_other_axes_keeps_them_and_says_so():
    whole = crystal("Li3PO4")  # a, b, c of another order are another setting
    turned = Structure(
        Lattice(whole.lattice.matrix[[2, 0, 1]][:, [2, 0, 1]]),
        whole.species,
        whole.frac_coords[:, [2, 0, 1]],
    )
    slab = cut_slab(CrystalLayer(turned, (1, 0, 0), layers=1))
    same = cut_slab(CrystalLayer("Li3PO4", (0, 0, 1), layers=1))
    assert slab.setting == "its own axes"
    assert slab.area == pytest.approx(same.area, rel=1e-6)
