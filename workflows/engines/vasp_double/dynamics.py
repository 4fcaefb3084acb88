"""Molecular dynamics with VASP's thermostat, restartable from CONTCAR alone.

Velocity Verlet with a Nosé thermostat in the reversible splitting of Martyna et al.,
Mol. Phys. 87, 1117 (1996), doi:10.1080/00268979600100761. After every step the state is
rounded to what CONTCAR prints, and the next step starts from that: a run in segments
equals one long run, which no integrator of a library promises.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ionface.workflows.engines.vasp_double.fortran import as_printed
from ionface.workflows.engines.vasp_double.geometry import (
    POSITION_DIGITS,
    VELOCITY_DIGITS,
    Bath,
    FloatArray,
    Poscar,
    along_free,
    contcar_text,
)
from ionface.workflows.engines.vasp_double.settings import AMU, BOLTZMANN, Settings
from ionface.workflows.engines.vasp_double.steps import Point, Thermo


class Dynamics:
    """Ions and thermostat: SMASS >= 0 is NVT, -3 is NVE.

    Args:
        start: with velocities, or they are drawn at TEBEG.
        settings: of the run.
        masses: amu, shape (n_atoms,).
    """

    def __init__(self, start: Poscar, settings: Settings, masses: FloatArray) -> None:
        self.start, self.tags, self.steps = start, settings.tags, settings.steps
        self.timestep = float(self.tags["POTIM"])  # fs
        self.mass = masses[:, None] * AMU  # (n_atoms, 1) in eV fs²/Å²
        self.lattice = start.lattice
        self.fractional = _wrapped(start.fractional)
        # of the thermostat, eV fs²; none or less is NVE
        self.inertia = self.tags["SMASS"] * AMU * float(np.sum(self.lattice[0] ** 2))
        given = start.velocities
        moving = self._drawn() if given is None else self._along_free(given)
        self.velocities = as_printed(moving, VELOCITY_DIGITS, significant=True)
        self.bath = start.bath or Bath(self.timestep, 1.0, 0.0)
        self.step = 0
        self._half: tuple[FloatArray, float, float] | None = None

    def receive(self, point: Point) -> Thermo:
        """Finish the step with the forces at its end; return its energies."""
        self.step += 1
        forces = along_free(point.forces, self.start.free, self.lattice)
        acceleration = forces / self.mass
        if self._half is not None:
            velocities, log_scale, rate = self._half
            velocities = velocities + acceleration * self.timestep / 2
            self._round(*self._thermostat(velocities, log_scale, rate))
        self._prepare(acceleration)
        return self._thermo()

    def finished(self) -> bool:
        """Dynamics have no criterion."""
        return False

    def advance(self) -> None:
        """Move the ions."""
        self.fractional = self._following

    def contcar(self, last: bool) -> str:
        """Return CONTCAR: this step's positions, velocities and thermostat."""
        del last
        state = replace(
            self.start,
            fractional=self.fractional,
            velocities=self.velocities,
            bath=self.bath,
        )
        return contcar_text(state, self._following, self._displacements())

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return the geometry one step ahead, as VASP does."""
        return self.lattice, self._following, self._displacements()

    def _displacements(self) -> FloatArray:
        shift: FloatArray = self.velocities * self.timestep
        return shift @ np.linalg.inv(self.lattice)

    def _prepare(self, acceleration: FloatArray) -> None:
        """Take the first half of the next step; keep the positions that it leads to."""
        dt = self.timestep
        log_scale, rate = np.log(self.bath.scale), self.bath.rate / self.bath.timestep
        velocities, log_scale, rate = self._thermostat(self.velocities, log_scale, rate)
        velocities = velocities + acceleration * dt / 2
        self._half = velocities, log_scale, rate
        moved = self.fractional + (velocities * dt) @ np.linalg.inv(self.lattice)
        self._following = _wrapped(moved)

    def _thermostat(
        self, velocities: FloatArray, log_scale: float, rate: float
    ) -> tuple[FloatArray, float, float]:
        """Let the thermostat act for half a time step."""
        if self.inertia <= 0:
            return velocities, log_scale, rate
        dt = self.timestep
        target = self.start.freedom * BOLTZMANN * self._target()
        rate += dt / 4 * (2 * self._kinetic(velocities) - target) / self.inertia
        velocities = velocities * np.exp(-rate * dt / 2)
        log_scale += rate * dt / 2
        rate += dt / 4 * (2 * self._kinetic(velocities) - target) / self.inertia
        return velocities, log_scale, rate

    def _round(self, velocities: FloatArray, log_scale: float, rate: float) -> None:
        """Keep what CONTCAR will hold."""
        self.velocities = as_printed(velocities, VELOCITY_DIGITS, significant=True)
        state = np.array([np.exp(log_scale), rate * self.timestep])
        scale, rate = as_printed(state, VELOCITY_DIGITS, significant=True)
        self.bath = Bath(self.timestep, float(scale), float(rate))

    def _kinetic(self, velocities: FloatArray) -> float:
        return float(np.sum(self.mass * velocities**2) / 2)

    def _target(self) -> float:
        """Return the thermostat's temperature at this step."""
        begin, end = self.tags["TEBEG"], self.tags["TEEND"]
        return float(begin + self.step / self.steps * (end - begin))

    def _thermo(self) -> Thermo:
        kinetic = self._kinetic(self.velocities)
        unit = self.start.freedom * BOLTZMANN  # eV/K
        if self.inertia <= 0:
            return Thermo(2 * kinetic / unit, kinetic)
        rate = self.bath.rate / self.bath.timestep
        potential = unit * self._target() * np.log(self.bath.scale)
        moving = self.inertia * rate**2 / 2
        return Thermo(2 * kinetic / unit, kinetic, float(potential), float(moving))

    def _along_free(self, velocities: FloatArray) -> FloatArray:
        """Return velocities without what moves fixed coordinates.

        What differs by the rounding of CONTCAR only is left as it is, bit for bit.
        """
        allowed = along_free(velocities, self.start.free, self.lattice)
        rounding = 10.0 ** (1 - VELOCITY_DIGITS) * np.abs(velocities).max()
        changed = np.abs(allowed - velocities).max() > rounding
        return allowed if changed else velocities

    def _drawn(self) -> FloatArray:
        """Return velocities of TEBEG without drift, the same for the same seed."""
        temperature = self.tags["TEBEG"]
        seed = [abs(int(x)) for x in self.tags["RANDOM_SEED"]]
        spread = np.sqrt(BOLTZMANN * temperature / self.mass)
        drawn = np.random.default_rng(seed).normal(size=self.fractional.shape) * spread
        drawn = along_free(drawn, self.start.free, self.lattice)
        if self.start.free is None:
            drawn -= np.sum(self.mass * drawn, axis=0) / np.sum(self.mass)
        now = 2 * self._kinetic(drawn) / (self.start.freedom * BOLTZMANN)
        return drawn * np.sqrt(temperature / now) if now > 0 else drawn


def _wrapped(fractional: FloatArray) -> FloatArray:
    """Return positions in the cell, as they are printed; one that prints as 1 is 0."""
    inside = as_printed(fractional - np.floor(fractional), POSITION_DIGITS)
    return np.where(inside >= 1.0, 0.0, inside)
