"""`ionface worker`: what the batch script execs. One launch after another, each safe.

    claim -> heartbeat, signals -> the job in its own folder -> spool -> database

A launch has one owner, whoever else was started for it. Whatever kills this process
leaves either a result in the spool or a folder from which the job goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster import processes, pulse
from ionface.workflows.cluster.claiming import claim, refuse
from ionface.workflows.cluster.context import (
    Cluster,
    database_errors,
    unreachable_message,
)
from ionface.workflows.cluster.delivery import deliver_patiently
from ionface.workflows.cluster.execution import cause_line, execute, failed
from ionface.workflows.cluster.graphs import job_folder
from ionface.workflows.cluster.guard import check_document
from ionface.workflows.cluster.spool import NAME, Entry, write_entry
from ionface.workflows.cluster.stopping import Stopper

if TYPE_CHECKING:
    from fireworks import Firework

WAIT_S = 1.0
ROOM_S = 5.0


@dataclass
class Shift:
    """What a worker did.

    Attributes:
        completed: names of jobs that ran to their end.
        failed: cause of each job that did not.
        kept: results that wait in the spool for the database.
        taken: jobs that another worker had begun.
    """

    completed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)


def work(
    cluster: Cluster,
    number: int | None = None,
    limit: int | None = None,
    walltime_s: float | None = None,
    idle_s: float = 0.0,
    told: Callable[[str], object] = str,
) -> Shift:
    """Run jobs until none is left, or the time is over.

    Args:
        cluster: whose.
        number: run this Firework only.
        limit: at most so many jobs.
        walltime_s: of this process, s; a job is asked to stop before its end.
        idle_s: wait so long for jobs to become ready before going home.
        told: hears a line per job.
    """
    os.umask(0o077)
    shift, settings = Shift(), cluster.settings
    begun = time.monotonic()
    left = (
        None
        if walltime_s is None
        else walltime_s - min(settings.reserve_s, walltime_s / 2)
    )
    deadline = None if left is None else begun + left
    with Stopper(settings.grace_s, deadline).watching() as stopper:
        _await_database(cluster, stopper, settings.upload_s)
        idle_until = time.monotonic() + idle_s
        done = 0
        while stopper.reason is None and (limit is None or done < limit):
            try:
                chosen = number or next_ready(cluster)
                ran = chosen is not None and run_one(
                    cluster, chosen, shift, stopper, told
                )
            except database_errors() as error:
                # between two jobs; what has run is delivered, or in the spool
                if not _await_database(cluster, stopper, settings.upload_s):
                    raise IonfaceError(unreachable_message(cluster)) from error
                continue
            if ran:
                done += 1
                idle_until = time.monotonic() + idle_s
            elif number is not None or time.monotonic() > idle_until:
                break
            else:
                time.sleep(WAIT_S)
            if number is not None:
                break
    return shift


def next_ready(cluster: Cluster) -> int | None:
    """Return a job that can start, of those that this worker may take."""
    from pymongo import DESCENDING

    query = {**dict(cluster.fworker.query or {}), "state": "READY"}
    found = cluster.fireworks.find_one(
        query, {"fw_id": 1}, sort=[("spec._priority", DESCENDING), ("fw_id", 1)]
    )
    return None if found is None else int(found["fw_id"])


def run_one(
    cluster: Cluster,
    number: int,
    shift: Shift,
    stopper: Stopper,
    told: Callable[[str], object],
) -> bool:
    """Run one Firework, if it is not taken; tell whether it was ours."""
    raw = cluster.fireworks.find_one({"fw_id": number})
    if raw is None:
        raise IonfaceError(f"the database has no Firework {number}")
    try:
        check_document(raw, cluster.settings.allow)
        folder = job_folder(raw["spec"], raw["name"])
    except IonfaceError as error:
        refuse(cluster, number, str(error))
        shift.failed[str(raw.get("name"))] = str(error)
        return True
    claimed = claim(cluster, raw, folder)
    if claimed is None:
        shift.taken.append(number)
        return False
    firework, launch = claimed
    told(f"job {number}: {raw['name']}")
    entry = _compute(cluster, firework, launch, folder, raw, stopper)
    _hand_in(cluster, entry, folder, raw, shift, stopper)
    return True


def _compute(
    cluster: Cluster,
    firework: Firework,
    launch: int,
    folder: Path,
    raw: dict[str, Any],
    stopper: Stopper,
) -> Entry:
    settings = cluster.settings
    earlier = {
        processes.mark_of(number, folder) for number in raw.get("archived_launches", [])
    }
    with pulse.beating(cluster, launch, folder):
        # the queue kills what a dead job leaves; where it does not, we do
        processes.end(list(processes.of_launches(earlier)) if earlier else [])
        return execute(
            cluster,
            firework,
            launch,
            folder,
            stopper,
            lambda: _await_database(cluster, stopper, settings.upload_s),
        )


def _hand_in(
    cluster: Cluster,
    entry: Entry,
    folder: Path,
    raw: dict[str, Any],
    shift: Shift,
    stopper: Stopper,
) -> None:
    """Spool what the job ended with, then deliver it."""
    name, settings = str(raw["name"]), cluster.settings
    places = [settings.spool / f"{entry.launch}.result", folder / NAME]
    pressed = stopper.last
    try:
        entry = replace(entry, path=write_entry(entry, places))
    except IonfaceError as error:
        # neither disk takes it: the database is the last place
        shift.kept.append(f"{name}: {error}")
    if entry.state == "FIZZLED":
        shift.failed[name] = str(entry.action["stored_data"]["cause"])
    limit = min(settings.upload_s, ROOM_S) if pressed else settings.upload_s
    try:
        sent = deliver_patiently(cluster, entry, limit, lambda: stopper.last)
    except IonfaceError as error:
        shift.kept.append(f"{name}: {error}")
        return
    if not sent:
        shift.kept.append(f"{name}: the database does not answer; see ionface upload")
        return
    if entry.state == "COMPLETED":
        shift.completed.append(name)


def _await_database(cluster: Cluster, stopper: Stopper, limit_s: float) -> bool:
    """Wait until the database answers, at most so long; tell whether it does."""
    until, pause = time.monotonic() + limit_s, WAIT_S
    while True:
        with suppress(*database_errors()):
            cluster.launchpad.fw_id_assigner.find_one({}, {"_id": 1})
            cluster.store.connect()
            return True
        if stopper.reason is not None or time.monotonic() > until:
            return False
        time.sleep(pause)
        pause = min(15.0, 2 * pause)


__all__ = ["Shift", "cause_line", "failed", "work"]
