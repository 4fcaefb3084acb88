"""Rings with a bond through them: no relaxation can pull it out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.structures.periodic import box, shortest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spear:
    """A bond that passes through a ring.

    Attributes:
        ring: rows of the ring's atoms.
        bond: rows of the bond's atoms.
        point: where it passes, Å, in the frame of the ring's first atom.
    """

    ring: tuple[int, ...]
    bond: tuple[int, int]
    point: tuple[float, float, float]


def spears(
    rings: Sequence[tuple[int, ...]],
    bonds: Sequence[tuple[int, int]],
    coords: Array,
    cell: Array,
) -> tuple[Spear, ...]:
    """Return the bonds that pass through rings.

    A ring is the fan of triangles from its center, which follows puckered rings; all
    images of a bond near the ring count. Bonds at a ring's own atoms do not.

    Args:
        rings: atoms in their order around the ring.
        bonds: pairs of atoms, of any molecule.
        coords: Å, shape (n_atoms, 3).
        cell: (2, 2) or (3, 3), as in `periodic.box`.
    """
    if not rings or not bonds:
        return ()
    pairs = np.array(bonds)
    arms = shortest(coords[pairs[:, 1]] - coords[pairs[:, 0]], cell)
    penetrations = []
    for ring in rings:
        corners = _around(ring, coords, cell)
        free = np.flatnonzero(~np.isin(pairs, ring).any(axis=1))
        penetrations += _through(ring, corners, pairs[free], arms[free], coords, cell)
    return tuple(penetrations)


def _around(ring: tuple[int, ...], coords: Array, cell: Array) -> Array:
    """Return the ring's corners as one piece, shape (n, 3)."""
    steps = shortest(np.diff(coords[list(ring)], axis=0), cell)
    return np.vstack([coords[ring[0]], coords[ring[0]] + np.cumsum(steps, axis=0)])


def _through(
    ring: tuple[int, ...],
    corners: Array,
    pairs: NDArray[np.int_],
    arms: Array,
    coords: Array,
    cell: Array,
) -> list[Spear]:
    center = corners.mean(axis=0)
    reach = float(np.linalg.norm(corners - center, axis=1).max())
    middles = shortest(coords[pairs[:, 0]] + arms / 2 - center, cell)
    farthest = reach + np.linalg.norm(arms, axis=1) / 2
    penetrations = []
    for k in np.flatnonzero(np.linalg.norm(middles, axis=1) <= farthest):
        for middle in _images(middles[k], cell, float(farthest[k])):
            start = center + middle - arms[k] / 2
            point = _crossing(start, arms[k], corners, center)
            if point is not None:
                x, y, z = (float(value) for value in point)
                bond = (int(pairs[k, 0]), int(pairs[k, 1]))
                penetrations.append(Spear(ring, bond, (x, y, z)))
    return penetrations


def _images(nearest: Array, cell: Array, reach: float) -> Array:
    """Return all images of a vector that are not longer than `reach`, shape (n, 3)."""
    matrix, periodic = box(cell)
    heights = 1 / np.linalg.norm(np.linalg.inv(matrix), axis=0)
    most = np.where(periodic, np.ceil(2 * reach / heights), 0).astype(int)
    ranges = [np.arange(-n, n + 1) for n in most]
    steps = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
    images = nearest + steps @ matrix
    return np.asarray(images[np.linalg.norm(images, axis=1) <= reach])


def _crossing(start: Array, arm: Array, corners: Array, center: Array) -> Array | None:
    """Return where a segment crosses the ring's fan of triangles, if it does."""
    one = corners - center
    two = np.roll(corners, -1, axis=0) - center
    # start + t arm = center + u one + v two, solved for each triangle
    normals = np.cross(one, two)
    slopes = normals @ arm
    usable = np.abs(slopes) > 1e-12  # a bond in the plane of a triangle never crosses
    if not usable.any():
        return None
    one, two, normals, slopes = (x[usable] for x in (one, two, normals, slopes))
    offset = start - center
    t = -(normals @ offset) / slopes
    inside = np.cross(offset, arm)
    u = -(two @ inside) / slopes
    v = (one @ inside) / slopes
    hit = (t >= 0) & (t <= 1) & (u >= 0) & (v >= 0) & (u + v <= 1)
    if not hit.any():
        return None
    return np.asarray(start + t[np.flatnonzero(hit)[0]] * arm)
