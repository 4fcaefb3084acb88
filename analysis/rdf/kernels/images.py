"""What is counted: bins of distance, species, and the images that a cutoff reaches.

The minimum-image convention ends at half the smallest height of the cell, not at half
its shortest edge. Beyond it images are summed; this module says which ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

MAX_IMAGES = 5000
"""More images than this mean a cutoff that was mistyped or a cell that is no cell."""

IntArray = NDArray[np.int64]
Periodic = tuple[bool, ...]


@dataclass(frozen=True)
class Bins:
    """Equal half-open bins [lower, upper) from 0 to the cutoff.

    Attributes:
        cutoff: Å.
        number: of bins.
    """

    cutoff: float
    number: int

    def __post_init__(self) -> None:
        """Refuse bins that hold nothing."""
        if not (np.isfinite(self.cutoff) and self.cutoff > 0 and self.number >= 1):
            raise AnalysisError(
                f"distances need a positive cutoff and at least one bin, got cutoff "
                f"{self.cutoff} Å and {self.number} bins"
            )

    @property
    def width(self) -> float:
        """Return the width of a bin, Å."""
        return self.cutoff / self.number

    @property
    def per_angstrom(self) -> float:
        """Return bins per Å: a distance d lies in bin int(d * per_angstrom)."""
        return self.number / self.cutoff

    @property
    def edges(self) -> FloatArray:
        """Return the edges, Å, shape (number + 1,)."""
        return np.arange(self.number + 1, dtype=np.float64) * self.width

    @property
    def centers(self) -> FloatArray:
        """Return the middle of each bin, Å, shape (number,)."""
        return self.edges[:-1] + 0.5 * self.width

    @property
    def shells(self) -> FloatArray:
        """Return the volume of each spherical shell, Å³, shape (number,)."""
        volumes: FloatArray = 4 / 3 * np.pi * np.diff(self.edges**3)
        return volumes


@dataclass(frozen=True)
class Images:
    """How differences are wrapped into the cell, and which shifts are added to them.

    A difference s in units of a periodic cell vector becomes s - floor(s + offset):
    into [-1/2, 1/2] or, where that needs fewer images, into [0, 1].

    Attributes:
        offset: 1/2 or 0 for each axis, shape (3,).
        periodic: 1 or 0 for each axis, shape (3,).
        shifts: all shifts that bring two atoms within the cutoff, shape (n, 3).
        own: one of each pair (n, -n) of shifts that bring an atom within the cutoff of
            its own image, shape (m, 3).
        reach: cutoff over height for each axis; differences beyond it matter nowhere.
    """

    offset: FloatArray
    periodic: FloatArray
    shifts: IntArray
    own: IntArray
    reach: FloatArray

    @classmethod
    def within(
        cls, lattices: FloatArray, cutoff: float, pbc: Periodic = (True, True, True)
    ) -> Images:
        """Return the images that matter up to a cutoff in Å in any of some cells.

        Args:
            lattices: rows in Å, shape (3, 3) or (n, 3, 3).
            cutoff: Å.
            pbc: periodic along each cell vector.

        Raises:
            AnalysisError: a cell has no volume, or needs more than MAX_IMAGES.
        """
        cells = lattices.reshape(-1, 3, 3)
        reach = np.max([cutoff / heights(cell) for cell in cells], axis=0)
        # [-1/2, 1/2] needs |n| - 1/2 < reach; [0, 1] needs -1 - reach < n < reach.
        centered = np.ceil(reach + 0.5) - 1
        ahead = np.ceil(reach)
        is_ahead = 2 * ahead < 2 * centered + 1
        low = np.where(pbc, np.where(is_ahead, -ahead, -centered), 0)
        high = np.where(pbc, np.where(is_ahead, ahead - 1, centered), 0)
        check_number(float(np.prod(high - low + 1)), cells[0], cutoff)
        offset = np.where(is_ahead, 0.0, 0.5)
        shifts = _grid(low, high)
        mirrored = np.where(pbc, ahead, 0)
        own = _grid(-mirrored, mirrored)
        own = own[len(own) // 2 + 1 :]  # the half after the zero shift
        near = np.zeros(len(shifts), dtype=bool)
        mine = np.zeros(len(own), dtype=bool)
        for cell in cells:
            middle = (0.5 - offset) @ cell
            away = np.linalg.norm(shifts @ cell + middle, axis=1)
            near |= away < cutoff + _half_diagonal(cell) + 1e-6
            mine |= np.linalg.norm(own @ cell, axis=1) < cutoff
        if not all(pbc):
            near[:] = True  # along an open axis differences have no bound
        periodic = np.where(pbc, 1.0, 0.0)
        return cls(offset, periodic, shifts[near], own[mine], reach)


def heights(lattice: FloatArray) -> FloatArray:
    """Return the distance between opposite faces of the cell, Å, shape (3,).

    Raises:
        AnalysisError: the cell has no volume.
    """
    volume = abs(np.linalg.det(lattice))
    if not volume > 1e-6:  # Å³: vectors in one plane, but for rounding
        raise AnalysisError(
            f"the cell has no volume ({volume:.2g} Å³), so densities have no meaning; "
            "give it three independent vectors: lattice=..."
        )
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    return np.asarray(volume / areas, dtype=np.float64)


def check_finite(positions: FloatArray) -> None:
    """Refuse positions among which one is infinite or no number."""
    if not np.isfinite(positions.sum()):  # one pass, and no array of flags
        raise AnalysisError(
            "a position is infinite or no number; leave those frames out of the run"
        )


def check_number(number: float, lattice: FloatArray, cutoff: float) -> None:
    """Refuse a cutoff that needs more than MAX_IMAGES images."""
    if number > MAX_IMAGES:
        raise AnalysisError(
            f"a cutoff of {cutoff} Å needs {number:.0f} images of this cell (heights "
            f"{', '.join(f'{h:.2f}' for h in heights(lattice))} Å), more than "
            f"{MAX_IMAGES}; choose a smaller cutoff"
        )


def _grid(low: FloatArray, high: FloatArray) -> IntArray:
    """Return all whole shifts between two corners, in lexical order, shape (n, 3)."""
    ranges = [range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    return np.array(list(itertools.product(*ranges)), dtype=np.int64).reshape(-1, 3)


def _half_diagonal(lattice: FloatArray) -> float:
    corners = np.array(list(itertools.product((-0.5, 0.5), repeat=3))) @ lattice
    return float(np.linalg.norm(corners, axis=1).max())


Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PairTask:
    """What is counted.

    Attributes:
        groups: atoms of each species.
        pairs: of positions in `groups`, each once and the smaller first.
        bins: of the distances.
        pbc: periodic along each cell vector.
    """

    groups: tuple[NDArray[np.intp], ...]
    pairs: tuple[tuple[int, int], ...]
    bins: Bins
    pbc: Periodic = (True, True, True)

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
        return Images.within(lattices, self.bins.cutoff, self.pbc)

    def work(self) -> int:
        """Return the number of pairs of atoms in one frame."""
        sizes = [len(group) for group in self.groups]
        return sum(
            sizes[a] * (sizes[a] - 1) // 2 if a == b else sizes[a] * sizes[b]
            for a, b in self.pairs
        )


def shifted(shifts: IntArray, lattice: FloatArray) -> FloatArray:
    """Return the shifts in Å, summed in the order that both kernels share, (n, 3)."""
    n = shifts.astype(np.float64)
    moves: FloatArray = (
        n[:, :1] * lattice[0] + n[:, 1:2] * lattice[1] + n[:, 2:] * lattice[2]
    )
    return moves


def histogram(squared: FloatArray, task: PairTask, counts: Counts) -> None:
    """Add the bins of all squared distances within the cutoff, of any shape, in Å²."""
    near = squared[squared < task.bins.cutoff**2]
    np.sqrt(near, out=near)
    near *= task.bins.per_angstrom
    found = np.bincount(near.astype(np.intp), minlength=task.bins.number)
    counts += found[: task.bins.number]


def shared(lattices: FloatArray, positions: FloatArray) -> list[slice]:
    """Return the frames of each cell."""
    if len(lattices) == 1:
        return [slice(0, len(positions))]
    return [slice(k, k + 1) for k in range(len(lattices))]
