"""Molecular dynamics with VASP in segments that go on exactly where the last stopped.

Data flow: structure (or the end of the previous segment) -> VASP in numbered parts ->
one continuous trajectory.ionf. A part starts from the CONTCAR of the one before, byte
for byte: positions, velocities, integrator and thermostat. What was killed loses its
unfinished step. Whether another part, or at the wall time another job, is needed is
decided when one has ended: when all steps are done, or a bond count is steady.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from atomate2.vasp.jobs.base import BaseVaspMaker
from jobflow import Response
from pymatgen.core import Structure

from ionface.analysis.trajectory.store import store_digest
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    DynamicsRecord,
    TrajectoryPointer,
    runs_folder,
)
from ionface.workflows.engines.vasp import custodian_run
from ionface.workflows.engines.vasp.contcar import last_state, positions
from ionface.workflows.engines.vasp.custodian_run import Custody
from ionface.workflows.engines.vasp.error_handlers import goes_on, mended_incar
from ionface.workflows.engines.vasp.incar import PlaneWaves, dynamics_incar
from ionface.workflows.engines.vasp.inputs import VaspRun, write
from ionface.workflows.engines.vasp.md_restart import FRAMES, Splice
from ionface.workflows.engines.vasp.run_folders import (
    carry_wavefunctions,
    check_idle,
    next_part,
    parts,
    stamp,
)
from ionface.workflows.engines.vasp.run_frames import SEAM_JUMP
from ionface.workflows.engines.vasp.stopping_criterion import criterion
from ionface.workflows.engines.vasp.velocities import thermal_velocities
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings


@dataclass
class VaspDynamicsMaker(BaseVaspMaker):
    """One segment of NVT dynamics, or a whole run.

    Attributes:
        waves: protocol and settings.
        dynamics: temperature in K, timestep in fs, steps, ...; as DynamicsSettings.
        emulated: the command is the stand-in.
        polling_s: seconds between two looks at the process.
        grows: at the wall time the rest becomes a new job of the graph.
        The other fields are atomate2's.
    """

    name: str = "vasp dynamics"
    waves: PlaneWaves = field(
        default_factory=lambda: PlaneWaves(LI_2024, VaspSettings())
    )
    dynamics: dict[str, Any] = field(default_factory=dict)
    emulated: bool = False
    polling_s: float = 10.0
    grows: bool = False

    @durable_job
    def make(
        self,
        structure: Structure,
        previous: DynamicsRecord | None = None,
        begun: DynamicsRecord | None = None,
    ) -> Any:
        """Return the DynamicsRecord, or a Response that goes on in another job.

        Args:
            structure: where the first segment starts; gives labels in later ones.
            previous: the segment that this one continues.
            begun: what an earlier job has done of this same segment.
        """
        settings = DynamicsSettings(**self.dynamics)
        folder = Path.cwd()
        run = VaspRun(
            self.waves,
            structure,
            dynamics_incar(self.waves, structure, settings),
            None,
        )
        stamp(folder, run, "dynamics")
        last = -1 if previous is None else previous.last_step
        goal = last + settings.steps
        with Splice.at(folder, run, settings, before=begun or previous) as splice:
            if begun is not None:
                splice.copy(begun, runs_folder())
            done = self._advance(run, settings, folder, splice, begun or previous, goal)
            record = self._record(run, folder, splice, last + 1)
        if done:
            return record
        return self._unfinished(structure, previous, record)

    def _advance(
        self,
        run: VaspRun,
        settings: DynamicsSettings,
        folder: Path,
        splice: Splice,
        before: DynamicsRecord | None,
        goal: int,
    ) -> bool:
        """Run parts until the goal, the criterion, or the wall time; tell if done."""
        for part in parts(folder):
            splice.add(part, self.emulated)
        while splice.last < goal and not self._steady(settings, folder, splice):
            asked = min(goal - splice.last, settings.segment or goal + 1)
            check_idle(folder)
            custodian_run.check_time_left(self.waves.settings)
            part, begins = next_part(folder), splice.last
            state = self._state(run, folder, before, splice)
            self._start(run, settings, part, state, asked)
            self._carry(folder, before, part)
            whole = self._run_part(part, parts(folder))
            splice.add(part, self.emulated)
            if not whole:
                continue
            if splice.last == begins:
                raise IonfaceError(splice.why_nothing_new(part))
            if splice.last < begins + asked:
                return False
        return True

    def _run_part(self, part: Path, begun: list[Path]) -> bool:
        """Run VASP; return False where it failed but the next part may do better."""
        try:
            custodian_run.run(
                part,
                "dynamics",
                self.waves.settings,
                Custody(self.polling_s, 1, self.emulated),
            )
        except IonfaceError:
            if goes_on(part, begun):
                return False
            raise
        return True

    def _start(
        self,
        run: VaspRun,
        settings: DynamicsSettings,
        part: Path,
        state: bytes | None,
        asked: int,
    ) -> None:
        # the first step of a continued run repeats the last one of the run before
        steps = asked if state is None else asked + 1
        incar = {**run.incar, **mended_incar(parts(part.parent)), "NSW": steps}
        velocities = None
        if state is None:
            velocities = thermal_velocities(run.structure, settings)
        write(replace(run, incar=incar), part, velocities=velocities, poscar=state)

    def _state(
        self,
        run: VaspRun,
        folder: Path,
        before: DynamicsRecord | None,
        splice: Splice,
    ) -> bytes | None:
        """Return the state to continue from, or None at the very beginning.

        Raises:
            IonfaceError: the state that the previous segment left is not its end.
        """
        for part in reversed(parts(folder)):
            state = last_state(part)
            if state is not None and part.name not in splice.unusable:
                return state
        if before is None:
            if splice.last >= 0:
                raise IonfaceError(
                    f"{folder} has frames but no whole CONTCAR to go on from; copy "
                    "one into its last part, or remove the folder to start again"
                )
            return None
        source = _located(before)
        state = last_state(source)
        if state is None:
            raise IonfaceError(
                f"{source} has no whole CONTCAR, so the dynamics cannot go on from "
                "it; copy it back, or run that segment again"
            )
        _check_continues(run, before, source)
        return state

    def _carry(self, folder: Path, before: DynamicsRecord | None, part: Path) -> None:
        earlier = parts(folder)[:-1]
        if earlier:
            carry_wavefunctions(earlier[-1], part, keep=False)
        elif before is not None:
            carry_wavefunctions(_located(before), part, keep=True)

    def _steady(self, settings: DynamicsSettings, folder: Path, splice: Splice) -> bool:
        if settings.until is None or splice.last < 0:
            return False
        splice.flush()
        return criterion(settings.until).reached(Trajectory.open(folder / FRAMES))

    def _record(
        self, run: VaspRun, folder: Path, splice: Splice, first: int
    ) -> DynamicsRecord:
        splice.flush()
        trajectory = Trajectory.open(folder / FRAMES)
        return DynamicsRecord(
            structure=splice.structure(run.structure),
            trajectory=TrajectoryPointer(
                run=folder.name,
                file=FRAMES,
                path=str((folder / FRAMES).resolve()),
                sha256=store_digest(folder / FRAMES),
                frames=trajectory.n_frames,
            ),
            first_step=first,
            last_step=splice.last,
            level=splice.level,
            directory=str(parts(folder)[-1]),
        )

    def _unfinished(
        self,
        structure: Structure,
        previous: DynamicsRecord | None,
        record: DynamicsRecord,
    ) -> Response:
        if not self.grows:
            raise IonfaceError(
                f"stopped at step {record.last_step} by the wall time; run the same "
                "command again to go on from there"
            )
        again = self.make(structure, previous, begun=record)
        again.name = self.name
        return Response(replace=again)


def dynamics_settings(settings: DynamicsSettings) -> dict[str, Any]:
    """Return dynamics settings as plain data, for a stored job.

    Raises:
        IonfaceError: the criterion that ends the run early makes no sense.
    """
    if settings.until is not None:
        criterion(settings.until)
    return {f.name: getattr(settings, f.name) for f in fields(settings)}


def _located(record: DynamicsRecord) -> Path:
    """Return the folder of a record's last part, also in a project that was moved."""
    there = Path(record.directory)
    moved = runs_folder() / record.trajectory.run / there.name
    return moved if moved.is_dir() else there


