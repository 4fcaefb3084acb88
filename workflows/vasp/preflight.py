"""Everything that can be refused before a job is submitted, checked at once."""

from __future__ import annotations

from pathlib import Path

from workflows.errors import IonfaceError
from workflows.study import Study
from workflows.vasp import custody
from workflows.vasp.engine import VaspEngine
from workflows.vasp.planning import Plan, check_memory, check_walltime, plan
from workflows.vasp.potcars import library


def check(
    study: Study, engine: VaspEngine, *, here: bool, project: Path | None = None
) -> Plan:
    """Return the plan of a study whose every job can start.

    Args:
        study: what will run.
        engine: vasp or vasp-double, as configured by the study.
        here: the jobs will run on this machine, so its programs must be found now;
            a login node only has to know the command.
        project: whose finished runs correct the estimates.

    Raises:
        IonfaceError: no VASP command, no POTCAR directory, a missing POTCAR, a
            potential that is not installed, a wall time too short for one step,
            settings that contradict each other.
        StructureError: a model cannot be built.
    """
    settings = engine.waves.settings
    custody.command(settings)
    if here:
        custody.check_executable(settings)
    if not engine.emulated:
        library()
    if engine.prerelax != "off":
        _check_potential(engine.prerelax)
    found = plan(study, engine, project)
    seen: set[tuple[str, ...]] = set()
    for line in found.lines:
        symbols = tuple(line.job.run.symbols)
        if symbols not in seen:
            line.job.run.potcars()
            seen.add(symbols)
    if not engine.emulated:
        check_walltime(found, settings.walltime_s)
        check_memory(found, settings.memory)
    return found


def _check_potential(name: str) -> None:
    from workflows.engines import engine

    try:
        engine(name).level_of_theory()
    except IonfaceError as error:
        raise IonfaceError(
            f"relaxations start from a pre-relaxation by {name}: {error}; or switch it "
            "off in the study: vasp: {prerelax: 'off'}"
        ) from error
