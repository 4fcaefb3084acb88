"""The commands that run on compute nodes, and send what they left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson


@app.command()
def worker(
    fw_id: Annotated[
        int | None, typer.Option("--fw_id", help="This job only; any by default.")
    ] = None,
    singleshot: Annotated[
        bool, typer.Option("--singleshot", help="One job, then end.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many jobs.")
    ] = None,
    walltime: Annotated[
        float | None, typer.Option(min=0.0, help="Of this process, h.")
    ] = None,
    idle: Annotated[
        float, typer.Option(min=0.0, help="Wait so long for jobs to be ready, s.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Run jobs of the database here: what a batch script execs."""
    from ionface.workflows.cluster.commands import run_worker

    most = 1 if singleshot else limit
    raise typer.Exit(run_worker(fw_id, most, walltime, idle, as_json))


@app.command()
def upload(
    places: Annotated[
        list[Path] | None, typer.Argument(help="Job folders to look into, too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send results that wait in the spool for the database."""
    from ionface.workflows.cluster.commands import upload_left

    raise typer.Exit(upload_left(places or [], as_json))
