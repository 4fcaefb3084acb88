"""One emulated run, from its inputs to its last file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Protocol

from ionface.analysis.readers.incar import parse_incar
from ionface.workflows.engines.vasp_double.dynamics import Dynamics
from ionface.workflows.engines.vasp_double.electrons import ScfStep, scf
from ionface.workflows.engines.vasp_double.faults import Faults
from ionface.workflows.engines.vasp_double.geometry import FloatArray
from ionface.workflows.engines.vasp_double.inputs import Run, read_inputs
from ionface.workflows.engines.vasp_double.model import Model, Surface
from ionface.workflows.engines.vasp_double.outputs import Outputs
from ionface.workflows.engines.vasp_double.relaxation import Relaxation, Still
from ionface.workflows.engines.vasp_double.steps import Point, Step, Thermo

ABORTED_AFTER = 3  # electronic steps


class Motion(Protocol):
    """Where the ions are, and where they go next."""

    lattice: FloatArray
    fractional: FloatArray

    def receive(self, point: Point) -> Thermo | None:
        """Take what the model says of the present geometry."""

    def finished(self) -> bool:
        """Tell whether the criterion is met."""

    def advance(self) -> None:
        """Go to the next geometry."""

    def contcar(self, last: bool) -> str:
        """Return CONTCAR as it stands after this step."""

    def final(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return lattice, positions and velocities, as vasprun.xml ends with them."""


class Stop(Enum):
    """What STOPCAR asks for, in VASP's words for its outputs."""

    SOFT = "soft stop encountered!  aborting job ..."
    HARD = "hard stop encountered!  aborting job ..."


def stop_requested(folder: Path) -> Stop | None:
    """Return what STOPCAR asks for: LABORT within a step, LSTOP after it."""
    try:
        tags = parse_incar((folder / "STOPCAR").read_text(errors="replace"))
    except OSError:
        return None
    true = {name for name, value in tags.items() if value.lstrip(".")[:1] in ("T", "t")}
    if "LABORT" in true:
        return Stop.HARD
    return Stop.SOFT if "LSTOP" in true else None


@dataclass
class Clock:
    """CPU and wall seconds since the last look."""

    looked: tuple[float, float] = field(
        default_factory=lambda: (time.process_time(), time.monotonic())
    )

    def lap(self) -> tuple[float, float]:
        """Return the seconds since the last lap."""
        before, now = self.looked, (time.process_time(), time.monotonic())
        self.looked = now
        return now[0] - before[0], now[1] - before[1]


def emulate(folder: Path, model: Model, faults: Faults) -> None:
    """Run what a folder asks for and write everything where VASP writes it.

    Args:
        folder: with INCAR, POSCAR, POTCAR and KPOINTS.
        model: under the stand-in.
        faults: to strike on the way.

    Raises:
        InputError: the input is wrong or cannot be emulated.
        CrashError: a fault stopped the run.
        OSError: a file cannot be written.
    """
    run, total = read_inputs(folder, model.name), Clock()
    surface = Surface(model, run.poscar.species, all_move=run.poscar.free is None)
    outputs = Outputs(run, faults.has("stars"), faults.has("merge"), faults.console)
    motion = _motion(run)
    clock, energy = Clock(), 0.0
    for number in range(1, run.settings.steps + 1):
        outputs.begin(number)
        step, stop = _step(run, motion, surface, outputs, faults, number)
        lap = clock.lap()
        step = replace(step, change=step.point.energy - energy, cpu_wall_s=lap)
        energy = step.point.energy
        faults.disk(number, outputs.outcar.stream)
        outputs.ionic(step, motion.contcar(step.last))
        faults.torn(number, folder / "CONTCAR")
        if stop is not None:
            outputs.say(stop.value)
            (folder / "STOPCAR").unlink(missing_ok=True)  # as VASP when it has obeyed
        if step.last:
            break
        motion.advance()
    if motion.finished() and run.settings.relaxation:
        outputs.say("reached required accuracy - stopping structural energy minimi"
                    "sation")  # fmt: skip
    outputs.close(*motion.final(), cpu_wall_s=total.lap())
    faults.after()


def _motion(run: Run) -> Motion:
    if run.settings.dynamics:
        return Dynamics(run.poscar, run.settings, run.masses)
    if run.settings.relaxation:
        return Relaxation(run.poscar, run.settings)
    return Still(run.poscar)


def _step(
    run: Run,
    motion: Motion,
    surface: Surface,
    outputs: Outputs,
    faults: Faults,
    number: int,
) -> tuple[Step, Stop | None]:
    """Return one ionic step, its electronic steps written, and whether to stop."""
    point = surface(motion.lattice, motion.fractional)
    converges = faults.converges(number)
    steps = scf(point.energy, run.settings, first=number == 1, converges=converges)
    outputs.electronic(islice(steps, 1))
    faults.within(number)
    stop = stop_requested(run.folder)
    last_scf = outputs.electronic(_until(steps, stop))
    if stop is Stop.HARD and last_scf is not None:
        point = replace(point, energy=last_scf.energy)  # where VASP left it
    thermo = motion.receive(point)
    last = stop is not None or motion.finished() or number >= run.settings.steps
    step = Step(
        number, motion.lattice, motion.fractional, point, thermo, last, converges
    )
    return step, stop


def _until(steps: Iterator[ScfStep], stop: Stop | None) -> Iterator[ScfStep]:
    return islice(steps, ABORTED_AFTER - 1) if stop is Stop.HARD else steps
