"""When each bond forms and breaks, so that vibrations do not count.

A pair of atoms is judged by its distance averaged over `BondRule.average_fs`: a bond
forms where that falls below `form` and breaks where it exceeds `release`, the longer of
the two. This is the stable-states picture of a reaction (Northrup and Hynes, J. Chem.
Phys. 73, 2700 (1980), doi:10.1063/1.440484).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.kernels.images import (
    IntArray,
    check_finite,
    check_number,
    heights,
)
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.trajectory.cells import completed
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory

FAR = 0.5
"""Å beyond `release`: averages take longer distances as this one, so that two atoms
that leap apart are no longer apart, in the mean, than two that have just parted."""


@dataclass(frozen=True)
class BondHistory:
    """All bonds of a pair, each from its forming to its breaking.

    Attributes:
        pair: as in "In-S".
        rule: what counts as a bond.
        times_fs: of all frames, shape (n_frames,); NaN without a time axis.
        first: atom of the first species, shape (n_bonds,).
        second: atom of the second species, shape (n_bonds,); twice the same two where
            they are bonded through several faces of a thin cell.
        start: first frame of the bond, shape (n_bonds,).
        stop: first frame without it; n_frames where the run ends first.
        atoms: numbers of atoms of the two species.
    """

    pair: str
    rule: BondRule
    times_fs: FloatArray = field(repr=False)
    first: IntArray = field(repr=False)
    second: IntArray = field(repr=False)
    start: IntArray = field(repr=False)
    stop: IntArray = field(repr=False)
    atoms: tuple[int, int]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def n_frames(self) -> int:
        """Return the number of frames."""
        return len(self.times_fs)

    @property
    def counts(self) -> IntArray:
        """Return the number of bonds in each frame, shape (n_frames,)."""
        changes = np.bincount(self.start, minlength=self.n_frames + 1)
        changes -= np.bincount(self.stop, minlength=self.n_frames + 1)
        return np.cumsum(changes)[: self.n_frames]

    @property
    def formed_fs(self) -> FloatArray:
        """Return when bonds formed, in order, but for those of the first frame."""
        return np.sort(self.times_fs[self.start[self.start > 0]])

    @property
    def broken_fs(self) -> FloatArray:
        """Return when bonds broke, in order."""
        return np.sort(self.times_fs[self.stop[self.stop < self.n_frames]])

    @property
    def durations_fs(self) -> FloatArray:
        """Return how long each bond was seen, fs, shape (n_bonds,)."""
        ends = np.append(self.times_fs, self.times_fs[-1])
        return ends[self.stop] - self.times_fs[self.start]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; each bond as [first, second, start, stop]."""
        columns = [self.first, self.second, self.start, self.stop]
        return {
            "form": self.rule.form,
            "release": self.rule.release,
            "average_fs": self.rule.average_fs,
            "atoms": list(self.atoms),
            "counts": self.counts.tolist(),
            "bonds": np.transpose(columns).tolist(),
        }

    @classmethod
    def from_dict(
        cls, pair: str, data: Mapping[str, Any], times_fs: FloatArray
    ) -> BondHistory:
        """Return the history that `as_dict` wrote."""
        rule = BondRule(data["form"], data["release"], data["average_fs"])
        first, second, start, stop = np.array(data["bonds"], dtype=int).reshape(-1, 4).T
        n, m = data["atoms"]
        return cls(pair, rule, times_fs, first, second, start, stop, (n, m))


