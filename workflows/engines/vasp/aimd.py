"""Molecular dynamics with VASP in segments that go on exactly where the last stopped.

Data flow: structure (or the end of the previous segment) -> VASP in numbered run
folders -> one continuous trajectory.ionf. A run starts from the CONTCAR of the one
before, byte for byte: positions, velocities, integrator and thermostat. What was killed
loses its unfinished step. Whether another run is needed is decided when one has ended:
until all steps are done or a bond is steady.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from jobflow import Maker
from pymatgen.core import Structure

from ionface.analysis.trajectory.store import store_digest
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings, Kind
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    DynamicsRecord,
    TrajectoryPointer,
    runs_folder,
)
from ionface.workflows.engines.vasp import custodian_run
from ionface.workflows.engines.vasp.custodian_run import Custody
from ionface.workflows.engines.vasp.error_handlers import goes_on, mended_incar
from ionface.workflows.engines.vasp.incar import PlaneWaves, dynamics_incar
from ionface.workflows.engines.vasp.inputs import VaspRun, write
from ionface.workflows.engines.vasp.md_restart import FRAMES, TrajectoryAssembler
from ionface.workflows.engines.vasp.run_folders import (
    carry_wavefunctions,
    check_idle,
    next_run_folder,
    run_folders,
    stamp,
)
from ionface.workflows.engines.vasp.run_frames import (
    RESTART_JUMP,
    last_state,
    read_state,
)
from ionface.workflows.engines.vasp.velocities import thermal_velocities
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.stopping_criterion import criterion
from ionface.workflows.study.vasp_settings import VaspSettings


@dataclass
class VaspDynamicsMaker(Maker):
    """One segment of NVT dynamics, or a whole run.

    Attributes:
        name: of the job.
        waves: protocol and settings.
        dynamics: temperature in K, timestep in fs, steps, ...; as DynamicsSettings.
        custody: how custodian watches VASP.
    """

    name: str = "vasp dynamics"
    waves: PlaneWaves = field(
        default_factory=lambda: PlaneWaves(LI_2024, VaspSettings())
    )
    dynamics: dict[str, Any] = field(default_factory=dict)
    custody: Custody = field(default_factory=Custody)

    @durable_job
    def make(
        self, structure: Structure, previous: DynamicsRecord | None = None
    ) -> DynamicsRecord:
        """Run the segment, or what is left of it, and return its record.

        Args:
            structure: where the first segment starts; gives labels in later ones.
            previous: the segment that this one continues.

        Raises:
            IonfaceError: the wall time stopped it; run again, it goes on from there.
        """
        settings = DynamicsSettings(**self.dynamics)
        folder = Path.cwd()
        run = self.run_for(structure)
        stamp(folder, run, "dynamics")
        last = -1 if previous is None else previous.last_step
        goal = last + settings.steps
        with TrajectoryAssembler.at(
            folder, run, settings, before=previous
        ) as assembler:
            segment = _Segment(self, run, settings, folder, assembler, previous)
            done = segment.advance(goal)
            record = segment.record(first=last + 1)
        if not done:
            raise IonfaceError(
                f"stopped at step {record.last_step} by the wall time; run the same "
                "command again to go on from there"
            )
        return record

    @property
    def kind(self) -> Kind:
        """Return "dynamics"."""
        return "dynamics"

    def run_for(self, structure: Structure) -> VaspRun:
        """Return what VASP is given for a structure; dynamics are at Γ alone."""
        settings = DynamicsSettings(**self.dynamics)
        incar = dynamics_incar(self.waves, structure, settings)
        return VaspRun(self.waves, structure, incar, None)


@dataclass
class _Segment:
    """One job's dynamics at work: which run comes next, and from which state.

    Attributes:
        maker: with settings of VASP and custodian.
        run: what the first run is given.
        settings: of the dynamics.
        folder: of the job.
        assembler: writes the trajectory and knows its last step.
        before: the segment, or the earlier job of this one, that it continues.
    """

    maker: VaspDynamicsMaker
    run: VaspRun
    settings: DynamicsSettings
    folder: Path
    assembler: TrajectoryAssembler
    before: DynamicsRecord | None

    def advance(self, goal: int) -> bool:
        """Run VASP until a step, the criterion, or the wall time; tell if done."""
        # runs of an earlier attempt of this job count as if they had just ended
        for earlier in run_folders(self.folder):
            self.assembler.add(earlier)
        while self.assembler.last < goal and not self._steady():
            begins = self.assembler.last
            asked = min(goal - begins, self.settings.segment or goal + 1)
            run_folder, whole = self._run_next(asked)
            self.assembler.add(run_folder)
            if not whole:
                continue  # custodian knows what to change for the next run
            if self.assembler.last == begins:
                # trying again would go on for ever
                raise IonfaceError(self.assembler.why_nothing_new(run_folder))
            if self.assembler.last < begins + asked:
                return False  # VASP ended early without an error: the wall time
        return True

    def record(self, first: int) -> DynamicsRecord:
        """Return what the job has done, from its first step on."""
        self.assembler.flush()
        path = self.folder / FRAMES
        trajectory = Trajectory.open(path)
        return DynamicsRecord(
            structure=self.assembler.structure(self.run.structure),
            trajectory=TrajectoryPointer(
                run=self.folder.name,
                file=FRAMES,
                path=str(path.resolve()),
                sha256=store_digest(path),
                frames=trajectory.n_frames,
            ),
            first_step=first,
            last_step=self.assembler.last,
            level=self.assembler.level,
            directory=str(run_folders(self.folder)[-1]),
        )

    def _steady(self) -> bool:
        if self.settings.until is None or self.assembler.last < 0:
            return False
        self.assembler.flush()  # the criterion reads the file
        trajectory = Trajectory.open(self.folder / FRAMES)
        return criterion(self.settings.until).reached(trajectory)

    def _run_next(self, asked: int) -> tuple[Path, bool]:
        """Run VASP once; return its folder, and whether it ended without an error."""
        check_idle(self.folder)
        custodian_run.check_time_left(self.maker.waves.settings)
        run_folder, state = next_run_folder(self.folder), self._state()
        self._write(run_folder, state, asked)
        self._carry_wavefunctions(run_folder)
        # CONTCAR changes with every step: its keeper has to look each time
        custody = replace(self.maker.custody, monitor_every=1)
        try:
            custodian_run.run(
                run_folder, "dynamics", self.maker.waves.settings, custody
            )
        except IonfaceError:
            if not goes_on(run_folder, run_folders(self.folder)):
                raise
            return run_folder, False
        return run_folder, True

    def _write(self, run_folder: Path, state: bytes | None, asked: int) -> None:
        # the first step of a continued run repeats the last one of the run before
        steps = asked if state is None else asked + 1
        mended = mended_incar(run_folders(self.folder))
        run = replace(self.run, incar={**self.run.incar, **mended, "NSW": steps})
        # given only at the very beginning: a state has its own
        velocities = (
            thermal_velocities(run.structure, self.settings) if state is None else None
        )
        write(run, run_folder, velocities=velocities, poscar=state)

    def _state(self) -> bytes | None:
        """Return the state to continue from, or None at the very beginning.

        Raises:
            IonfaceError: the state that the previous segment left is not its end.
        """
        for run_folder in reversed(run_folders(self.folder)):
            state = last_state(run_folder)
            # a run whose frames were left out must not be continued either
            if state is not None and run_folder.name not in self.assembler.unusable:
                return state
        if self.before is not None:
            return _final_state(self.run, self.before)
        if self.assembler.last >= 0:
            # starting again from the structure would append a second beginning
            raise IonfaceError(
                f"{self.folder} has frames but no whole CONTCAR to go on from; copy "
                "one into its last run folder, or remove the folder to start again"
            )
        return None

    def _carry_wavefunctions(self, run_folder: Path) -> None:
        earlier = run_folders(self.folder)[:-1]
        if earlier:
            carry_wavefunctions(earlier[-1], run_folder, keep=False)
        elif self.before is not None:
            # another job's folder stays as it is: that job may be run again
            carry_wavefunctions(_located(self.before), run_folder, keep=True)


def dynamics_settings(settings: DynamicsSettings) -> dict[str, Any]:
    """Return dynamics settings as plain data, for a stored job.

    Raises:
        IonfaceError: the criterion that ends the run early makes no sense.
    """
    if settings.until is not None:
        criterion(settings.until)
    return {f.name: getattr(settings, f.name) for f in fields(settings)}


def _final_state(run: VaspRun, before: DynamicsRecord) -> bytes:
    """Return the state that the previous segment left, if it is that segment's end."""
    source = _located(before)
    state = last_state(source)
    if state is None:
        raise IonfaceError(
            f"{source} has no whole CONTCAR, so the dynamics cannot go on from "
            "it; copy it back, or run that segment again"
        )
    _check_continues(run, before, source, state)
    return state


