"""Walls that close in on flexible chains, until a film has its thickness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ionface.structures.polymers.wall_relaxation import Press

Array = NDArray[np.float64]
SKIN = 1.1  # Å, van der Waals radius of H: from the outermost atoms to the surface
ACCEPTED = 0.90  # of the touching distance: H-H 1.99, H-C 2.40, H-O 2.26 Å
HOPELESS = 0.60  # of the touching distance; a firmer push would not help
CLOSING = 0.88  # of the height, from one position of the walls to the next
FIRM = 300.0  # kcal/mol; of the push in the end


def closed(
    press: Press, coords: Array, height: float, thickness: float
) -> tuple[Array, tuple[Array, float]]:
    """Return coordinates at the film's thickness, and the last ones free of overlaps.

    Args:
        press: forces and cell.
        coords: loosely placed chains, Å, shape (n_atoms, 3), z from 0 to `height`.
        height: between the walls at first, Å.
        thickness: between them in the end, Å.

    Returns:
        The film's coordinates, overlaps or not; and the last coordinates without any,
        with their height, which is inf where there were none.
    """
    accepted = (coords, float("inf"))
    while True:
        last = height <= thickness
        # a tangle on the way may still dissolve; the final height decides
        coords = press.settle(coords, SKIN, height - SKIN, rounds=30 if last else 4)
        if last and press.closest(coords) > HOPELESS:
            coords = press.settle(coords, SKIN, height - SKIN, 20, FIRM, hard=True)
            coords = _stretched(press, coords, thickness)
        if press.closest(coords) >= ACCEPTED:
            accepted = (coords, height)
        if last:
            return coords, accepted
        lower = max(thickness, CLOSING * height)
        coords = _squeezed(press, coords, lower / height)
        height = lower


def densest_height(
    press: Press, coords: Array, height: float, thickness: float
) -> float:
    """Return the smallest height without overlaps, in steps of 3 %, Å.

    Args:
        press: forces and cell.
        coords: free of overlaps, Å.
        height: of these; inf, where there are none, is returned.
        thickness: where to stop at the latest, Å.
    """
    if not np.isfinite(height):
        return height
    while True:
        lower = max(0.97 * height, thickness)
        coords = _squeezed(press, coords, lower / height)
        coords = press.settle(coords, SKIN, lower - SKIN, 10, FIRM, hard=True)
        if press.closest(coords) < ACCEPTED or lower <= thickness:
            return height
        height = lower


def _squeezed(press: Press, coords: Array, factor: float) -> Array:
    """Return coordinates with the molecules' centers brought closer along z."""
    moved = coords.copy()
    for k in range(press.molecules.max() + 1):
        own = press.molecules == k
        moved[own, 2] += (factor - 1) * coords[own, 2].mean()
    return moved


def _stretched(press: Press, coords: Array, thickness: float) -> Array:
    """Return a film that reaches both walls; a loose one leaves a gap at one."""
    owner = press.molecules
    for _ in range(4):
        low, high = coords[:, 2].min(), coords[:, 2].max()
        if thickness - 2 * SKIN - (high - low) < 0.005 * thickness:
            break
        centers = np.bincount(owner, coords[:, 2]) / np.bincount(owner)
        bottom, top = (
            centers[owner[k]] for k in (coords[:, 2].argmin(), coords[:, 2].argmax())
        )
        if top <= bottom:
            break  # one chain cannot be drawn apart
        share = np.clip((centers - bottom) / (top - bottom), 0, 1)[owner]
        moved = coords.copy()
        moved[:, 2] += (1 - share) * (SKIN - low) + share * (thickness - SKIN - high)
        coords = press.settle(moved, SKIN, thickness - SKIN, 10, FIRM, hard=True)
    return coords
