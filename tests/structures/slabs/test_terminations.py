from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal, material
from ionface.structures.groups import bond_rule, count_groups, whole_groups
from ionface.structures.slabs.crystal_layer import facet_slabs
from ionface.structures.slabs.facet import Facet
from ionface.structures.slabs.terminations import (
    FacetSlabs,
    dipole_per_area,
    plane_charges,
    tasker_class,
)
from ionface.structures.specs import CrystalLayer, Ordering


def terminations(crystal, miller, layers=1, *more, **options):
    return FacetSlabs(crystal, miller, *more, **options).slabs(layers)


HEXAGONAL = ["LiGe2(PO4)3", "LiAlO2_alpha", "Zn", "Li3P"]
MILLERS = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)
CHARGES = {"Na": 1, "Cl": -1, "Ca": 2, "F": -1, "Li": 1, "Co": 3, "O": -2, "Sr": 2,
           "Ti": 4}  # fmt: skip
# by hand: pymatgen takes a second for each cubic group
FACE_CENTERED = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
NACL = Structure(
    Lattice.cubic(5.64),
    ["Na"] * 4 + ["Cl"] * 4,
    [*FACE_CENTERED, *(FACE_CENTERED + 0.5)],
)
FLUORITE = Structure(
    Lattice.cubic(5.463),
    ["Ca"] * 4 + ["F"] * 8,
    [*FACE_CENTERED, *(FACE_CENTERED + 0.25), *(FACE_CENTERED + 0.75)],
)
LAYERED = Structure.from_spacegroup(
    "R-3m",
    Lattice.hexagonal(2.816, 14.052),
    ["Li", "Co", "O"],
    [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.2605]],
)
PEROVSKITE = Structure(
    Lattice.cubic(3.905),
    ["Sr", "Ti", "O", "O", "O"],
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
)
RUTILE = Structure.from_spacegroup(
    "P4_2/mnm",
    Lattice.tetragonal(4.594, 2.959),
    ["Ti", "O"],
    [[0, 0, 0], [0.3053, 0.3053, 0]],
)


@st.composite
def triclinic_crystals(draw):
    """Return a random triclinic crystal, no two atoms near each other."""
    lengths = [draw(st.floats(4.0, 8.0)) for _ in range(3)]
    angles = [draw(st.floats(65.0, 115.0)) for _ in range(3)]
    lattice = Lattice.from_parameters(*lengths, *angles)
    assume(lattice.volume > 0.5 * np.prod(lengths))
    seed = draw(st.integers(0, 10**6))
    random = np.random.default_rng(seed)
    crystal = Structure(lattice, ["Na"], [[0, 0, 0]])
    for symbol in ("Cl", "Na", "Cl"):
        point = random.random(3)
        if lattice.get_all_distances(point, crystal.frac_coords).min() > 2.3:
            crystal.append(symbol, point)
    assume(len(crystal) > 1)
    return crystal


