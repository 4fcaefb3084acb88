"""Density profiles along the plane normal, and what an ideal gas with them would show.

In a slab or an interface cell a species does not fill the cell, so that g(r) over the
cell's mean density never tends to 1. Two species without any correlation but with these
profiles have the pair distances computed here; over them g(r) tends to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.rdf.kernels.images import heights
from ionface.analysis.trajectory.frames import FloatArray

RESOLUTION = 0.1
"""Height of a slice, Å: below the width of an atomic layer's own motion."""


def _nothing() -> NDArray[np.int64]:
    return np.zeros((2, 0), dtype=np.int64)


@dataclass(frozen=True)
class HeightProfile:
    """How often each height along the normal of the a-b plane is occupied.

    Attributes:
        slices: counts of the first and the second species, shape (2, n_slices).
        height: of the cell, Å, mean over frames.
        area: |a x b|, Å², mean over frames.
        frames: number of frames.
    """

    slices: NDArray[np.int64] = field(default_factory=_nothing)
    height: float = 0.0
    area: float = 0.0
    frames: int = 0

    @classmethod
    def of(
        cls, first: FloatArray, second: FloatArray, lattice: FloatArray
    ) -> HeightProfile:
        """Return the profiles of two species.

        Args:
            first: positions in units of the cell vectors, shape (n_frames, n, 3).
            second: the same for the second species, shape (n_frames, m, 3).
            lattice: Å, shape (3, 3).
        """
        height = float(heights(lattice)[2])
        number = max(1, round(height / RESOLUTION))
        slices = [_slices(positions[..., 2], number) for positions in (first, second)]
        area = float(np.linalg.norm(np.cross(lattice[0], lattice[1])))
        return cls(np.array(slices), height, area, len(first))

    def __add__(self, other: HeightProfile) -> HeightProfile:
        """Return both together; a cell that breathes keeps the slices of the first."""
        if not self.frames:
            return other
        number = self.slices.shape[1]
        slices = other.slices
        if slices.shape[1] != number:
            slices = np.array([_resliced(row, number) for row in slices])
        frames = self.frames + other.frames
        weights = (self.frames / frames, other.frames / frames)
        return HeightProfile(
            self.slices + slices,
            weights[0] * self.height + weights[1] * other.height,
            weights[0] * self.area + weights[1] * other.area,
            frames,
        )


def profile_shells(profile: HeightProfile, edges: FloatArray) -> FloatArray:
    """Return the pairs of an ideal gas with these profiles, summed over all frames.

    Around an atom, a slice at height h holds its share of the disk ring between two
    spheres: an area of π (r2² - max(r1, |h|)²). Averaged over the heights that the
    profiles' correlation gives, with all periodic images along the normal.

    Args:
        profile: of both species.
        edges: of the bins, Å, shape (n_bins + 1,).

    Returns:
        Shape (n_bins,).
    """
    number = profile.slices.shape[1]
    a, b = profile.slices
    spectrum = np.conj(np.fft.rfft(a)) * np.fft.rfft(b)
    # Pairs at each height difference: whole numbers, and zero must stay zero.
    pairs = np.rint(np.fft.irfft(spectrum, n=number))
    step = profile.height / number
    reach = int(np.ceil(edges[-1] / profile.height)) * number
    offsets = np.arange(-reach, reach + 1)
    squared = (offsets * step) ** 2
    disks = np.maximum(edges[:, None] ** 2 - squared, 0.0)  # (n_bins + 1, n_offsets)
    rings = np.pi * np.diff(disks, axis=0)
    ideal: FloatArray = (
        rings @ pairs[offsets % number] / (profile.area * profile.frames)
    )
    return ideal


def _slices(heights_in_cell: FloatArray, number: int) -> NDArray[np.int64]:
    wrapped = heights_in_cell - np.floor(heights_in_cell)
    index = (wrapped * number).astype(np.intp).ravel() % number
    return np.bincount(index, minlength=number)


def _resliced(row: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    old = (np.arange(len(row)) + 0.5) / len(row)
    result = np.zeros(number, dtype=np.int64)
    np.add.at(result, (old * number).astype(np.intp), row)
    return result
