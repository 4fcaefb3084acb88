import numpy as np

from ionface.structures.matching.equivalence import classes, coincidence_index
from ionface.structures.matching.superlattices import alignments, superlattices

SQUARE = np.diag([3.0, 3.0])
TURN = np.array([[0, 1], [-1, 0]])
MIRROR = np.diag([1, -1])
C1 = np.eye(2, dtype=int)[None]
C2 = np.array([np.eye(2, dtype=int), -np.eye(2, dtype=int)])
C4 = np.array([np.linalg.matrix_power(TURN, n) for n in range(4)])
C4V = np.concatenate([C4, C4 @ MIRROR])


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
