"""When each bond forms and breaks: hysteresis, so that vibrations do not count.

A bond forms where two atoms come closer than `form` and breaks where they part beyond
`release`, the longer of the two. A gap shorter than `residence` is bridged, and a bond
that lasted less is none. This is the stable-states picture of a reaction (Northrup and
Hynes, J. Chem. Phys. 73, 2700 (1980), doi:10.1063/1.440484).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.bonds import BondRule
from ionface.analysis.rdf.kernels.images import (
    IntArray,
    check_finite,
    check_number,
    heights,
)
from ionface.analysis.trajectory.cells import completed
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory


@dataclass(frozen=True)
class BondHistory:
    """All bonds of a pair, each from its forming to its breaking.

    Attributes:
        pair: as in "In-S".
        rule: what counts as a bond.
        times_fs: of all frames, shape (n_frames,).
        first: atom of the first species, shape (n_bonds,).
        second: atom of the second species, shape (n_bonds,).
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
            "residence_fs": self.rule.residence_fs,
            "atoms": list(self.atoms),
            "counts": self.counts.tolist(),
            "bonds": np.transpose(columns).tolist(),
        }

    @classmethod
    def from_dict(
        cls, pair: str, data: Mapping[str, Any], times_fs: FloatArray
    ) -> BondHistory:
        """Return the history that `as_dict` wrote."""
        rule = BondRule(data["form"], data["release"], data["residence_fs"])
        first, second, start, stop = np.array(data["bonds"], dtype=int).reshape(-1, 4).T
        n, m = data["atoms"]
        return cls(pair, rule, times_fs, first, second, start, stop, (n, m))


def bond_history(
    trajectory: Trajectory, pair: str | tuple[str, str], rule: BondRule | None = None
) -> BondHistory:
    """Return when each bond of a pair formed and broke.

    Args:
        trajectory: positions may be wrapped or not; the cell may change. Frames should
            follow one another faster than bonds form and break.
        pair: as in "In-S".
        rule: `BondRule.of(pair)` if not given.

    Raises:
        AnalysisError: there is no frame, a species is missing, or a pair is not written
            as A-B.
    """
    parsed = parse_pair(pair)
    rule = BondRule.of(parsed) if rule is None else rule
    near = contacts(trajectory, parsed, rule.release)
    times = trajectory.times_fs
    first, second, start, stop = _episodes(near, rule.form)
    keep = _bridge(first, second, start, stop, times, rule.residence_fs)
    first, second, start, stop = (x[keep[0]] for x in (first, second, start, stop))
    stop = keep[1]
    lasting = _lasting(start, stop, times, rule.residence_fs)
    return BondHistory(
        pair_name(parsed), rule, times,
        first[lasting], second[lasting], start[lasting], stop[lasting],
        (len(trajectory.indices(parsed[0])), len(trajectory.indices(parsed[1]))),
    )  # fmt: skip


def _episodes(
    near: Contacts, form: float
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return atoms, first and last frame (exclusive) of each bond under hysteresis."""
    n = len(near.frame)
    if n == 0:
        return (np.zeros(0, dtype=np.int64),) * 4
    new = np.ones(n, dtype=bool)
    new[1:] = (
        (np.diff(near.first) != 0)
        | (np.diff(near.second) != 0)
        | (np.diff(near.frame) != 1)
    )
    begin = np.flatnonzero(new)
    end = np.append(begin[1:], n)  # of each stay within `release`
    close = np.flatnonzero(near.distance < form)
    at = np.searchsorted(close, begin)  # the first close frame in or after the stay
    forming = np.append(close, n)[at]
    bonded = forming < end
    forming, last = forming[bonded], end[bonded] - 1
    return (
        near.first[forming],
        near.second[forming],
        near.frame[forming],
        near.frame[last] + 1,
    )


def _bridge(
    first: IntArray,
    second: IntArray,
    start: IntArray,
    stop: IntArray,
    times: FloatArray,
    residence: float,
) -> tuple[IntArray, IntArray]:
    """Return which bonds begin after a lasting gap, and where each then ends."""
    if len(start) == 0:
        return np.zeros(0, dtype=np.int64), stop
    ends = np.append(times, times[-1])
    same = (np.diff(first) == 0) & (np.diff(second) == 0)
    brief = times[start[1:]] - ends[stop[:-1]] < residence
    kept = np.flatnonzero(np.concatenate([[True], ~(same & brief)]))
    return kept, stop[np.append(kept[1:], len(start)) - 1]


def _lasting(
    start: IntArray, stop: IntArray, times: FloatArray, residence: float
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which bonds lasted; one that fills the whole run always does."""
    ends = np.append(times, times[-1])
    whole = (start == 0) & (stop == len(times))
    return whole | (ends[stop] - times[start] >= residence)


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
    found, start = [], 0
    for block in trajectory.blocks(BLOCK):
        found.append(_block(block, start, first, second, reach, trajectory.pbc))
        start += len(block)
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
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
    lattices = completed(block.lattices, pbc)
    positions = np.asarray(block.positions, dtype=np.float64)
    check_finite(positions)
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
    images = np.where(pbc, np.ceil(ratio + 0.5) - 1, 0).astype(int)
    check_number(float(np.prod(2 * images + 1)), lattices[0], reach)
    d = s @ lattices
    shifts = itertools.product(*(range(-n, n + 1) for n in images.tolist()))
    nearest = np.full(d.shape[:2], np.inf)
    for shift in shifts:
        move = np.array(shift, dtype=float) @ lattices  # (frames or 1, 3)
        squared = np.sum((d + move[:, None]) ** 2, axis=2)
        np.minimum(nearest, squared, out=nearest)
    return nearest
