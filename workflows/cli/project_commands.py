"""Commands that build and run studies in a project directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import (
    DEFAULT_PROJECT,
    AsJson,
    EngineName,
    ProjectPath,
    Quick,
    StudyName,
)


@app.command()
def studies(
    name: Annotated[
        str | None, typer.Argument(help="Print this one as YAML, to copy and change.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the built-in studies and what they compute, or print one."""
    from ionface.workflows.cli.run_commands import print_study, studies_table

    if name is None:
        studies_table(as_json)
    else:
        print_study(name)


@app.command()
def build(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Where the models are written.")],
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Build a study's interface models: POSCAR, CIF, JSON, a picture, a table."""
    from ionface.workflows.cli.run_commands import build_models

    build_models(study, out, quick, as_json)


@app.command()
def run(
    study: StudyName,
    project: ProjectPath = DEFAULT_PROJECT,
    engine: EngineName = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Run a study here; run it again to resume."""
    from ionface.workflows.cli.run_commands import run_study

    raise typer.Exit(run_study(study, project, engine, quick, as_json))


@app.command()
def report(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Write the project's tables, figures and one self-contained report.html."""
    from ionface.workflows.cli.run_commands import make_report

    make_report(project)
