"""Relaxations and single points with VASP, resumable, as RunRecords.

Data flow: structure -> (potential) -> (convergence without dipole) -> VASP in numbered
run folders -> RunRecord. Whatever stops a run, the next one starts from its last
complete ionic step when the same job is run again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jobflow import Maker
from pymatgen.core import Structure

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import context
from ionface.workflows.engines import progress
from ionface.workflows.engines.contract import Kind, RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.pre_relaxation import prerelaxed
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.engines.vasp import custodian_run
from ionface.workflows.engines.vasp.custodian_run import Custody
from ionface.workflows.engines.vasp.incar import (
    PlaneWaves,
    first_stage,
    relax_incar,
    static_incar,
)
from ionface.workflows.engines.vasp.inputs import VaspRun, write
from ionface.workflows.engines.vasp.outputs import (
    RunOutput,
    provenance,
    read_output,
)
from ionface.workflows.engines.vasp.run_folders import (
    carry_wavefunctions,
    check_idle,
    next_run_folder,
    run_folders,
    stamp,
)
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings


@dataclass
class VaspRelaxMaker(Maker):
    """Relax positions with VASP, or evaluate them where `relax` is None.

    Attributes:
        name: of the job.
        waves: protocol and settings.
        relax: fmax in eV/Å, steps, ...; None for a single point.
        prerelax: Maker of the relaxation by a potential before VASP; None for none.
        custody: how custodian watches VASP.
    """

    name: str = "vasp relax"
    waves: PlaneWaves = field(
        default_factory=lambda: PlaneWaves(LI_2024, VaspSettings())
    )
    relax: dict[str, Any] | None = None
    prerelax: Maker | None = None
    custody: Custody = field(default_factory=Custody)

    @durable_job
    def make(self, structure: Structure) -> RunRecord:
        """Return the RunRecord.

        Args:
            structure: its site properties come back unchanged; sites with `fixed`
                stay where they are.

        Raises:
            IonfaceError: the wall time or the steps ended it before it converged; run
                again, it goes on from there.
        """
        folder = Path.cwd()
        run = self.run_for(structure)
        stamp(folder, run, self.kind)
        start, prepared = self._prepared(run, folder)
        output, before = self._advance(start, folder)
        if not self._is_done(output):
            raise IonfaceError(self._unfinished(output, folder))
        return self._record(output, before, prepared, folder)

    @property
    def kind(self) -> Kind:
        """Return what the Maker makes: "relax" or "static"."""
        return "static" if self.relax is None else "relax"

    @property
    def prerelaxes(self) -> bool:
        """Tell whether a potential takes out the worst forces first."""
        return self.prerelax is not None and self.kind == "relax"

    def run_for(self, structure: Structure) -> VaspRun:
        """Return what VASP is given for a structure."""
        spacing: float | None = self.waves.k_spacing(context(structure))
        if self.relax is None:
            incar = static_incar(self.waves, structure)
            return VaspRun(self.waves, structure, incar, spacing)
        settings = RelaxSettings(**self.relax)
        incar = relax_incar(self.waves, structure, settings)
        spacing = None if settings.like_dynamics else spacing
        return VaspRun(self.waves, structure, incar, spacing)

    # --- before VASP ----------------------------------------------------------------

    def _prepared(self, run: VaspRun, folder: Path) -> tuple[VaspRun, dict[str, Any]]:
        """Return the run from where a potential relaxed it, and what is told of it."""
        if self.prerelax is None or not self.prerelaxes:
            return run, {}
        moved, told = prerelaxed(run.structure, self.prerelax, folder)
        return self.run_for(moved), told

    # --- VASP -----------------------------------------------------------------------

    def _advance(self, start: VaspRun, folder: Path) -> tuple[RunOutput | None, int]:
        """Run what is left; return the last output and the steps of earlier runs."""
        last, before, run = None, 0, start
        for run_folder in run_folders(folder):
            found = read_output(run, run_folder)
            if found is None:
                continue  # it died before its first step
            before += last.steps if last else 0
            last, run = found, self.run_for(found.structure)
        if last is not None and self._is_done(last):
            return last, before
        check_idle(folder)
        custodian_run.check_time_left(self.waves.settings)
        before += last.steps if last else 0
        run_folder = next_run_folder(folder)
        self._prepare(run, folder, run_folder)
        progress.report(before, None, f"VASP in {run_folder.name}")
        custodian_run.run(run_folder, self.kind, self.waves.settings, self.custody)
        return read_output(run, run_folder) or last, before

    def _prepare(self, run: VaspRun, folder: Path, run_folder: Path) -> None:
        """Write the inputs of a run, with the best wavefunctions that there are."""
        earlier = reversed(run_folders(folder))
        if not any(
            carry_wavefunctions(path, run_folder, keep=False) for path in earlier
        ):
            self._first_stage(run, folder, run_folder)
        write(run, run_folder)

    def _first_stage(self, run: VaspRun, folder: Path, run_folder: Path) -> None:
        """Converge without the dipole correction, once; hand its charge on."""
        incar = first_stage(run.incar)
        if incar is None:
            return
        first = VaspRun(run.waves, run.structure, incar, run.spacing)
        stage = folder / "first"
        done = read_output(first, stage)
        if done is None or not done.finished:
            write(first, stage)
            custodian_run.run(stage, "static", self.waves.settings, self.custody)
            done = read_output(first, stage)
        if done is None or not done.converged:
            raise IonfaceError(
                f"the electrons did not converge without the dipole correction in "
                f"{stage}; look at its OSZICAR, and change vasp.incar (ALGO, NELM) "
                "or the structure"
            )
        carry_wavefunctions(stage, run_folder, keep=True)

    def _is_done(self, output: RunOutput | None) -> bool:
        if output is None or not output.finished:
            return False
        if output.converged:
            return True
        if self.relax is None:
            return False
        enough = output.steps >= int(self.relax["steps"])
        return enough and not self.relax["must_converge"]

    # --- after VASP -----------------------------------------------------------------

    def _record(
        self,
        output: RunOutput | None,
        before: int,
        prepared: dict[str, Any],
        folder: Path,
    ) -> RunRecord:
        assert output is not None
        last = run_folders(folder)[-1]
        return RunRecord(
            structure=output.structure,
            energy=output.energy,
            max_force=float(np.nan_to_num(output.max_force, posinf=np.inf)),
            converged=output.converged,
            steps=before + output.steps,
            level=output.level.as_dict(),
            directory=str(last),
            provenance={
                **prepared,
                **provenance(last),
                "runs": len(run_folders(folder)),
            },
            stress=output.stress,
            forces=None if self.relax else output.forces,
        )

    def _unfinished(self, output: RunOutput | None, folder: Path) -> str:
        """Return why there is no result yet, and how to go on."""
        last = run_folders(folder)[-1]
        if output is None or output.steps == 0:
            return (
                f"VASP ended in {last} without one complete ionic step; the wall time "
                "is too short for this model, or the run was stopped: give vasp."
                "walltime more hours, and run again"
            )
        if self.relax is None:
            return (
                f"the electrons did not converge in {last}; run the same command again "
                "to go on from its wavefunctions, or change vasp.incar (ALGO, NELM) "
                "in a new project"
            )
        return (
            f"not converged after {output.steps} steps in {last.name}: the largest "
            f"force is {output.max_force:.3f} eV/Å; run the same command again to go "
            "on from here"
        )


def relax_settings(settings: RelaxSettings) -> dict[str, Any]:
    """Return relaxation settings as plain data, for a stored job."""
    return asdict(settings)
