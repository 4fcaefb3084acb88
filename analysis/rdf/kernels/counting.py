"""Counting pair distances over all periodic images, the kernel of every RDF.

One pass over a trajectory gives the distances of all pairs of species in every interval
of frames, with many threads. The arithmetic is written down twice, with numpy here and
with compiled loops in `numba_kernel`, operation by operation the same in double
precision, so that both give the same whole numbers.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.rdf.kernels.images import (
    Bins,
    Counts,
    Images,
    IntArray,
    PairTask,
    check_finite,
    histogram,
    shared,
    shifted,
)
from ionface.analysis.rdf.normalization import HeightProfile
from ionface.analysis.trajectory.cells import completed
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

Backend = Literal["auto", "numpy", "numba"]
Pair = tuple[str, str]

BLOCK = 256
"""Frames that are counted at once: long vectors that stay in the processor's cache."""


@dataclass(frozen=True)
class Tally:
    """Sums over the frames of each interval.

    Attributes:
        pairs: of species, as asked for.
        bins: of the distances.
        atoms: number of atoms by species.
        counts: ordered pairs, shape (n_intervals, n_pairs, n_bins).
        frames: shape (n_intervals,).
        density: sum over frames of 1 / V, Å⁻³, shape (n_intervals,).
        profiles: by interval and pair, where asked for.
    """

    pairs: tuple[Pair, ...]
    bins: Bins
    atoms: Mapping[str, int]
    counts: Counts
    frames: IntArray
    density: FloatArray
    profiles: dict[tuple[int, int], HeightProfile] = field(default_factory=dict)

    def even(self, pair: int) -> FloatArray:
        """Return the pairs of evenly spread atoms, shape (n_intervals, n_bins)."""
        first, second = (self.atoms[symbol] for symbol in self.pairs[pair])
        return first * second * self.density[:, None] * self.bins.shells


