"""Which motion is nobody's own, and taking it away.

A thermostat, a restart or rounding may set the whole cell in motion; every atom then
seems to diffuse. Where nothing is fixed, the center of mass of all atoms is the
reference. Where layers are fixed, they are the reference, and nothing is subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

MOTIONLESS = 1e-4
"""Å: an atom that stays within it is fixed; thermal motion exceeds it in one step, and
the last digit of an XDATCAR is a hundred times smaller."""

Drift = str | Sequence[str]
"""'auto', 'all', 'none', or the symbols of a rigid sublattice."""


@dataclass(frozen=True)
class Reference:
    """What the drift is measured on.

    Attributes:
        atoms: whose weighted mean is subtracted; empty: nothing is, shape (k,).
        weights: of these atoms, summing to 1, shape (k,).
        label: in words.
    """

    atoms: NDArray[np.intp]
    weights: FloatArray
    label: str

    def of(self, positions: FloatArray) -> FloatArray:
        """Return where the reference is, (n_frames, 3); zeros if it is nothing."""
        return np.einsum("a,tax->tx", self.weights, positions[:, self.atoms])


def subtract_drift(positions: FloatArray, weights: FloatArray) -> FloatArray:
    """Return positions relative to a weighted mean, which stays where it starts.

    Args:
        positions: unwrapped, Å, shape (n_frames, n_atoms, 3).
        weights: masses for the center of mass, or zeros and ones for a sublattice,
            shape (n_atoms,).

    Raises:
        AnalysisError: the weights do not sum to something positive.
    """
    total = float(np.sum(weights))
    if not total > 0:
        raise AnalysisError(
            f"the weights of the drift sum to {total}; give masses, or ones for the "
            "atoms of the rigid sublattice"
        )
    center = np.einsum("a,tax->tx", np.asarray(weights) / total, positions)
    return positions - (center - center[0])[:, None]


def reference(trajectory: Trajectory, drift: Drift = "auto") -> Reference:
    """Return what to subtract.

    Args:
        trajectory: whose fixed atoms are looked for with 'auto'.
        drift: 'auto': the center of mass of all atoms, or nothing where atoms are
            fixed; 'all'; 'none'; or symbols: the mean of these atoms.

    Raises:
        AnalysisError: a species is not in the trajectory.
    """
    number = trajectory.n_atoms
    nothing = Reference(np.zeros(0, dtype=np.intp), np.zeros(0), "")
    if not isinstance(drift, str):
        found = np.concatenate([trajectory.indices(symbol) for symbol in drift])
        label = f"mean of the {len(found)} {', '.join(drift)} atoms subtracted"
        return Reference(found, np.full(len(found), 1 / len(found)), label)
    if drift == "none":
        return Reference(nothing.atoms, nothing.weights, "nothing subtracted")
    if drift == "auto" and (held := len(fixed_atoms(trajectory))):
        label = f"nothing subtracted: {held} fixed atoms are the reference"
        return Reference(nothing.atoms, nothing.weights, label)
    if drift in {"auto", "all"}:
        weights = masses(trajectory.species)
        label = f"center of mass of all {number} atoms subtracted"
        return Reference(np.arange(number), weights / weights.sum(), label)
    raise AnalysisError(
        f"{drift!r} is no reference of a drift; choose 'auto', 'all', 'none', or a "
        "list of symbols of a rigid sublattice"
    )


def fixed_atoms(trajectory: Trajectory) -> NDArray[np.intp]:
    """Return the atoms that do not move in the whole run; none if it is one frame.

    In a cell of changing shape an atom is fixed if its place in the cell is.
    """
    first: FloatArray | None = None
    held = np.ones(trajectory.n_atoms, dtype=bool)
    for block in trajectory.blocks(256):
        lattices = np.asarray(block.lattices)
        atoms = np.flatnonzero(held)
        places = block.positions[:, atoms] @ np.linalg.inv(lattices)
        if first is None:
            first = np.full((trajectory.n_atoms, 3), np.nan)
            first[atoms] = places[0]
        moved = places - first[atoms]
        moved -= np.rint(moved)
        far = np.abs(moved @ lattices[0]).max(axis=(0, 2)) > MOTIONLESS
        held[atoms[far]] = False
        if not held.any():
            break
    return np.flatnonzero(held) if len(trajectory) > 1 else np.zeros(0, dtype=np.intp)


def masses(species: Sequence[str]) -> FloatArray:
    """Return atomic masses, u; unknown symbols weigh 1.

    Returns:
        Shape (n_atoms,).
    """
    from ase.data import atomic_masses, atomic_numbers

    table = {s: float(atomic_masses[atomic_numbers.get(s, 0)]) for s in set(species)}
    return np.array([table[symbol] for symbol in species])
