"""What a job leaves behind: the same small documents whatever the engine.

Arrays of every frame stay in files; a record carries the pointer and the digest, so
that no document can outgrow a database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.trajectory.store import store_digest
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError


@dataclass(frozen=True)
class RunRecord(MSONable):
    """The end of a relaxation or a single-point calculation.

    Attributes:
        structure: final, in the site order of the input.
        energy: potential energy, eV.
        max_force: largest norm of a force on an atom that may move, eV/Å.
        converged: the engine's own criterion was met.
        steps: ionic steps in this job.
        level: the level of theory as it was found where the job ran.
        directory: where the engine's own outputs are.
        provenance: what else made it: a pre-relaxation by a potential, POTCARs by
            title and hash, corrections by custodian; empty where there is nothing.
        stress: GPa, above zero under tension, shape (3, 3); None where the engine
            tells none.
        forces: of a single point, eV/Å, shape (n_atoms, 3), in the site order of the
            input; None of relaxations, and where the engine tells none.
    """

    structure: Structure
    energy: float
    max_force: float
    converged: bool
    steps: int
    level: dict[str, Any]
    directory: str
    provenance: dict[str, Any] = field(default_factory=dict)
    stress: list[list[float]] | None = None
    forces: list[list[float]] | None = None

    def term(self, name: str, relaxed: RunRecord | None = None) -> EnergyTerm:
        """Return this energy as a term of the ledger.

        Args:
            name: of the term, as messages call it.
            relaxed: the relaxation that made the structure, whose convergence counts.
        """
        return EnergyTerm(
            name=name,
            energy=self.energy,
            composition={
                str(element): int(amount)
                for element, amount in self.structure.composition.items()
            },
            lattice=self.structure.lattice.matrix.tolist(),
            level=LevelOfTheory.from_dict(self.level),
            finished=True,
            converged=self.converged if relaxed is None else relaxed.converged,
            max_force=self.max_force,
            source=self.directory,
            stress=self.stress,
        )


@dataclass(frozen=True)
class TrajectoryPointer(MSONable):
    """Where a trajectory is, and the digest that proves it is the same one.

    Attributes:
        run: name of the job's folder below runs/, for projects that were moved.
        file: name of the file in it.
        path: absolute path at the time of writing.
        sha256: the file's `store_digest`, checked when it is opened.
        frames: number of frames.
    """

    run: str
    file: str
    path: str
    sha256: str
    frames: int

    @classmethod
    def to(cls, path: Path) -> TrajectoryPointer:
        """Return the pointer to a trajectory in the folder of the job that wrote it."""
        path = path.resolve()
        return cls(
            run=path.parent.name,
            file=path.name,
            path=str(path),
            sha256=store_digest(path),
            frames=Trajectory.open(path).n_frames,
        )

    def locate(self, runs: Path) -> Path:
        """Return the file's path, below `runs` if it is there, else where it was.

        Args:
            runs: the folder that holds the job folders.

        Raises:
            IonfaceError: neither place has the file.
        """
        for candidate in (runs / self.run / self.file, Path(self.path)):
            if candidate.is_file():
                return candidate
        raise IonfaceError(
            f"trajectory {self.file} of job {self.run} is neither in "
            f"{runs / self.run} nor at {self.path}; copy it back, or remove the job "
            "from the store and run again"
        )

    def open(self, runs: Path) -> Trajectory:
        """Return the trajectory, if its file still is the one that was recorded.

        Raises:
            IonfaceError: it is in neither place, damaged, or another one.
        """
        return Trajectory.open(self.locate(runs), sha256=self.sha256)


@dataclass(frozen=True)
class DynamicsRecord(MSONable):
    """The end of one segment of dynamics.

    Attributes:
        structure: the last frame, unwrapped.
        trajectory: every frame of this segment, with velocities and thermostat.
        first_step: step number of its first frame, counted over all segments.
        last_step: step number of its last frame.
        level: as in RunRecord.
        directory: as in RunRecord.
    """

    structure: Structure
    trajectory: TrajectoryPointer
    first_step: int
    last_step: int
    level: dict[str, Any]
    directory: str


def relabeled(original: Structure, final: Structure) -> Structure:
    """Return the final positions with the labels of the original sites.

    Engines keep the order of the sites but not their properties.

    Raises:
        IonfaceError: the order is another one.
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


def check_frames(record: DynamicsRecord, trajectory: Trajectory) -> None:
    """Hold a trajectory against what the contract says that its frames have.

    Raises:
        IonfaceError: no frames, or frames without temperatures or energies.
    """
    owed = ("temperature", "potential_energy")
    # a scalar that nobody wrote reads as NaN
    if absent := [n for n in owed if not np.isfinite(trajectory.scalars[n]).any()]:
        raise IonfaceError(
            f"the dynamics in {record.directory} left {len(trajectory)} frames without "
            f"{' and '.join(absent)}; every frame of an engine's trajectory must have "
            "both (K, eV), or temperatures and drift could not be checked"
        )


def runs_folder() -> Path:
    """Return the folder that holds the folders of all jobs, seen from within a job."""
    return Path.cwd().parent