def _located(record: DynamicsRecord) -> Path:
    """Return the folder of a record's last run, also in a project that was moved."""
    there = Path(record.directory)
    moved = runs_folder() / record.trajectory.run / there.name
    return moved if moved.is_dir() else there


def _one_step(before: DynamicsRecord) -> float:
    """Return the farthest that an atom moves in one step, with room to spare, Å.

    VASP's CONTCAR is the last frame, or one step ahead of it.
    """
    frames = before.trajectory.open(runs_folder())
    if len(frames) < 2 or frames.steps[-1] - frames.steps[-2] != 1:
        return RESTART_JUMP
    last = frames.frame(-1).positions - frames.frame(-2).positions
    # 3: an atom at a turning point moves more in its next step
    return min(RESTART_JUMP, 3 * float(np.linalg.norm(last, axis=1).max()))


def _check_continues(
    run: VaspRun, before: DynamicsRecord, source: Path, data: bytes
) -> None:
    state = read_state(data)
    assert state is not None
    positions, end = state.structure.frac_coords, before.structure.frac_coords
    if len(positions) != len(end):
        raise IonfaceError(
            f"the CONTCAR in {source} has {len(positions)} atoms, the run {len(end)}: "
            "it is not the segment that this one continues"
        )
    difference = positions - end[run.order]
    difference -= np.round(difference)
    steps = difference @ run.structure.lattice.matrix  # (n_atoms, 3) in Å
    moved = float(np.linalg.norm(steps, axis=1).max())
    if moved > _one_step(before):
        raise IonfaceError(
            f"the CONTCAR in {source} does not continue the segment before: an atom is "
            f"{moved:.2f} Å from where that segment ended (step {before.last_step}); "
            "give the CONTCAR of that segment"
        )
