"""The command that puts studies on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson, Quick

Studies = Annotated[
    list[str],
    typer.Argument(metavar="STUDY...", help="Built-in studies or YAML files."),
]


@app.command()
def submit(
    studies: Studies,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", help="Of one study; of several, a folder for each. ./NAME"
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="vasp, vasp-double, sevennet, ...")
    ] = None,
    manager: Annotated[
        Literal["fireworks", "jobflow-remote"], typer.Option("--manager")
    ] = "fireworks",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go; write nothing.")
    ] = False,
    launch: Annotated[
        bool, typer.Option("--launch/--no-launch", help="Put ready jobs in the queue.")
    ] = True,
    plan: Annotated[
        bool,
        typer.Option("--plan/--no-plan", help="Take resources from the VASP plan."),
    ] = True,
    resources: Annotated[
        Path | None,
        typer.Option("--resources", help="In place of the configured resources.yaml."),
    ] = None,
    again: Annotated[
        int, typer.Option(min=0, help="Repeat on purpose, the so many-th time.")
    ] = 0,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Submit studies to a cluster; what was submitted before is refused."""
    if manager == "jobflow-remote":
        from ionface.workflows.cluster.remote import submit_remote

        raise typer.Exit(
            submit_remote(
                studies,
                project,
                engine,
                quick=quick,
                dry_run=dry_run,
                again=again,
                as_json=as_json,
            )
        )
    from ionface.workflows.cluster.submitting import submit_studies

    raise typer.Exit(
        submit_studies(
            studies,
            project,
            engine,
            quick=quick,
            dry_run=dry_run,
            launch=launch,
            planned=plan,
            resources=resources,
            again=again,
            as_json=as_json,
        )
    )
