"""Space groups in their standard settings: which positions symmetry makes of one.

The operations come from spglib's database. The standard setting is the first one of the
International Tables: origin choice 1, unique axis b, hexagonal axes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import spglib
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Lattice

SAME = 1e-5  # fractional: two images of a published position are one position
METRIC = 0.02  # relative: lengths and angles that a cell's symmetry ties together


@cache
def operations(number: int) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Return rotations (m, 3, 3) and translations (m, 3), fractional, centering too.

    Args:
        number: of the space group, 1 to 230.
    """
    halls = range(1, 531)
    kinds = ((hall, spglib.get_spacegroup_type(hall)) for hall in halls)
    hall = next(hall for hall, kind in kinds if kind and kind.number == number)
    found = spglib.get_symmetry_from_database(hall)
    assert found is not None
    return found["rotations"], found["translations"]


def orbit(number: int, point: ArrayLike) -> NDArray[np.float64]:
    """Return all positions that a space group makes of one, fractional, (m, 3)."""
    rotations, translations = operations(number)
    images = (rotations @ np.asarray(point, float) + translations) % 1.0
    kept: list[NDArray[np.float64]] = []
    for image in images:
        apart = np.array(kept).reshape(-1, 3) - image
        apart -= np.round(apart)
        if not (np.abs(apart) < SAME).all(axis=1).any():
            kept.append(image)
    return np.array(kept)


def fits(number: int, lattice: Lattice) -> bool:
    """Tell whether a cell has the metric that a space group asks for."""
    rotations, _ = operations(number)
    metric = lattice.matrix @ lattice.matrix.T
    turned = np.swapaxes(rotations, 1, 2) @ metric @ rotations
    scale = np.sqrt(np.outer(metric.diagonal(), metric.diagonal()))
    return bool((np.abs(turned - metric) < METRIC * scale).all())
