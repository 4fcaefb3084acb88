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
from ionface.workflows.engines.registry import NamedRelaxMaker, engine
from ionface.workflows.engines.vasp import custodian_run
from ionface.workflows.engines.vasp.aimd import VaspDynamicsMaker
from ionface.workflows.engines.vasp.vasp_relax import VaspRelaxMaker
from ionface.workflows.planning.duration import program_times
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
        announce: called before the checks where there is VASP, since they take time.

    Raises:
        IonfaceError: no VASP command, no POTCAR directory, a missing POTCAR, a
            potential that is not installed, a wall time too short for one step,
            settings that contradict each other, too little memory.
        StructureError: a model cannot be built.
    """
    walk = GraphWalk(study)
    makers = _vasp_makers(walk)
    if not makers:
        program_times(study, walk)
        return Plan((), 1.0, 0, study.vasp.cores)
    announce()
    _check_sandwiches(study)
    # what takes no time comes first: building models takes a minute
    for maker in makers:
        custodian_run.command(maker.waves.settings)
        if here:
            custodian_run.check_executable(maker.waves.settings)
        if isinstance(maker, VaspRelaxMaker):
            _check_potential(maker.prerelax)
    planned = plan(study, project, walk)
    read: set[tuple[str, ...]] = set()
    for run in (line.job.run for line in planned.lines):
        symbols = tuple(run.symbols.values())
        if symbols not in read:
            run.potcars()
            read.add(symbols)
    check_walltime(planned, study.vasp)
    check_memory(planned, study.vasp.memory)
    program_times(study, walk)
    return planned


def _vasp_makers(walk: GraphWalk) -> list[VaspRelaxMaker | VaspDynamicsMaker]:
    """Return the Makers of VASP's jobs, each kind once."""
    makers: list[VaspRelaxMaker | VaspDynamicsMaker] = []
    for job in walk.engine_jobs:
        maker = job.maker
        if isinstance(maker, VaspRelaxMaker | VaspDynamicsMaker):
            makers += [] if maker in makers else [maker]
    return makers


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


def _check_potential(maker: Maker | None) -> None:
    if not isinstance(maker, NamedRelaxMaker):
        return  # none, or one that was made here and is installed
    try:
        engine(maker.engine).level_of_theory()
    except IonfaceError as error:
        raise IonfaceError(
            f"relaxations start from a pre-relaxation by {maker.engine}: {error}; or "
            "switch it off in the study: vasp: {prerelax: 'off'}"
        ) from error
