"""One continuous trajectory from the parts of a run, every seam checked.

A part that continues another repeats its last frame; it is dropped once. Before the
next part starts, frames beyond the state that it starts from are left out. Positions
are unwrapped across all parts and stand in the caller's site order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from ase import units
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.analysis.readers.vasprun import IonicStep
from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import movable
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.records import DynamicsRecord, runs_folder
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.outputs import is_emulated
from ionface.workflows.engines.vasp.run_frames import (
    NEXT_TURN,
    SAME_FRAME,
    SEAM_JUMP,
    SEAM_TURN,
    kept_frames,
    part_frames,
)
from ionface.workflows.engines.vasp.velocities import degrees_of_freedom

FRAMES = "trajectory.ionf"
SEAMS = "seams.json"


@dataclass(frozen=True)
class SeamReport:
    """How one part continues the one before.

    Attributes:
        part: its folder.
        step: number of its first new frame.
        repeated: it starts with the frame where the one before ends.
        jump: largest displacement across the seam, Å.
        turn: change of the velocities across the seam, relative; None if unknown.
        energy_difference: of the repeated frame, eV; None if it is not repeated.
    """

    part: str
    step: int
    repeated: bool
    jump: float
    turn: float | None
    energy_difference: float | None


class Splice:
    """Appends parts to trajectory.ionf and knows where it ends."""

    def __init__(self, folder: Path, run: VaspRun, settings: DynamicsSettings) -> None:
        self.folder, self.run, self.settings = folder, run, settings
        self.last = -1
        self.level: dict[str, Any] = {}
        self.seams: list[SeamReport] = []
        self.writer: TrajectoryWriter | None = None
        self._end: NDArray[np.float64] | None = None  # fractional, unwrapped
        self._before: NDArray[np.float64] | None = None  # the frame before the end
        self._energy: float | None = None
        self._seen = -1  # last step that the file already holds
        self.unusable: dict[str, str] = {}  # parts left out, and why

    @classmethod
    def at(
        cls,
        folder: Path,
        run: VaspRun,
        settings: DynamicsSettings,
        before: DynamicsRecord | None,
    ) -> Self:
        """Return the splice of a job's folder, after the segment before it if any."""
        splice = cls(folder, run, settings)
        path = folder / FRAMES
        if path.is_file():
            splice.writer = TrajectoryWriter.resume(path)
            held = splice.writer.last
            splice._seen = -1 if held is None else int(held["step"])
        if before is not None:
            splice._begin_after(before)
        return splice

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.writer is not None:
            self.writer.close()

    def flush(self) -> None:
        """Wait until all frames are on the disk."""
        if self.writer is not None:
            self.writer.flush()

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

    def copy(self, begun: DynamicsRecord, runs: Path) -> None:
        """Take over the frames that an earlier job has written of this segment."""
        trajectory = Trajectory.open(begun.trajectory.locate(runs))
        for block in trajectory.blocks():
            for index in range(len(block)):
                frame = block.frame(index)
                if frame.step > self._seen:
                    self._writer(trajectory.lattice).append(
                        step=frame.step,
                        time_fs=frame.time_fs,
                        positions=frame.positions,
                        **frame.scalars,
                    )
                    self._seen = frame.step

    def add(self, part: Path, emulated: bool) -> None:
        """Append a part's frames, up to the state from which the next one starts.

        Raises:
            IonfaceError: the part does not continue the one before.
        """
        found = part_frames(part)
        if found is None:  # it ended before its first step
            self.unusable[part.name] = ""
            return
        if found.wanting:
            self.unusable[part.name] = (
                f"the electrons did not converge in {found.unconverged} of "
                f"{len(found.steps)} steps in {part}, which are left out; change "
                "vasp.incar (ALGO, NELM) in a new project, or run again"
            )
            return
        path, steps = part / "vasprun.xml", found.steps
        fractional = self._unwrapped(np.array([step.fractional for step in steps]))
        kept = kept_frames(self.run, part, fractional)
        if not kept:  # the next part starts from an earlier state
            self.unusable[part.name] = (
                f"steps are missing between the frames in {part} and its CONTCAR; run "
                "again, to go on from the part before"
            )
            return
        emulated = emulated or is_emulated(path)
        self.level = found.level.as_dict() | {"emulated": emulated}
        for index in range(self._first_new(part, fractional, steps), kept):
            self._append(fractional[index], steps[index])

    def why_nothing_new(self, part: Path) -> str:
        """Return why a part that has just run brought no frame."""
        return self.unusable.get(part.name) or (
            f"VASP ended in {part} without one more complete step; the wall time is "
            "too short for a step of this model: give vasp.walltime more hours, and "
            "run again"
        )

    # --- one part -------------------------------------------------------------------

    def _begin_after(self, before: DynamicsRecord) -> None:
        self.last, self.level = before.last_step, dict(before.level)
        self._end = np.asarray(before.structure.frac_coords)
        frames = Trajectory.open(before.trajectory.locate(runs_folder()))
        if len(frames) > 1 and frames.steps[-1] - frames.steps[-2] == 1:
            inverse = before.structure.lattice.inv_matrix
            self._before = frames.frame(-2).positions @ inverse
        self._energy = float(frames.energies[-1]) if len(frames) else None

    def _unwrapped(self, wrapped: NDArray[np.float64]) -> NDArray[np.float64]:
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
        self, part: Path, fractional: NDArray[np.float64], steps: list[IonicStep]
    ) -> int:
        """Return the first frame that is new, after a check of the seam."""
        if self._end is None:
            return 0
        across = fractional[0] - self._end
        lattice = steps[0].lattice
        jump = float(np.linalg.norm(across @ lattice, axis=1).max())
        repeated = bool(np.abs(across).max() < SAME_FRAME)
        turn = self._turn(fractional, repeated)
        seam = SeamReport(
            part=part.name,
            step=self.last + 1,
            repeated=repeated,
            jump=0.0 if repeated else jump,
            turn=turn,
            energy_difference=_potential(steps[0]) - self._energy
            if repeated and self._energy is not None
            else None,
        )
        limit = SEAM_TURN if repeated else NEXT_TURN
        broken = jump > SEAM_JUMP or (turn is not None and turn > limit)
        if broken:
            raise IonfaceError(
                f"{part} does not continue the run before it: across the seam an atom "
                f"moves {jump:.3f} Å and the velocities change by "
                f"{'an unknown share' if turn is None else f'{100 * turn:.0f} %'}; "
                "its POSCAR is not the CONTCAR of the part before. Remove that part "
                "and run again"
            )
        self.seams.append(seam)
        report = json.dumps([asdict(seam) for seam in self.seams], indent=2)
        (self.folder / SEAMS).write_text(report + "\n")
        return 1 if repeated else 0

    def _turn(self, fractional: NDArray[np.float64], repeated: bool) -> float | None:
        """Return how much the displacement per step changes across a seam."""
        if self._before is None or self._end is None:
            return None
        if repeated and len(fractional) < 2:
            return None
        earlier = self._end - self._before
        later = (fractional[1] if repeated else fractional[0]) - self._end
        scale = np.sqrt((np.mean(earlier**2) + np.mean(later**2)) / 2)
        if scale < 100 * SAME_FRAME:  # too slow for the digits of vasprun.xml
            return None
        return float(np.sqrt(np.mean((later - earlier) ** 2)) / scale)

    def _append(self, fractional: NDArray[np.float64], step: IonicStep) -> None:
        self.last += 1
        self._before, self._end = self._end, fractional
        self._energy = _potential(step)
        if self.last <= self._seen or self.last % self.settings.stride:
            return
        kinetic = step.energies.get("kinetic", np.nan)
        self._writer(step.lattice).append(
            step=self.last,
            time_fs=self.last * self.settings.timestep,
            positions=fractional @ step.lattice,
            potential_energy=self._energy,
            kinetic_energy=kinetic,
            temperature=2 * kinetic / (units.kB * self._freedom),
            conserved=step.energies.get("total", np.nan),
        )

    @property
    def _freedom(self) -> int:
        return degrees_of_freedom(movable(self.run.structure))

    def _writer(self, lattice: NDArray[np.float64]) -> TrajectoryWriter:
        if self.writer is None:
            order = [site.specie.symbol for site in self.run.structure]
            self.writer = TrajectoryWriter.create(
                self.folder / FRAMES,
                species=order,
                lattice=Lattice(lattice).matrix,
                sources=(str(self.folder),),
                meta={
                    "level_of_theory": self.level,
                    "temperature_K": self.settings.temperature,
                },
            )
        return self.writer


def seams_of(folder: Path) -> Iterator[SeamReport]:
    """Yield the seams of a job's folder as they were checked."""
    path = folder / SEAMS
    if path.is_file():
        yield from (SeamReport(**seam) for seam in json.loads(path.read_text()))


def _potential(step: IonicStep) -> float:
    return float(step.energies.get("e_fr_energy", np.nan))
