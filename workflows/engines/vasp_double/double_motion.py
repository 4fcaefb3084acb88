"""What moves the ions: the part that relaxations, dynamics and single points share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ionface.workflows.engines.vasp_double.calculators import Point
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray


@dataclass(frozen=True)
class Thermo:
    """Energies of one step of dynamics, eV, and the temperature, K.

    Attributes:
        temperature: of the ions.
        kinetic: of the ions.
        nosepot: potential energy of the thermostat, g k T ln s.
        nosekinetic: kinetic energy of the thermostat.
    """

    temperature: float
    kinetic: float
    nosepot: float = 0.0
    nosekinetic: float = 0.0

    def total(self, energy: float) -> float:
        """Return Nosé's constant of motion."""
        return energy + self.kinetic + self.nosepot + self.nosekinetic


class Motion(Protocol):
    """Where the ions are, and where they go next."""

    lattice: FloatArray
    fractional: FloatArray

    def receive(self, point: Point) -> Thermo | None:
        """Take what the model says of the present geometry."""

    def finished(self) -> bool:
        """Tell whether the criterion is met."""

    def advance(self) -> None:
        """Go to the next geometry."""

    def contcar(self, last: bool) -> str:
        """Return CONTCAR as it stands after this step."""

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return lattice, positions and velocities, as vasprun.xml ends with them."""


def along_free(
    vectors: FloatArray, free: NDArray[np.bool_] | None, lattice: FloatArray
) -> FloatArray:
    """Return the part of each vector that lies along the free cell vectors.

    Args:
        vectors: Cartesian, shape (n_atoms, 3).
        free: which fractional coordinates may move, shape (n_atoms, 3); None for all.
        lattice: shape (3, 3).
    """
    if free is None:
        return vectors
    kept = np.where(np.all(free, axis=1, keepdims=True), vectors, 0.0)
    counts = free.sum(axis=1)
    for atom in np.flatnonzero((counts > 0) & (counts < 3)):
        basis = np.linalg.qr(lattice[free[atom]].T)[0]  # orthonormal columns
        kept[atom] = basis @ (basis.T @ vectors[atom])
    return kept
