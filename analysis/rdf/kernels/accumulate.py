"""Pair counts of whole trajectories: one pass, many threads, stretches of time."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ionface.analysis.rdf.kernels.counts import (
    Backend,
    BlockCounts,
    Counts,
    PairTask,
    count_block,
    use_numba,
)
from ionface.analysis.rdf.kernels.images import Bins, IntArray
from ionface.analysis.rdf.normalization import HeightProfile
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

Pair = tuple[str, str]

BLOCK = 256
"""Frames that are counted at once: long vectors that stay in the processor's cache."""


@dataclass(frozen=True)
class Tally:
    """Sums over the frames of each stretch of time.

    Attributes:
        pairs: of species, as asked for.
        bins: of the distances.
        atoms: number of atoms by species.
        counts: ordered pairs, shape (n_stretches, n_pairs, n_bins).
        bonds: each counted once, shape (n_pairs, n_frames).
        frames: shape (n_stretches,).
        density: sum over frames of 1 / V, Å⁻³, shape (n_stretches,).
        profiles: by stretch and pair, where asked for.
    """

    pairs: tuple[Pair, ...]
    bins: Bins
    atoms: Mapping[str, int]
    counts: Counts
    bonds: Counts
    frames: IntArray
    density: FloatArray
    profiles: dict[tuple[int, int], HeightProfile] = field(default_factory=dict)

    def even(self, pair: int) -> FloatArray:
        """Return the pairs of evenly spread atoms, shape (n_stretches, n_bins)."""
        first, second = (self.atoms[symbol] for symbol in self.pairs[pair])
        return first * second * self.density[:, None] * self.bins.shells


