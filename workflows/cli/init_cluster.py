"""The command that writes a cluster's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ionface.workflows.cli.app import app


@app.command("init-cluster")
def init_cluster(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="$IONFACE_CLUSTER, else ~/.ionface."),
    ] = None,
    queue: Annotated[
        Literal["slurm", "pbs", "sge", "none"], typer.Option("--queue")
    ] = "slurm",
    host: Annotated[str, typer.Option("--host", help="Of MongoDB.")] = "localhost",
    port: Annotated[int, typer.Option("--port")] = 27017,
    database: Annotated[str, typer.Option("--database")] = "ionface",
    username: Annotated[str, typer.Option("--username")] = "",
    partition: Annotated[str, typer.Option("--partition")] = "",
    account: Annotated[str, typer.Option("--account")] = "",
    vasp: Annotated[str, typer.Option("--vasp-cmd")] = "srun vasp_std",
    force: Annotated[
        bool, typer.Option("--force", help="Replace files without asking.")
    ] = False,
) -> None:
    """Write queue template, database, store, custodian and atomate2 settings.

    The database's password is asked for, or read from $IONFACE_DB_PASSWORD; it is
    never given on a command line.
    """
    from ionface.workflows.cluster.init import Answers, initialize

    answers = Answers(
        queue=queue,
        host=host,
        port=port,
        database=database,
        username=username,
        partition=partition,
        account=account,
        vasp_cmd=vasp,
    )
    initialize(folder, answers, force=force)
