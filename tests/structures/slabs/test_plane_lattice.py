import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.core.surface import SlabGenerator

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal
from ionface.structures.slabs.plane_lattice import (
    facet_frame,
    primitive_vectors,
    pure_translations,
    short_basis,
    three_indices,
)

FACETS = [(1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0), (-1, 1, 2), (0, 1, 2)]
CRYSTALS = ["Li", "In", "Al", "Zn", "LiF", "Li6PS5Cl", "LiGe2(PO4)3", "InS", "Li3PO4"]


@pytest.mark.parametrize(
    ("name", "number"),
    [("Li", 2), ("Al", 4), ("Zn", 1), ("Li6PS5Cl", 4), ("LiGe2(PO4)3", 3), ("InS", 1)],
)
def test_centering_vectors_are_those_of_the_bravais_lattice(name, number):
    structure = crystal(name)
    assert len(pure_translations(structure)) == number
    volume = abs(np.linalg.det(primitive_vectors(structure)))
    assert volume == pytest.approx(structure.volume / number)


def test_supercell_is_recognized_as_one():
    structure = crystal("LiF").make_supercell([3, 1, 2], in_place=False)
    assert len(pure_translations(structure)) == 24


@pytest.mark.parametrize("miller", FACETS)
@pytest.mark.parametrize("name", CRYSTALS)
def test_frame_is_right_handed_flat_and_fills_one_primitive_cell(name, miller):
    structure = crystal(name)
    frame = facet_frame(structure, miller)
    u, v, _ = frame.basis
    assert u[1:] == pytest.approx([0, 0], abs=1e-9)
    assert v[2] == pytest.approx(0, abs=1e-9)
    primitive = structure.volume / len(pure_translations(structure))
    assert np.linalg.det(frame.basis) == pytest.approx(primitive)
    assert frame.rotation @ frame.rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(frame.rotation) == pytest.approx(1)
    # the basis is made of lattice vectors
    raw = frame.basis @ frame.rotation.T @ np.linalg.inv(primitive_vectors(structure))
    assert raw == pytest.approx(np.rint(raw), abs=1e-6)
    # and the normal is the reciprocal lattice vector of the facet
    g = structure.lattice.reciprocal_lattice.get_cartesian_coords(miller)
    assert frame.normal == pytest.approx(g / np.linalg.norm(g), abs=1e-9)


@pytest.mark.parametrize("miller", [(1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 0)])
@pytest.mark.parametrize("name", ["Li", "Al"])
def test_metal_facets_have_the_cell_that_pymatgen_finds(name, miller):
    structure = crystal(name)
    frame = facet_frame(structure, miller)
    generator = SlabGenerator(structure, miller, 5, 10, primitive=False)
    oriented = generator.oriented_unit_cell
    ours = np.linalg.norm(np.cross(*frame.basis[:2]))
    theirs = np.linalg.norm(np.cross(*oriented.lattice.matrix[:2]))
    assert theirs / ours == pytest.approx(round(theirs / ours))
    # pymatgen's period along the normal may be a multiple of the smallest
    period = oriented.volume / theirs / frame.spacing
    assert period == pytest.approx(round(period))


def test_known_facets_have_their_published_cells():
    prism = facet_frame(crystal("LiGe2(PO4)3", {"a": 8.28, "c": 20.67}), (1, 0, 0))
    assert prism.spacing == pytest.approx(8.28 * math.sqrt(3) / 2 / 3)
    assert np.linalg.norm(np.cross(*prism.basis[:2])) == pytest.approx(8.28 * 20.67)
    lithium = facet_frame(crystal("Li"), (1, 0, 0))
    assert lithium.spacing == pytest.approx(3.51 / 2)
    argyrodite = facet_frame(crystal("Li6PS5Cl"), (1, 0, 0))
    assert argyrodite.spacing == pytest.approx(9.8603 / 2)


def test_common_factor_of_miller_indices_changes_nothing():
    structure = crystal("In")
    single, double = (
        facet_frame(structure, (1, 0, 1)),
        facet_frame(structure, (2, 0, 2)),
    )
    assert single.basis == pytest.approx(double.basis)


def test_skewed_cell_of_the_same_crystal_gives_the_same_facet():
    cubic = crystal("Al")
    skewed = Structure(
        Lattice(np.array([[1, 0, 0], [3, 1, 0], [0, 2, 1]]) @ cubic.lattice.matrix),
        cubic.species,
        cubic.cart_coords,
        coords_are_cartesian=True,
    )
    # (100) of the cubic cell in the axes of the skewed one
    miller = tuple(
        int(i) for i in np.array([[1, 0, 0], [3, 1, 0], [0, 2, 1]]) @ [1, 0, 0]
    )
    assert facet_frame(skewed, miller).spacing == pytest.approx(4.0496 / 2)


