"""Which matches of two plane lattices are the same by symmetry or by repetition.

A match lays the basis F of the film on the basis S of the substrate. What it does to
the lattices is the map T = S⁻¹ F of coefficients, whatever common basis is chosen; and
its cell is the superlattice S.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ionface.structures.matching.superlattices import hermite

Integers = NDArray[np.int_]


def classes(
    film: Integers,
    substrate: Integers,
    film_group: Integers,
    substrate_group: Integers,
) -> tuple[Integers, Integers]:
    """Return the class of each match, numbered from 0, and the size of that class.

    Operations are taken in pairs, both proper or both improper: two proper ones turn
    each side onto itself; two improper ones mirror the interface.

    Args:
        film: bases of the film's supercells, shape (n, 2, 2).
        substrate: those of the substrate's that they meet, shape (n, 2, 2).
        film_group: what the film's operations do to rows of coefficients, (m, 2, 2).
        substrate_group: likewise of the substrate.
    """
    least = _key(film, substrate)  # the identity is in both groups
    for ours in film_group:
        for theirs in substrate_group:
            if round(np.linalg.det(ours)) == round(np.linalg.det(theirs)):
                least = _lesser(least, _key(film @ ours, substrate @ theirs))
    _, inverse, images = np.unique(
        least, axis=0, return_inverse=True, return_counts=True
    )
    inverse = inverse.reshape(-1)
    return inverse, images[inverse]


def _key(film: Integers, substrate: Integers) -> Integers:
    """Return whole numbers that tell a match, whatever its common basis, (n, 8)."""
    a, b, c, d = substrate.reshape(-1, 4).T
    inverse = np.stack([d, -b, -c, a], axis=1).reshape(-1, 2, 2)
    determinant = a * d - b * c
    # a left-handed common basis changes the sign of both
    mapped = inverse @ film * np.sign(determinant)[:, None, None]
    return np.concatenate(
        [mapped.reshape(-1, 4), hermite(substrate).reshape(-1, 4)], axis=1
    )


def _lesser(first: Integers, second: Integers) -> Integers:
    """Return the row that comes first in dictionary order, of each pair of rows."""
    difference = first - second
    column = (difference != 0).argmax(axis=1)
    smaller = difference[np.arange(len(first)), column] > 0
    return np.where(smaller[:, None], second, first)


def coincidence_index(film: Integers, substrate: Integers) -> Integers:
    """Return how often each cell repeats the smallest cell of the same alignment.

    The smallest cell holds all vectors with whole coefficients in both lattices: with
    the rows of S and F side by side in one matrix, the greatest common divisor of its
    six minors tells by how much S is larger.

    Args:
        film: bases of the film's supercells, shape (n, 2, 2).
        substrate: those of the substrate's that they meet, shape (n, 2, 2).
    """
    rows = np.concatenate([substrate, film], axis=2)  # (n, 2, 4)
    minors = [
        rows[:, 0, i] * rows[:, 1, j] - rows[:, 0, j] * rows[:, 1, i]
        for i in range(4)
        for j in range(i + 1, 4)
    ]
    return np.asarray(np.gcd.reduce(np.array(minors), axis=0))
