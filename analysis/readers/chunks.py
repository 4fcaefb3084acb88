"""Frames as they stand in a file, some at a time: what every reader hands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray

UNKNOWN = -1
"""The label of a frame that has none, or one that outgrew its field."""


@dataclass(frozen=True)
class Chunk:
    """Some frames in the order of the file.

    Attributes:
        labels: the step that the file gives each frame, shape (n,); UNKNOWN where it
            gives none.
        lattices: Å, shape (n, 3, 3), or (1, 3, 3) where the cell is constant.
        positions: Cartesian, Å, shape (n, n_atoms, 3).
        scalars: energies in eV, temperature in K, each of shape (n,).
    """

    labels: NDArray[np.int64]
    lattices: FloatArray
    positions: FloatArray
    scalars: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)


class FrameStream(Protocol):
    """What reads one file from its start to its end, once.

    Attributes:
        species: chemical symbol of each atom.
        reason: why frames ended early; empty if the file ends as it should. Final when
            the last chunk has been taken.
    """

    species: tuple[str, ...]
    reason: str

    def chunks(self) -> Iterator[Chunk]:
        """Yield every complete frame."""
        ...

    def close(self) -> None:
        """Release the file, where the frames are not wanted."""
        ...


def to_cartesian(fractional: FloatArray, lattices: FloatArray) -> FloatArray:
    """Return Cartesian positions, Å, shape (n, n_atoms, 3).

    Each coordinate is summed by itself in one order, so that a frame gives the same
    bits however many are converted at once; a matrix product does not promise that.

    Args:
        fractional: shape (n, n_atoms, 3).
        lattices: rows are the cell vectors, Å, shape (n, 3, 3) or (1, 3, 3).
    """
    cells = np.asarray(lattices, dtype=np.float64)
    positions = np.empty(fractional.shape)
    for axis in range(3):
        part = cells[:, None, :, axis]
        total = positions[..., axis]
        np.multiply(fractional[..., 0], part[..., 0], out=total)
        for vector in (1, 2):
            if part[..., vector].any():
                total += fractional[..., vector] * part[..., vector]
    return positions