def test_null_facet_is_refused():
    with pytest.raises(StructureError, match="no facet"):
        facet_frame(crystal("Li"), (0, 0, 0))


@pytest.mark.parametrize(
    ("lattice", "miller", "area"),
    [
        (Lattice.cubic(4.0), (1, 0, 0), 16.0),
        (Lattice.cubic(4.0), (1, 1, 0), 16.0 * 2**0.5),
        (Lattice.cubic(4.0), (1, 1, 1), 16.0 * 3**0.5),
        (Lattice.tetragonal(3.0, 5.0), (0, 0, 1), 9.0),
        (Lattice.tetragonal(3.0, 5.0), (1, 0, 0), 15.0),
        (Lattice.tetragonal(3.0, 5.0), (1, 0, 1), 3.0 * (9 + 25) ** 0.5),
        (Lattice.hexagonal(3.0, 5.0), (0, 0, 1), 9.0 * 3**0.5 / 2),
        (Lattice.hexagonal(3.0, 5.0), (1, 0, 0), 15.0),
        (Lattice.hexagonal(3.0, 5.0), (1, 1, 0), 15.0 * 3**0.5),
    ],
)
def test_facets_of_simple_lattices_have_the_areas_of_geometry(lattice, miller, area):
    frame = facet_frame(Structure(lattice, ["Na"], [[0, 0, 0]]), miller)
    assert np.linalg.norm(np.cross(*frame.basis[:2])) == pytest.approx(area)
    assert frame.spacing == pytest.approx(lattice.d_hkl(miller))


@given(
    st.tuples(*[st.floats(3.0, 9.0)] * 3),
    st.tuples(*[st.floats(60.0, 120.0)] * 3),
    st.tuples(*[st.integers(-9, 9)] * 3).filter(any),
)
@settings(max_examples=60, deadline=None)
def test_any_facet_of_any_triclinic_lattice_fills_the_cell(lengths, angles, miller):
    lattice = Lattice.from_parameters(*lengths, *angles)
    assume(lattice.volume > 0.3 * np.prod(lengths))
    frame = facet_frame(Structure(lattice, ["Na"], [[0, 0, 0]]), miller)
    assert np.linalg.det(frame.basis) == pytest.approx(lattice.volume)
    u, v = frame.basis[:2]
    assert np.linalg.norm(u) <= np.linalg.norm(v) + 1e-6
    assert 2 * abs(u @ v) <= u @ u + 1e-6
    coprime = np.array(miller) // np.gcd.reduce(miller)
    assert frame.spacing == pytest.approx(lattice.d_hkl(coprime.tolist()))


def test_short_basis_spans_the_same_lattice():
    long = np.array([[7.0, 1.0], [20.0, 3.0]])
    short = short_basis(long)
    change = short @ np.linalg.inv(long)
    assert change == pytest.approx(np.rint(change), abs=1e-9)
    assert abs(np.linalg.det(change)) == pytest.approx(1)
    assert np.linalg.norm(short, axis=1) == pytest.approx([1.0, 1.0])


def test_four_indices_of_hexagonal_axes_become_three():
    hexagonal = Lattice.hexagonal(3.0, 5.0)
    assert three_indices((1, 0, -1, 0), hexagonal) == (1, 0, 0)
    assert three_indices((1, 1, -2, 3), hexagonal) == (1, 1, 3)
    assert three_indices((2, 0, 1), hexagonal) == (2, 0, 1)


@pytest.mark.parametrize(
    ("miller", "lattice", "message"),
    [
        ((1, 0, 0, 0), Lattice.hexagonal(3, 5), "so i is -1 for h = 1"),
        ((1, 0, -1, 0), Lattice.cubic(3), "hexagonal axes"),
        ((1, 0), Lattice.cubic(3), "three whole indices"),
        ((1.5, 0, 0), Lattice.cubic(3), "three whole indices"),
        ((0, 0, 0, 0), Lattice.hexagonal(3, 5), "no facet"),
    ],
)
def test_indices_that_mean_no_facet_are_refused(miller, lattice, message):
    with pytest.raises(StructureError, match=message):
        three_indices(miller, lattice)
