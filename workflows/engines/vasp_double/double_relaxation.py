"""Relaxation of ions and cell, one energy per ionic step.

IBRION = 1 and 2 are a limited-memory quasi-Newton search without line search
(J. Nocedal, Math. Comput. 35, 773 (1980), doi:10.1090/S0025-5718-1980-0572855-7),
IBRION = 3 is FIRE (E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006),
doi:10.1103/PhysRevLett.97.170201). The cell moves by a symmetric deformation, as in
E. B. Tadmor et al., Phys. Rev. B 59, 235 (1999), doi:10.1103/PhysRevB.59.235.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.calculators import Point
from ionface.workflows.engines.vasp_double.double_motion import Thermo, along_free
from ionface.workflows.engines.vasp_double.double_settings import Settings
from ionface.workflows.engines.vasp_double.poscar_reader import (
    FloatArray,
    Poscar,
    contcar_text,
)

LONGEST_STEP = 0.2  # Å
CURVATURE = 70.0  # eV/Å², of the first step
MEMORY = 50


class Still:
    """A single point."""

    def __init__(self, start: Poscar) -> None:
        self.start = start
        self.lattice, self.fractional = start.lattice, start.fractional

    def receive(self, point: Point) -> Thermo | None:
        """Need nothing of it."""
        del point
        return None

    def finished(self) -> bool:
        """One step is all."""
        return True

    def advance(self) -> None:
        """Stay."""

    def contcar(self, last: bool) -> str:
        """Return the input's geometry."""
        del last
        return contcar_text(replace(self.start, bath=None))

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return the input's geometry."""
        return self.lattice, self.fractional, None


