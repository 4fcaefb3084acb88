"""Relaxations and single points with a potential, through atomate2, resumable.

Data flow: structure -> atomate2's ForceFieldRelaxMaker (ASE optimizer) -> RunRecord.
Every ionic step is appended to relax.traj in the job's folder; a job that finds this
file there goes on from its last structure instead of from the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io.trajectory import Trajectory as AseTrajectory
from atomate2.ase.schemas import AseResult
from atomate2.ase.utils import AseRelaxer
from atomate2.forcefields.jobs import ForceFieldRelaxMaker
from pymatgen.core import Structure

from ionface.errors import IonfaceError
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.ase.potential import Potential
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord

HISTORY = "relax.traj"


@dataclass
class PotentialRelaxMaker(ForceFieldRelaxMaker):
    """Relax positions in a fixed cell, or evaluate them where `steps` is 1.

    Attributes:
        potential: the calculator and its identity; the other fields are atomate2's.
        must_converge: running out of steps is an error; what was reached is kept, and
            the same job goes on from there when it runs again.
    """

    potential: Potential = field(default_factory=lambda: Potential("", ""))
    must_converge: bool = False
    optimizer_kwargs: dict[str, Any] = field(
        default_factory=lambda: {"optimizer": "LBFGS"}
    )

    @durable_job
    def make(self, structure: Structure) -> RunRecord:
        """Return the RunRecord of a structure with at least two atoms' labels kept.

        Args:
            structure: its site properties come back unchanged.
        """
        self.potential.check_elements(structure)
        result: AseResult = self._run_ase_safe(structure)
        record = self._record(structure, result)
        if self.must_converge and not record.converged:
            raise IonfaceError(
                f"not converged after {self.steps} steps: the largest force is "
                f"{record.max_force:.3f} eV/Å, above {self.relax_kwargs['fmax']}; run "
                "the same command again to go on from here"
            )
        return record

    def run_ase(self, mol_or_struct: Structure, prev_dir: str | None = None) -> Any:
        """Relax with atomate2's AseRelaxer, from the last structure if there is one."""
        del prev_dir
        atoms = _continued(mol_or_struct)
        relaxer = AseRelaxer(self.calculator, relax_cell=False, **self.optimizer_kwargs)
        settings = dict(self.relax_kwargs)
        if self.steps > 1:
            settings["trajectory"] = _History(atoms, settings["fmax"])
        return relaxer.relax(
            atoms, steps=self.steps, final_atoms_object_file=None, **settings
        )

    def _record(self, structure: Structure, result: AseResult) -> RunRecord:
        final = relabeled(structure, result.final_mol_or_struct)
        last = result.trajectory.frame_properties[-1]
        forces = np.asarray(last["forces"])  # (n_atoms, 3) in eV/Å
        energy = float(last["energy"])
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise IonfaceError(
                f"{self.potential.name} returned a non-finite energy or force for "
                f"{structure.composition.reduced_formula}; check the structure for "
                "atoms that are too close"
            )
        return RunRecord(
            structure=final,
            energy=energy,
            max_force=float(np.linalg.norm(forces, axis=1).max()),
            converged=bool(result.converged) if self.steps > 1 else True,
            steps=max(0, len(result.trajectory.frame_properties) - 2),
            level=self.potential.level_of_theory().as_dict(),
            directory=str(Path.cwd()),
        )


class _History:
    """Stands where ASE expects a trajectory: keeps each step, tells the progress."""

    def __init__(self, atoms: Atoms, fmax: float) -> None:
        self.atoms, self.fmax, self.steps = atoms, fmax, 0

    def write(self, atoms: object = None) -> None:
        """Append the current structure; ASE passes its own view of the atoms."""
        del atoms
        with AseTrajectory(HISTORY, "a", self.atoms) as history:
            history.write()
        largest = np.linalg.norm(self.atoms.get_forces(), axis=1).max()
        progress.report(self.steps, None, f"max force {largest:.3f} > {self.fmax} eV/Å")
        self.steps += 1

    def set_description(self, description: dict[str, Any]) -> None:
        """Take the optimizer's description of itself, which nobody reads."""

    def __len__(self) -> int:
        return self.steps  # ASE writes the first structure where this is 0


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


def relabeled(original: Structure, final: Structure) -> Structure:
    """Return the final positions with the labels of the original sites.

    Engines keep the order of the sites but not their properties.
    """
    if [s.specie for s in original] != [s.specie for s in final]:
        raise IonfaceError(
            "the engine returned the atoms in another order; labels cannot be kept"
        )
    return Structure(
        final.lattice,
        original.species,
        final.frac_coords,
        site_properties=original.site_properties,
        properties=original.properties,
    )