@given(triclinic_crystals(), MILLERS, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_slab_of_a_random_crystal_has_the_area_normal_and_spacing_of_its_facet(
    crystal, miller, layers
):
    g = crystal.lattice.reciprocal_lattice_crystallographic.get_cartesian_coords(
        np.array(miller) // np.gcd.reduce(miller)
    )
    found = FacetSlabs(crystal, miller, oxidation=CHARGES)
    frame = found.facet.frame
    assert frame.normal == pytest.approx(g / np.linalg.norm(g), abs=1e-6)
    assert frame.spacing == pytest.approx(1 / np.linalg.norm(g))
    for one in found.terminations:
        slab = found.slab(one, layers)
        assert slab.area == pytest.approx(np.linalg.norm(g) * crystal.volume)
        # stoichiometric, at the density of the crystal
        assert slab.structure.composition == crystal.composition * layers
        assert slab.stoichiometric
        thinner = found.thickness(one, layers)
        assert slab.thickness == pytest.approx(thinner)
        assert found.thickness(one, layers + 1) - thinner == pytest.approx(slab.repeat)


@given(triclinic_crystals(), MILLERS)
@settings(max_examples=8, deadline=None)
def test_atoms_of_a_random_slab_and_their_neighbors_are_those_of_the_crystal(
    crystal, miller
):
    found = FacetSlabs(crystal, miller)
    slab = found.slab(found.terminations[0], 3).structure
    turn = found.facet.frame.rotation
    # one shift takes the slab into the crystal, and with it all periodic images
    start = slab[0].coords @ turn.T
    same = [s for s in crystal if s.specie == slab[0].specie]
    images = slab.make_supercell([2, 2, 1], in_place=False)
    images = images.cart_coords @ turn.T, images.species
    assert any(
        all(
            near(crystal, point + site.coords - start) == symbol.symbol
            for point, symbol in zip(*images, strict=True)
        )
        for site in same
    )


def near(crystal, point):
    found = crystal.get_sites_in_sphere(point, 1e-3)
    return found[0].specie.symbol if found else None


@given(triclinic_crystals(), MILLERS)
@settings(max_examples=15, deadline=None)
def test_a_random_crystal_has_as_many_terminations_as_planes(crystal, miller):
    # without symmetry along the normal every gap between planes is another termination
    from ionface.structures.slabs.cuts import gaps

    found = FacetSlabs(crystal, miller, oxidation=CHARGES)
    heights = found.facet.centers[:, 2] % found.facet.spacing
    upright = {
        tuple(a.climb.tolist() + a.goes_to.tolist())
        for a in found.symmetry
        if not a.turns
    }
    assume(len(upright) == 1)
    number = len(gaps(heights, found.facet.spacing))
    assert len(found.terminations) == number


def test_terminations_are_named_once_each_and_a_label_hides_none():
    found = terminations(crystal("LiGe2(PO4)3"), (1, 0, 0))
    labels = [slab.label for slab in found]
    assert len(set(labels)) == len(labels)
    assert {"PO4/PO4", "PO4/PO4 #2"} <= set(labels)
    assert [slab.termination for slab in found] == list(range(len(found)))


@pytest.mark.parametrize(
    ("name", "miller", "least"),
    [
        ("Li6PS5Cl", (1, 0, 0), 3),
        ("In", (0, 0, 1), 1),
        ("LiGe2(PO4)3", (0, 0, 1), 4),
        ("LiGe2(PO4)3", (1, 0, 0), 8),
        ("Li", (1, 1, 0), 1),
        ("Li", (1, 1, 1), 1),
    ],
)
def test_as_many_terminations_as_pymatgen_has_after_removing_equivalents(
    name, miller, least
):
    # pymatgen's SlabGenerator.get_slabs(ftol=0.01), of which most cut polyanions
    assert len(terminations(crystal(name), miller)) >= least


@pytest.mark.parametrize("name", ["LiGe2(PO4)3", "Li6PS5Cl", "Li10GeP2S12_ordered"])
@pytest.mark.parametrize(
    "miller",
    [
        (1, 0, 0),
        (0, 0, 1),
        *(pytest.param(m, marks=pytest.mark.slow) for m in [(1, 1, 1), (0, 1, 2)]),
    ],
)
def test_every_polyanion_is_whole_in_every_termination(name, miller):
    bulk = crystal(name)
    rule = whole_groups(bulk, miller=miller).rule
    for slab in terminations(bulk, miller):
        share = len(slab.structure) / len(bulk)
        whole = {kind: n * share for kind, n in count_groups(bulk).items()}
        assert whole
        assert count_groups(slab.structure, rule) == pytest.approx(whole), slab.label
    assert any(slab.moved for slab in terminations(crystal(name), miller))


def test_moving_polyanions_changes_the_surface_but_not_what_the_slab_holds():
    plain, *_, moved = terminations(crystal("Li6PS5Cl"), (1, 0, 0), 2)
    assert moved.moved
    assert not plain.moved
    assert plain.structure.composition == moved.structure.composition
    assert count_groups(moved.structure) == count_groups(plain.structure)


@pytest.mark.parametrize("name", HEXAGONAL)
def test_four_indices_cut_the_facet_of_the_three_that_they_mean(name):
    three = terminations(crystal(name), (1, 0, 0))[0]
    four = terminations(crystal(name), (1, 0, -1, 0))[0]
    assert four.miller == (1, 0, 0)
    assert list(four.structure) == list(three.structure)
    assert four.provenance["miller_bravais"] == [1, 0, -1, 0]
    assert (
        terminations(crystal("Li"), (1, 0, 0))[0].provenance["miller_bravais"] is None
    )


def test_named_group_of_a_metal_is_kept_whole():
    # isolated VO4 in a cell of sodium
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    coords = np.vstack([[3, 3, 3], np.array([3, 3, 3]) + 1.72 / 3**0.5 * tetrahedron])
    vanadate = Structure(
        Lattice.orthorhombic(6.0, 6.3, 6.6),
        ["V", "O", "O", "O", "O", "Na", "Na"],
        [*coords, [0, 0, 0.4], [0, 3, 3.2]],
        coords_are_cartesian=True,
    )
    found = terminations(vanadate, (0, 0, 1), groups=("VO4",))
    rule = bond_rule(["V", "O"], ("VO4",))
    assert all(count_groups(s.structure, rule) == {"VO4": 1} for s in found)
    loose = terminations(vanadate, (0, 0, 1))
    assert any(count_groups(s.structure, rule) != {"VO4": 1} for s in loose)
    with pytest.raises(StructureError, match="give its formula, the center first"):
        terminations(vanadate, (0, 0, 1), groups=("vanadate",))


def test_facet_that_would_break_an_endless_group_says_so():
    with pytest.raises(
        StructureError,
        match=r"facet \(1, 1, 0\) cannot be cut without breaking a group: .*network",
    ):
        terminations(crystal("GeO2"), (1, 1, 0), groups=("GeO6",))


def test_vacuum_is_as_high_as_it_was_asked_for():
    slab = terminations(crystal("LiF"), (1, 0, 0), vacuum=7.5)[0]
    assert slab.structure.lattice.c == pytest.approx(slab.thickness + 7.5)
    with pytest.raises(StructureError, match="vacuum=-1"):
        terminations(crystal("LiF"), (1, 0, 0), vacuum=-1)


def test_ordered_supercell_is_cut_along_the_indices_of_its_conventional_cell():
    name = "Li6PS5Cl_exp_disordered"
    layer = CrystalLayer(name, (1, 0, 0), layers=1, ordering=Ordering((1, 1, 1)))
    found = facet_slabs(layer)
    doubled = FacetSlabs(
        crystal("LiF").make_supercell([2, 1, 1], in_place=False),
        (1, 1, 0),
        supercell=(2, 1, 1),
    )
    assert doubled.facet.spacing == pytest.approx(4.027 / 8**0.5)
    assert doubled.slab(doubled.terminations[0], 1).miller == (1, 1, 0)
    assert found.terminations


def test_point_group_of_a_surface_is_that_of_its_plane_group():
    def order(name, miller):
        return len(terminations(crystal(name), miller)[0].point_group)

    assert order("In", (0, 0, 1)) == 8  # 4mm
    assert order("Li", (1, 1, 0)) == 4  # 2mm
    assert order("Li", (1, 1, 1)) == 6  # 3m
    assert order("LiF", (1, 0, 0)) == 8
    assert order("Li6PS5Cl", (1, 0, 0)) == 4  # 2mm: -43m along [100]
    assert order("LiGe2(PO4)3", (0, 0, 1)) == 3  # its glides climb along the normal


def test_dipole_of_moved_polyanions_counts_their_ions():
    oxidation = material("Li6PS5Cl").oxidation
    for slab in terminations(crystal("Li6PS5Cl"), (1, 0, 0), 3, oxidation=oxidation):
        charges = [oxidation[site.specie.symbol] for site in slab.structure]
        moment = float(np.array(charges) @ slab.structure.cart_coords[:, 2])
        assert slab.dipole_moment == pytest.approx(moment, abs=1e-6)


def slabs(structure, miller):
    return FacetSlabs(structure, miller, oxidation=CHARGES)


@pytest.mark.parametrize(
    ("structure", "miller", "expected"),
    [
        (NACL, (1, 0, 0), 1),
        (NACL, (1, 1, 0), 1),
        (NACL, (1, 1, 1), 3),
        (FLUORITE, (1, 1, 1), 2),
        (FLUORITE, (1, 1, 0), 1),
        (FLUORITE, (1, 0, 0), 3),
        (LAYERED, (0, 0, 1), 3),
        (PEROVSKITE, (0, 0, 1), 1),
        (PEROVSKITE, (1, 1, 0), 3),
        (PEROVSKITE, (1, 1, 1), 3),
        (RUTILE, (1, 1, 0), 2),
    ],
)
def test_textbook_facets_have_their_class(structure, miller, expected):
    assert slabs(structure, miller).facet_class == expected


def test_corundum_basal_plane_is_the_textbook_example_of_class_two():
    alumina = Structure.from_spacegroup(
        "R-3c",
        Lattice.hexagonal(4.759, 12.991),
        ["Al", "O"],
        [[0, 0, 0.3522], [0.3064, 0, 0.25]],
    )
    found = FacetSlabs(alumina, (0, 0, 1), oxidation={"Al": 3, "O": -2})
    assert found.facet_class == 2
    # Al-O3-Al repeats: the cut between two Al planes alone has no dipole
    assert [t.tasker for t in found.terminations].count(2) == 1
    assert found.terminations[0].top == found.terminations[0].bottom == "Al"


@pytest.mark.parametrize(
    ("structure", "miller", "number"),
    [
        (PEROVSKITE, (0, 0, 1), 2),  # SrO and TiO2
        (PEROVSKITE, (1, 1, 0), 2),  # SrTiO and O2
        (PEROVSKITE, (1, 1, 1), 2),  # SrO3 and Ti
        (NACL, (1, 0, 0), 1),
        (NACL, (1, 1, 1), 2),
        (FLUORITE, (1, 1, 1), 3),  # F-F, and Ca-F seen from either side
        (LAYERED, (0, 0, 1), 4),  # O on Li, O on Co, Li, Co
        (RUTILE, (1, 1, 0), 3),  # bridging O, without it, in-plane TiO
    ],
)
def test_published_facets_have_their_number_of_terminations(structure, miller, number):
    assert len(slabs(structure, miller).terminations) == number


def test_termination_of_a_charged_plane_without_dipole_is_class_two():
    first, *others = slabs(FLUORITE, (1, 1, 1)).terminations
    assert first.top == first.bottom == "F"
    assert first.tasker == 2
    assert [one.tasker for one in others] == [3, 3]


def test_planes_carry_the_charges_of_their_ions():
    found = plane_charges(Facet(NACL, (1, 1, 1)), CHARGES)
    assert sorted(found) == pytest.approx([-1, 1])
    oxidation = material("LiGe2(PO4)3").oxidation
    basal = plane_charges(Facet(crystal("LiGe2(PO4)3"), (0, 0, 1)), oxidation)
    # Li+, Ge4+, (PO4)3 9-, Ge4+, twice
    assert sorted(basal) == pytest.approx([-9, -9, 1, 1, 4, 4, 4, 4])


def test_plane_on_the_border_of_a_repeat_is_not_split():
    # heights 0.02 and 0.98 of 5 Å are 0.2 Å apart: one neutral plane
    cell = Lattice.tetragonal(3.0, 5.0)
    crystal = Structure(cell, ["Na", "Cl"], [[0, 0, 0.02], [0.5, 0.5, 0.98]])
    assert plane_charges(Facet(crystal, (0, 0, 1)), CHARGES) == pytest.approx([0])


def test_dipole_is_charge_times_distance_over_area_and_class_follows_it():
    found = dipole_per_area(["Na", "Cl"], np.array([0.0, 2.5]), CHARGES, 10.0)
    assert found == pytest.approx(-0.25)
    assert tasker_class([0, 0], 0.0) == 1
    assert tasker_class([2, -2], 0.0) == 2
    assert tasker_class([2, -2], -0.25) == 3


def test_dipole_of_a_slab_is_that_of_its_ions():
    found = slabs(NACL, (1, 1, 1))
    slab = found.slab(found.terminations[0], 4)
    charges = np.array([CHARGES[site.specie.symbol] for site in slab.structure])
    moment = float(charges @ slab.structure.cart_coords[:, 2])
    assert slab.dipole_moment == pytest.approx(moment)
    assert slab.provenance["dipole_e_angstrom"] == pytest.approx(moment)
    # four layers of a plane +1 and a plane -1, half a spacing apart
    assert abs(moment) == pytest.approx(4 * 5.64 / 3**0.5 / 2)


@pytest.mark.parametrize(
    ("name", "miller"), [("LiTi2(PO4)3", (0, 0, 1)), ("LiGe2(PO4)3", (0, 0, 1))]
)
def test_of_symmetric_slabs_the_one_with_the_least_formal_charge_comes_first(
    name, miller
):
    layer = CrystalLayer(name, miller, layers=1, symmetric=True)
    found = facet_slabs(layer)
    first, *others = found.terminations
    assert (first.label, first.excess, first.charge) == ("Li/Li", {"Li": 1}, 1)
    assert all(abs(t.charge) >= 1 for t in others)
    assert all(found.slab(t, 1).charge == t.charge for t in found.terminations)
    assert "excess +1 Li (+1 e)" in repr(first)


@pytest.mark.parametrize(
    ("name", "miller", "number"),
    [("Li6PS5Cl", (1, 0, 0), 4), ("LiF", (1, 1, 1), 1), ("LiF", (1, 0, 0), 0),
     ("Li6PS5Cl", (1, 1, 0), None)],
)  # fmt: skip
def test_cuts_told_to_be_turned_over_give_the_same_slab_and_no_others_do(
    name, miller, number
):
    found = facet_slabs(CrystalLayer(name, miller, layers=1))
    if number is not None:
        assert len(found.turned_over) == number
    slabs = {t.label: found.slab(t, 1).structure for t in found.terminations}
    matcher = StructureMatcher(primitive_cell=False, scale=False, stol=0.01, ltol=0.01)
    for one, other in combinations(slabs, 2):
        same = matcher.fit(slabs[one], slabs[other])
        assert same == (found.turned_over.get(other) == one)


def test_no_symmetric_slab_is_another_one_turned_over():
    layer = CrystalLayer("LiF", (1, 1, 1), layers=1, symmetric=True)
    assert facet_slabs(layer).turned_over == {}