class Relaxation:
    """Ions, cell, or both on their way downhill.

    Args:
        start: geometry; its velocities are not used.
        settings: of the run.
    """

    def __init__(self, start: Poscar, settings: Settings) -> None:
        self.start = replace(start, velocities=None, bath=None)
        self.settings = settings
        self.lattice, self.fractional = start.lattice, start.fractional
        self.reference = start.lattice
        self.deformation = np.eye(3)
        self.search: Search = (
            Fire(settings.potim) if settings.move == "damped" else QuasiNewton()
        )
        self.energies: list[float] = []
        self.largest = np.inf  # eV/Å
        self._next: tuple[FloatArray, FloatArray, FloatArray] | None = None

    def receive(self, point: Point) -> Thermo | None:
        """Take energy, forces and stress, and choose the next geometry.

        Raises:
            InputError: the cell moves and the model has no stress.
        """
        free = along_free(point.forces, self.start.free, self.lattice)
        ions = free if self.settings.moves_ions else np.zeros_like(free)
        cell = (
            self._cell_force(point) if self.settings.relaxes_cell else np.zeros((3, 3))
        )
        self.energies.append(point.energy)
        self.largest = max(
            np.linalg.norm(ions, axis=1).max(), np.linalg.norm(cell, axis=1).max()
        )
        self._choose(ions, cell)
        return None

    def finished(self) -> bool:
        """Tell whether forces (EDIFFG < 0) or energies (EDIFFG > 0) have settled."""
        limit = self.settings.ediffg
        if limit < 0:
            return bool(self.largest < -limit)
        if len(self.energies) < 2:
            return False
        return abs(self.energies[-1] - self.energies[-2]) < limit

    def advance(self) -> None:
        """Go to the chosen geometry."""
        assert self._next is not None
        self.lattice, self.fractional, self.deformation = self._next

    def contcar(self, last: bool) -> str:
        """Return the next geometry, or this one where the criterion is met."""
        lattice, fractional, _ = self.final() if last else self._following()
        return contcar_text(replace(self.start, lattice=lattice, fractional=fractional))

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return where the run ends: here if converged, else one step ahead."""
        if self.finished():
            return self.lattice, self.fractional, None
        return self._following()

    def _following(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        assert self._next is not None
        return self._next[0], self._next[1], None

    def _cell_force(self, point: Point) -> FloatArray:
        """Return the force on the deformation, eV per atom, shape (3, 3)."""
        if point.stress is None:
            raise InputError(
                f"ISIF = {self.settings.isif} needs stresses, which this calculator "
                "does not have; choose another, or ISIF = 2"
            )
        virial = -point.stress * abs(np.linalg.det(self.lattice))
        force = np.linalg.solve(self.deformation, virial)
        force = (force + force.T) / 2
        return self._allowed(force) / len(self.fractional)

    def _allowed(self, strain: FloatArray) -> FloatArray:
        """Return the part of a strain that ISIF and LATTICE_CONSTRAINTS leave free."""
        columns = np.array(self.settings.free_columns)
        strain = np.where(columns[:, None] & columns[None, :], strain, 0.0)
        mean = np.trace(strain) / 3 * np.eye(3)
        if self.settings.isif in (4, 5):
            return strain - mean
        return mean if self.settings.isif == 7 else strain

    def _choose(self, ions: FloatArray, cell: FloatArray) -> None:
        count = len(self.fractional)
        pulled = ions @ self.deformation.T  # in the frame of the first cell
        force = np.vstack([pulled, cell])
        step = self.search.step(force)
        longest = np.linalg.norm(step, axis=1).max()
        if longest > LONGEST_STEP:
            step = step * (LONGEST_STEP / longest)
        self.search.took(step)
        deformation = self.deformation + step[count:] / count
        if self.settings.isif in (4, 5):
            deformation = deformation / np.cbrt(np.linalg.det(deformation))
        lattice = self.reference @ deformation
        shift = step[:count] @ np.linalg.inv(self.reference)
        self._next = lattice, self.fractional + shift, deformation


class Search(ABC):
    """Proposes displacements from forces."""

    @abstractmethod
    def step(self, force: FloatArray) -> FloatArray:
        """Return a displacement, shape (n, 3), Å."""

    def took(self, step: FloatArray) -> None:  # noqa: B027 - most need not know
        """Be told the displacement as it was made."""


class QuasiNewton(Search):
    """Limited-memory BFGS with two loops over the last steps."""

    def __init__(self) -> None:
        self.pairs: list[tuple[FloatArray, FloatArray]] = []
        self.last: tuple[FloatArray, FloatArray] | None = None  # force, step
        self.force: FloatArray = np.zeros(0)

    def step(self, force: FloatArray) -> FloatArray:
        """Return the quasi-Newton step."""
        self.force = force.ravel()
        if self.last is not None:
            before, moved = self.last
            change = before - self.force
            if moved @ change > 0:  # keeps the curvature positive
                self.pairs = [*self.pairs, (moved, change)][-MEMORY:]
        return self._direction().reshape(force.shape)

    def took(self, step: FloatArray) -> None:
        """Remember it."""
        self.last = self.force, step.ravel()

    def _direction(self) -> FloatArray:
        rest = self.force.copy()
        factors = []
        for moved, change in reversed(self.pairs):
            factor = moved @ rest / (moved @ change)
            rest -= factor * change
            factors.append(factor)
        rest /= CURVATURE
        for (moved, change), factor in zip(self.pairs, reversed(factors), strict=True):
            rest += moved * (factor - change @ rest / (moved @ change))
        return rest


class Fire(Search):
    """Damped dynamics that speeds up downhill and stops uphill."""

    def __init__(self, potim: float) -> None:
        self.dt = 0.2 * potim
        self.longest = 2 * potim
        self.mixing = 0.1
        self.downhill = 0
        self.velocity: FloatArray | None = None

    def step(self, force: FloatArray) -> FloatArray:
        """Return the displacement of one time step."""
        velocity = np.zeros_like(force) if self.velocity is None else self.velocity
        if self.velocity is not None and np.sum(force * velocity) <= 0:
            velocity = np.zeros_like(force)
            self.mixing, self.dt, self.downhill = 0.1, self.dt * 0.5, 0
        elif self.velocity is not None:
            size, pull = np.linalg.norm(velocity), max(np.linalg.norm(force), 1e-12)
            velocity = (1 - self.mixing) * velocity + self.mixing * force * size / pull
            self.downhill += 1
            if self.downhill > 5:
                self.dt = min(self.dt * 1.1, self.longest)
                self.mixing *= 0.99
        self.velocity = velocity + self.dt * force
        return self.dt * self.velocity