def tally(
    trajectory: Trajectory,
    pairs: Sequence[Pair],
    bins: Bins,
    *,
    edges: IntArray | None = None,
    bonds: Sequence[float] | None = None,
    profiles: bool = False,
    threads: int | None = None,
    backend: Backend = "auto",
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Count all pairs in one pass over the trajectory.

    The counts are whole numbers: threads and backend change the time, nothing else.

    Args:
        trajectory: positions may be wrapped or not; the cell may change.
        pairs: of species.
        bins: of the distances.
        edges: first frame of each stretch of time, and the number of frames at the end;
            one stretch if not given.
        bonds: length below which each pair is a bond, Å; 0 counts none.
        profiles: also collect the density profiles of each stretch.
        threads: `default_threads()` if not given.
        backend: as in `pair_counting.counts.count_block`.
        progress: called with the number of frames done since the last call.

    Raises:
        AnalysisError: there is no frame, a species is missing, a position is no number,
            or the cutoff needs too many images.
    """
    if not len(trajectory):
        _ = trajectory.lattice  # raises, with the reason why there is no frame
    if edges is None:
        edges = np.array([0, len(trajectory)])
    task, rows = _task(trajectory, pairs, bins, bonds or [0.0] * len(pairs))
    stretches = len(edges) - 1
    total = Tally(
        pairs=tuple(pairs),
        bins=bins,
        atoms={s: len(trajectory.indices(s)) for s in set(itertools.chain(*pairs))},
        counts=np.zeros((stretches, len(task.pairs), bins.number), dtype=np.int64),
        bonds=np.zeros((len(task.pairs), len(trajectory)), dtype=np.int64),
        frames=np.diff(edges),
        density=np.zeros(stretches),
    )
    if use_numba(backend, task.work() * len(trajectory)):
        backend = "numba"
    for piece, found in _counted(trajectory, task, edges, threads, backend):
        _add(total, piece, found)
        if profiles:
            _add_profiles(total, piece, trajectory)
        if progress is not None:
            progress(len(piece.frames))
    return Tally(
        total.pairs, bins, total.atoms, total.counts[:, rows], total.bonds[rows],
        total.frames, total.density, total.profiles,
    )  # fmt: skip


def default_threads() -> int:
    """Return OMP_NUM_THREADS if it is set, else the cores that we may use, at most 8.

    Raises:
        AnalysisError: OMP_NUM_THREADS is no positive number.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if text:
        return _positive(text)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(8, cores)


@dataclass(frozen=True)
class _Piece:
    """Frames, and the stretches that they belong to."""

    frames: Segment
    start: int
    stretches: IntArray


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise AnalysisError(
            f"the number of threads is a whole number above 0, got {text!r}; set "
            "OMP_NUM_THREADS to one, or unset it"
        )
    return int(text)


def _task(
    trajectory: Trajectory, pairs: Sequence[Pair], bins: Bins, bonds: Sequence[float]
) -> tuple[PairTask, list[int]]:
    """Return the task, and the row of its counts for each pair."""
    symbols = sorted(set(itertools.chain(*pairs)))
    number = {symbol: index for index, symbol in enumerate(symbols)}
    keys = [
        (
            min(number[first], number[second]),
            max(number[first], number[second]),
            float(bond),
        )
        for (first, second), bond in zip(pairs, bonds, strict=True)
    ]
    distinct = list(dict.fromkeys(key for key in keys if key[2]))
    known = {key[:2] for key in distinct}
    distinct += dict.fromkeys(key for key in keys if key[:2] not in known)
    rows = [
        distinct.index(key)
        if key in distinct
        else next(k for k, other in enumerate(distinct) if other[:2] == key[:2])
        for key in keys
    ]
    task = PairTask(
        groups=tuple(trajectory.indices(symbol) for symbol in symbols),
        pairs=tuple((low, high) for low, high, _ in distinct),
        bins=bins,
        bonds=tuple(bond for *_, bond in distinct),
        pbc=trajectory.pbc,
    )
    return task, rows


def _pieces(trajectory: Trajectory, edges: IntArray) -> Iterator[_Piece]:
    start = 0
    for block in trajectory.blocks(BLOCK):
        frames = np.arange(start, start + len(block))
        stretches = np.searchsorted(edges, frames, side="right") - 1
        yield _Piece(block, start, stretches)
        start += len(block)


def _counted(
    trajectory: Trajectory,
    task: PairTask,
    edges: IntArray,
    threads: int | None,
    backend: Backend,
) -> Iterator[tuple[_Piece, BlockCounts]]:
    def work(piece: _Piece) -> BlockCounts:
        frames, lanes = piece.frames, piece.stretches - piece.stretches[0]
        return count_block(task, frames.positions, frames.lattices, lanes, backend)

    number = default_threads() if threads is None else _positive(str(threads))
    pieces = _pieces(trajectory, edges)
    if number == 1:
        yield from ((piece, work(piece)) for piece in pieces)
        return
    with ThreadPoolExecutor(number) as pool:
        waiting: deque[tuple[_Piece, Future[BlockCounts]]] = deque()
        for piece in pieces:
            waiting.append((piece, pool.submit(work, piece)))
            if len(waiting) > 2 * number:  # never more in memory than at work
                done, future = waiting.popleft()
                yield done, future.result()
        yield from ((piece, future.result()) for piece, future in waiting)


def _add(total: Tally, piece: _Piece, found: BlockCounts) -> None:
    first, last = piece.stretches[0], piece.stretches[-1] + 1
    total.counts[first:last] += found.distances
    total.bonds[:, piece.start : piece.start + len(piece.frames)] = found.bonds
    volumes = np.abs(np.linalg.det(piece.frames.lattices))
    each = np.broadcast_to(1 / volumes, len(piece.frames))
    total.density[first:last] += np.bincount(piece.stretches - first, weights=each)


def _add_profiles(total: Tally, piece: _Piece, trajectory: Trajectory) -> None:
    start = 0
    for frames in piece.frames.constant_cells():
        stretches = piece.stretches[start : start + len(frames)]
        start += len(frames)
        lattice = np.asarray(frames.lattices[0])
        w = np.asarray(frames.positions) @ np.linalg.inv(lattice)
        for stretch in np.unique(stretches).tolist():
            here = w[stretches == stretch]
            for row, (first, second) in enumerate(total.pairs):
                profile = HeightProfile.of(
                    here[:, trajectory.indices(first)],
                    here[:, trajectory.indices(second)],
                    lattice,
                )
                known = total.profiles.get((stretch, row), HeightProfile())
                total.profiles[stretch, row] = known + profile
