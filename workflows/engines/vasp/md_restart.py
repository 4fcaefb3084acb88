"""One continuous trajectory from the runs of a job, every restart checked.

A run that continues another repeats its last frame; it is dropped once. Before the
next run starts, frames beyond the state that it starts from are left out. Positions
are unwrapped across all runs and stand in the caller's site order.

This is stricter than `analysis.trajectory.joining`, which takes what anybody ran and
tells of gaps: here a run that does not continue its predecessor is refused, since the
states were ours to hand on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from ase import units
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.analysis.readers.vasprun import IonicStep
from ionface.analysis.trajectory.joining import SAME_FRAME
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import movable
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.records import DynamicsRecord, runs_folder
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.run_frames import (
    NEXT_TURN,
    RESTART_JUMP,
    RESTART_TURN,
    frames_up_to_state,
    run_frames,
    velocity_change,
)
from ionface.workflows.engines.vasp.velocities import degrees_of_freedom

FRAMES = "trajectory.ionf"
CHECKS = "restarts.json"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RestartCheck:
    """How one run continues the one before.

    Attributes:
        run: name of its folder.
        step: number of its first new frame.
        repeated: it starts with the frame where the one before ends.
        jump: largest displacement across the restart, Å.
        turn: change of the velocities across the restart, relative; None if unknown.
        energy_difference: of the repeated frame, eV; None if it is not repeated.
    """

    run: str
    step: int
    repeated: bool
    jump: float
    turn: float | None
    energy_difference: float | None

    @property
    def broken(self) -> bool:
        """Tell whether the run is not the continuation of the one before."""
        limit = RESTART_TURN if self.repeated else NEXT_TURN
        turned = self.turn is not None and self.turn > limit
        return self.jump > RESTART_JUMP or turned


class TrajectoryAssembler:
    """Appends runs to trajectory.ionf and knows where it ends.

    Attributes:
        last: number of the last step, -1 before the first.
        level: of theory, as the last run's output tells.
        checks: of all restarts so far.
        unusable: runs that are left out, and why.
    """

    def __init__(self, folder: Path, run: VaspRun, settings: DynamicsSettings) -> None:
        self.folder, self.run, self.settings = folder, run, settings
        self.last = -1
        self.level: dict[str, Any] = {}
        self.checks: list[RestartCheck] = []
        self.unusable: dict[str, str] = {}
        self._writer: TrajectoryWriter | None = None
        self._written = -1  # last step that the file already holds
        self._end: Array | None = None  # the last frame, fractional, unwrapped
        self._before: Array | None = None  # the frame one step before the end
        self._energy: float | None = None  # of the last frame, eV

    @classmethod
    def at(
        cls,
        folder: Path,
        run: VaspRun,
        settings: DynamicsSettings,
        before: DynamicsRecord | None,
    ) -> Self:
        """Return the assembler of a job's folder, after the segment before it if any.

        Frames that an earlier attempt of the same job wrote are kept: the runs are
        read again, checked again, and only what is missing is appended.
        """
        assembler = cls(folder, run, settings)
        path = folder / FRAMES
        if path.is_file():
            assembler._writer = TrajectoryWriter.resume(path)
            held = assembler._writer.last
            assembler._written = -1 if held is None else int(held["step"])
        if before is not None:
            assembler._begin_after(before)
        return assembler

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def flush(self) -> None:
        """Wait until all frames are on the disk."""
        if self._writer is not None:
            self._writer.flush()

    def structure(self, original: Structure) -> Structure:
        """Return the last frame, unwrapped, with the labels of the original sites."""
        assert self._end is not None
        return Structure(
            original.lattice,
            original.species,
            self._end,
            site_properties=original.site_properties,
            properties=original.properties,
        )

    def add(self, run_folder: Path) -> None:
        """Append a run's frames, up to the state from which the next one starts.

        A run that cannot be used is noted in `unusable`; the next starts before it.

        Raises:
            IonfaceError: the run does not continue the one before.
        """
        name, found = run_folder.name, run_frames(run_folder)
        if found is None:  # it ended before its first step
            self.unusable[name] = ""
            return
        if found.wanting:
            self.unusable[name] = (
                f"the electrons did not converge in {found.unconverged} of "
                f"{len(found.steps)} steps in {run_folder}, which are left out; change "
                "vasp.incar (ALGO, NELM) in a new project, or run again"
            )
            return
        steps = found.steps
        fractional = self._unwrapped(np.array([step.fractional for step in steps]))
        kept = frames_up_to_state(self.run, run_folder, fractional)
        if not kept:  # the next run starts from an earlier state
            self.unusable[name] = (
                f"steps are missing between the frames in {run_folder} and its "
                "CONTCAR; run again, to go on from the run before"
            )
            return
        self.level = found.level.as_dict()
        for index in range(self._first_new(run_folder, fractional, steps), kept):
            self._append(fractional[index], steps[index])

    def why_nothing_new(self, run_folder: Path) -> str:
        """Return why a run that has just ended brought no frame."""
        return self.unusable.get(run_folder.name) or (
            f"VASP ended in {run_folder} without one more complete step; the wall time "
            "is too short for a step of this model: give vasp.walltime more hours, and "
            "run again"
        )

    # --- one run --------------------------------------------------------------------

    def _begin_after(self, before: DynamicsRecord) -> None:
        self.last, self.level = before.last_step, dict(before.level)
        self._end = np.asarray(before.structure.frac_coords)
        frames = before.trajectory.open(runs_folder())
        # with a stride the frame before the end is not one step before it: then the
        # velocities across the restart are unknown
        if len(frames) > 1 and frames.steps[-1] - frames.steps[-2] == 1:
            inverse = before.structure.lattice.inv_matrix
            self._before = frames.frame(-2).positions @ inverse
        self._energy = float(frames.energies[-1]) if len(frames) else None

    def _unwrapped(self, wrapped: Array) -> Array:
        """Return frames in the caller's order, continuous with the last frame.

        Args:
            wrapped: in POSCAR's order, shape (n_frames, n_atoms, 3).
        """
        ours = np.empty_like(wrapped)
        ours[:, self.run.order] = wrapped
        start = ours[0] if self._end is None else self._end
        steps = np.diff(np.concatenate([start[None], ours]), axis=0)
        return np.asarray(start + np.cumsum(steps - np.round(steps), axis=0))

    def _first_new(
        self, run_folder: Path, fractional: Array, steps: list[IonicStep]
    ) -> int:
        """Return the index of the first new frame, after a check of the restart."""
        if self._end is None:
            return 0
        check = self._check(run_folder, fractional, steps[0])
        if check.broken:
            turn = (
                "an unknown share"
                if check.turn is None
                else f"{100 * check.turn:.0f} %"
            )
            raise IonfaceError(
                f"{run_folder} does not continue the run before it: across the restart "
                f"an atom moves {check.jump:.3f} Å and the velocities change by {turn}"
                "; its POSCAR is not the CONTCAR of the run before. Remove that folder "
                "and run again"
            )
        self.checks.append(check)
        report = json.dumps([asdict(check) for check in self.checks], indent=2)
        (self.folder / CHECKS).write_text(report + "\n")
        return 1 if check.repeated else 0

    def _check(
        self, run_folder: Path, fractional: Array, first: IonicStep
    ) -> RestartCheck:
        assert self._end is not None
        across = fractional[0] - self._end
        jump = float(np.linalg.norm(across @ first.lattice, axis=1).max())
        repeated = bool(np.abs(across).max() < SAME_FRAME)
        difference = None
        if repeated and self._energy is not None:
            difference = _potential(first) - self._energy
        return RestartCheck(
            run=run_folder.name,
            step=self.last + 1,
            repeated=repeated,
            jump=0.0 if repeated else jump,
            turn=self._turn(fractional, repeated),
            energy_difference=difference,
        )

    def _turn(self, fractional: Array, repeated: bool) -> float | None:
        """Return how much the displacement per step changes across a restart."""
        if self._before is None or self._end is None:
            return None
        if repeated and len(fractional) < 2:
            return None
        later = (fractional[1] if repeated else fractional[0]) - self._end
        change, scale = velocity_change(self._end - self._before, later)
        # slower atoms move by the last digits of vasprun.xml, which say nothing
        return None if scale < 100 * SAME_FRAME else change / scale

    def _append(self, fractional: Array, step: IonicStep) -> None:
        self.last += 1
        self._before, self._end = self._end, fractional
        self._energy = _potential(step)
        if self.last <= self._written or self.last % self.settings.stride:
            return
        kinetic = step.energies.get("kinetic", np.nan)
        freedom = degrees_of_freedom(movable(self.run.structure))
        self._open_writer(step.lattice).append(
            step=self.last,
            time_fs=self.last * self.settings.timestep,
            positions=fractional @ step.lattice,
            potential_energy=self._energy,
            kinetic_energy=kinetic,
            temperature=2 * kinetic / (units.kB * freedom),
            conserved=step.energies.get("total", np.nan),
        )

    def _open_writer(self, lattice: Array) -> TrajectoryWriter:
        """Return the writer; the file is made once the first frame is there."""
        if self._writer is None:
            self._writer = TrajectoryWriter.create(
                self.folder / FRAMES,
                species=[site.specie.symbol for site in self.run.structure],
                lattice=Lattice(lattice).matrix,
                sources=(str(self.folder),),
                meta={
                    "level_of_theory": self.level,
                    "temperature_K": self.settings.temperature,
                },
            )
        return self._writer


def _potential(step: IonicStep) -> float:
    return float(step.energies.get("e_fr_energy", np.nan))
