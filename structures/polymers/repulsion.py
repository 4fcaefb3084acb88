"""A soft push between atoms that are too close, under periodic boundaries.

E = sum over pairs of (1 - d/s)² where d < s, the sum of two radii. It has no attraction
and no infinity, so that it pulls any random start apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.structures.periodic import Pairs, pairs_within

Array = NDArray[np.float64]
SKIN = 1.0  # Å; pairs that far beyond contact are listed too, for moves between lists


@dataclass(frozen=True)
class Contacts:
    """Pairs that may touch, and the distances at which they do.

    Attributes:
        pairs: candidates, images included.
        touching: Å, shape (n_pairs,).
    """

    pairs: Pairs
    touching: Array

    def push(self, coords: Array) -> tuple[float, Array]:
        """Return the energy (no unit) and its gradient, 1/Å, shape (n_atoms, 3)."""
        vectors = self.pairs.vectors(coords)
        distances = np.maximum(np.linalg.norm(vectors, axis=1), 1e-9)
        overlap = np.clip(1 - distances / self.touching, 0, None)
        slope = -2 * overlap / self.touching / distances
        forces = slope[:, None] * vectors
        gradient = np.zeros_like(coords)
        for axis in range(3):  # bincount is several times faster than np.add.at
            gradient[:, axis] = np.bincount(
                self.pairs.second, forces[:, axis], len(coords)
            ) - np.bincount(self.pairs.first, forces[:, axis], len(coords))
        return float((overlap**2).sum()), gradient

    def closest(self, coords: Array) -> float:
        """Return the smallest distance as a part of the touching one; inf if none."""
        if not len(self.touching):
            return float("inf")
        return float((self.pairs.distances(coords) / self.touching).min())


def contacts(
    coords: Array,
    cell: Array,
    radii: Array,
    molecules: NDArray[np.int_] | None = None,
    skin: float = SKIN,
) -> Contacts:
    """Return the pairs of atoms that may touch.

    Args:
        coords: Å, shape (n_atoms, 3); molecules whole.
        cell: (2, 2) or (3, 3), as in `periodic.box`.
        radii: whose sums are the touching distances, Å, shape (n_atoms,).
        molecules: of each atom; pairs within a molecule do not count, those with its
            own images do.
        skin: how far beyond touching a pair may be, Å.
    """
    pairs = pairs_within(coords, cell, radii + skin / 2)
    if molecules is not None:
        same = molecules[pairs.first] == molecules[pairs.second]
        pairs = pairs.chosen(~same | (np.abs(pairs.shifts).max(axis=1) > 1e-9))
    return Contacts(pairs, radii[pairs.first] + radii[pairs.second])
