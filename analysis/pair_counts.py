"""Counting pair distances over all periodic images, the kernel of every RDF.

The minimum-image convention ends at half the smallest height of the cell, not at half
its shortest edge. Here every image within the cutoff is counted, in any cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import AnalysisError
from .frames import FloatArray

MAX_IMAGES = 5000
"""More images than this mean a cutoff that was mistyped or a cell that is no cell."""

CHUNK = 8192
"""Pairs that are held at once: arrays of 64 kB stay in the processor's cache."""

Counts = NDArray[np.int64]


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


def heights(lattice: FloatArray) -> FloatArray:
    """Return the distance between opposite faces of the cell, Å, shape (3,).

    Raises:
        AnalysisError: the cell has no volume.
    """
    volume = abs(np.linalg.det(lattice))
    if not volume > 1e-6:
        raise AnalysisError(
            f"the cell has no volume ({volume:.2g} Å³), so densities have no meaning; "
            "give the trajectory a cell with three independent vectors"
        )
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    return np.asarray(volume / areas, dtype=np.float64)


def half_images(
    lattice: FloatArray, cutoff: float, pbc: tuple[bool, ...] = (True, True, True)
) -> NDArray[np.int64]:
    """Return one of each pair (n, -n) of cell shifts that can reach within the cutoff.

    Valid for differences wrapped to [-1/2, 1/2]: a shift n along a periodic axis is
    needed while |n| - 1/2 < cutoff / height.

    Returns:
        Shape (n_images, 3), without the zero shift.

    Raises:
        AnalysisError: more than MAX_IMAGES would be needed.
    """
    reach = np.ceil(cutoff / heights(lattice) + 0.5) - 1
    reach = np.where(pbc, reach, 0).astype(np.int64)
    if (number := int(np.prod(2 * reach + 1))) > MAX_IMAGES:
        raise AnalysisError(
            f"a cutoff of {cutoff} Å needs {number} images of this cell (heights "
            f"{', '.join(f'{h:.2f}' for h in heights(lattice))} Å), more than "
            f"{MAX_IMAGES}; choose a smaller cutoff"
        )
    ranges = [range(-n, n + 1) for n in reach.tolist()]
    shifts = [n for n in itertools.product(*ranges) if n > (0, 0, 0)]
    return np.array(shifts, dtype=np.int64).reshape(-1, 3)


def count_pairs(
    first: FloatArray,
    second: FloatArray,
    lattice: FloatArray,
    bins: Bins,
    *,
    same: bool,
    pbc: tuple[bool, ...] = (True, True, True),
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

    Returns:
        Shape (bins.number,).
    """
    metric = lattice @ lattice.T
    shifts = half_images(lattice, bins.cutoff, pbc)
    frames = max(1, CHUNK // max(1, first.shape[1] * second.shape[1]))
    counts = np.zeros(bins.number, dtype=np.int64)
    for start in range(0, len(first), frames):
        span = slice(start, start + frames)
        differences = _differences(first[span], second[span], pbc)
        for squared in _squared_distances(differences, metric, shifts):
            _histogram(squared, bins, counts)
    if same:
        counts[0] -= len(first) * first.shape[1]  # each atom met itself at 0 Å
    return counts


def count_within(
    first: FloatArray,
    second: FloatArray,
    lattice: FloatArray,
    cutoff: float,
    *,
    same: bool,
    pbc: tuple[bool, ...] = (True, True, True),
) -> Counts:
    """Return how many ordered pairs are closer than a cutoff, in each frame.

    Arguments are those of `count_pairs`, with one cutoff in Å.

    Returns:
        Shape (n_frames,).
    """
    metric = lattice @ lattice.T
    shifts = half_images(lattice, cutoff, pbc)
    counts = np.zeros(len(first), dtype=np.int64)
    frames = max(1, CHUNK // max(1, first.shape[1] * second.shape[1]))
    for start in range(0, len(first), frames):
        span = slice(start, start + frames)
        differences = _differences(first[span], second[span], pbc)
        for squared in _squared_distances(differences, metric, shifts):
            counts[span] += np.count_nonzero(squared < cutoff**2, axis=(1, 2))
    return counts - first.shape[1] if same else counts


def _differences(
    first: FloatArray, second: FloatArray, pbc: tuple[bool, ...]
) -> list[FloatArray]:
    """Return the wrapped components of all differences, each (frames, n, m)."""
    components = []
    for axis in range(3):
        d = second[:, None, :, axis] - first[:, :, None, axis]
        if pbc[axis]:
            d -= np.rint(d)
        components.append(d)
    return components


def _squared_distances(
    d: list[FloatArray], metric: FloatArray, shifts: NDArray[np.int64]
) -> Iterator[FloatArray]:
    """Yield all squared distances of one image after the other, Å²."""
    # |d + n|² = d·G·d + 2 n·G·d + n·G·n: one product with the metric serves all images.
    u = [_combine(metric[axis], d) for axis in range(3)]
    squared = d[0] * u[0] + d[1] * u[1] + d[2] * u[2]
    yield squared
    for shift in shifts:
        mixed = _combine(2.0 * shift, u)
        constant = squared + float(shift @ metric @ shift)
        yield constant + mixed
        yield np.subtract(constant, mixed, out=mixed)


def _combine(factors: FloatArray, arrays: list[FloatArray]) -> FloatArray:
    total: FloatArray | None = None
    for factor, array in zip(factors, arrays, strict=True):
        if factor:
            term = factor * array
            total = term if total is None else np.add(total, term, out=total)
    return np.zeros_like(arrays[0]) if total is None else total


def _histogram(squared: FloatArray, bins: Bins, counts: Counts) -> None:
    near = squared[squared < bins.cutoff**2]
    np.abs(near, out=near)  # rounding may leave a zero distance just below zero
    np.sqrt(near, out=near)
    near *= bins.number / bins.cutoff
    found = np.bincount(near.astype(np.intp), minlength=bins.number)
    counts += found[: bins.number]
