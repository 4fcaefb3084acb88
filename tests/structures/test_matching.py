import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from structures.errors import StructureError
from structures.layers import cut_slab
from structures.matching import matches, strain, von_mises
from structures.slabs import terminations, turned_over
from structures.specs import CrystalLayer

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
        StructureError, match=r"the best within this area has 5.00 %: raise"
    ):
        matches(square(4.0), square(4.2), 0.01, 30)
    with pytest.raises(StructureError, match="none within this area is below 15 %"):
        matches(square(4.0), square(5.0), 0.01, 17)


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
