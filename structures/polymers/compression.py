"""Walls that close in on flexible chains, until a film has its thickness.

MMFF94 (UFF where it lacks an element) holds each molecule together; molecules and their
images push each other apart softly, E = sum over pairs of (1 - d/s)² where d < s, the
sum of two radii: no attraction and no infinity, so that it pulls any random start
apart. What comes to rest is free of overlaps, not yet relaxed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.structures.periodic import Pairs, pairs_within

Array = NDArray[np.float64]
SKIN = 1.1  # Å, van der Waals radius of H: from the outermost atoms to the surface
ACCEPTED = 0.90  # of the touching distance: H-H 1.99, H-C 2.40, H-O 2.26 Å
HOPELESS = 0.60  # of the touching distance; a firmer push would not help
CLOSING = 0.88  # of the height, from one position of the walls to the next
FIRM = 300.0  # kcal/mol; of the push in the end
PUSH = 60.0  # kcal/mol; an overlap of a tenth then weighs as much as 0.6 kcal/mol
WALL = 30.0  # kcal/mol/Å² on each atom beyond a wall
STEPS = 40  # of the minimizer between two lists of neighbors
RESTING = 0.01  # Å; a list of neighbors that moves no atom by more is the last
FORCE = 0.5  # kcal/mol/Å; below it the minimizer stops
LISTED = 1.0  # Å; pairs that far beyond contact are listed too, for moves between lists


def closed(
    press: Press, coords: Array, height: float, thickness: float
) -> tuple[Array, float]:
    """Return coordinates at the film's thickness, and the least height reached, Å.

    The walls close in step by step; what overlaps on the way may still dissolve, so
    that only the last step decides.

    Args:
        press: forces and cell.
        coords: loosely placed chains, Å, shape (n_atoms, 3), z from 0 to `height`.
        height: between the walls at first, Å.
        thickness: between them in the end, Å.

    Returns:
        The film's coordinates, overlaps or not; and the smallest height at which there
        were none, inf if there was no such.
    """
    reached = float("inf")
    while height > thickness:
        coords = press.settle(coords, SKIN, height - SKIN, rounds=4)
        if press.closest(coords) >= ACCEPTED:
            reached = height
        lower = max(thickness, CLOSING * height)
        coords = _squeezed(press, coords, lower / height)
        height = lower
    coords = press.settle(coords, SKIN, height - SKIN, rounds=30)
    if press.closest(coords) > HOPELESS:
        coords = press.settle(coords, SKIN, height - SKIN, 20, FIRM, hard=True)
        coords = _stretched(press, coords, thickness)
    if press.closest(coords) >= ACCEPTED:
        reached = height
    return coords, reached


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
        # a quarter of the density's allowed error
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
            if step < RESTING:
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
        minimum = minimize(
            energy,
            coords.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": STEPS, "gtol": FORCE},
        )
        return np.asarray(minimum.x).reshape(-1, 3)

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
        # two atoms on one spot have no direction: they stay until others part them
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
    skin: float = LISTED,
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
