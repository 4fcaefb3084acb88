"""NVT dynamics by CP2K itself, in runs that go on exactly where the last stopped.

Data flow: structure (or the state that the previous segment left) -> CP2K in numbered
run folders -> one trajectory.ionf. A run starts from CP2K's restart file: positions,
velocities, thermostat and step. Of a run that was killed, the steps up to its last
whole state count; whoever runs the job again goes on from there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobflow import Maker
from pymatgen.core import Structure

from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.structures.labels import labels_of
from ionface.workflows.engines import progress
from ionface.workflows.engines.contract import DynamicsSettings, check_timestep
from ionface.workflows.engines.cp2k import inputs
from ionface.workflows.engines.cp2k.outputs import (
    OUTPUT,
    RESTART,
    UNCONVERGED,
    Steps,
    progress_of,
    steps_of,
)
from ionface.workflows.engines.cp2k.program import Cp2kProgram
from ionface.workflows.engines.cp2k.run import run
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    DynamicsRecord,
    TrajectoryPointer,
    runs_folder,
)
from ionface.workflows.engines.vasp.run_folders import (
    check_idle,
    next_run_folder,
    run_folders,
)
from ionface.workflows.engines.vasp.velocities import thermal_velocities

FRAMES = "trajectory.ionf"
STATE = "start.restart"
WAVES = inputs.DENSITY[True]  # dynamics are at Γ alone
SOME, SHARE = 2, 0.05
"""Steps whose electrons may stay unconverged: single ones among many do no harm."""


@dataclass
class Cp2kDynamicsMaker(Maker):
    """One segment of NVT dynamics.

    Attributes:
        potential: CP2K with a study's settings.
        settings: of this segment.
    """

    potential: Cp2kProgram = field(default_factory=Cp2kProgram)
    settings: DynamicsSettings = field(default_factory=DynamicsSettings)
    name: str = "dynamics"

    @durable_job
    def make(
        self, structure: Structure, previous: DynamicsRecord | None = None
    ) -> DynamicsRecord:
        """Run the segment, or what is left of it, and return its record.

        Args:
            structure: where the first segment starts; gives labels in later ones.
            previous: the segment that this one continues.
        """
        program = self.potential
        program.check_elements(structure.symbol_set, structure.formula)
        program.check_electrons(structure)
        check_timestep(structure, self.settings.timestep)
        level = program.level_of_theory(structure).as_dict()
        first = 0 if previous is None else previous.last_step
        folder = Path.cwd()
        check_idle(folder)
        segment = _Segment(program, self.settings, structure, folder, first)
        with segment.writer(level) as writer:
            state = segment.advance(writer, _state_of(previous))
            record = writer.last
        assert record is not None
        final = structure.copy()
        for site, position in zip(final, record["positions"], strict=True):
            site.coords = position
        return DynamicsRecord(
            structure=final,
            trajectory=TrajectoryPointer.to(folder / FRAMES),
            first_step=first,
            last_step=first + self.settings.steps,
            level=level,
            directory=str(state.parent),
        )


@dataclass
class _Segment:
    """One job's dynamics at work.

    Attributes:
        program: CP2K.
        settings: of the dynamics.
        structure: where the first segment starts.
        folder: of the job.
        first: step at which the segment begins.
        unconverged: steps so far whose electrons did not converge.
    """

    program: Cp2kProgram
    settings: DynamicsSettings
    structure: Structure
    folder: Path
    first: int
    unconverged: int = 0

    def writer(self, level: dict[str, Any]) -> TrajectoryWriter:
        """Return the writer of the job's trajectory, new or begun."""
        if (self.folder / FRAMES).is_file():
            return TrajectoryWriter.resume(self.folder / FRAMES)
        return TrajectoryWriter.create(
            self.folder / FRAMES,
            species=[site.specie.symbol for site in self.structure],
            lattice=self.structure.lattice.matrix,
            velocities=True,
            meta={
                "level_of_theory": level,
                "temperature_K": self.settings.temperature,
                "labels": labels_of(self.structure),
            },
        )

    def advance(self, writer: TrajectoryWriter, state: Path | None) -> Path:
        """Run CP2K until all steps are done; return the state that it left.

        Args:
            writer: gets the frames of all runs, earlier attempts' included.
            state: that the previous segment left.
        """
        done, goal = self.first, self.first + self.settings.steps
        for earlier in run_folders(self.folder):
            done, state = self._taken(earlier, writer) or (done, state)
        while done < goal:
            folder = next_run_folder(self.folder)
            self._run(folder, state, done, goal)
            taken = self._taken(folder, writer)
            if taken is None or taken[0] <= done:
                raise IonfaceError(f"CP2K ended without a step; see {folder / OUTPUT}")
            done, state = taken
        assert state is not None
        return state

    def _taken(self, folder: Path, writer: TrajectoryWriter) -> tuple[int, Path] | None:
        """Take over the steps of a run; return its last one, and the state it left.

        None if no run can go on from this one, which then counts for nothing.
        """
        steps = steps_of(folder, len(self.structure))
        if steps is None:
            return None
        self._check_converged(folder)
        self._write(steps, writer)
        return int(steps.numbers[-1]), steps.restart

    def _run(self, folder: Path, state: Path | None, done: int, goal: int) -> None:
        folder.mkdir()
        velocities = None
        if state is None:
            velocities = thermal_velocities(self.structure, self.settings)
        else:
            shutil.copy2(state, folder / STATE)
            if (waves := state.parent / WAVES).is_file():
                shutil.copy2(waves, folder / WAVES)
        restarted = (folder / WAVES).is_file()
        asked = goal - done

        def text(restarted: bool) -> str:
            restart = STATE if state else None
            return inputs.dynamics(
                self.program, self.structure, self.settings, asked, velocities,
                restart, restarted,
            )  # fmt: skip

        def look() -> None:
            if now := progress_of(folder):
                step, time, temperature = now
                note = f"{time / 1000:.2f} ps, {temperature:.0f} K"
                progress.report(step - self.first, self.settings.steps, note)

        try:
            run(self.program, folder, text(restarted), look)
        except IonfaceError:
            if not restarted or progress_of(folder):
                raise
            # a run that was killed may have torn its wave functions: do without
            (folder / WAVES).unlink()
            run(self.program, folder, text(restarted=False), look)

    def _check_converged(self, folder: Path) -> None:
        """Count the steps of one more run that did not converge; refuse too many.

        Of all runs together: one that was killed has been told nobody.
        """
        output, steps = folder / OUTPUT, self.settings.steps
        said = output.read_text(errors="replace") if output.is_file() else ""
        self.unconverged += said.count(UNCONVERGED)
        if self.unconverged <= max(SOME, SHARE * steps):
            return
        most, alpha = self.program.iterations, inputs.USUAL.alpha
        for state in folder.glob(f"{RESTART}*"):
            state.unlink()  # or the next attempt would go on from it
        raise IonfaceError(
            f"in {self.unconverged} of {steps} steps the electrons did not converge in "
            f"{most} iterations of Broyden's mixing with {alpha:g} of the change; "
            "smear more, as in vasp: {incar: {SIGMA: 0.1}}, or allow more in "
            "dft.iterations"
        )

    def _write(self, steps: Steps, writer: TrajectoryWriter) -> None:
        """Append the frames that the trajectory does not have yet."""
        last = int(writer.last["step"]) if writer.last is not None else -1
        end = self.first + self.settings.steps
        for i, step in enumerate(map(int, steps.numbers)):
            if step <= last or (step % self.settings.stride and step != end):
                continue
            writer.append(
                step=step,
                time_fs=float(steps.times[i]),
                positions=steps.positions[i],
                potential_energy=float(steps.potential[i]),
                kinetic_energy=float(steps.kinetic[i]),
                temperature=float(steps.temperatures[i]),
                conserved=float(steps.conserved[i]),
                velocities=steps.velocities[i],
            )


def _state_of(previous: DynamicsRecord | None) -> Path | None:
    """Return the state that a segment left, also in a project that was moved.

    Raises:
        IonfaceError: it is not there any more.
    """
    if previous is None:
        return None
    there = Path(previous.directory)
    moved = runs_folder() / previous.trajectory.run / there.name
    folder = moved if moved.is_dir() else there
    n_atoms = len(previous.structure)
    steps = steps_of(folder, n_atoms)
    if steps is None or steps.numbers[-1] != previous.last_step:
        raise IonfaceError(
            f"{folder} has no state of step {previous.last_step} to go on from; copy "
            "it back, or run that segment again"
        )
    return steps.restart
