"""What the two kernels of `counts` take, give and share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.rdf.kernels.images import Bins, Images, IntArray, Periodic
from ionface.analysis.trajectory.frames import FloatArray

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PairTask:
    """What is counted.

    Attributes:
        groups: atoms of each species.
        pairs: of positions in `groups`, each once and the smaller first.
        bins: of the distances.
        bonds: for each pair the length below which it is a bond, Å; 0 counts none.
        pbc: periodic along each cell vector.
    """

    groups: tuple[NDArray[np.intp], ...]
    pairs: tuple[tuple[int, int], ...]
    bins: Bins
    bonds: tuple[float, ...]
    pbc: Periodic = (True, True, True)

    @property
    def reach(self) -> float:
        """Return the longest distance that matters, Å."""
        return max(self.bins.cutoff, *self.bonds)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Return all atoms, species after species."""
        return np.concatenate(self.groups)

    @cached_property
    def starts(self) -> IntArray:
        """Return where each species starts in `order`, shape (n_groups + 1,)."""
        return np.cumsum([0, *map(len, self.groups)], dtype=np.int64)

    def images(self, lattices: FloatArray) -> Images:
        """Return the images that matter in these cells."""
        return Images.within(lattices, self.reach, self.pbc)

    def work(self) -> int:
        """Return the number of pairs of atoms in one frame."""
        sizes = [len(group) for group in self.groups]
        return sum(
            sizes[a] * (sizes[a] - 1) // 2 if a == b else sizes[a] * sizes[b]
            for a, b in self.pairs
        )


@dataclass(frozen=True)
class BlockCounts:
    """What one pass gives.

    Attributes:
        distances: ordered pairs, shape (n_lanes, n_pairs, n_bins).
        bonds: each counted once, shape (n_pairs, n_frames).
    """

    distances: Counts
    bonds: Counts = field(repr=False)


def shifted(shifts: IntArray, lattice: FloatArray) -> FloatArray:
    """Return the shifts in Å, summed in the order that both kernels share, (n, 3)."""
    n = shifts.astype(np.float64)
    moves: FloatArray = (
        n[:, :1] * lattice[0] + n[:, 1:2] * lattice[1] + n[:, 2:] * lattice[2]
    )
    return moves


def histogram(squared: FloatArray, task: PairTask, counts: Counts) -> None:
    """Add the bins of all squared distances within reach, of any shape, in Å²."""
    near = squared[squared < task.reach**2]
    np.sqrt(near, out=near)
    near *= task.bins.per_angstrom
    found = np.bincount(near.astype(np.intp), minlength=task.bins.number)
    counts += found[: task.bins.number]


def shared(lattices: FloatArray, positions: FloatArray) -> list[slice]:
    """Return the frames of each cell."""
    if len(lattices) == 1:
        return [slice(0, len(positions))]
    return [slice(k, k + 1) for k in range(len(lattices))]
