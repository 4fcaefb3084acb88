"""Flexible chains between two walls: bonded forces inside, a soft push outside.

MMFF94 (UFF where it lacks an element) holds each molecule together; molecules and their
images push each other apart softly (`repulsion`). What comes to rest is free of
overlaps, not yet relaxed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.structures.polymers.repulsion import contacts

Array = NDArray[np.float64]
PUSH = 60.0  # kcal/mol; an overlap of a tenth then weighs as much as 0.6 kcal/mol
WALL = 30.0  # kcal/mol/Å² on each atom beyond a wall
STEPS = 40  # of the minimizer between two lists of neighbors
FORCE = 0.5  # kcal/mol/Å; below it the minimizer stops


@dataclass(frozen=True)
class Press:
    """What does not change while the walls close in.

    Attributes:
        bonded: energy (kcal/mol) and gradient (kcal/mol/Å, shape (n, 3)) of the
            molecules by themselves.
        cell: in-plane vectors, Å, shape (2, 2).
        radii: whose sums are the distances at which molecules touch, Å, shape (n,).
        molecules: of each atom, shape (n,).
    """

    bonded: Callable[[Array], tuple[float, Array]]
    cell: Array
    radii: Array
    molecules: NDArray[np.int_]

    def settle(
        self,
        coords: Array,
        low: float,
        high: float,
        rounds: int,
        push: float = PUSH,
        hard: bool = False,
    ) -> Array:
        """Return coordinates at rest between walls.

        Args:
            coords: Å, shape (n, 3); molecules whole, left where they are (not wrapped).
            low: of the lower wall, which atom centers do not pass, Å.
            high: of the upper wall, Å.
            rounds: of minimization, each with a fresh list of neighbors.
            push: strength of the soft push, kcal/mol.
            hard: no atom passes a wall at all; else walls yield by tenths of an Å.
        """
        for _ in range(rounds):
            moved = self._round(coords, low, high, push, hard)
            step = float(np.abs(moved - coords).max())
            coords = moved
            if step < 0.01:
                break
        return coords

    def _round(
        self, coords: Array, low: float, high: float, push: float, hard: bool
    ) -> Array:
        from scipy.optimize import minimize

        near = contacts(coords, self.cell, self.radii, self.molecules)

        def energy(flat: Array) -> tuple[float, Array]:
            here = flat.reshape(-1, 3)
            bonded, gradient = self.bonded(here)
            pushed, away = near.push(here)
            beyond = np.clip(here[:, 2] - high, 0, None) + np.clip(
                here[:, 2] - low, None, 0
            )
            total = gradient + push * away
            total[:, 2] += 2 * WALL * beyond
            return bonded + push * pushed + WALL * float(beyond @ beyond), total.ravel()

        bounds = None
        if hard:
            free = np.full_like(coords, np.inf)
            lowest, highest = -free, free
            lowest[:, 2], highest[:, 2] = low, high
            bounds = np.stack([lowest.ravel(), highest.ravel()], axis=1)
        found = minimize(
            energy,
            coords.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": STEPS, "gtol": FORCE},
        )
        return np.asarray(found.x).reshape(-1, 3)

    def closest(self, coords: Array) -> float:
        """Return the smallest distance between molecules as a part of touching."""
        return contacts(coords, self.cell, self.radii, self.molecules).closest(coords)

    def shortest(self, coords: Array) -> tuple[float, tuple[int, int]]:
        """Return the shortest distance between molecules or images, Å, and its atoms.

        It is inf, between atoms 0 and 0, where none are within 3 Å of touching.
        """
        near = contacts(coords, self.cell, self.radii, self.molecules, skin=3.0).pairs
        distances = near.distances(coords)
        if not len(distances):
            return float("inf"), (0, 0)
        k = int(np.argmin(distances))
        return float(distances[k]), (int(near.first[k]), int(near.second[k]))


def bonded_forces(molecule: Any) -> Callable[[Array], tuple[float, Array]]:
    """Return the energy and gradient of molecules by themselves.

    Args:
        molecule: RDKit molecule of all fragments, with hydrogens and a conformer;
            fragments do not feel each other, nor does charge feel charge.
    """
    from rdkit.Chem import rdForceFieldHelpers as Fields

    if Fields.MMFFHasAllMoleculeParams(molecule):
        properties = Fields.MMFFGetMoleculeProperties(molecule)
        properties.SetMMFFEleTerm(False)  # in vacuum it would coil the chains
        field = Fields.MMFFGetMoleculeForceField(
            molecule, properties, ignoreInterfragInteractions=True
        )
    else:
        field = Fields.UFFGetMoleculeForceField(
            molecule, ignoreInterfragInteractions=True
        )
    field.Initialize()

    def bonded(coords: Array) -> tuple[float, Array]:
        flat = coords.ravel().tolist()
        return field.CalcEnergy(flat), np.array(field.CalcGrad(flat)).reshape(-1, 3)

    return bonded
