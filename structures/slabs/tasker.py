"""Tasker's classes of ionic surfaces, and the dipole of a slab along its normal.

Class 1: every plane is neutral. Class 2: planes are charged, but a repeat can be cut so
that it has no dipole. Class 3: every cut leaves a dipole, whose energy grows with the
thickness. Source: Tasker, J. Phys. C 12, 4977 (1979), doi:10.1088/0022-3719/12/22/036.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ionface.structures.slabs.facets import MIN_CUT, Facet

Array = NDArray[np.float64]
POLAR = 0.01  # e/Å; a larger dipole per layer and area makes a slab polar
NEUTRAL = 1e-3  # e; of a plane


def plane_charges(facet: Facet, charges: Mapping[str, float]) -> list[float]:
    """Return the formal charges of the planes of one repeat, from low to high, e.

    Groups closer in height than 0.3 Å make one plane; a polyanion counts where its
    center is, with its whole charge.

    Args:
        facet: with its groups.
        charges: of each element; none counts as zero.
    """
    heights = facet.centers[:, 2] % facet.spacing
    order = np.argsort(heights, kind="stable")
    own = [
        sum(charges.get(s, 0.0) for s in facet.groups[facet.atoms[i]].symbols)
        for i in order
    ]
    steps = np.diff([*heights[order], heights[order][0] + facet.spacing]) > MIN_CUT
    if not steps.any():
        return [float(sum(own))]
    # begin above a gap, so that no plane is split by the border of the repeat
    start = int(np.flatnonzero(steps)[-1]) + 1
    planes = np.concatenate([[0], np.cumsum(np.roll(steps, -start))[:-1]])
    return np.bincount(planes, weights=np.roll(own, -start)).tolist()


def dipole_per_area(symbols: Sequence[str], z: Array, charges: Mapping[str, float],
                    area: float) -> float:  # fmt: skip
    """Return the dipole of formal charges along the normal per area, e/Å.

    Args:
        symbols: of the atoms of a neutral slab.
        z: their heights, Å, shape (n,).
        charges: of each element; none counts as zero.
        area: of the surface cell, Å².
    """
    charge = np.array([charges.get(symbol, 0.0) for symbol in symbols])
    return float(charge @ (z - z.mean()) / area)


def tasker_class(planes: Iterable[float], dipole: float) -> int:
    """Return the class of one termination: 1, 2 or 3.

    Args:
        planes: charges of the planes of one repeat, e.
        dipole: per layer and area, e/Å.
    """
    if abs(dipole) > POLAR:
        return 3
    return 1 if all(abs(charge) < NEUTRAL for charge in planes) else 2
