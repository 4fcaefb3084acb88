"""The commands `inputs` and `plan`: a study before anything of it has run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.app import CLUSTER, app
from ionface.workflows.cli.console import job_progress, say, table, tell_notes
from ionface.workflows.cli.options import AsJson, EngineName, Quick, StudyName
from ionface.workflows.cli.study_commands import (
    check_interfaces,
    loaded,
    told_with_lines,
)

if TYPE_CHECKING:
    from ionface.workflows.planning.duration import JobTime
    from ionface.workflows.planning.plan import Plan
    from ionface.workflows.study.study import Study

ENGINES = ("vasp", "vasp-double")


@app.command(rich_help_panel=CLUSTER)
def inputs(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Where they are written.")],
    engine: Annotated[str, typer.Option("--engine", help="vasp")] = "vasp",
    spec: Annotated[
        bool, typer.Option("--spec", help="POTCAR.spec instead of POTCAR.")
    ] = False,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Write VASP directories and scripts, to submit by hand."""
    from ionface.workflows.flows.models import gap_notes
    from ionface.workflows.planning.input_folders import write_inputs

    resolved = _on_vasp(study, engine, quick)
    with job_progress(f"building {resolved.name}"), told_with_lines(study, resolved):
        written = write_inputs(resolved, out, spec=spec or None)
    rows = [
        {
            "directory": str(entry.folder.relative_to(out)),
            "atoms": len(entry.job.run.structure),
            "after": entry.after,
        }
        for entry in written.jobs
    ]
    if as_json:
        told = {"left_out": written.left_out, "waiting": written.waiting}
        body = {"jobs": rows, **told}
        typer.echo(json.dumps(body, indent=2))
    else:
        table(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
    for name, what in written.waiting.items():
        say(f"in turns, {name}: {what}")
    for name, reason in written.left_out.items():
        say(f"left out {name}: {reason}")
    tell_notes(gap_notes(resolved))
    if resolved.vasp.ncore is None:
        tell_notes(["NCORE and KPAR are not written; `ionface plan` suggests them"])
    first = written.jobs[0].folder
    kind = "POTCAR" if (first / "POTCAR").is_file() else "POTCAR.spec"
    begun = sum(entry.begun for entry in written.jobs)
    kept = f" ({begun} in which something has run are left as they are)" * bool(begun)
    number = len(written.jobs) - begun
    say(f"wrote {number} directories with {kind}{kept}; see {out}/README.md")


@app.command()
def plan(
    study: StudyName,
    engine: EngineName = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0.0, help="Core-hours of VASP.")
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", help="Whose finished runs correct the estimate."),
    ] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Estimate what a study takes: time, core-hours, memory."""
    from ionface.workflows.flows.models import gap_notes
    from ionface.workflows.planning import duration
    from ionface.workflows.planning import plan as planning
    from ionface.workflows.planning.walk import GraphWalk
    from ionface.workflows.teachers import teaching_notes

    resolved = loaded(study, engine, quick=quick)
    check_interfaces(resolved)
    with job_progress(f"building {resolved.name}"), told_with_lines(study, resolved):
        walk = GraphWalk(resolved)
        planned = planning.plan(resolved, project, walk)
        times = duration.durations(resolved, walk)
    if as_json:
        body = {"potentials": [asdict(each) for each in times]}
        typer.echo(json.dumps(planned.as_dict() | body, indent=2))
    else:
        _tell_potentials(times)
        _tell_vasp(planned)
    tell_notes([*planned.notes, *gap_notes(resolved), *teaching_notes(resolved)])
    planning.check_walltime(planned, resolved.vasp)
    planning.check_memory(planned, resolved.vasp.memory)
    planning.check_budget(planned, budget)


def _tell_potentials(times: list[JobTime]) -> None:
    from ionface.workflows.planning.duration import in_words, summary

    if not times:
        return
    rows = [
        [t.name, t.engine, str(t.atoms), str(t.steps), in_words(t.seconds)]
        for t in times
    ]
    table(["job", "engine", "atoms", "steps", "time"], rows)
    typer.echo(summary(times))


def _tell_vasp(planned: Plan) -> None:
    from ionface.workflows.planning.plan import table_rows

    if not planned.lines:
        return
    table(*table_rows(planned))
    source = (
        f"the model times {planned.correction:.2f}, from {planned.measured} runs"
        if planned.measured
        else "the model alone, good to a factor of three"
    )
    typer.echo(
        f"{planned.core_hours:,.0f} core-hours on {planned.cores} cores a job, "
        f"{planned.disk_gb:.1f} GB on disk ({source})"
    )


def _on_vasp(name: str, engine: str, quick: bool) -> Study:
    """Return a study whose jobs are all VASP's.

    Raises:
        IonfaceError: the engine is not VASP.
    """
    if engine not in ENGINES:
        raise IonfaceError(
            f"--engine {engine}: inputs are written for VASP; give one of "
            f"{', '.join(ENGINES)}, or use ionface run"
        )
    return loaded(name, engine, quick=quick)
