"""Everything that can be refused before a job is submitted, checked at once.

`check_study` for those who have a study, `check` where the engine is known, `needs` for
what each job asks of a queue.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ionface.errors import IonfaceError
from ionface.workflows.engines.vasp import custodian_run
from ionface.workflows.engines.vasp.potcars import library
from ionface.workflows.engines.vasp.vasp_engine import VaspEngine
from ionface.workflows.planning.plan import Plan, check_memory, check_walltime, plan
from ionface.workflows.planning.preparing import Role
from ionface.workflows.study.study import Study
from ionface.workflows.study.vasp_settings import VaspSettings

ROLES: tuple[Role, ...] = ("formation", "dynamics")


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


def check_study(study: Study, *, here: bool, project: Path | None = None) -> list[Plan]:
    """Check a study's jobs with each VASP engine that it names; none for potentials.

    Args:
        study: with its engines.
        here: as for `check`.
        project: whose finished runs correct the estimates.

    Raises:
        IonfaceError: as `check`.
        StructureError: a model cannot be built.
    """
    plans = []
    for engine, roles in vasp_engines(study):
        plans.append(check(study, engine, here=here, project=project, roles=roles))
    return plans


def vasp_engines(study: Study) -> list[tuple[VaspEngine, tuple[Role, ...]]]:
    """Return the VASP engines of a study, each with what it computes."""
    from ionface.workflows.engines.registry import study_engine

    found: dict[str, tuple[VaspEngine, tuple[Role, ...]]] = {}
    for role in ROLES:
        engine = study_engine(study, role)
        if isinstance(engine, VaspEngine):
            _, before = found.get(engine.name, (engine, ()))
            found[engine.name] = (engine, (*before, role))
    return list(found.values())


def check(
    study: Study,
    engine: VaspEngine,
    *,
    here: bool,
    project: Path | None = None,
    roles: Collection[Role] = ROLES,
) -> Plan:
    """Return the plan of a study whose every job can start.

    Args:
        study: what will run.
        engine: vasp or vasp-double, as configured by the study.
        here: the jobs will run on this machine, so its programs must be found now;
            a login node only has to know the command.
        project: whose finished runs correct the estimates.
        roles: whether the engine computes energies, dynamics, or both.

    Raises:
        IonfaceError: no VASP command, no POTCAR directory, a missing POTCAR, a
            potential that is not installed, a wall time too short for one step,
            settings that contradict each other.
        StructureError: a model cannot be built.
    """
    settings = engine.waves.settings
    _check_sandwiches(study, settings)
    custodian_run.command(settings)
    if here:
        custodian_run.check_executable(settings)
    if not engine.emulated:
        library()
    if engine.prerelax != "off":
        _check_potential(engine.prerelax)
    found = plan(study, engine, project, roles)
    seen: set[tuple[str, ...]] = set()
    for line in found.lines:
        symbols = tuple(line.job.run.symbols)
        if symbols not in seen:
            line.job.run.potcars()
            seen.add(symbols)
    if not engine.emulated:
        check_walltime(found, settings)
        check_memory(found, settings.memory)
    return found


def needs(found: Plan, engine: VaspEngine) -> dict[str, JobNeeds]:
    """Return what each job of a plan asks of a queue, by its name in the study's flow.

    Args:
        found: from `check` or `plan`.
        engine: the one that was planned for; the stand-in takes one rank.
    """
    ranks = 1 if engine.emulated else found.cores
    return {
        line.job.flow_name: JobNeeds(
            kind=line.job.kind,
            tasks=ranks,
            core_hours=line.cost.core_hours,
            hours=line.cost.core_hours / found.cores,
            memory_gb=line.cost.memory_gb,
            disk_gb=line.cost.disk_gb,
        )
        for line in found.lines
    }


def _check_sandwiches(study: Study, settings: VaspSettings) -> None:
    sandwiches = [spec.name for spec in study.interfaces if spec.vacuum == 0]
    if settings.dipole == "on" and sandwiches:
        raise IonfaceError(
            f"vasp.dipole: on contradicts vacuum: 0 of {sandwiches[0]}; a sandwich has "
            "two interfaces and no vacuum in which the potential could step: set "
            "dipole to auto, or give the interface a vacuum"
        )


def _check_potential(name: str) -> None:
    from ionface.workflows.engines.registry import engine

    try:
        engine(name).level_of_theory()
    except IonfaceError as error:
        raise IonfaceError(
            f"relaxations start from a pre-relaxation by {name}: {error}; or switch it "
            "off in the study: vasp: {prerelax: 'off'}"
        ) from error
