"""Relaxations and single points with a potential, resumable.

Data flow: structure -> ASE's LBFGS with the atoms that are fixed held -> RunRecord.
Every ionic step is appended to relax.traj in the job's folder; a job that finds this
file there goes on from its last structure instead of from the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.trajectory import Trajectory as AseTrajectory
from ase.optimize import LBFGS
from jobflow import Maker
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import IonfaceError
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.ase.potential import Potential, default_dtype_restored
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord, relabeled

HISTORY = "relax.traj"


@dataclass
class PotentialRelaxMaker(Maker):
    """Relax positions in a fixed cell, or evaluate them as they are.

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
            atoms = _continued(structure)
            atoms.calc = self.potential.load()
            converged, steps = _relax(atoms, self.settings)
            record = self._record(structure, atoms, converged, steps)
        if self.settings.must_converge and not converged:
            raise IonfaceError(
                f"not converged after {steps} steps: the largest force is "
                f"{record.max_force:.3f} eV/Å, above {self.settings.fmax}; run the "
                "same command again to go on from here"
            )
        return record

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
        return RunRecord(
            structure=relabeled(structure, AseAtomsAdaptor.get_structure(atoms)),
            energy=energy,
            max_force=float(np.linalg.norm(forces, axis=1).max()),
            converged=converged,
            steps=steps,
            level=self.potential.level_of_theory().as_dict(),
            directory=str(Path.cwd()),
        )


def _relax(atoms: Atoms, settings: RelaxSettings) -> tuple[bool, int]:
    """Move atoms until the forces are small; tell if they are, and after what steps."""
    optimizer = LBFGS(atoms, logfile=None)  # type: ignore[arg-type]

    def keep() -> None:
        # opened for each step: a killed job leaves whole steps behind
        with AseTrajectory(HISTORY, "a", atoms) as history:
            history.write()
        largest = np.linalg.norm(atoms.get_forces(), axis=1).max()
        note = f"max force {largest:.3f} > {settings.fmax} eV/Å"
        progress.report(optimizer.nsteps, None, note)

    optimizer.attach(keep)
    converged = bool(optimizer.run(fmax=settings.fmax, steps=settings.steps))
    return converged, int(optimizer.nsteps)


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
        atoms.positions = last.positions
    return atoms
