"""All superlattices of a plane lattice, the ways to lay one on another, which differ.

After Zur and McGill, J. Appl. Phys. 55, 378 (1984), doi:10.1063/1.333084, in whole
arrays: superlattices of one index are the Hermite normal forms; two of them are
compared by their reduced bases. Unlike in the original, every alignment of two
superlattices that a rotation can reach counts, not that of the reduced bases only.

A match lays the basis F of the film on the basis S of the substrate. What it does to
the lattices is the map T = S⁻¹ F of coefficients, whatever common basis is chosen; and
its cell is the superlattice S. Matches are the same if symmetry makes T and S the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
# first rows that may be as short as the shortest vector of a reduced basis
FIRST_ROWS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
SLACK = 1e-9  # relative; rounding decides no match at the limits


@dataclass(frozen=True)
class Superlattices:
    """All superlattices up to an index, by index.

    Attributes:
        matrices: right-handed reduced bases, shape (n, 2, 2).
        index: area over that of the cell, shape (n,).
        metric: scalar products of the reduced basis, Å², shape (n, 2, 2).
    """

    matrices: Integers
    index: Integers
    metric: Array

    def up_to(self, most: int) -> Superlattices:
        """Return those up to a lower index."""
        lower = slice(int(np.searchsorted(self.index, most, side="right")))
        return Superlattices(
            self.matrices[lower], self.index[lower], self.metric[lower]
        )

    @property
    def lengths(self) -> Array:
        """Return the lengths of the reduced bases, Å, shape (n, 2)."""
        return np.sqrt(np.diagonal(self.metric, axis1=1, axis2=2))


def superlattices(cell: Array, most: int) -> Superlattices:
    """Return all superlattices of index 1 to `most` of a plane lattice.

    Args:
        cell: right-handed vectors, Å, shape (2, 2).
        most: highest index.
    """
    none = np.empty((0, 2, 2), dtype=int)
    forms = np.concatenate([none, *map(hermite_forms, range(1, most + 1))])
    matrices = _reduced(forms, cell)
    vectors = matrices @ cell
    return Superlattices(
        matrices=matrices,
        index=forms[:, 0, 0] * forms[:, 1, 1],
        metric=vectors @ vectors.transpose(0, 2, 1),
    )


@cache
def hermite_forms(index: int) -> Integers:
    """Return the bases [[a, b], [0, d]], 0 <= b < d, of one index, shape (n, 2, 2).

    They are kept: do not write to them.
    """
    blocks = []
    for d in (d for d in range(1, index + 1) if index % d == 0):
        block = np.zeros((d, 2, 2), dtype=int)
        block[:, 0, 0], block[:, 0, 1], block[:, 1, 1] = index // d, np.arange(d), d
        blocks.append(block)
    return np.concatenate(blocks)


def hermite(matrices: Integers) -> Integers:
    """Return the Hermite normal form, the same for all bases of a superlattice.

    Args:
        matrices: of full rank, shape (n, 2, 2).
    """
    first, second = matrices[:, 0].copy(), matrices[:, 1].copy()
    while (left := second[:, 0] != 0).any():
        times = first[left, 0] // second[left, 0]
        rest = first[left] - times[:, None] * second[left]
        first[left], second[left] = second[left], rest
    first *= np.where(first[:, 0] < 0, -1, 1)[:, None]
    d = np.abs(second[:, 1])
    form = np.zeros_like(matrices)
    form[:, 0, 0], form[:, 0, 1], form[:, 1, 1] = first[:, 0], first[:, 1] % d, d
    return form


def _reduced(matrices: Integers, cell: Array) -> Integers:
    """Return Gauss-reduced right-handed bases: |a| <= |b|, 2|a·b| <= a²."""
    bases = matrices.copy()
    for _ in range(200):
        vectors = bases @ cell
        squares = (vectors**2).sum(axis=2)
        swap = squares[:, 1] < squares[:, 0] * (1 - SLACK)
        bases[swap] = bases[swap][:, ::-1]
        vectors[swap] = vectors[swap][:, ::-1]
        shortest = (vectors[:, 0] ** 2).sum(axis=1)
        overlap = (vectors[:, 0] * vectors[:, 1]).sum(axis=1) / shortest
        times = np.where(np.abs(overlap) > 0.5 + SLACK, np.rint(overlap), 0).astype(int)
        if not swap.any() and not times.any():
            break
        bases[:, 1] -= times[:, None] * bases[:, 0]
    bases[:, 1] *= np.where(np.linalg.det(bases @ cell) < 0, -1, 1)[:, None]
    return bases


@dataclass(frozen=True)
class Alignments:
    """Pairs of superlattices with the bases that meet.

    Attributes:
        film: bases of the film's superlattices, shape (n, 2, 2).
        substrate: those of the substrate's that they meet, shape (n, 2, 2).
        stretches: principal stretches that take the film's to the substrate's, (n, 2).
        compared: number of pairs of superlattices whose shapes were compared.
    """

    film: Integers
    substrate: Integers
    stretches: Array
    compared: int


def alignments(
    film: Superlattices, substrate: Superlattices, low: float, high: float
) -> Alignments:
    """Return all rotations of superlattices onto others with stretches in a range.

    Args:
        film: its area per index and lengths decide the pairs.
        substrate: likewise.
        low: least principal stretch from film to substrate.
        high: largest.
    """
    ours, theirs, compared = _similar(film, substrate, low, high)
    metric, target = film.metric[ours], substrate.metric[theirs]
    parts: list[tuple[Integers, Integers, Array]] = []
    for row in FIRST_ROWS:
        for pairs, recast in _recasts(row, metric, target, low, high):
            moved = recast @ metric[pairs] @ recast.transpose(0, 2, 1)
            stretches = _stretches(moved, target[pairs])
            good = (stretches[:, 0] >= low - SLACK) & (stretches[:, 1] <= high + SLACK)
            parts.append((pairs[good], recast[good], stretches[good]))
    none = np.empty(0, dtype=int)
    pairs = np.concatenate([none, *(f[0] for f in parts)])
    recasts = np.concatenate([none.reshape(0, 2, 2), *(f[1] for f in parts)])
    return Alignments(
        film=recasts @ film.matrices[ours[pairs]],
        substrate=substrate.matrices[theirs[pairs]],
        stretches=np.concatenate([np.empty((0, 2)), *(f[2] for f in parts)]),
        compared=compared,
    )


def _similar(
    film: Superlattices, substrate: Superlattices, low: float, high: float
) -> tuple[Integers, Integers, int]:
    """Return pairs whose areas and two shortest lengths allow the stretches."""
    areas = np.sqrt(np.linalg.det(substrate.metric))
    low, high = low * (1 - SLACK), high * (1 + SLACK)
    ours, theirs, compared = [], [], 0
    starts = np.flatnonzero(np.diff(film.index, prepend=0))
    ends = [*starts[1:], len(film.index)][: len(starts)]  # no start: none is so small
    for start, end in zip(starts, ends, strict=True):
        area = float(np.sqrt(np.linalg.det(film.metric[start])))
        first, last = np.searchsorted(areas, [area * low**2, area * high**2])
        if first == last:
            continue
        compared += int((end - start) * (last - first))
        # successive minima of the lattice change no more than any vector does
        ratio = substrate.lengths[None, first:last] / film.lengths[start:end, None]
        i, j = np.nonzero(((ratio >= low) & (ratio <= high)).all(axis=2))
        ours.append(i + start)
        theirs.append(j + first)
    none = np.empty(0, dtype=int)
    return np.concatenate([none, *ours]), np.concatenate([none, *theirs]), compared


def _recasts(
    row: tuple[int, int], metric: Array, target: Array, low: float, high: float
) -> list[tuple[Integers, Integers]]:
    """Return (pairs, bases of determinant 1) whose first vector is this row.

    The second vector is fixed but for multiples of the first; only few of these shear
    the film so little that the stretches may be in their range.
    """
    p, q = row
    other = {(1, 0): (0, 1), (0, 1): (-1, 0), (1, 1): (0, 1), (1, -1): (0, 1)}
    sign = 1 if row in other else -1
    r, s = np.array(other[p * sign, q * sign]) * sign
    first, second = np.array([p, q]), np.array([r, s])
    square = first @ metric @ first
    ratio = np.sqrt(target[:, 0, 0] / square)
    near = np.flatnonzero((ratio >= low * (1 - SLACK)) & (ratio <= high * (1 + SLACK)))
    wanted = target[near, 0, 1] / target[near, 0, 0]
    center = wanted - (metric[near] @ second) @ first / square[near]
    height = np.sqrt(np.linalg.det(target[near])) / target[near, 0, 0]
    reach = (high / low - low / high) * height * high / low + SLACK
    begin = np.ceil(center - reach).astype(int)
    steps = np.floor(center + reach).astype(int) - begin + 1
    recasts = []
    for step in range(int(steps.max(initial=0))):
        pairs = np.flatnonzero(steps > step)
        recast = np.empty((len(pairs), 2, 2), dtype=int)
        recast[:, 0] = first
        recast[:, 1] = second + (begin[pairs] + step)[:, None] * first
        recasts.append((near[pairs], recast))
    return recasts


def _stretches(start: Array, end: Array) -> Array:
    """Return the principal stretches, least first, between metrics, shape (n, 2)."""
    ratio = np.linalg.solve(start, end)
    half = np.trace(ratio, axis1=1, axis2=2) / 2
    split = np.sqrt(np.clip(half**2 - np.linalg.det(ratio), 0, None))
    return np.sqrt(np.clip(np.stack([half - split, half + split], axis=1), 0, None))


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
