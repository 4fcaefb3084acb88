"""The pair counts of `counts` with numpy alone: the reference of the fast way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.rdf.kernels.images import (
    Counts,
    Images,
    IntArray,
    PairTask,
    histogram,
    shared,
    shifted,
)
from ionface.analysis.trajectory.frames import FloatArray

BLOCK = 8192
"""Pairs that are held at once: arrays of 64 kB stay in the processor's cache."""


def count(
    task: PairTask,
    positions: FloatArray,
    lattices: FloatArray,
    images: Images,
    intervals: IntArray,
) -> Counts:
    """Count different atoms, pairs of equals once; arguments as in `count_block`."""
    found = np.zeros(
        (intervals.max() + 1, len(task.pairs), task.bins.number), dtype=np.int64
    )
    for frames, lattice, inverse in zip(
        shared(lattices, positions), lattices, np.linalg.inv(lattices), strict=True
    ):
        w = _fractional(positions[frames], inverse)
        _count_frames(found, task, w, lattice, images, intervals[frames])
    return found


def _count_frames(
    found: Counts,
    task: PairTask,
    w: list[FloatArray],
    lattice: FloatArray,
    images: Images,
    intervals: IntArray,
) -> None:
    for row, pair in enumerate(task.pairs):
        for rows, columns in _atom_blocks(task, *pair):
            pairs = np.broadcast(rows, columns).size
            for span in _frame_blocks(intervals, pairs):
                d = _differences(w, rows, columns, span, lattice, images)
                distances = found[intervals[span.start], row]
                for squared in _squares(d, images.shifts, lattice):
                    histogram(squared, task, distances)


def _fractional(positions: FloatArray, inverse: FloatArray) -> list[FloatArray]:
    x, y, z = positions[..., 0], positions[..., 1], positions[..., 2]
    return [x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k] for k in range(3)]


def _atom_blocks(
    task: PairTask, a: int, b: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield atoms that meet one another, as two arrays that broadcast together."""
    first, second = task.groups[a], task.groups[b]
    if a != b:
        size = max(1, BLOCK // len(second))
        for start in range(0, len(first), size):
            yield first[start : start + size, None], second[None, :]
        return
    rows, columns = np.triu_indices(len(first), 1)
    for start in range(0, len(rows), BLOCK):
        span = slice(start, start + BLOCK)
        yield first[rows[span]], second[columns[span]]


def _frame_blocks(intervals: IntArray, pairs: int) -> Iterator[slice]:
    """Yield runs of frames of one interval that fit into memory."""
    size = max(1, BLOCK // pairs)
    edges = np.flatnonzero(np.diff(intervals, prepend=-1, append=-1))
    for low, high in itertools.pairwise(edges.tolist()):
        for start in range(low, high, size):
            yield slice(start, min(start + size, high))


def _differences(
    w: list[FloatArray],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    span: slice,
    lattice: FloatArray,
    images: Images,
) -> list[FloatArray]:
    """Return the Cartesian components of all wrapped differences, (frames, ...)."""
    s = []
    for axis in range(3):
        difference = w[axis][span][:, columns] - w[axis][span][:, rows]
        if images.periodic[axis]:
            difference -= np.floor(difference + images.offset[axis])
        s.append(difference)
    return [_combine(s, lattice[:, axis]) for axis in range(3)]


def _combine(arrays: list[FloatArray], factors: FloatArray) -> FloatArray:
    # Leaving out a term that is zero changes no bit of the sum.
    terms = [a * f for a, f in zip(arrays, factors, strict=True) if f]
    total = terms[0]
    for term in terms[1:]:
        total += term
    return total


def _squares(
    d: list[FloatArray], shifts: IntArray, lattice: FloatArray
) -> Iterator[FloatArray]:
    """Yield the squared distances of one image after the other, Å², (frames, pairs)."""
    moves = shifted(shifts, lattice)
    # Images on one line share two components: each square is taken once.
    once = [
        {move: (d[axis] + move) ** 2 for move in set(moves[:, axis].tolist())}
        for axis in range(3)
    ]
    for x, y, z in moves.tolist():
        total = once[0][x] + once[1][y]
        total += once[2][z]
        yield total.reshape(len(total), -1)
