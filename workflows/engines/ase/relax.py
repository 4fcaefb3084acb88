"""Relaxations and single points with a potential, resumable.

Data flow: structure -> ASE's LBFGS (BFGS where the curvature is known), on atoms or on
atoms and cell, with the atoms that are fixed held -> RunRecord. Every ionic step is
appended to relax.traj in the job's folder; a job that finds this file there goes on
from its last step, with the memory that the optimizer had, so that a relaxation that
was killed is the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.filters import FrechetCellFilter
from ase.io.trajectory import Trajectory as AseTrajectory
from ase.optimize import BFGS, LBFGS
from jobflow import Maker
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import IonfaceError
from ionface.structures.specs import Cell
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.ase.potential import CalculatorSource, stress_of
from ionface.workflows.engines.bulk_cache import relaxed_once
from ionface.workflows.engines.contract import STRESS_LEFT, RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord, relabeled

HISTORY = "relax.traj"
MOVES: dict[Cell, tuple[int, ...]] = {
    "fixed": (),
    "normal": (2,),
    "in-plane": (0, 1, 5),
    "full": (0, 1, 2, 3, 4, 5),
}
"""Components of the strain that a relaxation moves, in the order of Voigt."""


Curvature = Callable[[], NDArray[np.float64]]
"""Gives second derivatives of an energy, eV/Å², shape (3 n_atoms, 3 n_atoms)."""


@dataclass
class PotentialRelaxMaker(Maker):
    """Relax positions, and the cell where asked, or evaluate them as they are.

    Attributes:
        potential: the calculator and its identity.
        settings: of the relaxation; None for a single point. Running out of steps
            where it must converge is an error; what was reached is kept, and the same
            job goes on from there when it runs again.
    """

    potential: CalculatorSource
    settings: RelaxSettings | None = None
    name: str = "relax"

    @durable_job
    def make(self, structure: Structure) -> RunRecord:
        """Return the RunRecord of a structure.

        Args:
            structure: its site properties come back unchanged.
        """
        self.potential.check_elements(structure.symbol_set, structure.formula)
        settings = self.settings
        if settings is None or not settings.shared:
            return self._computed(structure)
        level = self.potential.level_of_theory(structure).as_dict()
        what = [level, settings, STRESS_LEFT, structure]
        return relaxed_once(what, partial(self._computed, structure))

    def _computed(self, structure: Structure) -> RunRecord:
        with self.potential.opened(structure) as calculator:
            atoms = atoms_of(structure)
            if self.settings is not None:
                return self._relaxed(structure, atoms, calculator, self.settings)
            atoms.calc = calculator
            return self._record(structure, atoms, converged=True, steps=0)

    def _relaxed(
        self,
        structure: Structure,
        atoms: Atoms,
        calculator: Calculator,
        settings: RelaxSettings,
    ) -> RunRecord:
        curvature = self._curvature(structure)
        relaxation = Relaxing(atoms, settings, curvature)
        relaxation.restore(calculator)
        if settings.cell != "fixed" and stress_of(atoms) is None:
            raise IonfaceError(
                f"{self.potential.name} gives no stress, so it cannot relax a cell "
                f"(cell: {settings.cell}); take cell: fixed, lattice: "
                "literature, or another engine"
            )
        converged, steps = relaxation.run()
        if settings.must_converge and not converged:
            raise IonfaceError(
                f"not converged after {steps} steps: {_left(atoms, settings)}; "
                "run the same command again to go on from here"
            )
        return self._record(structure, atoms, converged, steps)

    def _curvature(self, structure: Structure) -> Curvature | None:
        """Return what gives the second derivatives to begin with, if something does."""
        del structure
        return None

    def _record(
        self, structure: Structure, atoms: Atoms, converged: bool, steps: int
    ) -> RunRecord:
        energy = float(atoms.get_potential_energy())
        forces = atoms.get_forces()  # (n_atoms, 3) in eV/Å; 0 on atoms that are held
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise IonfaceError(
                f"{self.potential.name} returned a non-finite energy or force for "
                f"{structure.composition.reduced_formula}; check the structure for "
                "atoms that are too close"
            )
        stress = stress_of(atoms)
        return RunRecord(
            structure=relabeled(structure, AseAtomsAdaptor.get_structure(atoms)),
            energy=energy,
            max_force=largest_force(atoms),
            converged=converged,
            steps=steps,
            level=self.potential.level_of_theory(structure).as_dict(),
            directory=str(Path.cwd()),
            stress=None if stress is None else stress.tolist(),
            forces=None if self.settings else forces.tolist(),
        )


def largest_force(atoms: Atoms) -> float:
    """Return the largest norm of a force on an atom that moves, eV/Å."""
    return float(np.linalg.norm(atoms.get_forces(), axis=1).max())


class Resumed(Calculator):
    """A calculator beside the results of one step, which it need not compute again.

    Args:
        known: the step's results.
        calculator: computes all else.
    """

    def __init__(self, known: Calculator, calculator: Calculator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known, self.calculator = known, calculator
        self.implemented_properties = calculator.implemented_properties

    def get_property(
        self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True
    ) -> Any:
        """Return a property, from the results if the atoms are where they were."""
        if name in self.known.results and not self.known.check_state(atoms):
            return np.copy(self.known.results[name])
        return self.calculator.get_property(name, atoms, allow_calculation)


class Relaxing:
    """Atoms on their way down, whose optimizer remembers earlier attempts.

    Args:
        atoms: as the job was given them; moved in place.
        settings: of the relaxation.
        curvature: to begin with, asked for before the first step is made.
    """

    def __init__(
        self,
        atoms: Atoms,
        settings: RelaxSettings,
        curvature: Curvature | None = None,
    ) -> None:
        self.atoms, self.settings, self.curvature = atoms, settings, curvature
        moved: Any = atoms
        if settings.cell != "fixed":
            mask = [i in MOVES[settings.cell] for i in range(6)]
            moved = FrechetCellFilter(atoms, mask=mask)
        kind: Any = LBFGS if curvature is None else BFGS
        self.optimizer = kind(moved, logfile=None)
        self.known = False

    def restore(self, calculator: Calculator) -> None:
        """Take up what an interrupted attempt has left, and go on with a calculator."""
        steps = _earlier_steps(self.atoms)
        self.known = bool(steps)
        for number, step in enumerate(steps):
            self.atoms.cell = step.cell
            self.atoms.set_positions(step.positions, apply_constraint=False)
            self.atoms.calc = step.calc
            if number < len(steps) - 1:  # the next step of the optimizer adds the last
                self._learn()
        last = steps[-1].calc if steps else None
        self.atoms.calc = Resumed(last, calculator) if last else calculator

    def _begin(self) -> None:
        if self.curvature is not None and self.optimizer.state is None:
            found = self.curvature()
            size = len(found)  # a cell that moves comes behind the atoms
            self.optimizer.H0[:size, :size] = found

    def _learn(self) -> None:
        self._begin()
        optimizer = self.optimizer
        x = optimizer.optimizable.get_x()
        forces = -optimizer.optimizable.get_gradient()
        if isinstance(optimizer, BFGS):
            optimizer.update(x, forces, optimizer.pos0, optimizer.forces0)
            optimizer.pos0, optimizer.forces0 = x, forces
            return
        optimizer.update(x, forces, optimizer.r0, optimizer.f0)
        optimizer.state.iteration += 1
        optimizer.r0, optimizer.f0 = x, forces

    def run(self) -> tuple[bool, int]:
        """Move until forces and stress are small; tell if they are, and the steps."""
        self.optimizer.attach(self._keep)
        # ASE would hold the virial per atom against fmax, which leaves some 0.2 GPa
        for _ in self.optimizer.irun(fmax=0.0, steps=self.settings.steps):
            if _is_relaxed(self.atoms, self.settings):
                return True, int(self.optimizer.nsteps)
            self._begin()
        return False, int(self.optimizer.nsteps)

    def _keep(self) -> None:
        if self.optimizer.nsteps or not self.known:
            # opened for each step: a killed job leaves whole steps behind
            with AseTrajectory(HISTORY, "a", self.atoms) as history:
                history.write()
        done, left = self.optimizer.nsteps, _left(self.atoms, self.settings)
        progress.report(done, None, left)


def _is_relaxed(atoms: Atoms, settings: RelaxSettings) -> bool:
    small = largest_force(atoms) < settings.fmax
    return small and _largest_stress(atoms, settings.cell) < STRESS_LEFT


def _largest_stress(atoms: Atoms, cell: Cell) -> float:
    """Return the largest component of the stress along what moves, GPa."""
    if cell == "fixed":
        return 0.0
    stress = atoms.get_stress() / units.GPa
    return float(np.abs(stress[list(MOVES[cell])]).max())


def _left(atoms: Atoms, settings: RelaxSettings) -> str:
    """Return how far the atoms are from being relaxed, in words."""
    largest = largest_force(atoms)
    sign = ">" if largest > settings.fmax else "<"
    force = f"max force {largest:.3f} {sign} {settings.fmax} eV/Å"
    if settings.cell == "fixed":
        return force
    return f"{force}, stress {_largest_stress(atoms, settings.cell):.2f} GPa"


def _earlier_steps(atoms: Atoms) -> list[Atoms]:
    """Return the steps that an interrupted attempt wrote, with energies and forces."""
    history = Path(HISTORY)
    if not history.is_file():
        return []
    try:
        with AseTrajectory(HISTORY) as frames:
            steps = list(frames)
        whole = all(list(step.numbers) == list(atoms.numbers) for step in steps)
    except Exception:  # noqa: BLE001 - a torn file holds no finished work
        whole = False
    if not whole:
        history.unlink()
        return []
    return steps
