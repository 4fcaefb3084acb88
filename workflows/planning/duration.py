"""How long a study takes here by potentials: steps of each job times a measured step.

A potential's step is measured on this machine, at the structure that will cost most;
others cost in proportion to their atoms, as neighbors' sums do. Relaxations take as
many steps as they take: a usual number stands in for it, so a plan is good to a factor
of two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
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
    """One job by a potential.

    Attributes:
        name: of the job.
        engine: its name.
        atoms: in the cell.
        steps: expected.
        seconds: of all steps, on this machine.
    """

    name: str
    engine: str
    atoms: int
    steps: int
    seconds: float


def expected_steps(job: Job) -> int:
    """Return how many steps an engine's job will take."""
    kind, settings = job.metadata["kind"], getattr(job.maker, "settings", None)
    if kind == "static" or settings is None:
        return 1
    most = int(settings.steps)
    return most if kind == "dynamics" else min(most, EXPECTED_RELAXATION)


def durations(
    study: Study,
    walk: GraphWalk | None = None,
    measured: Callable[[Engine, Structure], float] | None = None,
) -> list[JobTime]:
    """Return the time of every job that a potential does, in the order of the flow.

    Args:
        study: with its engines.
        walk: of the study's graph, if there is one already.
        measured: gives the seconds of one step of an engine; by doing it if not given.

    Raises:
        StructureError: a model cannot be built.
        IonfaceError: an engine is not installed.
    """
    walk, measured = walk or GraphWalk(study), measured or step_s
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
    return [
        JobTime(
            name=str(job.name),
            engine=engine.name,
            atoms=len(starts[job.uuid]),
            steps=expected_steps(job),
            seconds=expected_steps(job) * len(starts[job.uuid]) * per_atom[engine.name],
        )
        for job, engine in jobs
    ]


def is_worth_telling(study: Study, walk: GraphWalk) -> bool:
    """Tell whether potentials will compute long enough for a plan; builds no model."""
    jobs = _by_potentials(study, walk.engine_jobs)
    return sum(expected_steps(job) for job, _ in jobs) > WORTH_TELLING


def _by_potentials(study: Study, jobs: Iterable[Job]) -> Iterable[tuple[Job, Engine]]:
    for job in jobs:
        engine = job_engine(study, job.metadata)
        if engine is not None and engine.in_process:
            yield job, engine


def step_s(engine: Engine, structure: Structure) -> float:
    """Return the seconds of one step, by doing two: the first one warms up."""
    with default_dtype_restored():
        atoms = atoms_of(structure)
        atoms.calc = engine.calculator()
        atoms.get_forces()
        atoms.rattle(0.001, seed=0)
        begun = time.perf_counter()
        atoms.get_forces()
        return time.perf_counter() - begun


def in_words(seconds: float) -> str:
    """Return a time as people say it, as in "21 h"."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def summary(times: Iterable[JobTime]) -> str:
    """Return one sentence about all jobs."""
    by_engine: dict[str, list[JobTime]] = {}
    for each in times:
        by_engine.setdefault(each.engine, []).append(each)
    parts = []
    for name, own in by_engine.items():
        largest = max(own, key=lambda each: each.atoms)
        parts.append(
            f"{name}: {sum(each.steps for each in own):,} steps, "
            f"{largest.seconds / largest.steps:.2g} s for {largest.atoms} atoms"
        )
    total = sum(each.seconds for own in by_engine.values() for each in own)
    return (
        f"about {in_words(total)} on this machine ({'; '.join(parts)}), within a "
        "factor of two"
    )
