"""The widest layer without atoms: a slab's vacuum, or what is left between two."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

VACUUM = 6.0
"""Å; an empty layer of this width is a vacuum: slabs on both sides of a thinner one
still feel each other. Models are made with the same `structures.model.THIN_VACUUM`."""


def empty_layer(places: ArrayLike) -> tuple[float, float]:
    """Return where the widest layer without atoms begins, and how wide it is.

    Args:
        places: of the atoms along one cell vector, fractional, shape (n_atoms,).

    Returns:
        The place of the atom below it, in [0, 1), and its width in parts of the cell.
    """
    ordered = np.sort(np.asarray(places, dtype=np.float64) % 1.0)
    gaps = np.diff(ordered, append=ordered[:1] + 1.0)
    widest = int(np.argmax(gaps))
    return float(ordered[widest]), float(gaps[widest])


def empty_layers(
    lattice: NDArray[np.float64], fractional: NDArray[np.float64]
) -> tuple[float, ...]:
    """Return how wide the widest empty layer between planes of each cell vector is, Å.

    Args:
        lattice: rows, Å, shape (3, 3).
        fractional: places of the atoms, shape (n_atoms, 3).
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)  # (3,) Å
    widths = [empty_layer(places)[1] for places in fractional.T]
    return tuple(float(width) for width in widths * heights)
