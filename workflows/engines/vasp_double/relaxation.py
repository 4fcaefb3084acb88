"""Relaxation of ions and cell, one energy per ionic step; single points stay.

A limited-memory quasi-Newton search without line search (J. Nocedal, Math. Comput. 35,
773 (1980), doi:10.1090/S0025-5718-1980-0572855-7) stands for IBRION = 1 and 2. The cell
moves by a symmetric deformation, as in E. B. Tadmor et al., Phys. Rev. B 59, 235
(1999), doi:10.1103/PhysRevB.59.235. It is ASE's LBFGS on a UnitCellFilter, written
here because importing those takes a third of a short run's time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.geometry import (
    FloatArray,
    Poscar,
    along_free,
    contcar_text,
)
from ionface.workflows.engines.vasp_double.settings import Settings
from ionface.workflows.engines.vasp_double.steps import Point

LONGEST_STEP = 0.2  # Å; the quadratic model is not trusted beyond
CURVATURE = 70.0  # eV/Å², of the first step: a stiff bond, so that it is too short
MEMORY = 50  # steps


class Still:
    """A single point."""

    def __init__(self, start: Poscar) -> None:
        self.start = start
        self.lattice, self.fractional = start.lattice, start.fractional

    def receive(self, point: Point) -> None:
        """Need nothing of it."""

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
    """Ions, or ions and cell, on their way downhill.

    Args:
        start: geometry; its velocities are not used.
        settings: of the run.
    """

    def __init__(self, start: Poscar, settings: Settings) -> None:
        self.start = replace(start, velocities=None, bath=None)
        self.relaxes_cell = settings.relaxes_cell
        self.limit = settings.tags["EDIFFG"]
        free = np.array(settings.tags["LATTICE_CONSTRAINTS"])
        self.free_strain = free[:, None] & free[None, :]  # (3, 3)
        self.lattice, self.fractional = start.lattice, start.fractional
        self.deformation = np.eye(3)
        self.search = QuasiNewton()
        self.energies: list[float] = []
        self.largest = np.inf  # force, eV/Å
        self._next: tuple[FloatArray, FloatArray, FloatArray] | None = None

    def receive(self, point: Point) -> None:
        """Take energy, forces and stress, and choose the next geometry.

        Raises:
            InputError: the cell moves and the model has no stress.
        """
        ions = along_free(point.forces, self.start.free, self.lattice)
        cell = self._cell_force(point) if self.relaxes_cell else np.zeros((3, 3))
        self.energies.append(point.energy)
        self.largest = np.linalg.norm(np.vstack([ions, cell]), axis=1).max()
        self._choose(ions, cell)

    def finished(self) -> bool:
        """Tell whether forces (EDIFFG < 0) or energies (EDIFFG > 0) have settled."""
        if self.limit < 0:
            return bool(self.largest < -self.limit)
        if len(self.energies) < 2:
            return False
        return abs(self.energies[-1] - self.energies[-2]) < float(self.limit)

    def advance(self) -> None:
        """Go to the chosen geometry."""
        assert self._next is not None
        self.lattice, self.fractional, self.deformation = self._next

    def contcar(self, last: bool) -> str:
        """Return the next geometry, or this one where the criterion is met."""
        lattice, fractional, _ = self.final() if last else self._ahead()
        return contcar_text(replace(self.start, lattice=lattice, fractional=fractional))

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return where the run ends: here if converged, else one step ahead."""
        if self.finished():
            return self.lattice, self.fractional, None
        return self._ahead()

    def _ahead(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        assert self._next is not None
        return self._next[0], self._next[1], None

    def _cell_force(self, point: Point) -> FloatArray:
        """Return the force on the deformation, eV per atom, shape (3, 3)."""
        if point.stress is None:
            raise InputError(
                "ISIF = 3 needs stresses, which this calculator does not have; choose "
                "another, or ISIF = 2"
            )
        virial = -point.stress * abs(np.linalg.det(self.lattice))
        force = np.linalg.solve(self.deformation, virial)
        symmetric = (force + force.T) / 2  # the cell does not turn
        return np.where(self.free_strain, symmetric, 0.0) / len(self.fractional)

    def _choose(self, ions: FloatArray, cell: FloatArray) -> None:
        count = len(self.fractional)
        pulled = ions @ self.deformation.T  # in the frame of the first cell
        step = self.search.step(np.vstack([pulled, cell]))
        deformation = self.deformation + step[count:] / count
        shift = step[:count] @ np.linalg.inv(self.start.lattice)
        lattice = self.start.lattice @ deformation
        self._next = lattice, self.fractional + shift, deformation


class QuasiNewton:
    """Limited-memory BFGS with two loops over the last steps."""

    def __init__(self) -> None:
        self.pairs: list[tuple[FloatArray, FloatArray]] = []  # of step and change
        self.last: tuple[FloatArray, FloatArray] | None = None  # force and step

    def step(self, force: FloatArray) -> FloatArray:
        """Return a displacement, shape (n, 3), Å, at most `LONGEST_STEP` per row.

        Args:
            force: where the last displacement led to, eV/Å, shape (n, 3).
        """
        here = force.ravel()
        if self.last is not None:
            before, moved = self.last
            change = before - here
            if moved @ change > 0:  # keeps the curvature positive
                self.pairs = [*self.pairs, (moved, change)][-MEMORY:]
        step = self._direction(here).reshape(force.shape)
        longest = np.linalg.norm(step, axis=1).max()
        if longest > LONGEST_STEP:
            step = step * (LONGEST_STEP / longest)
        self.last = here, step.ravel()
        return step

    def _direction(self, force: FloatArray) -> FloatArray:
        rest = force.copy()
        factors = []
        for moved, change in reversed(self.pairs):
            factor = moved @ rest / (moved @ change)
            rest -= factor * change
            factors.append(factor)
        rest /= CURVATURE
        for (moved, change), factor in zip(self.pairs, reversed(factors), strict=True):
            rest += moved * (factor - change @ rest / (moved @ change))
        return rest
