from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.matching.match import strain, verify, von_mises
from ionface.structures.matching.search import matches
from ionface.structures.matching.superlattices import hermite
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.slabs.slab import turned_over
from ionface.structures.slabs.terminations import FacetSlabs
from ionface.structures.specs import CrystalLayer


def terminations(crystal, miller, layers=1, *more, **options):
    return FacetSlabs(crystal, miller, *more, **options).slabs(layers)


LITHIUM = CrystalLayer("Li", (1, 1, 0), layers=1, lattice={"a": 3.44})
PRISM = CrystalLayer(
    "LiGe2(PO4)3", (1, 0, 0), layers=1, lattice={"a": 8.28, "c": 20.67}
)
INDIUM = CrystalLayer("In", (0, 0, 1), layers=1)
ARGYRODITE = CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=1)


def found(film, substrate, max_strain=0.03, max_area=250.0, strained="film"):
    return matches(cut_slab(film), cut_slab(substrate), max_strain, max_area, strained)


def square(edge):
    crystal = Structure(Lattice.cubic(edge), ["Na"], [[0, 0, 0]])
    return terminations(crystal, (0, 0, 1))[0]


def oblique(degrees):
    lattice = Lattice.from_parameters(4.0, 5.0, 6.0, 90, 90, degrees)
    return terminations(Structure(lattice, ["Na"], [[0, 0, 0]]), (0, 0, 1))[0]


def test_argyrodite_on_indium_is_the_published_match():
    best = found(INDIUM, ARGYRODITE, 0.02, 120)[0]
    assert best.area == pytest.approx(9.8603**2)
    expected = 9.8603 / (3 * 3.2528) - 1  # biaxial, 1.04 %
    assert np.linalg.eigvalsh(best.film_strain) == pytest.approx([expected, expected])
    assert best.von_mises == pytest.approx(2 / 3 * expected)
    assert round(np.linalg.det(best.film)) == 9
    assert round(np.linalg.det(best.substrate)) == 2


def test_lithium_on_the_prism_facet_is_the_published_match():
    best = found(LITHIUM, PRISM)[0]
    assert best.area == pytest.approx(8.28 * 20.67)
    assert round(np.linalg.det(best.film)) == 21
    assert best.substrate.tolist() == [[1, 0], [0, 1]]
    # the film's own rectangle is √6 a by 3.5·√3·a
    own = np.array([6**0.5 * 3.44, 7 * 3**0.5 / 2 * 3.44])
    expected = np.sort(np.array([8.28, 20.67]) / own - 1)
    assert np.linalg.eigvalsh(best.film_strain) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("strained", ["film", "substrate", "shared"])
def test_match_meets_on_the_very_slabs_that_are_built(strained):
    film, substrate = cut_slab(INDIUM), cut_slab(ARGYRODITE)
    for match in matches(film, substrate, 0.05, 120, strained):
        lower = turned_over(film.structure).lattice.matrix[:2, :2]
        for own, matrix, tensor in (
            (lower, match.film, match.film_strain),
            (substrate.in_plane, match.substrate, match.substrate_strain),
        ):
            cell = matrix @ own
            assert np.linalg.det(cell) > 0
            assert strain(cell, match.cell) == pytest.approx(tensor, abs=1e-9) or (
                np.linalg.eigvalsh(strain(cell, match.cell))
                == pytest.approx(np.linalg.eigvalsh(tensor), abs=1e-9)
            )
        assert match.max_strain <= 0.05
        assert match.area <= 120


def test_who_is_strained_gives_way_alone_or_both_share():
    film = found(INDIUM, ARGYRODITE, 0.02, 120, "film")[0]
    substrate = found(INDIUM, ARGYRODITE, 0.02, 120, "substrate")[0]
    shared = found(INDIUM, ARGYRODITE, 0.02, 120, "shared")[0]
    assert np.abs(film.substrate_strain).max() < 1e-9
    assert np.abs(substrate.film_strain).max() < 1e-9
    assert shared.max_strain == pytest.approx(film.max_strain / 2, rel=0.02)
    assert np.trace(shared.film_strain) == pytest.approx(
        -np.trace(shared.substrate_strain), rel=0.02
    )


def test_sharing_reaches_matches_that_neither_side_alone_accepts():
    film, substrate = square(4.0), square(4.3)
    with pytest.raises(StructureError):
        matches(film, substrate, 0.045, 20, "film")
    assert matches(film, substrate, 0.045, 20, "shared")[0].area == pytest.approx(
        (4.0**2 + 4.3**2) / 2
    )


def test_ranking_is_by_tenths_of_a_percent_then_by_area():
    ranked = found(INDIUM, ARGYRODITE, 0.08, 250)
    keys = [(int(m.max_strain / 1e-3 + 1e-6), round(m.area, 2)) for m in ranked]
    assert keys == sorted(keys)


def test_equal_lattices_match_in_their_smallest_cell_without_strain():
    best = matches(square(4.0), square(4.0), 0.01, 100)[0]
    assert best.area == pytest.approx(16)
    assert best.max_strain == pytest.approx(0, abs=1e-12)