def tally(
    trajectory: Trajectory,
    pairs: Sequence[Pair],
    bins: Bins,
    *,
    edges: IntArray | None = None,
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
        edges: first frame of each interval, and the number of frames at the end;
            one interval if not given.
        profiles: also collect the density profiles of each interval.
        threads: `default_threads()` if not given.
        backend: as in `kernels.counting.count_block`.
        progress: called with the number of frames done since the last call.

    Raises:
        AnalysisError: there is no frame, a species is missing, a position is no number,
            or the cutoff needs too many images.
    """
    if not len(trajectory):
        _ = trajectory.lattice  # raises, with the reason why there is no frame
    if edges is None:
        edges = np.array([0, len(trajectory)])
    task, rows = _task(trajectory, pairs, bins)
    intervals = len(edges) - 1
    total = Tally(
        pairs=tuple(pairs),
        bins=bins,
        atoms={s: len(trajectory.indices(s)) for s in set(itertools.chain(*pairs))},
        counts=np.zeros((intervals, len(task.pairs), bins.number), dtype=np.int64),
        frames=np.diff(edges),
        density=np.zeros(intervals),
    )
    if use_numba(backend, task.work() * len(trajectory)):
        backend = "numba"
    for block, found in _counted(trajectory, task, edges, threads, backend):
        _add(total, block, found)
        if profiles:
            _add_profiles(total, block, trajectory)
        if progress is not None:
            progress(len(block.frames))
    return replace(total, counts=total.counts[:, rows])


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
class _Block:
    """Frames, and the intervals that they belong to."""

    frames: Segment
    intervals: IntArray


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise AnalysisError(
            f"the number of threads is a whole number above 0, got {text!r}; set "
            "OMP_NUM_THREADS to one, or unset it"
        )
    return int(text)


def _task(
    trajectory: Trajectory, pairs: Sequence[Pair], bins: Bins
) -> tuple[PairTask, list[int]]:
    """Return the task, and the row of its counts for each pair."""
    symbols = sorted(set(itertools.chain(*pairs)))
    # A-B and B-A are counted once
    keys = [tuple(sorted(map(symbols.index, pair))) for pair in pairs]
    distinct = list(dict.fromkeys(keys))
    task = PairTask(
        groups=tuple(trajectory.indices(symbol) for symbol in symbols),
        pairs=tuple((low, high) for low, high in distinct),
        bins=bins,
        pbc=trajectory.pbc,
    )
    return task, [distinct.index(key) for key in keys]


def _blocks(trajectory: Trajectory, edges: IntArray) -> Iterator[_Block]:
    start = 0
    for block in trajectory.blocks(BLOCK):
        frames = np.arange(start, start + len(block))
        intervals = np.searchsorted(edges, frames, side="right") - 1
        yield _Block(block, intervals)
        start += len(block)


def _counted(
    trajectory: Trajectory,
    task: PairTask,
    edges: IntArray,
    threads: int | None,
    backend: Backend,
) -> Iterator[tuple[_Block, Counts]]:
    def work(block: _Block) -> Counts:
        frames, intervals = block.frames, block.intervals - block.intervals[0]
        return count_block(task, frames.positions, frames.lattices, intervals, backend)

    number = default_threads() if threads is None else _positive(str(threads))
    blocks = _blocks(trajectory, edges)
    if number == 1:
        yield from ((block, work(block)) for block in blocks)
        return
    with ThreadPoolExecutor(number) as pool:
        waiting: deque[tuple[_Block, Future[Counts]]] = deque()
        for block in blocks:
            waiting.append((block, pool.submit(work, block)))
            if len(waiting) > 2 * number:  # never more in memory than at work
                done, future = waiting.popleft()
                yield done, future.result()
        yield from ((block, future.result()) for block, future in waiting)


def _add(total: Tally, block: _Block, found: Counts) -> None:
    first, last = block.intervals[0], block.intervals[-1] + 1
    total.counts[first:last] += found
    volumes = np.abs(np.linalg.det(block.frames.lattices))
    # a cell that is open to somewhere may have no volume, and its pairs no density
    density = np.divide(1, volumes, out=np.zeros_like(volumes), where=volumes > 0)
    each = np.broadcast_to(density, len(block.frames))
    total.density[first:last] += np.bincount(block.intervals - first, weights=each)


def _add_profiles(total: Tally, block: _Block, trajectory: Trajectory) -> None:
    start = 0
    for frames in block.frames.constant_cells():
        intervals = block.intervals[start : start + len(frames)]
        start += len(frames)
        lattice = np.asarray(frames.lattices[0])
        w = np.asarray(frames.positions) @ np.linalg.inv(lattice)
        for interval in np.unique(intervals).tolist():
            here = w[intervals == interval]
            for row, (first, second) in enumerate(total.pairs):
                profile = HeightProfile.of(
                    here[:, trajectory.indices(first)],
                    here[:, trajectory.indices(second)],
                    lattice,
                )
                known = total.profiles.get((interval, row), HeightProfile())
                total.profiles[interval, row] = known + profile


def count_block(
    task: PairTask,
    positions: FloatArray,
    lattices: FloatArray,
    intervals: IntArray | None = None,
    backend: Backend = "auto",
) -> Counts:
    """Count all pairs of a task in some frames.

    Args:
        task: what is counted.
        positions: Cartesian, wrapped or not, Å, shape (n_frames, n_atoms, 3).
        lattices: rows in Å, one for all frames, shape (3, 3) or (1, 3, 3), or one for
            each, shape (n_frames, 3, 3).
        intervals: the interval that each frame belongs to, from 0 in rising order
            without gaps, shape (n_frames,); all to one if not given.
        backend: "numba", "numpy", or "auto": numba where it is installed and the work
            is worth loading it.

    Raises:
        AnalysisError: a position is no number, the cutoff needs too many images, or
            numba was asked for and is not installed.
    """
    # One layout, so that the loops are compiled once: files may be mapped read-only.
    positions = np.require(positions, np.float64, ["C", "A", "W"])
    cells = completed(np.reshape(lattices, (-1, 3, 3)), task.pbc)
    check_finite(positions)
    if intervals is None:
        intervals = np.zeros(len(positions), dtype=np.int64)
    images = task.images(cells)
    fast = use_numba(backend, task.work() * len(positions))
    count = _compiled_count() if fast else count_with_numpy
    found = count(task, positions, cells, images, intervals)
    _add_mirrored(found, task, cells, images, intervals)
    return found


def use_numba(backend: Backend, distances: int) -> bool:
    """Return whether so many distances are worth loading the compiled loops."""
    if backend != "auto":
        return backend == "numba"
    # Loading compiled loops takes as long as numpy takes for some million distances.
    if distances < 3_000_000:
        return False
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def _compiled_count() -> Callable[..., Counts]:
    try:
        from ionface.analysis.rdf.kernels.numba_kernel import count
    except ImportError as error:
        raise AnalysisError(
            f"the compiled loops need numba ({error}); install ionface[fast], or use "
            "backend 'numpy', which gives the same counts"
        ) from error
    return count


def _add_mirrored(
    found: Counts,
    task: PairTask,
    lattices: FloatArray,
    images: Images,
    intervals: IntArray,
) -> None:
    """Count pairs of equals both ways, and each atom with its own images."""
    equals = [row for row, (a, b) in enumerate(task.pairs) if a == b]
    found[:, equals] *= 2
    if not len(images.own):
        return
    for frames, lattice in zip(
        shared(lattices, np.empty(len(intervals))), lattices, strict=True
    ):
        squared = np.sum(shifted(images.own, lattice) ** 2, axis=1)
        once = np.zeros(task.bins.number, dtype=np.int64)
        histogram(squared, task, once)
        numbers = np.bincount(intervals[frames], minlength=len(found))
        for row in equals:
            atoms = len(task.groups[task.pairs[row][0]])
            found[:, row] += 2 * atoms * numbers[:, None] * once


# --- with numpy alone: the reference of the fast way ----------------------------------

PAIRS_AT_ONCE = 8192
"""Pairs that are held at once: arrays of 64 kB stay in the processor's cache."""


def count_with_numpy(
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
        size = max(1, PAIRS_AT_ONCE // len(second))
        for start in range(0, len(first), size):
            yield first[start : start + size, None], second[None, :]
        return
    rows, columns = np.triu_indices(len(first), 1)
    for start in range(0, len(rows), PAIRS_AT_ONCE):
        span = slice(start, start + PAIRS_AT_ONCE)
        yield first[rows[span]], second[columns[span]]


def _frame_blocks(intervals: IntArray, pairs: int) -> Iterator[slice]:
    """Yield runs of frames of one interval that fit into memory."""
    size = max(1, PAIRS_AT_ONCE // pairs)
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
