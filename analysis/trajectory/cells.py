"""Cells that leave directions open: a slab without a third vector, a cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import TrajectoryError


def completed(lattices: FloatArray, pbc: Sequence[bool]) -> FloatArray:
    """Return cells in which every open direction without a vector has one.

    It is a unit vector normal to the others, as of `ase.geometry.complete_cell`: along
    an open direction nothing is wrapped, so that its length is of no consequence.

    Args:
        lattices: rows are the cell vectors, Å, shape (n, 3, 3).
        pbc: periodic along each cell vector.

    Raises:
        TrajectoryError: a cell still has no volume.
    """
    cells = np.array(lattices, dtype=np.float64)
    absent = ~cells.any(axis=2) & ~np.asarray(pbc, dtype=bool)  # (n, 3)
    if absent.any():
        from ase.geometry import complete_cell

        for index in np.flatnonzero(absent.any(axis=1)):
            cells[index] = complete_cell(cells[index])
    # of vectors in one plane, but for rounding, and of what is no number
    flat = ~(np.abs(np.linalg.det(cells)) > 1e-6)
    if flat.any():
        raise TrajectoryError(
            f"the cell {np.round(lattices[int(np.argmax(flat))], 3).tolist()} Å has no "
            "volume, and it is periodic; give it three independent vectors: "
            "lattice=..., or leave the direction without one open (pbc)"
        )
    return cells


def inverses(lattices: FloatArray, pbc: Sequence[bool]) -> FloatArray:
    """Return what turns positions in Å into units of the completed cell vectors.

    Raises:
        TrajectoryError: as `completed`.
    """
    return np.asarray(np.linalg.inv(completed(lattices, pbc)), dtype=np.float64)
