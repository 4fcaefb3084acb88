"""The pair counts of `counts` in compiled loops (numba, the extra "fast").

Two atoms are followed through all frames of a block before the next two are taken, so
that the innermost loops run over contiguous frames: they are vectorized, and atoms that
stay far apart during the block are left out once instead of frame by frame. No fast
math: products and sums are rounded one by one, as numpy does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ionface.analysis.rdf.kernels.images import (
    Counts,
    Images,
    IntArray,
    PairTask,
    shifted,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.compiled import compiled

SLACK = 1e-9
"""Added to the reach in units of the cell: leaving out must never lose a pair."""


class _Frames(NamedTuple):
    """Frames as the loops read them.

    Attributes:
        w: positions in units of the cell, shape (n_atoms, 3, n_frames).
        center: where each atom starts, shape (3, n_atoms).
        spread: how far it strays from there, shape (3, n_atoms).
        intervals: the interval of each frame, shape (n_frames,).
    """

    w: FloatArray
    center: FloatArray
    spread: FloatArray
    intervals: IntArray


class _Space(NamedTuple):
    """The cells, their images, and what is near.

    Attributes:
        lattices: Å, shape (3, 3, 1), or (3, 3, n_frames) where each frame has its own.
        moves: shifts of the images, Å, shape (n_images, 3, 1 or n_frames).
        offset: as in `Images`.
        periodic: as in `Images`.
        reach: as in `Images`, a little longer.
        reach_squared: of the longest distance that matters, Å².
        per_angstrom: bins per Å.
    """

    lattices: FloatArray
    moves: FloatArray
    offset: FloatArray
    periodic: FloatArray
    reach: FloatArray
    reach_squared: float
    per_angstrom: float


def count(
    task: PairTask,
    positions: FloatArray,
    lattices: FloatArray,
    images: Images,
    intervals: IntArray,
) -> Counts:
    """Count different atoms, pairs of equals once; arguments as in `count_block`."""
    n_intervals, n_pairs = int(intervals.max()) + 1, len(task.pairs)
    distances = np.zeros((n_intervals, n_pairs, task.bins.number), dtype=np.int64)
    # Neighbors in memory belong to different intervals: no histogram waits for itself.
    rank = np.arange(len(intervals)) - np.searchsorted(intervals, intervals)
    sequence = np.lexsort((intervals, rank))
    inverses = np.linalg.inv(lattices)
    if len(lattices) > 1:
        lattices, inverses = lattices[sequence], inverses[sequence]
    moves = np.array([shifted(images.shifts, lattice) for lattice in lattices])
    w, center, spread = _prepare(
        positions, sequence, task.order, inverses, images.periodic
    )
    space = _Space(
        # frames last, as in all that the inner loops read
        np.ascontiguousarray(lattices.transpose(1, 2, 0)),
        np.ascontiguousarray(moves.transpose(1, 2, 0)),
        images.offset, images.periodic, images.reach + SLACK,
        task.bins.cutoff**2, task.bins.per_angstrom,
    )  # fmt: skip
    frames = _Frames(w, center, spread, intervals[sequence])
    pairs = np.array(task.pairs, dtype=np.int64)
    _count(frames, space, task.starts, pairs, distances)
    return distances


@compiled()
def _prepare(
    positions: Any, sequence: Any, order: Any, inverses: Any, periodic: Any
) -> Any:
    """Return fractional positions (atoms, 3, frames), their start and their range."""
    n_frames, n_atoms = len(positions), len(order)
    w = np.empty((n_atoms, 3, n_frames))
    for f in range(n_frames):
        frame = positions[sequence[f]]
        v = inverses[f if len(inverses) > 1 else 0]
        for k in range(n_atoms):
            x, y, z = frame[order[k], 0], frame[order[k], 1], frame[order[k], 2]
            for c in range(3):
                w[k, c, f] = x * v[0, c] + y * v[1, c] + z * v[2, c]
    center, spread = np.empty((3, n_atoms)), np.zeros((3, n_atoms))
    for k in range(n_atoms):
        for c in range(3):
            center[c, k] = w[k, c, 0]
            far = 0.0
            for f in range(n_frames):
                s = w[k, c, f] - w[k, c, 0]
                far = max(far, abs(s - periodic[c] * np.floor(s + 0.5)))
            spread[c, k] = far
    return w, center, spread


@compiled()
def _count(frames: Any, space: Any, starts: Any, pairs: Any, distances: Any) -> None:
    # What the loops need is passed as plain arrays: passing tuples costs more than use.
    w, center, spread, intervals = frames
    cells, moves, offset, periodic, reach, reach_squared, per_angstrom = space
    n_frames, one_cell = w.shape[2], cells.shape[2] == 1
    slots = distances.shape[2] + 2  # rounding at the cutoff, and what is beyond it
    turns = max(1, 4 // len(distances))  # several histograms for few intervals
    base = (intervals * turns + np.arange(n_frames) % turns) * slots
    histogram = np.zeros(len(distances) * turns * slots, np.int64)
    d, squared = np.empty((3, n_frames)), np.empty(n_frames)
    kept, kept_base = np.empty(n_frames + 1), np.empty(n_frames + 1, np.int64)
    index = np.empty(n_frames, np.int64)
    near, partners = np.empty(len(w), np.bool_), np.empty(len(w) + 1, np.int64)
    for p in range(len(pairs)):
        a, b = pairs[p]
        histogram[:] = 0
        for i in range(starts[a], starts[a + 1]):
            low = i + 1 if a == b else starts[b]
            found = _partners(
                center, spread, i, low, starts[b + 1], periodic, reach, near, partners
            )
            for c in range(found):
                second = w[partners[c]]
                if one_cell:
                    _differences(w[i], second, cells[:, :, 0], offset, periodic, d)
                else:
                    _in_cells(w[i], second, cells, offset, periodic, d)
                for m in range(len(moves)):
                    if one_cell:
                        inside = _squares(d, moves[m, :, 0], reach_squared, squared)
                    else:
                        inside = _squares_in_cells(d, moves[m], reach_squared, squared)
                    if inside == 0:
                        continue
                    if inside == n_frames:
                        _tally(squared, base, inside, per_angstrom, index, histogram)
                    else:
                        _keep(squared, base, reach_squared, kept, kept_base)
                        _tally(kept, kept_base, inside, per_angstrom, index, histogram)
        _collect(histogram, turns, slots, distances[:, p])


@compiled()
def _collect(histogram: Any, turns: int, slots: int, distances: Any) -> None:
    """Add the histograms of each interval to its distances, (intervals, bins)."""
    for k in range(len(distances) * turns):
        for n in range(distances.shape[1]):
            distances[k // turns, n] += histogram[k * slots + n]


@compiled()
def _partners(
    center: Any, spread: Any, i: int, low: int, high: int, periodic: Any, reach: Any,
    near: Any, partners: Any,
) -> int:  # fmt: skip
    """List the atoms that atom i might come near to, and return their number.

    Along each axis the wrapped difference times the height of the cell is a lower bound
    of the distance to every image.
    """
    x, y, z = center[0, i], center[1, i], center[2, i]
    p, q, r = periodic[0], periodic[1], periodic[2]
    u, v, t = spread[0, i] + reach[0], spread[1, i] + reach[1], spread[2, i] + reach[2]
    for j in range(low, high):
        a, b, c = center[0, j] - x, center[1, j] - y, center[2, j] - z
        a -= p * np.floor(a + 0.5)
        b -= q * np.floor(b + 0.5)
        c -= r * np.floor(c + 0.5)
        near[j] = (
            (abs(a) <= u + spread[0, j])
            & (abs(b) <= v + spread[1, j])
            & (abs(c) <= t + spread[2, j])
        )
    found = 0
    for j in range(low, high):
        partners[found] = j
        found += near[j]
    return found


@compiled()
def _differences(
    first: Any, second: Any, lattice: Any, offset: Any, periodic: Any, d: Any
) -> None:
    """Write the wrapped Cartesian differences of two atoms, (3, frames)."""
    o, p, q = offset[0], offset[1], offset[2]
    u, v, t = periodic[0], periodic[1], periodic[2]
    ax, ay, az = lattice[0, 0], lattice[0, 1], lattice[0, 2]
    bx, by, bz = lattice[1, 0], lattice[1, 1], lattice[1, 2]
    cx, cy, cz = lattice[2, 0], lattice[2, 1], lattice[2, 2]
    for f in range(d.shape[1]):
        a = second[0, f] - first[0, f]
        b = second[1, f] - first[1, f]
        c = second[2, f] - first[2, f]
        a -= u * np.floor(a + o)
        b -= v * np.floor(b + p)
        c -= t * np.floor(c + q)
        d[0, f] = a * ax + b * bx + c * cx
        d[1, f] = a * ay + b * by + c * cy
        d[2, f] = a * az + b * bz + c * cz


@compiled()
def _in_cells(
    first: Any, second: Any, cells: Any, offset: Any, periodic: Any, d: Any
) -> None:
    """Do as `_differences` where each frame has a cell of its own."""
    o, p, q = offset[0], offset[1], offset[2]
    u, v, t = periodic[0], periodic[1], periodic[2]
    for f in range(d.shape[1]):
        a = second[0, f] - first[0, f]
        b = second[1, f] - first[1, f]
        c = second[2, f] - first[2, f]
        a -= u * np.floor(a + o)
        b -= v * np.floor(b + p)
        c -= t * np.floor(c + q)
        for k in range(3):
            d[k, f] = a * cells[0, k, f] + b * cells[1, k, f] + c * cells[2, k, f]


@compiled()
def _squares(d: Any, move: Any, reach_squared: float, squared: Any) -> int:
    """Write the squared distances to one image; return how many are within reach."""
    x, y, z = move[0], move[1], move[2]
    inside = 0
    for f in range(len(squared)):
        a, b, c = d[0, f] + x, d[1, f] + y, d[2, f] + z
        total = a * a + b * b + c * c
        squared[f] = total
        inside += total < reach_squared
    return inside


@compiled()
def _squares_in_cells(d: Any, move: Any, reach_squared: float, squared: Any) -> int:
    """Do as `_squares` where each frame has a cell of its own."""
    inside = 0
    for f in range(len(squared)):
        a, b, c = d[0, f] + move[0, f], d[1, f] + move[1, f], d[2, f] + move[2, f]
        total = a * a + b * b + c * c
        squared[f] = total
        inside += total < reach_squared
    return inside


@compiled()
def _keep(
    squared: Any, base: Any, reach_squared: float, kept: Any, kept_base: Any
) -> None:
    """Move what is within reach to the front, without a branch."""
    found = 0
    for f in range(len(squared)):
        kept[found] = squared[f]
        kept_base[found] = base[f]
        found += squared[f] < reach_squared


@compiled()
def _tally(
    squared: Any,
    base: Any,
    number: int,
    per_angstrom: float,
    index: Any,
    histogram: Any,
) -> None:
    for k in range(number):
        index[k] = base[k] + np.int64(np.sqrt(squared[k]) * per_angstrom)
    for k in range(number):
        histogram[index[k]] += 1
