"""The command that shows what is done, running, failed, lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.text import Text

from ionface.workflows.cli.app import app
from ionface.workflows.cli.console import console, table
from ionface.workflows.cli.options import DEFAULT_PROJECT, AsJson, ProjectPath

if TYPE_CHECKING:
    from ionface.workflows.cluster.overview import JobLine
    from ionface.workflows.projects.project import Project

COLORS = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "lost": "red",
    "waiting": "dim",
}
SHOWN = 40
OPEN = ("lost", "failed", "running", "unknown", "queued")  # need a look, in this order


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
    as_json: AsJson = False,
) -> None:
    """Show what is done, running, failed, interrupted or lost.

    Of a project, or of a cluster. The exit status is 1 if a job failed or is lost.
    """
    look = _lines_of(project, cluster)
    if look is None:
        from ionface.workflows.projects.project import Project

        raise typer.Exit(_show_project(Project.open(project), as_json))
    while True:
        lines = look()
        if as_json:
            typer.echo(json.dumps(_as_dict(lines)))
        else:
            if watch:
                console.clear()
            _show_lines(lines, everything)
        going = any(x.state in ("running", "queued", "ready", "lost") for x in lines)
        if not watch or not going:
            raise typer.Exit(any(x.state in ("failed", "lost") for x in lines))
        time.sleep(every)


def _lines_of(root: Path, cluster: bool) -> Callable[[], list[JobLine]] | None:
    """Return what looks at the jobs that are meant; None for a project run here."""
    from ionface.workflows.projects.project import Project

    submission = {} if cluster else Project(root.resolve()).submission
    if submission.get("manager") == "jobflow-remote":
        from ionface.workflows.cluster.remote import remote_lines

        return lambda: remote_lines(root)
    there = (root / "project.json").is_file()
    if not cluster and not submission and (there or root != DEFAULT_PROJECT):
        return None
    from ionface.workflows.cluster.settings import is_configured

    if not cluster and not submission and not is_configured():
        return None
    from ionface.workflows.cluster.connection import connected
    from ionface.workflows.cluster.overview import job_lines

    opened = connected()
    return lambda: job_lines(opened, submission.get("submission"))


def _show_project(project: Project, as_json: bool) -> int:
    """Print the state of every job of a project that is run here; return the status."""
    from ionface.workflows.projects import runner

    states = runner.states(project)
    if as_json:
        rows = [
            {"job": s.name, "state": s.state, "note": s.note, "folder": str(s.folder)}
            for s in states
        ]
        typer.echo(json.dumps(rows, indent=2))
        return any(s.state == "failed" for s in states)
    table(
        ["job", "state", "note"],
        [[s.name, _colored(s.state), s.note] for s in states],
    )
    order = get_args(runner.State)
    counts = {state: sum(s.state == state for s in states) for state in order}
    typer.echo(", ".join(f"{number} {state}" for state, number in counts.items()))
    return counts["failed"] > 0


def _as_dict(lines: Sequence[JobLine]) -> dict[str, object]:
    from ionface.workflows.cluster.overview import counts

    return {"counts": counts(lines), "jobs": [line.__dict__ for line in lines]}


def _show_lines(lines: Sequence[JobLine], everything: bool) -> None:
    """Print counts by study, and the jobs that need a look."""
    from ionface.workflows.cluster.overview import ORDER, counts

    by_study: dict[str, list[JobLine]] = {}
    for line in lines:
        by_study.setdefault(line.study, []).append(line)
    states = [state for state in ORDER if any(x.state == state for x in lines)]
    rows = []
    for name, members in by_study.items():
        numbers = counts(members)
        rows.append(
            [name, str(len(members)), *[str(numbers.get(s, 0)) for s in states]]
        )
    table(["study", "jobs", *states], rows)
    chosen = list(lines if everything else _open(lines))
    shown = chosen if everything else chosen[:SHOWN]
    if shown:
        console.print()
        table(["", "job", "state", "", "folder"], [_row(line) for line in shown])
    if len(chosen) > len(shown):
        typer.echo(f"and {len(chosen) - len(shown)} more: --all shows them")


def _row(line: JobLine) -> list[str | Text]:
    folder = line.folder if line.state in ("failed", "lost") else ""
    return [str(line.number), line.name, _colored(line.state), line.note, folder]


def _colored(state: str) -> Text:
    return Text(state, COLORS.get(state, ""))


def _open(lines: Sequence[JobLine]) -> Iterator[JobLine]:
    for state in OPEN:
        yield from (line for line in lines if line.state == state)
