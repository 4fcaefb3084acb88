"""`ionface status` of a cluster: one look at database, queue, and files of jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ionface.workflows.cli.console import console, table
from ionface.workflows.cluster.context import Cluster
from ionface.workflows.cluster.liveness import judge, reservation
from ionface.workflows.cluster.queues import QueueJob

STATES = {
    "COMPLETED": "done",
    "RUNNING": "running",
    "RESERVED": "queued",
    "READY": "ready",
    "WAITING": "waiting",
    "FIZZLED": "failed",
    "PAUSED": "paused",
    "DEFUSED": "stopped",
    "ARCHIVED": "archived",
}
ORDER = ("done", "running", "queued", "ready", "waiting", "failed", "lost", "unknown")
COLORS = {"done": "green", "running": "cyan", "failed": "red", "lost": "red"}
SHOWN = 40
FIELDS = {
    "_id": 0,
    "fw_id": 1,
    "name": 1,
    "state": 1,
    "launches": 1,
    "spec._ionface": 1,
    "spec._exception_details.cause": 1,
}


@dataclass(frozen=True)
class JobLine:
    """One job.

    Attributes:
        number: of its Firework.
        name: of the job.
        study: that it belongs to.
        state: one of ORDER, or paused, stopped, archived.
        note: how far it is, or why it failed, in one line.
        folder: where it runs or ran.
        queue_id: of its batch job.
    """

    number: int
    name: str
    study: str
    state: str
    note: str = ""
    folder: str = ""
    queue_id: str = ""


def lines(cluster: Cluster, submission: str | None = None) -> list[JobLine]:
    """Return every job's state.

    Args:
        cluster: whose.
        submission: only of this one.
    """
    query = {"spec._ionface.submission": submission} if submission else {}
    found = list(cluster.fireworks.find(query, FIELDS))
    found.sort(key=lambda job: int(job["fw_id"]))
    open_ = [j for j in found if j["state"] in ("RUNNING", "RESERVED", "FIZZLED")]
    numbers = [job["launches"][-1] for job in open_ if job.get("launches")]
    runs = {r["_id"]: r for r in cluster.runs.find({"_id": {"$in": numbers}})}
    wanted = {"launch_id": 1, "state_history": 1, "launch_dir": 1, "action": 1}
    launches = {
        launch["launch_id"]: launch
        for launch in cluster.launchpad.launches.find(
            {"launch_id": {"$in": numbers}}, wanted
        )
    }
    asked = any(job["state"] in ("RUNNING", "RESERVED") for job in open_)
    queue = cluster.queue.jobs() if asked else {}
    return [_line(job, runs, launches, queue, cluster) for job in found]


def _line(
    job: dict[str, Any],
    runs: dict[int, dict[str, Any]],
    launches: dict[int, dict[str, Any]],
    queue: dict[str, QueueJob] | None,
    cluster: Cluster,
) -> JobLine:
    told = (job.get("spec") or {}).get("_ionface") or {}
    state = STATES.get(job["state"], job["state"].lower())
    base = (int(job["fw_id"]), str(job["name"]), str(told.get("study", "")))
    if state not in ("running", "queued", "failed"):
        return JobLine(*base, state)
    number = job["launches"][-1] if job.get("launches") else None
    run, launch = runs.get(number or 0), launches.get(number or 0) or {}
    folder = str((run or {}).get("folder") or launch.get("launch_dir") or "")
    booked = str((run or {}).get("queue_id") or reservation(launch) or "")
    if state == "failed":
        return JobLine(*base, state, cause(job, run, launch), folder, booked)
    if state == "running":
        verdict = judge(run, queue, booked or None, cluster.settings)
        if verdict != "alive":
            state = "lost" if verdict == "dead" else "unknown"
            note = "run `ionface recover`" if state == "lost" else "no answer: queue"
            return JobLine(*base, state, note, folder, booked)
        return JobLine(*base, state, progress(folder, told), folder, booked)
    note = ""
    if queue is not None and booked:
        note = queue[booked].state.lower() if booked in queue else "not in the queue"
    return JobLine(*base, state, note, folder, booked)


def cause(
    job: dict[str, Any], run: dict[str, Any] | None, launch: dict[str, Any]
) -> str:
    """Return why a job failed, in one line."""
    refused = ((job.get("spec") or {}).get("_exception_details") or {}).get("cause")
    stored = ((launch.get("action") or {}).get("stored_data")) or {}
    trace = str((stored.get("_exception") or {}).get("_stacktrace", ""))
    last = trace.strip().splitlines()[-1] if trace.strip() else ""
    found = refused or (run or {}).get("cause") or stored.get("cause") or last
    return " ".join(str(found or "no cause was recorded").split())


def progress(folder: str, told: dict[str, Any]) -> str:
    """Return how far a running job is."""
    from ionface.workflows.cluster.watching import look

    path = Path(folder)
    if not folder or not path.is_dir():
        return ""
    seen = look(path, tuple(told.get("pairs") or ()))
    return "started" if seen is None else seen.line()


def counts(found: Sequence[JobLine]) -> dict[str, int]:
    """Return how many jobs are in each state."""
    numbers = dict.fromkeys(ORDER, 0)
    for line in found:
        numbers[line.state] = numbers.get(line.state, 0) + 1
    return {state: number for state, number in numbers.items() if number}


def show(
    cluster: Cluster,
    submission: str | None = None,
    *,
    everything: bool = False,
    watch: bool = False,
    every_s: float = 10.0,
    as_json: bool = False,
) -> None:
    """Print the state of a cluster's jobs, again and again if it is watched."""
    while True:
        found = lines(cluster, submission)
        if as_json:
            typer.echo(json.dumps(told_lines(found)))
        else:
            if watch:
                console.clear()
            print_lines(found, everything)
            _print_spool(cluster)
        going = any(x.state in ("running", "queued", "ready", "lost") for x in found)
        if not watch or not going:
            return
        time.sleep(every_s)


