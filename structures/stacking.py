"""How far apart two surfaces stand before anything is relaxed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from .checks import site_radii

Array = NDArray[np.float64]
BEYOND_CONTACT = 0.6  # Å on top of the covalent radii: near, but not bonded
REACH = 6.0  # Å; no pair of atoms touches farther apart


def touching_gap(film: Structure, substrate: Structure, molecular: bool) -> float:
    """Return the gap at which the closest pair of atoms just touches, Å.

    Touching means the sum of covalent radii plus `BEYOND_CONTACT`: no bond exists at
    the start that the run has not formed. Both surfaces of a sandwich are looked at,
    and the wider gap is taken. A molecule only faces downwards.

    Args:
        film: same in-plane lattice as the substrate; z is free.
        substrate: the lower side.
        molecular: the film is a molecule.
    """
    below = _needed(substrate, film)
    return below if molecular else max(below, _needed(film, substrate))


def _needed(lower: Structure, upper: Structure) -> float:
    """Return the gap that the top of one and the bottom of the other need, Å."""
    low, high = _skin(lower, top=True), _skin(upper, top=False)
    depth = low[:, 2].max() - low[:, 2]  # below the top atom, (n_low,)
    rise = high[:, 2] - high[:, 2].min()  # above the bottom atom, (n_high,)
    contact = (
        _skin_radii(lower, top=True)[:, None]
        + _skin_radii(upper, top=False)[None]
        + BEYOND_CONTACT
    )
    lateral = _lateral(low[:, :2], high[:, :2], lower.lattice.matrix[:2, :2])
    # contact² = lateral² + (gap + depth + rise)²  solved for the gap of each pair
    vertical = np.sqrt(np.clip(contact**2 - lateral**2, 0, None))
    gaps = vertical - depth[:, None] - rise[None]
    return float(max(gaps[lateral < contact].max(initial=0.0), 1.0))


def _skin(slab: Structure, top: bool) -> Array:
    return np.asarray(slab.cart_coords[_outer(slab, top)])


def _skin_radii(slab: Structure, top: bool) -> Array:
    return np.asarray(site_radii(slab)[_outer(slab, top)])


def _outer(slab: Structure, top: bool) -> NDArray[np.bool_]:
    z = slab.cart_coords[:, 2]
    return np.asarray(z > z.max() - REACH if top else z < z.min() + REACH)


def _lateral(first: Array, second: Array, cell: Array) -> Array:
    """Return the shortest in-plane distance of every pair, shape (n, m), Å."""
    difference = (first[:, None] - second[None]) @ np.linalg.inv(cell)
    difference -= np.rint(difference)
    images = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    vectors = (difference[:, :, None] + images) @ cell  # (n, m, 9, 2)
    return np.asarray(np.linalg.norm(vectors, axis=-1).min(axis=-1))
