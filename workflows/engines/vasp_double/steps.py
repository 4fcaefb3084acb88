"""What one ionic step holds."""

from __future__ import annotations

from dataclasses import dataclass

from ionface.workflows.engines.vasp_double.geometry import FloatArray


@dataclass(frozen=True)
class Point:
    """What the model says of one geometry.

    Attributes:
        energy: eV.
        forces: eV/Å, shape (n_atoms, 3), without their mean where all atoms move.
        drift: the mean that was taken off, times the number of atoms, eV/Å.
        stress: eV/Å³, positive in tension, shape (3, 3); None if the model has none.
    """

    energy: float
    forces: FloatArray
    drift: FloatArray
    stress: FloatArray | None


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


@dataclass(frozen=True)
class Step:
    """One ionic step, complete.

    Attributes:
        number: from 1.
        lattice: Å, shape (3, 3).
        fractional: shape (n_atoms, 3).
        point: energy, forces, stress.
        thermo: energies of dynamics, else None.
        last: nothing follows.
        converged: the electrons settled.
        change: of the energy since the last step, eV.
        cpu_wall_s: seconds that it took.
    """

    number: int
    lattice: FloatArray
    fractional: FloatArray
    point: Point
    thermo: Thermo | None
    last: bool
    converged: bool = True
    change: float = 0.0
    cpu_wall_s: tuple[float, float] = (0.0, 0.0)
