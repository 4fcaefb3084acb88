"""How long a study takes here: steps of each job times a measured step.

A potential's step is measured on this machine, at the structure that will cost most;
others cost in proportion to their atoms, as neighbors' sums do. What a step of a
first-principles program costs, its engine knows from runs that were measured.
Relaxations take as many steps as they take: a usual number stands in for it, so a plan
is good to a factor of two. Of an engine that cannot tell what a step costs, the steps
alone are told. VASP's jobs are planned in `plan`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

from jobflow import Job
from pymatgen.core import Structure

from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.ase.potential import default_dtype_restored
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.registry import job_engine
from ionface.workflows.planning.cost import EXPECTED_RELAXATION
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.study.study import Study

WORTH_TELLING = 2000  # steps; below it, a run ends before anybody wants to know


@dataclass(frozen=True)
class JobTime:
    """One job by any engine but VASP.

    Attributes:
        name: of the job.
        engine: its name.
        atoms: in the cell.
        steps: expected.
        seconds: of all steps, on this machine; None where its engine cannot tell.
        ranks: MPI processes.
        memory_gb: of all of them together; None of a potential.
    """

    name: str
    engine: str
    atoms: int
    steps: int
    seconds: float | None
    ranks: int = 1
    memory_gb: float | None = None


def expected_steps(job: Job) -> int:
    """Return how many steps an engine's job will take."""
    told = job.metadata
    if told["kind"] == "static":
        return 1
    if "steps" in told:
        return int(told["steps"])
    most = int(told["most_steps"])
    return most if told["kind"] == "dynamics" else min(most, EXPECTED_RELAXATION)


def durations(
    study: Study,
    walk: GraphWalk | None = None,
    measured: Callable[[Engine, Structure], float] | None = None,
) -> list[JobTime]:
    """Return the time of every job but VASP's, in the order of the flow.

    Args:
        study: with its engines.
        walk: of the study's graph, if there is one already.
        measured: gives the seconds of one step of an engine; by doing it if not given.

    Raises:
        StructureError: a model cannot be built.
        IonfaceError: an engine is not installed, or a job could not start.
    """
    walk, measured = walk or GraphWalk(study), measured or step_s
    found = _times_by_potentials(study, walk, measured)
    found |= times_told(study, walk)
    return [found[job.uuid] for job in walk.engine_jobs if job.uuid in found]


def times_told(study: Study, walk: GraphWalk) -> dict[str, JobTime]:
    """Return by its id the time of each job that computes elsewhere than in process.

    Its engine knows what a step costs, or the time is None.

    Raises:
        StructureError: a model cannot be built.
        IonfaceError: a job could not start: too little memory, or too few ranks.
    """
    found: dict[str, JobTime] = {}
    for job in walk.engine_jobs:
        engine = job_engine(study, job.metadata)
        if engine is None or engine.in_process or job.maker is None:
            continue
        start = walk.start(job)
        cost = engine.step_cost(job.maker, start)
        if cost is None and walk.planned(job) is not None:
            continue  # VASP's
        steps = expected_steps(job)
        found[job.uuid] = JobTime(
            name=str(job.name),
            engine=engine.name,
            atoms=len(start),
            steps=steps,
            seconds=None if cost is None else steps * cost.seconds,
            ranks=1 if cost is None else cost.ranks,
            memory_gb=None if cost is None else cost.memory_gb,
        )
    return found


def _times_by_potentials(
    study: Study, walk: GraphWalk, measured: Callable[[Engine, Structure], float]
) -> dict[str, JobTime]:
    """Return the time of each job of a potential, after measuring its dearest step."""
    jobs = list(_by_potentials(study, walk.engine_jobs))
    starts = {job.uuid: walk.start(job) for job, _ in jobs}
    dearest: dict[str, tuple[int, Engine, Structure]] = {}
    for job, engine in jobs:
        start = starts[job.uuid]
        work = expected_steps(job) * len(start)
        if work > dearest.get(engine.name, (0,))[0]:
            dearest[engine.name] = (work, engine, start)
    per_atom = {
        name: measured(engine, start) / len(start)
        for name, (_, engine, start) in dearest.items()
    }
    return {
        job.uuid: JobTime(
            name=str(job.name),
            engine=engine.name,
            atoms=len(starts[job.uuid]),
            steps=expected_steps(job),
            seconds=expected_steps(job) * len(starts[job.uuid]) * per_atom[engine.name],
        )
        for job, engine in jobs
    }


def is_worth_telling(study: Study, walk: GraphWalk) -> bool:
    """Tell whether a study will compute long enough for a plan; builds no model."""
    jobs = list(_by_potentials(study, walk.engine_jobs))
    others = len(walk.engine_jobs) - len(jobs)  # whose steps take minutes
    return others > 0 or sum(expected_steps(job) for job, _ in jobs) > WORTH_TELLING


def _by_potentials(study: Study, jobs: Iterable[Job]) -> Iterable[tuple[Job, Engine]]:
    for job in jobs:
        engine = job_engine(study, job.metadata)
        if engine is not None and engine.in_process:
            yield job, engine


def step_s(engine: Engine, structure: Structure) -> float:
    """Return the seconds of one step, by doing two: the first one warms up."""
    # models greet; stdout may be somebody's JSON
    with default_dtype_restored(), redirect_stdout(sys.stderr):
        atoms = atoms_of(structure)
        atoms.calc = engine.calculator()
        atoms.get_forces()
        atoms.rattle(0.001, seed=0)
        begun = time.perf_counter()
        atoms.get_forces()
        return time.perf_counter() - begun


def in_words(seconds: float | None) -> str:
    """Return a time as people say it, as in "21 h"."""
    if seconds is None:
        return "unknown"
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def summary(times: Iterable[JobTime]) -> str:
    """Return in one sentence what all jobs take, engine by engine."""
    by_engine: dict[str, list[JobTime]] = {}
    for each in times:
        by_engine.setdefault(each.engine, []).append(each)
    known: dict[str, float] = {}
    unknown = []
    for name, own in by_engine.items():
        seconds = [each.seconds for each in own if each.seconds is not None]
        if len(seconds) == len(own):
            known[f"{name}: {_steps(own)}{_on_ranks(own)}"] = sum(seconds)
        else:
            unknown.append(f"{name}: {_steps(own)}, whose cost it does not tell")
    if not known:
        return "; ".join(unknown)
    return "; ".join(
        [
            f"about {in_words(sum(known.values()))} on this machine "
            f"({'; '.join(known)}), within a factor of two",
            *unknown,
        ]
    )


def _steps(jobs: Sequence[JobTime]) -> str:
    """Return how many steps an engine's jobs take and what the largest cell is."""
    largest = max(jobs, key=lambda each: each.atoms)
    told = f"{sum(each.steps for each in jobs):,} steps"
    if largest.seconds is None:
        return f"{told} of at most {largest.atoms} atoms"
    of_step = _of_step(largest.seconds / largest.steps)
    return f"{told}, {of_step} for {largest.atoms} atoms"


def _of_step(seconds: float) -> str:
    """Return the time of one step in words; below 10 s with two digits."""
    return in_words(seconds) if seconds >= 10 else f"{seconds:.2g} s"


def _on_ranks(jobs: Sequence[JobTime]) -> str:
    """Return what a program's jobs take besides time, in words."""
    memory = [each.memory_gb for each in jobs if each.memory_gb is not None]
    if not memory:
        return ""
    ranks = jobs[0].ranks
    return f" on {ranks} {'core' if ranks == 1 else 'cores'} with {max(memory):.1f} GB"