def test_oblique_lattice_matches_its_mirror_image_turned_over_but_not_itself():
    # turning a film over mirrors its lattice, and no rotation undoes that
    assert matches(oblique(105), oblique(75), 0.01, 25)[0].max_strain < 1e-9
    with pytest.raises(StructureError, match="no match"):
        matches(oblique(75), oblique(75), 0.01, 25)


def test_no_match_names_the_best_strain_and_the_way_out():
    with pytest.raises(
        StructureError,
        match=r"the best within this area has 5.00 %; with this strain there is none "
        r"up to 60 Å²: raise",
    ):
        matches(square(4.0), square(4.2), 0.01, 30)
    with pytest.raises(StructureError, match="none within this area is below 15 %"):
        matches(square(4.0), square(5.0), 0.01, 17)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        # all strains up to 0.9 were listed until memory ended
        ({"max_strain": 0.9}, "matches: max_strain=0.9 must lie between 0 and 0.15"),
        ({"max_strain": -1}, "max_strain=-1 must lie between"),
        ({"max_strain": "0.1"}, "max_strain='0.1' must be a number"),
        ({"max_area": [100]}, r"max_area=\[100\] must be a number"),
        ({"strained": "both"}, "strained='both' must be one of"),
    ],
)
def test_numbers_that_cannot_be_are_refused(given, said):
    with pytest.raises(StructureError, match=said):
        matches(square(4.0), square(4.1), **given)


@pytest.mark.parametrize("max_area", [3, 9])
def test_an_area_below_either_cell_is_no_match_and_no_defect(max_area):
    with pytest.raises(StructureError, match=r"raise one of the two"):
        matches(square(3.5), square(2.8), 0.03, max_area, "film")


def test_strain_is_blind_to_rotation_and_exact_for_stretch_and_shear():
    cell = np.array([[3.0, 0.0], [1.0, 4.0]])
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert strain(cell, cell @ turn) == pytest.approx(np.zeros((2, 2)), abs=1e-12)
    stretch = np.diag([1.02, 0.99])
    assert strain(cell, cell @ stretch @ turn) == pytest.approx(np.diag([0.02, -0.01]))


def test_von_mises_of_biaxial_strain_is_two_thirds_and_of_none_zero():
    assert von_mises(0.03 * np.eye(2)) == pytest.approx(0.02)
    assert von_mises(np.zeros((2, 2))) == 0


def test_stiffer_side_gives_way_less_in_proportion():
    film, substrate = square(4.0), square(4.1)
    shares = {"film": 30.0, "substrate": 10.0}
    match = matches(film, substrate, 0.03, 20, "shared", shares)[0]
    # a quarter of the misfit to the film, three quarters to the substrate
    assert match.film_strain[0, 0] == pytest.approx(0.025 / 4, rel=0.03)
    assert match.substrate_strain[0, 0] == pytest.approx(-0.025 * 3 / 4, rel=0.05)
    stress = {
        "film": shares["film"] * match.film_strain[0, 0],
        "substrate": shares["substrate"] * match.substrate_strain[0, 0],
    }
    assert stress["film"] == pytest.approx(-stress["substrate"], rel=0.05)
    even = matches(film, substrate, 0.03, 20, "shared", dict.fromkeys(shares, 7.0))[0]
    plain = matches(film, substrate, 0.03, 20, "shared")[0]
    assert even.cell == pytest.approx(plain.cell)


def test_very_stiff_substrate_leaves_all_strain_to_the_film():
    film, substrate = square(4.0), square(4.1)
    extreme = {"film": 1e-6, "substrate": 1e6}
    shared = matches(film, substrate, 0.03, 20, "shared", extreme)[0]
    alone = matches(film, substrate, 0.03, 20, "film")[0]
    assert shared.cell == pytest.approx(alone.cell, abs=1e-8)


@pytest.mark.parametrize(
    ("strained", "stiffness", "message"),
    [
        ("film", {"film": 1.0, "substrate": 1.0}, "strained='shared'"),
        ("shared", {"film": 1.0}, "give both"),
        ("shared", {"film": 0.0, "substrate": 1.0}, "above 0"),
        ("shared", {"film": float("nan"), "substrate": 1.0}, "above 0"),
    ],
)
def test_stiffness_without_use_or_sense_is_refused(strained, stiffness, message):
    with pytest.raises(StructureError, match=message):
        matches(square(4.0), square(4.0), 0.03, 20, strained, stiffness)


