"""Everything that can be refused before a job is submitted, checked at once.

`check_study` returns the plan of a study whose every VASP job can start, `needs` what
each of them asks of a queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobflow import Maker

from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.registry import job_engine
from ionface.workflows.planning.duration import times_told
from ionface.workflows.planning.plan import Plan, check_memory, check_walltime, plan
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.study.study import Study


@dataclass(frozen=True)
class JobNeeds:
    """What one job asks of a queue.

    Attributes:
        kind: relax, static or dynamics.
        tasks: MPI ranks.
        core_hours: of the whole job, which may take several batch jobs.
        hours: of the whole job on that many ranks.
        memory_gb: of all ranks together.
        disk_gb: of all its files.
    """

    kind: str
    tasks: int
    core_hours: float
    hours: float
    memory_gb: float
    disk_gb: float


def check_study(
    study: Study,
    *,
    here: bool,
    project: Path | None = None,
    announce: Callable[[], None] = lambda: None,
) -> Plan:
    """Return the plan of a study whose every job of a program can start.

    Args:
        study: with its engines; the plan has no lines where none is VASP.
        here: the jobs will run on this machine, so its programs must be found now;
            a login node only has to know the command.
        project: whose finished runs correct the estimates.
        announce: called before the checks where not all engines are potentials, since
            they take time.

    Raises:
        IonfaceError: no VASP command, no POTCAR directory, a missing POTCAR, a
            potential that is not installed, a wall time too short for one step,
            settings that contradict each other, too little memory.
        StructureError: a model cannot be built.
    """
    walk = GraphWalk(study)
    makers = _makers(study, walk)
    builds = not all(engine.in_process for engine, _ in makers)
    if builds:
        announce()
        _check_sandwiches(study)
    # what takes no time comes first: building models takes a minute
    for engine, maker in makers:
        engine.check_start(maker, here=here)
    if not builds:
        return Plan((), 1.0, 0, study.vasp.cores)
    planned = plan(study, project, walk)
    read: set[tuple[str, ...]] = set()
    for run in (line.job.run for line in planned.lines):
        symbols = tuple(run.symbols.values())
        if symbols not in read:
            run.potcars()
            read.add(symbols)
    check_walltime(planned, study.vasp)
    check_memory(planned, study.vasp.memory)
    times_told(study, walk)
    return planned


def _makers(study: Study, walk: GraphWalk) -> list[tuple[Engine, Maker]]:
    """Return the Makers of the engines' jobs with their engine, each kind once."""
    found: list[tuple[Engine, Maker]] = []
    for job in walk.engine_jobs:
        engine = job_engine(study, job.metadata)
        if engine is None or job.maker is None:
            continue
        if job.maker not in [maker for _, maker in found]:
            found.append((engine, job.maker))
    return found


def needs(planned: Plan) -> dict[str, JobNeeds]:
    """Return what each job of a plan asks of a queue, by its name in the flow.

    Args:
        planned: from `check_study` or `plan`. The stand-in for VASP takes one rank.
    """
    return {
        line.job.name: JobNeeds(
            kind=line.job.kind,
            tasks=1 if line.emulated else planned.cores,
            core_hours=line.cost.core_hours,
            hours=line.cost.core_hours / planned.cores,
            memory_gb=line.cost.memory_gb,
            disk_gb=line.cost.disk_gb,
        )
        for line in planned.lines
    }


def _check_sandwiches(study: Study) -> None:
    sandwiches = [spec.name for spec in study.interfaces if spec.vacuum == 0]
    if study.vasp.dipole == "on" and sandwiches:
        raise IonfaceError(
            f"vasp.dipole: on contradicts vacuum: 0 of {sandwiches[0]}; a sandwich has "
            "two interfaces and no vacuum in which the potential could step: set "
            "dipole to auto, or give the interface a vacuum"
        )
