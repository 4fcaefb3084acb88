"""Commands that prepare VASP runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson, Quick, StudyName


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
    from ionface.workflows.cli.vasp_commands import write_by_hand

    write_by_hand(study, engine, out, quick, spec)


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
    from ionface.workflows.cli.vasp_commands import show_plan

    show_plan(study, engine, budget, project, quick, as_json)
