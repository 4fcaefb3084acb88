"""The widest layer without atoms: a slab's vacuum, or what is left between two."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


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