def test_all_matches_hold_every_distinct_one_and_mark_the_others():
    film, substrate = cut_slab(INDIUM), cut_slab(ARGYRODITE)
    every = matches(film, substrate, 0.05, 250, equivalents=True)
    distinct = matches(film, substrate, 0.05, 250)
    for i, match in enumerate(every):
        if match.same_as is not None:
            first = every[match.same_as]
            assert match.same_as < i
            assert first.same_as is None
            assert first.area == pytest.approx(match.area)
            assert first.max_strain == pytest.approx(match.max_strain)
        group = [m for j, m in enumerate(every) if (m.same_as in (i, None)) and j >= i]
        if match.same_as is None:
            members = [m for m in group if m is match or m.same_as == i]
            assert len(members) == match.images
    own = [m for m in every if m.same_as is None and m.supercell == 1]
    assert [m.film.tolist() for m in own] == [m.film.tolist() for m in distinct]


def test_equivalent_matches_build_equal_interfaces():
    # In(001) has the symmetry 4mm, so its four rotations on LiF are one interface
    film, substrate = (
        cut_slab(INDIUM),
        cut_slab(CrystalLayer("LiF", (1, 0, 0), layers=1)),
    )
    every = matches(film, substrate, 0.05, 100, equivalents=True)
    first = every[0]
    twins = [m for m in every if m.same_as == 0]
    assert twins
    assert len(twins) + 1 == first.images
    fingerprints = {
        tuple(np.sort(lattice_contacts(m)).round(4)) for m in (first, *twins)
    }
    assert len(fingerprints) == 1


def lattice_contacts(match):
    """Return in-plane distances of lattice points of both sides in the common cell."""
    points = []
    for matrix in (match.film, match.substrate):
        grid = np.array([[i, j] for i in range(-9, 10) for j in range(-9, 10)])
        inside = grid @ np.linalg.inv(matrix)
        inside = inside[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
        assert len(inside) == round(np.linalg.det(matrix))
        points.append(inside)
    difference = points[0][:, None] - points[1][None]
    difference -= np.rint(difference)
    shifts = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    vectors = (difference[:, :, None] + shifts) @ match.cell
    return np.linalg.norm(vectors, axis=-1).min(axis=-1).ravel()


@pytest.mark.slow  # numba compiles pymatgen's search first
@pytest.mark.parametrize(
    ("film", "substrate"),
    [(INDIUM, ARGYRODITE), (LITHIUM, PRISM), (INDIUM, LITHIUM)],
)
def test_pairs_that_pymatgen_finds_within_the_strain_are_all_there(film, substrate):
    from pymatgen.analysis.interfaces.zsl import ZSLGenerator

    upper, lower = cut_slab(film), cut_slab(substrate)
    plane = turned_over(upper.structure).lattice.matrix[:2]
    other = lower.structure.lattice.matrix[:2]
    generator = ZSLGenerator(
        max_area=360, max_length_tol=0.04, max_angle_tol=0.04, bidirectional=True
    )
    own = matches(upper, lower, 0.04, 380, equivalents=True)
    cells = {key(m.film, m.substrate) for m in own}
    checked = 0
    for zsl in generator(plane, other):
        ours = integers(zsl.film_sl_vectors, plane)
        theirs = integers(zsl.substrate_sl_vectors, other)
        start, end = ours @ plane[:, :2], theirs @ other[:, :2]
        proper = np.linalg.det(start) * np.linalg.det(end) > 0
        if proper and np.abs(np.linalg.eigvalsh(strain(start, end))).max() < 0.04:
            assert key(ours, theirs) in cells
            checked += 1
    assert checked
    assert len(own) >= checked


def integers(vectors, cell):
    return np.rint(np.asarray(vectors)[:, :2] @ np.linalg.inv(cell[:, :2])).astype(int)


def key(first, second):
    return (*hermite(first[None]).ravel(), *hermite(second[None]).ravel())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"film": np.array([[1, 1], [1, 1]])}, "determinant 0"),
        ({"film": np.array([[0, 3], [3, 0]])}, "left-handed"),
        ({"cell": np.diag([9.8603, 9.9])}, "misses the common cell by 0.0"),
        ({"film_strain": np.zeros((2, 2))}, "misses the common cell"),
    ],
)
def test_match_that_does_not_hold_for_the_slabs_is_refused(change, message):
    film, substrate = cut_slab(INDIUM), cut_slab(ARGYRODITE)
    good = matches(film, substrate, 0.02, 120)[0]
    verify(good, film, substrate)
    with pytest.raises(StructureError, match=message):
        verify(replace(good, **change), film, substrate)


def test_slab_that_leans_is_refused():
    film, substrate = cut_slab(INDIUM), cut_slab(ARGYRODITE)
    good = matches(film, substrate, 0.02, 120)[0]
    matrix = film.structure.lattice.matrix.copy()
    matrix[2, 0] = 0.5
    leaning = replace(film, structure=Structure(matrix, ["In"], [[0, 0, 0]]))
    with pytest.raises(StructureError, match=r"leans by 0\.5"):
        verify(good, leaning, substrate)


def test_message_names_the_area_at_which_the_strain_would_do():
    # 4:5 fits without strain in a 20 by 20 cell, which is 400 Å²
    with pytest.raises(StructureError, match="the smallest match has 400 Å²"):
        matches(square(4.0), square(5.0), 0.001, 250)
