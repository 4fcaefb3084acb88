"""The command that shows what is done, running, failed, lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.console import table, terminal
from ionface.workflows.cli.options import DEFAULT_PROJECT, AsJson, ProjectPath
from ionface.workflows.cli.wording import in_flags

if TYPE_CHECKING:
    from rich.text import Text

    from ionface.workflows.cluster.overview import JobLine

COLORS = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "lost": "red",
    "waiting": "dim",
}
SHOWN = 40
GOING = ("running", "queued", "ready", "lost")  # something will happen to these
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
    as_json: AsJson = False,
) -> None:
    """Show what is done, running, failed, interrupted or lost.

    Of a project, or of a cluster. The exit status is 1 if a job failed or is lost.
    """
    look = _lines_of(project, cluster)
    if look is None:
        raise typer.Exit(_show_project(project, as_json))
    lines = look()
    if as_json:
        typer.echo(json.dumps(_as_dict(lines)))
    else:
        _show_lines(lines, everything)
    raise typer.Exit(_is_trouble(lines))


@app.command()
def watch(
    project: ProjectPath = DEFAULT_PROJECT,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="All that was submitted.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Between two looks, s.")] = 5.0,
) -> None:
    """Show how far the jobs are until nothing runs, as `status` does, again and again.

    Steps, times, energies and the bonds of the last frames are those on the disk, so
    that it can be looked at from another terminal or another machine.
    """
    look = _lines_of(project, cluster)
    while True:
        if terminal().is_terminal:
            terminal().clear()
        if look is None:
            failed = _show_project(project, as_json=False)
            going = _is_running(project)
        else:
            lines = look()
            _show_lines(lines, everything=False)
            failed = _is_trouble(lines)
            going = any(x.state in GOING for x in lines)
        if not going:
            raise typer.Exit(failed)
        time.sleep(every)


def _is_trouble(lines: Sequence[JobLine]) -> bool:
    return any(x.state in ("failed", "lost") for x in lines)


def _is_running(root: Path) -> bool:
    from ionface.workflows.projects.project import Project

    return Project.open(root).is_running()


def _lines_of(root: Path, cluster: bool) -> Callable[[], list[JobLine]] | None:
    """Return what looks at the jobs that are meant; None for a project run here."""
    from ionface.workflows.cluster.remote import is_remote, remote_lines
    from ionface.workflows.projects.project import Project

    if not cluster and is_remote(root):
        return lambda: remote_lines(root)
    submission = {} if cluster else Project(root.resolve()).submission
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


def _show_project(root: Path, as_json: bool) -> bool:
    """Print the state of every job of a project that is run here; tell of failures."""
    from ionface.workflows.projects import runner
    from ionface.workflows.projects.project import Project

    states = runner.states(Project.open(root))
    if as_json:
        rows = [
            {
                "job": s.name,
                "state": s.state,
                "note": in_flags(s.note),
                "folder": str(s.folder),
            }
            for s in states
        ]
        typer.echo(json.dumps(rows, indent=2))
        return any(s.state == "failed" for s in states)
    table(
        ["job", "state", "note"],
        [[s.name, _colored(s.state), in_flags(s.note)] for s in states],
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
        typer.echo()
        table(["", "job", "state", "", "folder"], [_row(line) for line in shown])
    if len(chosen) > len(shown):
        typer.echo(f"and {len(chosen) - len(shown)} more: --all shows them")


def _row(line: JobLine) -> list[str | Text]:
    folder = line.folder if line.state in ("failed", "lost") else ""
    return [str(line.number), line.name, _colored(line.state), line.note, folder]


def _colored(state: str) -> Text:
    from rich.text import Text

    return Text(state, COLORS.get(state, ""))


def _open(lines: Sequence[JobLine]) -> Iterator[JobLine]:
    for state in OPEN:
        yield from (line for line in lines if line.state == state)
