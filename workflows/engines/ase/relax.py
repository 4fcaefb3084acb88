"""Relaxations and single points with a potential, resumable.

Data flow: structure -> ASE's LBFGS, on atoms or on atoms and cell, with the atoms that
are fixed held -> RunRecord. Every ionic step is appended to relax.traj in the job's
folder; a job that finds this file there goes on from its last structure instead of from
the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.filters import FrechetCellFilter
from ase.io.trajectory import Trajectory as AseTrajectory
from ase.optimize import LBFGS
from jobflow import Maker
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import IonfaceError
from ionface.structures.specs import Cell
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.ase.potential import (
    Potential,
    default_dtype_restored,
    stress_of,
)
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


@dataclass
class PotentialRelaxMaker(Maker):
    """Relax positions, and the cell where asked, or evaluate them as they are.

    Attributes:
        potential: the calculator and its identity.
        settings: of the relaxation; None for a single point. Running out of steps
            where it must converge is an error; what was reached is kept, and the same
            job goes on from there when it runs again.
    """

    potential: Potential
    settings: RelaxSettings | None = None
    name: str = "relax"

    @durable_job
    def make(self, structure: Structure) -> RunRecord:
        """Return the RunRecord of a structure.

        Args:
            structure: its site properties come back unchanged.
        """
        self.potential.check_elements(structure.symbol_set, structure.formula)
        with default_dtype_restored():
            if self.settings is None:
                atoms = atoms_of(structure)
                atoms.calc = self.potential.load()
                return self._record(structure, atoms, converged=True, steps=0)
            if not self.settings.shared:
                return self._relaxed(structure, self.settings)
            level = self.potential.level_of_theory().as_dict()
            what = [level, self.settings, STRESS_LEFT, structure]
            return relaxed_once(what, partial(self._relaxed, structure, self.settings))

    def _relaxed(self, structure: Structure, settings: RelaxSettings) -> RunRecord:
        atoms = _continued(structure)
        atoms.calc = self.potential.load()
        if settings.cell != "fixed" and stress_of(atoms) is None:
            raise IonfaceError(
                f"{self.potential.name} gives no stress, so it cannot relax a cell "
                f"(cell: {settings.cell}); take cell: fixed, lattice: "
                "literature, or another engine"
            )
        converged, steps = _relax(atoms, settings)
        if settings.must_converge and not converged:
            raise IonfaceError(
                f"not converged after {steps} steps: {_left(atoms, settings)}; "
                "run the same command again to go on from here"
            )
        return self._record(structure, atoms, converged, steps)

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
            level=self.potential.level_of_theory().as_dict(),
            directory=str(Path.cwd()),
            stress=None if stress is None else stress.tolist(),
            forces=None if self.settings else forces.tolist(),
        )


def largest_force(atoms: Atoms) -> float:
    """Return the largest norm of a force on an atom that moves, eV/Å."""
    return float(np.linalg.norm(atoms.get_forces(), axis=1).max())


def _relax(atoms: Atoms, settings: RelaxSettings) -> tuple[bool, int]:
    """Move atoms until forces and stress are small; tell if they are, and the steps."""
    moved: Atoms | FrechetCellFilter = atoms
    if settings.cell != "fixed":
        mask = [i in MOVES[settings.cell] for i in range(6)]
        moved = FrechetCellFilter(atoms, mask=mask)
    optimizer = LBFGS(moved, logfile=None)  # type: ignore[arg-type]

    def keep() -> None:
        # opened for each step: a killed job leaves whole steps behind
        with AseTrajectory(HISTORY, "a", atoms) as history:
            history.write()
        progress.report(optimizer.nsteps, None, _left(atoms, settings))

    optimizer.attach(keep)
    # ASE would hold the virial per atom against fmax, which leaves some 0.2 GPa
    for _ in optimizer.irun(fmax=0.0, steps=settings.steps):
        if _is_relaxed(atoms, settings):
            return True, int(optimizer.nsteps)
    return False, int(optimizer.nsteps)


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
    force = f"max force {largest_force(atoms):.3f} > {settings.fmax} eV/Å"
    if settings.cell == "fixed":
        return force
    return f"{force}, stress {_largest_stress(atoms, settings.cell):.2f} GPa"


def _continued(structure: Structure) -> Atoms:
    """Return the last structure that an interrupted job wrote, or the first one."""
    atoms = atoms_of(structure)
    history = Path(HISTORY)
    if not history.is_file():
        return atoms
    try:
        with AseTrajectory(HISTORY) as frames:
            last = frames[-1]
    except Exception:  # noqa: BLE001 - a torn file holds no finished work
        history.unlink()
        return atoms
    if list(last.numbers) == list(atoms.numbers):
        atoms.cell = last.cell
        atoms.set_positions(last.positions, apply_constraint=False)
    return atoms
