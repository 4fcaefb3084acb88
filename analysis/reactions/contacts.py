"""Which atoms are near to one another, frame by frame: what bonds are told from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.rdf.kernels.images import IntArray, check_number, heights
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

BLOCK = 128
"""Frames held at once. Atoms that are far apart at the block's start, and do not move
far, are left out for all its frames."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Contacts:
    """Pairs of atoms that are near, ordered by pair, then by time.

    In a cell thinner than twice the reach an atom may be near to several images of
    another; the nearest counts.

    Attributes:
        first: atoms of the first species, shape (n,).
        second: atoms of the second species, shape (n,).
        frame: shape (n,).
        distance: Å, shape (n,).
    """

    first: IntArray
    second: IntArray
    frame: IntArray
    distance: FloatArray


def contacts(trajectory: Trajectory, pair: Pair, reach: float) -> Contacts:
    """Return all contacts of two species closer than `reach`, in Å.

    Raises:
        AnalysisError: there is no frame, a species is missing, a position is no
            number, or the reach needs too many images.
    """
    if not len(trajectory):
        _ = trajectory.lattice  # raises, with the reason why there is no frame
    first, second = (trajectory.indices(symbol) for symbol in pair)
    parts, start = [], 0
    for block in trajectory.blocks(BLOCK):
        parts.append(_block(block, start, first, second, reach, trajectory.pbc))
        start += len(block)
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    order = np.lexsort((columns[2], columns[1], columns[0]))
    a, b, frame, distance = (column[order] for column in columns)
    return Contacts(a, b, frame, distance)


def _block(
    block: Segment,
    start: int,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    reach: float,
    pbc: tuple[bool, ...],
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    lattices = np.asarray(block.lattices, dtype=np.float64)
    positions = np.asarray(block.positions, dtype=np.float64)
    if not np.isfinite(positions.sum()):
        raise AnalysisError(
            "a position is infinite or no number; leave those frames out of the run"
        )
    w = positions @ np.linalg.inv(lattices)  # (frames, atoms, 3)
    ratio = np.max([reach / heights(lattice) for lattice in lattices], axis=0)
    rows, columns = _candidates(w, first, second, ratio, np.array(pbc, dtype=float))
    s = w[:, columns] - w[:, rows]
    s -= np.array(pbc, dtype=float) * np.rint(s)
    near = _nearest(s, lattices, ratio, reach, pbc)
    frame, k = np.nonzero(near < reach**2)
    return rows[k], columns[k], frame + start, np.sqrt(near[frame, k])


def _candidates(
    w: FloatArray,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    ratio: FloatArray,
    periodic: FloatArray,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the atoms that might come near to one another within the block."""
    moved = w - w[0]
    moved -= periodic * np.rint(moved)
    spread = np.abs(moved).max(axis=0)  # (atoms, 3)
    near = np.ones((len(first), len(second)), dtype=bool)
    for axis in range(3):
        s = w[0, second, axis] - w[0, first, axis][:, None]
        s -= periodic[axis] * np.rint(s)
        limit = spread[second, axis] + spread[first, axis][:, None] + ratio[axis]
        near &= np.abs(s) <= limit + 1e-9
    if first is second or np.array_equal(first, second):
        near = np.triu(near, 1)
    rows, columns = np.nonzero(near)
    return first[rows], second[columns]


def _nearest(
    s: FloatArray,
    lattices: FloatArray,
    ratio: FloatArray,
    reach: float,
    pbc: tuple[bool, ...],
) -> FloatArray:
    """Return the squared distance to the nearest image, Å², shape (frames, n)."""
    spans = np.where(pbc, np.ceil(ratio + 0.5) - 1, 0).astype(int)
    check_number(float(np.prod(2 * spans + 1)), lattices[0], reach)
    d = s @ lattices
    shifts = itertools.product(*(range(-n, n + 1) for n in spans.tolist()))
    nearest = np.full(d.shape[:2], np.inf)
    for shift in shifts:
        move = np.array(shift, dtype=float) @ lattices  # (frames or 1, 3)
        squared = np.sum((d + move[:, None]) ** 2, axis=2)
        np.minimum(nearest, squared, out=nearest)
    return nearest
