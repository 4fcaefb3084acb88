"""One emulated run, from its inputs to its last file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ionface.workflows.engines.vasp_double.calculators import Model, Point, Surface
from ionface.workflows.engines.vasp_double.double_dynamics import Dynamics
from ionface.workflows.engines.vasp_double.double_motion import Motion, Thermo
from ionface.workflows.engines.vasp_double.double_outputs import Outputs
from ionface.workflows.engines.vasp_double.double_relaxation import Relaxation, Still
from ionface.workflows.engines.vasp_double.double_run import Run, Step, read_inputs
from ionface.workflows.engines.vasp_double.electrons import ScfStep, scf
from ionface.workflows.engines.vasp_double.faults import Faults
from ionface.workflows.engines.vasp_double.stopcar import Stop, remove, requested

ABORTED_AFTER = 3  # electronic steps


def emulate(folder: Path, model: Model, faults: Faults) -> None:
    """Run what a folder asks for and write everything where VASP writes it.

    Args:
        folder: with INCAR, POSCAR, POTCAR (or a list of titles) and maybe KPOINTS.
        model: under the stand-in.
        faults: to strike on the way.

    Raises:
        InputError: the input is wrong or cannot be emulated.
        CrashError: a fault stopped the run.
        OSError: a file cannot be written.
    """
    run = read_inputs(folder, model.name)
    all_move = run.poscar.free is None
    species = run.poscar.species
    surface = Surface(model.calculator, species, all_move, model.shift)
    outputs = Outputs(run, faults.has("stars"), faults.has("merge"), faults.console)
    motion = _motion(run)
    before = 0.0
    for number in range(1, run.settings.steps + 1):
        step, stop = _step(run, motion, surface, outputs, faults, number, before)
        before = step.point.energy
        faults.disk(number, outputs.outcar.stream)
        outputs.ionic(step, motion)
        faults.torn(number, folder / "CONTCAR")
        if stop is not None:
            outputs.stopped(stop)
            remove(folder)
        if step.last:
            break
        motion.advance()
    if motion.finished() and run.settings.move not in ("static", "dynamics"):
        outputs.reached()
    outputs.close(motion)
    faults.after()


def _motion(run: Run) -> Motion:
    if run.settings.move == "static":
        return Still(run.poscar)
    if run.settings.move == "dynamics":
        return Dynamics(run.poscar, run.settings, run.masses)
    return Relaxation(run.poscar, run.settings)


def _step(
    run: Run,
    motion: Motion,
    surface: Surface,
    outputs: Outputs,
    faults: Faults,
    number: int,
    before: float,
) -> tuple[Step, Stop | None]:
    """Return one ionic step, its electronic steps written, and whether to stop."""
    outputs.begin(number)
    lap = outputs.clock.lap()
    point = surface(motion.lattice, motion.fractional)
    converges = faults.converges(number)
    steps = scf(point.energy, run.settings, first=number == 1, converges=converges)
    done = outputs.electronic(islice(steps, 1))
    faults.within(number)
    stop = requested(run.folder)
    done += outputs.electronic(_until(steps, stop))
    if stop is Stop.HARD:
        point = replace(point, energy=done[-1].energy)  # where VASP left it
    thermo = motion.receive(point)
    last = stop is not None or motion.finished() or number >= run.settings.steps
    lap = outputs.clock.lap()
    step = _complete(number, motion, point, done, thermo, before, last=last)
    return replace(step, converged=converges, cpu_s=lap[0], wall_s=lap[1]), stop


def _until(steps: Iterator[ScfStep], stop: Stop | None) -> Iterator[ScfStep]:
    return islice(steps, ABORTED_AFTER - 1) if stop is Stop.HARD else steps


def _complete(
    number: int,
    motion: Motion,
    point: Point,
    done: list[ScfStep],
    thermo: Thermo | None,
    before: float,
    *,
    last: bool,
) -> Step:
    return Step(
        number,
        motion.lattice,
        motion.fractional,
        point,
        done,
        thermo,
        point.energy - before,
        last,
    )
