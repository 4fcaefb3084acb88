"""The command that finds what is lost and lets it go on."""

from __future__ import annotations

from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson


@app.command()
def recover(
    failed: Annotated[
        bool,
        typer.Option("--failed", help="Run again what failed by itself, too."),
    ] = False,
    launch: Annotated[
        bool, typer.Option("--launch/--no-launch", help="Put ready jobs in the queue.")
    ] = True,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until everything is done.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.1, help="Between two looks with --watch, s.")
    ] = 15.0,
    most: Annotated[
        int | None, typer.Option(min=1, help="Batch jobs in the queue at a time.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare database, queue and disks; let lost jobs go on from their folders."""
    from ionface.workflows.cluster.commands import recover_jobs

    raise typer.Exit(
        recover_jobs(
            failed=failed,
            launch=launch,
            watch=watch,
            every_s=every,
            most=most,
            as_json=as_json,
        )
    )