def bond_history(
    trajectory: Trajectory, pair: str | tuple[str, str], rule: BondRule | None = None
) -> BondHistory:
    """Return when each bond of a pair formed and broke.

    Args:
        trajectory: positions may be wrapped or not; the cell may change. Frames should
            follow one another faster than bonds form and break. Without a time axis,
            or with frames farther apart than half the rule's average, each frame
            stands for itself.
        pair: as in "In-S".
        rule: `BondRule.of(pair)` if not given.

    Raises:
        AnalysisError: there is no frame, a species is missing, or a pair is not written
            as A-B.
    """
    parsed = parse_pair(pair)
    rule = BondRule.of(parsed) if rule is None else rule
    far = rule.release + FAR
    near = contacts(trajectory, parsed, far)
    times = trajectory.times_or_nan_fs
    found = [
        (near.first[k], near.second[k], start, stop)
        for k, frames, distances in near.by_pair()
        for start, stop in _episodes(frames, far - distances, far, rule, times)
    ]
    first, second, start, stop = np.array(found, dtype=np.int64).reshape(-1, 4).T
    return BondHistory(
        pair_name(parsed), rule, times, first, second, start, stop,
        (len(trajectory.indices(parsed[0])), len(trajectory.indices(parsed[1]))),
    )  # fmt: skip


def _episodes(
    frames: IntArray,
    closeness: FloatArray,
    far: float,
    rule: BondRule,
    times: FloatArray,
) -> Iterator[tuple[int, int]]:
    """Yield first and last frame (exclusive) of each bond of two atoms.

    Args:
        frames: in which they are nearer than `far`, ascending.
        closeness: by how much, Å; it is 0 in all other frames.
        far: Å.
        rule: what counts as a bond.
        times: of all frames, fs.
    """
    half = _half_width(times, rule.average_fs)
    low = max(0, int(frames[0]) - half)
    high = min(len(times), int(frames[-1]) + half + 1)
    series = np.zeros(high - low)
    series[frames - low] = closeness
    mean = _averaged(series, half, low, len(times))
    near = np.flatnonzero(np.diff(mean > far - rule.release, prepend=0, append=0))
    close = np.flatnonzero(mean > far - rule.form)
    for start, stop in near.reshape(-1, 2).tolist():
        at = np.searchsorted(close, start)
        if at < len(close) and close[at] < stop:
            yield int(close[at]) + low, stop + low


def _half_width(times: FloatArray, average: float) -> int:
    """Return how many frames before and after one are averaged with it."""
    if len(times) < 2 or not np.isfinite(times).all():
        return 0
    interval = float(np.median(np.diff(times)))
    return int(average / 2 / interval) if interval > 0 else 0


def _averaged(series: FloatArray, half: int, low: int, n_frames: int) -> FloatArray:
    """Return means over the frames around each one, fewer at the ends of the run.

    Args:
        series: from frame `low` on; 0 beyond its ends.
        half: frames before and after.
        low: of the first value.
        n_frames: of the run.
    """
    total = np.concatenate([[0.0], np.cumsum(series)])
    k = np.arange(len(series))
    sums = total[np.minimum(k + half + 1, len(series))] - total[np.maximum(k - half, 0)]
    after = np.minimum(k + low + half + 1, n_frames)
    return np.asarray(sums / (after - np.maximum(k + low - half, 0)), dtype=np.float64)


