from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.structures.matching.superlattices import (
    alignments,
    classes,
    coincidence_index,
    hermite,
    hermite_forms,
    superlattices,
)

SQUARE = np.diag([3.0, 3.0])
HEXAGONAL = np.array([[3.0, 0.0], [-1.5, 1.5 * 3**0.5]])
OBLIQUE = np.array([[3.0, 0.0], [0.9, 4.2]])
TURN = np.array([[0, 1], [-1, 0]])
MIRROR = np.diag([1, -1])
C1 = np.eye(2, dtype=int)[None]
C2 = np.array([np.eye(2, dtype=int), -np.eye(2, dtype=int)])
C4 = np.array([np.linalg.matrix_power(TURN, n) for n in range(4)])
C4V = np.concatenate([C4, C4 @ MIRROR])


@pytest.mark.parametrize("index", [1, 2, 6, 7, 12, 30])
def test_there_are_as_many_superlattices_as_the_divisors_of_the_index_sum_to(index):
    forms = hermite_forms(index)
    assert len(forms) == sum(d for d in range(1, index + 1) if index % d == 0)
    assert len({tuple(f.ravel()) for f in forms}) == len(forms)
    assert np.linalg.det(forms) == pytest.approx(index)
    assert (hermite(forms) == forms).all()


def test_hermite_form_is_the_same_for_every_basis():
    matrix = np.array([[3, 1], [-2, 5]])
    recasts = [
        np.array([[i, j], [k, m]])
        for i, j, k, m in product(range(-3, 4), repeat=4)
        if abs(i * m - j * k) == 1
    ]
    forms = hermite(np.array([r @ matrix for r in recasts]))
    assert len({tuple(f.ravel()) for f in forms}) == 1


@given(
    st.floats(2, 9), st.floats(2, 9), st.floats(0.4, 2.7), st.integers(1, 12)
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_bases_are_reduced_right_handed_and_of_their_superlattice(a, b, angle, most):
    cell = np.array([[a, 0], [b * np.cos(angle), b * np.sin(angle)]])
    found = superlattices(cell, most)
    vectors = found.matrices @ cell
    assert (np.linalg.det(vectors) > 0).all()
    first, second = vectors[:, 0], vectors[:, 1]
    squares = (first**2).sum(axis=1)
    assert (squares <= (second**2).sum(axis=1) * (1 + 1e-6)).all()
    overlap = np.abs((first * second).sum(axis=1))
    assert (2 * overlap <= squares * (1 + 1e-6)).all()
    keys = {tuple(form.ravel()) for form in hermite(found.matrices)}
    assert len(keys) == len(found.index)


def slow(film, substrate, low, high, reach=3):
    """Return all alignments by trying every change of basis with small entries."""
    entries = product(range(-reach, reach + 1), repeat=4)
    recasts = np.array(
        [[[i, j], [k, m]] for i, j, k, m in entries if i * m - j * k == 1]
    )
    number = 0
    for metric, target in product(film.metric, substrate.metric):
        if (
            not low**2 - 1e-9
            < np.sqrt(np.linalg.det(target) / np.linalg.det(metric))
            < high**2 + 1e-9
        ):
            continue
        moved = recasts @ metric @ recasts.transpose(0, 2, 1)
        squares = np.linalg.eigvals(np.linalg.solve(moved, target[None])).real
        stretches = np.sqrt(squares)
        good = (stretches >= low - 1e-9) & (stretches <= high + 1e-9)
        number += int(good.all(axis=1).sum())
    return number


@pytest.mark.parametrize("strain", [0.02, 0.08, 0.15])
@pytest.mark.parametrize(
    "cells", [(SQUARE, OBLIQUE), (OBLIQUE, SQUARE * 1.2), (HEXAGONAL, HEXAGONAL * 1.01)]
)
def test_alignments_are_those_that_trying_every_basis_finds(cells, strain):
    film, substrate = superlattices(cells[0], 8), superlattices(cells[1], 6)
    low, high = 1 - strain, 1 + strain
    found = alignments(film, substrate, low, high)
    assert len(found.film) == slow(film, substrate, low, high)
    keys = np.concatenate(
        [found.film.reshape(-1, 4), found.substrate.reshape(-1, 4)], 1
    )
    assert len(np.unique(keys, axis=0)) == len(keys)


def test_long_cells_sheared_against_each_other_are_found():
    # b climbs 20 times a: a shear by a of its top is a strain of 2.5 %
    film, substrate = (superlattices(np.diag([1.0, 20.0]), 1) for _ in range(2))
    found = alignments(film, substrate, 0.97, 1.03)
    shears = {abs(int(m[1, 0])) for m in found.film}
    assert shears == {0, 1}


def test_square_on_itself_meets_in_its_four_rotations_and_no_mirror_image():
    found = alignments(superlattices(SQUARE, 1), superlattices(SQUARE, 1), 0.99, 1.01)
    assert len(found.film) == 4
    assert np.linalg.det(found.film @ np.linalg.inv(found.substrate)) == pytest.approx(
        1
    )


def test_nothing_meets_where_areas_differ():
    found = alignments(
        superlattices(SQUARE, 1), superlattices(SQUARE * 1.5, 1), 0.99, 1.01
    )
    assert found.film.shape == (0, 2, 2)
    assert found.compared == 0


def number(film, substrate, film_group, substrate_group):
    return len(set(classes(film, substrate, film_group, substrate_group)[0].tolist()))


def rotations():
    found = alignments(superlattices(SQUARE, 1), superlattices(SQUARE, 1), 0.99, 1.01)
    return found.film, found.substrate


def test_four_rotations_of_a_square_are_as_many_interfaces_as_symmetry_leaves():
    film, substrate = rotations()
    assert number(film, substrate, C1, C1) == 4
    assert number(film, substrate, C2, C1) == 2
    assert number(film, substrate, C1, C4) == 1
    _, images = classes(film, substrate, C4, C1)
    assert images.tolist() == [4, 4, 4, 4]


def test_mirror_images_are_equal_only_if_both_sides_have_mirrors():
    # √5 cells of a square lattice on itself, turned to the left or to the right
    left, right = np.array([[2, 1], [-1, 2]]), np.array([[2, -1], [1, 2]])
    film = np.array([left, right])
    substrate = np.array([right, left])
    assert number(film, substrate, C4V, C4V) == 1
    assert number(film, substrate, C4, C4V) == 2
    assert number(film, substrate, C4V, C4) == 2


def test_common_change_of_basis_makes_no_other_match():
    film = np.array([[2, 1], [-1, 2]])
    substrate = np.array([[3, 0], [1, 2]])
    recasts = [np.eye(2, dtype=int), TURN, np.array([[1, 3], [0, 1]]), MIRROR]
    assert (
        number(
            np.array([r @ film for r in recasts]),
            np.array([r @ substrate for r in recasts]),
            C1,
            C1,
        )
        == 1
    )


def test_multiples_of_a_smaller_cell_are_told():
    film = np.array([[[2, 1], [-1, 2]], [[4, 2], [-1, 2]], [[4, 2], [-3, 6]]])
    substrate = np.array([[[3, 0], [0, 2]], [[6, 0], [0, 2]], [[6, 0], [0, 6]]])
    assert coincidence_index(film, substrate).tolist() == [1, 2, 6]
