"""Counting pair distances over all periodic images, the kernel of every RDF.

One pass over a piece of trajectory gives the distances of all pairs of species in every
stretch of time and the bonds in every frame. The arithmetic is written down twice, with
numpy in `reference` and with compiled loops in `compiled`, operation by operation
the same in double precision, so that both give the same whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from ionface.analysis.rdf.kernels import reference as pair_numpy
from ionface.analysis.rdf.kernels.images import (
    Bins,
    Images,
    IntArray,
    Periodic,
    heights,
)
from ionface.analysis.rdf.kernels.kernel_input import (
    BlockCounts,
    Counts,
    PairTask,
    histogram,
    shared,
    shifted,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

__all__ = [
    "Backend", "Bins", "BlockCounts", "Counts", "PairTask", "count_block",
    "count_pairs", "count_within", "heights", "use_numba",
]  # fmt: skip

Backend = Literal["auto", "numpy", "numba"]


def count_block(
    task: PairTask,
    positions: FloatArray,
    lattices: FloatArray,
    lanes: IntArray | None = None,
    backend: Backend = "auto",
) -> BlockCounts:
    """Count all pairs of a task in some frames.

    Args:
        task: what is counted.
        positions: Cartesian, wrapped or not, Å, shape (n_frames, n_atoms, 3).
        lattices: rows in Å, one for all frames, shape (3, 3) or (1, 3, 3), or one for
            each, shape (n_frames, 3, 3).
        lanes: the stretch of time that each frame belongs to, from 0 in rising order
            without gaps, shape (n_frames,); all to one if not given.
        backend: "numba", "numpy", or "auto": numba where it is installed and the work
            is worth loading it.

    Raises:
        AnalysisError: a position is no number, the cutoff needs too many images, or
            numba was asked for and is not installed.
    """
    # One layout, so that the loops are compiled once: files may be mapped read-only.
    positions = np.require(positions, np.float64, ["C", "A", "W"])
    cells = np.array(lattices, dtype=np.float64, order="C").reshape(-1, 3, 3)
    if not np.isfinite(positions.sum()):
        raise AnalysisError(
            "a position is infinite or no number; leave those frames out of the run"
        )
    if lanes is None:
        lanes = np.zeros(len(positions), dtype=np.int64)
    images = task.images(cells)
    fast = use_numba(backend, task.work() * len(positions))
    count = _compiled_count() if fast else pair_numpy.count
    found = count(task, positions, cells, images, lanes)
    _add_mirrored(found, task, cells, images, lanes)
    return found


def count_pairs(
    first: FloatArray,
    second: FloatArray,
    lattice: FloatArray,
    bins: Bins,
    *,
    same: bool,
    pbc: Periodic = (True, True, True),
    backend: Backend = "auto",
) -> Counts:
    """Return how many ordered pairs lie at each distance, over all frames and images.

    Args:
        first: positions in units of the cell vectors, wrapped or not, shape
            (n_frames, n_first, 3).
        second: the same for the second species, shape (n_frames, n_second, 3).
        lattice: of all these frames, rows in Å, shape (3, 3).
        bins: of the distances.
        same: both are the same atoms; an atom is no neighbor of itself, but of its
            own images.
        pbc: periodic along each cell vector.
        backend: as in `count_block`.

    Returns:
        Shape (bins.number,).
    """
    task, positions = _two_species(first, second, lattice, bins, 0.0, same, pbc)
    return count_block(task, positions, lattice, backend=backend).distances[0, 0]


def count_within(
    first: FloatArray,
    second: FloatArray,
    lattice: FloatArray,
    cutoff: float,
    *,
    same: bool,
    pbc: Periodic = (True, True, True),
    backend: Backend = "auto",
) -> Counts:
    """Return how many ordered pairs are closer than a cutoff, in each frame.

    Arguments are those of `count_pairs`, with one cutoff in Å.

    Returns:
        Shape (n_frames,).
    """
    bins = Bins(cutoff, 1)
    task, positions = _two_species(first, second, lattice, bins, cutoff, same, pbc)
    bonds = count_block(task, positions, lattice, backend=backend).bonds[0]
    return 2 * bonds if same else bonds


def _two_species(
    first: FloatArray,
    second: FloatArray,
    lattice: FloatArray,
    bins: Bins,
    bond: float,
    same: bool,
    pbc: Periodic,
) -> tuple[PairTask, FloatArray]:
    both = first if same else np.concatenate([first, second], axis=1)
    number = first.shape[1]
    groups = (np.arange(number),) + (
        () if same else (np.arange(number, both.shape[1]),)
    )
    pair = (0, 0) if same else (0, 1)
    return PairTask(groups, (pair,), bins, (bond,), pbc), both @ lattice


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


def _compiled_count() -> Callable[..., BlockCounts]:
    try:
        from ionface.analysis.rdf.kernels.numba_kernel import count
    except ImportError as error:
        raise AnalysisError(
            f"the compiled loops need numba ({error}); install ionface[fast], or use "
            "backend 'numpy', which gives the same counts"
        ) from error
    return count


def _add_mirrored(
    found: BlockCounts,
    task: PairTask,
    lattices: FloatArray,
    images: Images,
    lanes: IntArray,
) -> None:
    """Count pairs of equals both ways, and each atom with its own images."""
    equals = [row for row, (a, b) in enumerate(task.pairs) if a == b]
    found.distances[:, equals] *= 2
    if not len(images.own):
        return
    for frames, lattice in zip(
        shared(lattices, np.empty(len(lanes))), lattices, strict=True
    ):
        squared = np.sum(shifted(images.own, lattice) ** 2, axis=1)
        once = np.zeros(task.bins.number, dtype=np.int64)
        histogram(squared, task, once)
        numbers = np.bincount(lanes[frames], minlength=len(found.distances))
        for row in equals:
            atoms = len(task.groups[task.pairs[row][0]])
            found.distances[:, row] += 2 * atoms * numbers[:, None] * once
            near = np.count_nonzero(squared < task.bonds[row] ** 2)
            found.bonds[row, frames] += atoms * near