def _one_step(before: DynamicsRecord) -> float:
    """Return the farthest that an atom moves in one step, with room to spare, Å.

    VASP's CONTCAR is the last frame, or one step ahead of it.
    """
    frames = Trajectory.open(before.trajectory.locate(runs_folder()))
    if len(frames) < 2 or frames.steps[-1] - frames.steps[-2] != 1:
        return SEAM_JUMP
    last = frames.frame(-1).positions - frames.frame(-2).positions
    return min(SEAM_JUMP, 3 * float(np.linalg.norm(last, axis=1).max()))


def _check_continues(run: VaspRun, before: DynamicsRecord, source: Path) -> None:
    name = "CONTCAR" if (source / "CONTCAR").is_file() else "CONTCAR.kept"
    state = positions(source / name)
    end = before.structure.frac_coords
    if len(state) != len(end):
        raise IonfaceError(
            f"{source / name} has {len(state)} atoms, the run {len(end)}: it is not "
            "the segment that this one continues"
        )
    difference = state - end[run.order]
    difference -= np.round(difference)
    steps = difference @ run.structure.lattice.matrix  # (n_atoms, 3) in Å
    moved = float(np.linalg.norm(steps, axis=1).max())
    if moved > _one_step(before):
        raise IonfaceError(
            f"{source / name} does not continue the segment before: an atom is "
            f"{moved:.2f} Å from where that segment ended (step {before.last_step}); "
            "give the CONTCAR of that segment"
        )
