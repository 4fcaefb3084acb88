"""Periodic distances against sums over many images, in every kind of cell."""

from itertools import product

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.periodic import (
    box,
    pairs_within,
    perpendicular_widths,
    short_basis,
    shortest,
    whole,
)

PLANES = [
    np.diag([7.0, 9.0]),
    np.array([[8.0, 0.0], [-4.0, 6.9]]),
    np.array([[6.0, 0.0], [20.0, 7.0]]),  # far from reduced
]
BULKS = [
    np.diag([7.0, 8.0, 9.0]),
    np.array([[7.0, 0.0, 0.0], [3.0, 6.5, 0.0], [9.0, 1.0, 7.0]]),
]


def images(cell):
    matrix, periodic = box(cell)
    reach = 30 if cell.shape == (2, 2) else 8
    ranges = [range(-reach, reach + 1) if p else (0,) for p in periodic]
    return np.array(list(product(*ranges))) @ matrix


@pytest.mark.parametrize("cell", PLANES + BULKS)
def test_shortest_images_are_the_shortest_of_many(cell):
    vectors = np.random.default_rng(0).normal(size=(50, 3)) * 8
    found = shortest(vectors, cell)
    lengths = np.linalg.norm(vectors[:, None] + images(cell), axis=-1).min(axis=1)
    assert np.linalg.norm(found, axis=1) == pytest.approx(lengths)
    matrix, periodic = box(cell)
    moved = (found - vectors) @ np.linalg.inv(matrix)
    assert moved == pytest.approx(np.rint(moved), abs=1e-9)
    assert (moved[:, ~periodic] == 0).all()


@pytest.mark.parametrize("cell", PLANES + BULKS)
def test_pairs_are_all_pairs_of_all_images_once(cell):
    coords = np.random.default_rng(1).random((12, 3)) * 15 - 4
    pairs = pairs_within(coords, cell, 8.0)
    shifts = images(cell)
    found = 0
    for i in range(12):
        for j in range(i, 12):
            apart = np.linalg.norm(coords[j] + shifts - coords[i], axis=1)
            near = int((apart < 8.0).sum())
            found += near if i < j else (near - 1) // 2
    assert len(pairs.first) == found
    assert (pairs.distances(coords) < 8.0).all()
    assert (pairs.first <= pairs.second).all()


def test_radii_give_each_pair_its_own_reach():
    coords = np.array([[0.0, 0, 0], [2.5, 0, 0], [0, 2.5, 0]])
    pairs = pairs_within(coords, np.diag([20.0, 20.0]), np.array([1.0, 2.0, 1.0]))
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(0, 1)]


@pytest.mark.parametrize("cell", PLANES + BULKS)
def test_wrapped_chains_are_made_whole(cell):
    rng = np.random.default_rng(2)
    steps = rng.normal(size=(20, 3))
    steps *= 1.5 / np.linalg.norm(steps, axis=1, keepdims=True)
    chain = np.cumsum(steps, axis=0)
    bonds = tuple((i, i + 1) for i in range(19))
    matrix, periodic = box(cell)
    wrapped = chain @ np.linalg.inv(matrix)
    wrapped = (wrapped - np.where(periodic, np.floor(wrapped), 0)) @ matrix
    found = whole(wrapped, bonds, cell)
    assert found - found[0] == pytest.approx(chain - chain[0])


def test_atoms_without_bonds_stay_where_they_are():
    coords = np.array([[1.0, 2, 3], [40.0, 50, 60]])
    assert (whole(coords, (), np.diag([5.0, 5.0])) == coords).all()


def test_widths_are_distances_of_opposite_sides():
    assert perpendicular_widths(np.diag([7.0, 9.0])) == pytest.approx([7, 9])
    hexagonal = np.array([[8.0, 0.0], [-4.0, 8 * np.sqrt(3) / 2]])
    assert perpendicular_widths(hexagonal) == pytest.approx([8 * np.sqrt(3) / 2] * 2)
    oblong = np.array([[10.0, 0.0], [3.0, 4.0]])
    assert perpendicular_widths(oblong) == pytest.approx([8.0, 4.0])


def test_other_cells_are_refused():
    with pytest.raises(StructureError, match=r"cell of shape \(2, 3\)"):
        box(np.zeros((2, 3)))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_hexagonal_cell_is_reduced_whatever_rounding_says(sign):
    # a·b = a²/2 but for the last digit, where a reduction may go to and fro for ever
    random = np.random.default_rng(1)
    for a in np.arange(2.4, 4.4, 0.005):
        plane = np.array([[a, 0.0], [sign * a / 2, a * np.sqrt(3) / 2]]) / np.sqrt(2)
        for times in ([[1, 0], [0, 1]], [[3, 1], [1, 3]], [[7, 2], [-2, 5]]):
            big = np.array(times) @ plane
            basis = np.linalg.inv(times) @ big
            basis *= 1 + 1e-15 * random.integers(-3, 4, (2, 2))
            first, second = short_basis(basis)
            assert abs(first @ second) <= first @ first / 2 * (1 + 1e-6)
            assert abs(np.linalg.det([first, second])) == pytest.approx(
                abs(np.linalg.det(plane))
            )