BLOCK = 128
"""Frames held at once. Atoms that are far apart at the block's start, and do not move
far, are left out for all its frames."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Contacts:
    """Pairs of atoms that are near, ordered by pair, then by time.

    Each periodic image of an atom is a partner of its own, followed from block to
    block across the faces of the cell.

    Attributes:
        first: atoms of the first species, shape (n,).
        second: atoms of the second species, shape (n,).
        image: a number for the image of the second atom, shape (n,).
        frame: shape (n,).
        distance: Å, shape (n,).
    """

    first: IntArray
    second: IntArray
    image: IntArray
    frame: IntArray
    distance: FloatArray

    def by_pair(self) -> Iterator[tuple[int, IntArray, FloatArray]]:
        """Yield where each pair of atoms begins, its frames and distances."""
        keys = np.array([self.first, self.second, self.image])
        begin = np.flatnonzero((np.diff(keys, prepend=-1) != 0).any(axis=0))
        for start, stop in itertools.pairwise([*begin.tolist(), keys.shape[1]]):
            yield start, self.frame[start:stop], self.distance[start:stop]


def contacts(trajectory: Trajectory, pair: Pair, reach: float) -> Contacts:
    """Return all contacts of two species closer than `reach`, in Å, over all images.

    Raises:
        AnalysisError: there is no frame, a species is missing, a position is no
            number, or the reach needs too many images.
    """
    if not len(trajectory):
        _ = trajectory.lattice  # raises, with the reason why there is no frame
    first, second = (trajectory.indices(symbol) for symbol in pair)
    pbc = np.array(trajectory.pbc, dtype=bool)
    found, start, last = [], 0, None
    for block in trajectory.blocks(BLOCK):
        lattices = completed(block.lattices, trajectory.pbc)
        w = _continuous(block, lattices, pbc, last)
        last = w[-1]
        found.append(_block(w, lattices, start, (first, second), reach, pbc))
        start += len(block)
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    order = np.lexsort(columns[3::-1])
    return Contacts(*(column[order] for column in columns))


def _continuous(
    block: Segment,
    lattices: FloatArray,
    pbc: NDArray[np.bool_],
    last: FloatArray | None,
) -> FloatArray:
    """Return positions in units of the cell vectors without jumps at its faces.

    Args:
        block: of frames.
        lattices: Å, shape (n, 3, 3) or (1, 3, 3).
        pbc: periodic along each cell vector.
        last: the same of the frame before, shape (n_atoms, 3).
    """
    positions = np.asarray(block.positions, dtype=np.float64)
    check_finite(positions)
    w = positions @ np.linalg.inv(lattices)  # (frames, atoms, 3)
    before = w[:1] if last is None else last[None]
    jumps = np.rint(np.diff(w, axis=0, prepend=before))
    return np.asarray(w - np.where(pbc, np.cumsum(jumps, axis=0), 0), dtype=np.float64)


def _block(
    w: FloatArray,
    lattices: FloatArray,
    start: int,
    atoms: tuple[NDArray[np.intp], NDArray[np.intp]],
    reach: float,
    pbc: NDArray[np.bool_],
) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]:
    """Return the columns of the contacts of a block."""
    ratio = np.max([reach / heights(lattice) for lattice in lattices], axis=0)
    rows, columns, images = _candidates(w, *atoms, ratio, pbc, lattices[0], reach)
    d = (w[:, columns] - w[:, rows] + images) @ lattices
    squared = np.einsum("fpx,fpx->fp", d, d)
    frame, k = np.nonzero(squared < reach**2)
    distances = np.sqrt(squared[frame, k])
    return rows[k], columns[k], _coded(images)[k], frame + start, distances


def _coded(images: FloatArray) -> IntArray:
    """Return one number for each triple of whole shifts."""
    shifted = images.astype(np.int64) + (1 << 19)
    return (shifted[:, 0] << 40) + (shifted[:, 1] << 20) + shifted[:, 2]


def _candidates(
    w: FloatArray,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    ratio: FloatArray,
    pbc: NDArray[np.bool_],
    lattice: FloatArray,
    reach: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """Return the atoms, and images, that might come near to one another in a block."""
    spread = np.abs(w - w[0]).max(axis=0)  # (atoms, 3)
    limit = spread[second] + spread[first][:, None] + ratio + 1e-9
    s = w[0, second] - w[0, first][:, None]  # (n, m, 3)
    base = np.where(pbc, np.rint(s), 0.0)
    most = np.where(pbc, np.ceil(limit.max(axis=(0, 1)) + 0.5) - 1, 0).astype(int)
    check_number(float(np.prod(2.0 * most + 1)), lattice, reach)
    same = np.array_equal(first, second)
    found = []
    for shift in itertools.product(*(range(-n, n + 1) for n in most.tolist())):
        near = (np.abs(s - base + shift) <= limit).all(axis=2)
        if same:  # each two atoms once, and an atom with half of its own images
            near = np.triu(near, 0 if shift > (0, 0, 0) else 1)
        i, j = np.nonzero(near)
        found.append((first[i], second[j], shift - base[i, j]))
    rows, columns, images = (np.concatenate(each) for each in zip(*found, strict=True))
    return rows, columns, images
