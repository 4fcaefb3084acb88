"""Molecular dynamics with VASP's thermostat, restartable from CONTCAR alone.

Velocity Verlet with a Nosé thermostat in the reversible splitting of Martyna et al.,
Mol. Phys. 87, 1117 (1996), doi:10.1080/00268979600100761. After every step the state is
rounded to what CONTCAR prints, and the next step starts from that: a run in segments
equals one long run.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ionface.workflows.engines.vasp_double.calculators import Point
from ionface.workflows.engines.vasp_double.double_motion import Thermo, along_free
from ionface.workflows.engines.vasp_double.double_settings import (
    AMU,
    BOLTZMANN,
    Settings,
    degrees_of_freedom,
    nose_mass,
)
from ionface.workflows.engines.vasp_double.fortran import as_printed
from ionface.workflows.engines.vasp_double.poscar_reader import (
    POSITION_DIGITS,
    VELOCITY_DIGITS,
    Bath,
    FloatArray,
    Poscar,
    contcar_text,
)


class Dynamics:
    """Ions and thermostat.

    Args:
        start: with velocities, or they are drawn at TEBEG.
        settings: of the run.
        masses: amu, shape (n_atoms,).
    """

    def __init__(self, start: Poscar, settings: Settings, masses: FloatArray) -> None:
        self.start, self.settings = start, settings
        self.mass = masses[:, None] * AMU  # (n_atoms, 1) in eV fs²/Å²
        self.freedom = degrees_of_freedom(start.free, len(masses))
        self.lattice = as_printed(start.lattice, POSITION_DIGITS)
        self.fractional = _wrapped(start.fractional)
        self.inertia = (
            nose_mass(settings, self.lattice, self.freedom)
            * AMU
            * np.sum(self.lattice[0] ** 2)
        )  # eV fs²
        given = start.velocities
        moving = self._drawn() if given is None else self._along_free(given)
        self.velocities = as_printed(moving, VELOCITY_DIGITS, significant=True)
        self.bath = start.bath or Bath(settings.potim, 1.0, 0.0)
        self.step = 0
        self._half: tuple[FloatArray, float, float] | None = None

    def receive(self, point: Point) -> Thermo:
        """Finish the step with the forces at its end; return its energies."""
        self.step += 1
        acceleration = self._acceleration(point)
        if self._half is not None:
            velocities, scale, rate = self._half
            velocities = velocities + acceleration * self.settings.potim / 2
            self._round(*self._thermostat(velocities, scale, rate))
        if self.settings.thermostat == "rescale" and self._block_ends():
            self._rescale()
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
            lattice=self.lattice,
            fractional=self.fractional,
            velocities=self.velocities,
            bath=self.bath,
        )
        return contcar_text(state, self._following, self._displacements())

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return the geometry one step ahead, as VASP does."""
        return self.lattice, self._following, self._displacements()

    def _displacements(self) -> FloatArray:
        shift: FloatArray = self.velocities * self.settings.potim
        return shift @ np.linalg.inv(self.lattice)

    def _acceleration(self, point: Point) -> FloatArray:
        if self.settings.thermostat == "constant":
            return np.zeros_like(point.forces)
        free = along_free(point.forces, self.start.free, self.lattice)
        return np.asarray(free / self.mass)

    def _prepare(self, acceleration: FloatArray) -> None:
        """Take the first half of the next step; keep the positions that it leads to."""
        dt = self.settings.potim
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
        if self.settings.thermostat != "nose" or self.inertia == 0:
            return velocities, log_scale, rate
        dt = self.settings.potim
        target = self.freedom * BOLTZMANN * self._target()
        rate += dt / 4 * (2 * self._kinetic(velocities) - target) / self.inertia
        velocities = velocities * np.exp(-rate * dt / 2)
        log_scale += rate * dt / 2
        rate += dt / 4 * (2 * self._kinetic(velocities) - target) / self.inertia
        return velocities, log_scale, rate

    def _round(self, velocities: FloatArray, log_scale: float, rate: float) -> None:
        dt = self.settings.potim
        self.velocities = as_printed(velocities, VELOCITY_DIGITS, significant=True)
        bath = np.array([np.exp(log_scale), rate * dt])
        scale, rate = as_printed(bath, VELOCITY_DIGITS, significant=True)
        self.bath = Bath(dt, float(scale), float(rate))

    def _kinetic(self, velocities: FloatArray) -> float:
        return float(np.sum(self.mass * velocities**2) / 2)

    def _target(self) -> float:
        """Return the thermostat's temperature at this step."""
        part = self.step / max(self.settings.steps, 1)
        return self.settings.tebeg + part * (self.settings.teend - self.settings.tebeg)

    def _thermo(self) -> Thermo:
        kinetic = self._kinetic(self.velocities)
        temperature = 2 * kinetic / (self.freedom * BOLTZMANN)
        if self.settings.thermostat != "nose":
            return Thermo(temperature, kinetic)
        rate = self.bath.rate / self.bath.timestep
        potential = self.freedom * BOLTZMANN * self._target() * np.log(self.bath.scale)
        return Thermo(
            temperature, kinetic, float(potential), float(self.inertia * rate**2 / 2)
        )

    def _block_ends(self) -> bool:
        return self.step % self.settings.nblock == 0

    def _rescale(self) -> None:
        now = self._thermo().temperature
        if now > 0:
            scaled = self.velocities * np.sqrt(self._target() / now)
            self.velocities = as_printed(scaled, VELOCITY_DIGITS, significant=True)

    def _along_free(self, velocities: FloatArray) -> FloatArray:
        """Return velocities without what moves fixed coordinates.

        What differs by the rounding of CONTCAR only is left as it is, bit for bit.
        """
        kept = along_free(velocities, self.start.free, self.lattice)
        rounding = 10.0 ** (1 - VELOCITY_DIGITS) * np.abs(velocities).max()
        return velocities if np.abs(kept - velocities).max() <= rounding else kept

    def _drawn(self) -> FloatArray:
        """Return velocities of TEBEG without drift, the same for the same seed."""
        seed = self.settings.tags.get("RANDOM_SEED", [0])
        generator = np.random.default_rng([abs(int(x)) for x in np.atleast_1d(seed)])
        spread = np.sqrt(BOLTZMANN * self.settings.tebeg / self.mass)
        drawn = generator.normal(size=self.fractional.shape) * spread
        drawn = along_free(drawn, self.start.free, self.lattice)
        if self.start.free is None:
            drawn -= np.sum(self.mass * drawn, axis=0) / np.sum(self.mass)
        now = 2 * self._kinetic(drawn) / (self.freedom * BOLTZMANN)
        if now > 0:
            drawn *= np.sqrt(self.settings.tebeg / now)
        return drawn


def _wrapped(fractional: FloatArray) -> FloatArray:
    """Return positions in the cell, as they are printed; one that prints as 1 is 0."""
    inside = as_printed(fractional - np.floor(fractional), POSITION_DIGITS)
    return np.where(inside >= 1.0, 0.0, inside)
