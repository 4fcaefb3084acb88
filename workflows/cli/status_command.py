"""The command that shows what is done, running, failed, lost."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import DEFAULT_PROJECT, AsJson, ProjectPath


@app.command()
def status(
    project: ProjectPath = DEFAULT_PROJECT,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="All that was submitted.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Every job of a cluster, not only the open.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until nothing runs (cluster).")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.5, help="Between two looks with --watch, s.")
    ] = 10.0,
    manager: Annotated[
        Literal["fireworks", "jobflow-remote"] | None,
        typer.Option("--manager", help="As the project was submitted."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is done, running, failed, waiting, lost: of a project or a cluster."""
    from ionface.workflows.cluster.choosing import manager_of, submission_of

    if (manager or manager_of(project)) == "jobflow-remote":
        from ionface.workflows.cluster import remote

        found = submission_of(project, True, cluster)
        remote.show(found or "", everything=everything, as_json=as_json)
        return
    mark = submission_of(project, project == DEFAULT_PROJECT, cluster)
    if mark is None:
        from ionface.workflows.cli.run_commands import show_status

        show_status(project, as_json)
        return
    from ionface.workflows.cluster.commands import opened
    from ionface.workflows.cluster.overview import show

    show(
        opened(),
        mark or None,
        everything=everything,
        watch=watch,
        every_s=every,
        as_json=as_json,
    )
