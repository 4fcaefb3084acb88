"""The commands `inputs` and `plan`: VASP runs before anything has run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.app import app
from ionface.workflows.cli.console import job_progress, messages, table, tell_notes
from ionface.workflows.cli.options import AsJson, Quick, StudyName

if TYPE_CHECKING:
    from ionface.workflows.study.study import Study

ENGINES = ("vasp", "vasp-double")


@app.command()
def inputs(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Where they are written.")],
    engine: Annotated[str, typer.Option("--engine", help="vasp")] = "vasp",
    spec: Annotated[
        bool, typer.Option("--spec", help="POTCAR.spec instead of POTCAR.")
    ] = False,
    quick: Quick = False,
) -> None:
    """Write VASP directories and batch scripts, to be submitted by hand."""
    from ionface.workflows.planning.input_folders import write_inputs

    loaded = _on_vasp(study, engine, quick)
    with job_progress(f"building {loaded.name}"):
        written = write_inputs(loaded, out, spec=spec or None)
    table(
        ["directory", "atoms", "after"],
        [
            [
                str(entry.folder.relative_to(out)),
                str(len(entry.job.run.structure)),
                entry.job.after or "",
            ]
            for entry in written.jobs
        ],
    )
    for name, reason in written.left_out.items():
        messages.print(f"left out {name}: {reason}")
    first = written.jobs[0].folder
    kind = "POTCAR" if (first / "POTCAR").is_file() else "POTCAR.spec"
    messages.print(
        f"wrote {len(written.jobs)} directories with {kind}; see {out}/README.md"
    )


@app.command()
def plan(
    study: StudyName,
    engine: Annotated[str, typer.Option("--engine", help="vasp")] = "vasp",
    budget: Annotated[
        float | None, typer.Option("--budget", min=0.0, help="Core-hours.")
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", help="Whose finished runs correct the estimate."),
    ] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Estimate every VASP job: bands, core-hours, memory, disk."""
    from ionface.workflows.planning import plan as planning

    loaded = _on_vasp(study, engine, quick)
    with job_progress(f"building {loaded.name}"):
        planned = planning.plan(loaded, project)
    if as_json:
        typer.echo(json.dumps(planned.as_dict(), indent=2))
    else:
        table(*planning.table_rows(planned))
        source = (
            f"the model times {planned.correction:.2f}, from {planned.measured} runs"
            if planned.measured
            else "the model alone, good to a factor of three"
        )
        typer.echo(
            f"{planned.core_hours:,.0f} core-hours on {planned.cores} cores a job, "
            f"{planned.disk_gb:.1f} GB on disk ({source})"
        )
    tell_notes(planned.notes)
    planning.check_walltime(planned, loaded.vasp)
    planning.check_memory(planned, loaded.vasp.memory)
    planning.check_budget(planned, budget)


def _on_vasp(name: str, engine: str, quick: bool) -> Study:
    """Return a study whose jobs are all VASP's.

    Raises:
        IonfaceError: the engine is not VASP.
    """
    from ionface.workflows.study import study_files
    from ionface.workflows.study.study import quickened

    if engine not in ENGINES:
        raise IonfaceError(
            f"--engine {engine}: inputs and plans are made for VASP; give one of "
            f"{', '.join(ENGINES)}, or use ionface run"
        )
    study = study_files.load(name).with_engine(engine)
    return quickened(study) if quick else study