def told_lines(found: Sequence[JobLine]) -> dict[str, Any]:
    """Return plain JSON values."""
    return {"counts": counts(found), "jobs": [line.__dict__ for line in found]}


def print_lines(found: Sequence[JobLine], everything: bool) -> None:
    """Print counts by study, and the jobs that need a look."""
    studies: dict[str, list[JobLine]] = {}
    for line in found:
        studies.setdefault(line.study, []).append(line)
    states = [state for state in ORDER if any(x.state == state for x in found)]
    table(
        ["study", "jobs", *states],
        [
            [name, str(len(mine)), *[str(counts(mine).get(s, 0)) for s in states]]
            for name, mine in studies.items()
        ],
    )
    chosen = list(found if everything else _telling(found))
    if chosen:
        console.print()
    shown = chosen if everything else chosen[:SHOWN]
    if shown:
        table(
            ["", "job", "state", "", "folder"],
            [
                [
                    str(x.number),
                    x.name,
                    f"[{COLORS[x.state]}]{x.state}[/]"
                    if x.state in COLORS
                    else x.state,
                    x.note.replace("[", "\\["),
                    x.folder if x.state in ("failed", "lost") else "",
                ]
                for x in shown
            ],
        )
    if len(chosen) > len(shown):
        typer.echo(f"and {len(chosen) - len(shown)} more: --all shows them")


def _colored(state: str) -> str:
    return f"[{COLORS[state]}]{state}[/]" if state in COLORS else state


def _telling(found: Sequence[JobLine]) -> Iterator[JobLine]:
    for state in ("lost", "failed", "running", "unknown", "queued"):
        yield from (line for line in found if line.state == state)


def _print_spool(cluster: Cluster) -> None:
    from ionface.workflows.cluster.spool import entries

    if waiting := list(entries([cluster.settings.spool])):
        typer.echo(f"{len(waiting)} results wait in the spool: run `ionface upload`")
