"""From the spool into the database: retried, idempotent, one at a time.

A result is delivered once, whoever delivers it: the worker, `ionface upload`, or
`ionface recover`. First the job's documents, then the end of its launch, which lets
the children run.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.context import (
    Cluster,
    database_errors,
    here,
    library_silence,
    now,
)
from ionface.workflows.cluster.documents import fitted
from ionface.workflows.cluster.spool import NAME, Entry, entries, read_entry

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 15.0
LEASE_S = 120.0
SUPERSEDED = "superseded"


class BusyError(IonfaceError):
    """Another process delivers the same result at this moment."""


@dataclass
class Delivered:
    """What an upload did.

    Attributes:
        sent: launches whose result is in the database now.
        superseded: launches that another one had replaced; their results are kept.
        left: path and reason of what stays in the spool.
    """

    sent: list[int] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def upload_all(cluster: Cluster, more: Iterable[Path] = ()) -> Delivered:
    """Deliver what lies in the spool, and in job folders that are given."""
    told = Delivered()
    paths = list(entries([cluster.settings.spool]))
    paths += [path for folder in more if (path := folder / NAME).is_file()]
    for path in paths:
        try:
            entry = read_entry(path)
            deliver(cluster, entry)
        except (FileNotFoundError, BusyError):
            continue  # another one delivers it
        except IonfaceError as error:
            told.left[str(path)] = str(error)
        except database_errors() as error:
            told.left[str(path)] = (
                f"the database does not answer ({type(error).__name__})"
            )
            break
        except Exception as error:  # one odd entry must not keep the others  # noqa: BLE001
            told.left[str(path)] = f"{type(error).__name__}: {error}"
        else:
            if (path.parent / SUPERSEDED / path.name).exists():
                told.superseded.append(entry.launch)
            else:
                told.sent.append(entry.launch)
    return told


def deliver_patiently(
    cluster: Cluster, entry: Entry, limit_s: float, stop: Callable[[], bool]
) -> bool:
    """Deliver an entry, waiting for a database that is away.

    Args:
        cluster: where to.
        entry: from the spool.
        limit_s: how long to try.
        stop: tells that there is no more time.

    Returns:
        Whether it is delivered; if not, it stays in the spool.
    """
    pause, until = FIRST_PAUSE_S, time.monotonic() + limit_s
    while True:
        try:
            deliver(cluster, entry)
        except database_errors():
            if stop() or time.monotonic() > until:
                return False
            time.sleep(pause * (1 + random.random()))
            pause = min(LONGEST_PAUSE_S, 2 * pause)
        else:
            return True


def deliver(cluster: Cluster, entry: Entry) -> None:
    """Put one result into the database and take it out of the spool.

    Raises:
        IonfaceError: somebody else is delivering it, or it does not fit.
        PyMongoError: the database is away; nothing is half done that a repetition
            would not complete.
    """
    run = cluster.runs.find_one({"_id": entry.launch}) or {}
    if run.get("delivered"):
        _forget(entry)
        return
    _lease(cluster, entry.launch)
    try:
        if not _is_current(cluster, entry):
            _put_aside(entry)
            return
        for kept in entry.documents:
            document, save = fitted(
                kept["document"],
                kept["save"],
                cluster.store,
                cluster.settings.document_limit_mb,
            )
            cluster.store.update(document, key=["uuid", "index"], save=save)
        _complete(cluster, entry)
        cluster.runs.update_one(
            {"_id": entry.launch},
            {
                "$set": {
                    "delivered": True,
                    "ended": entry.state,
                    "ended_on": now(),
                    "cause": cause_of(entry.action),
                    "again": entry.action.get("stored_data", {}).get("again"),
                }
            },
        )
    finally:
        cluster.runs.update_one({"_id": entry.launch}, {"$unset": {"lease": 1}})
    _forget(entry)


def cause_of(action: dict[str, Any]) -> str | None:
    """Return the line that tells why a launch failed."""
    found = action.get("stored_data", {}).get("cause")
    return None if found is None else str(found)


def _lease(cluster: Cluster, launch: int) -> None:
    """Take the right to deliver; it ends by itself with a deliverer that dies."""
    from pymongo.errors import DuplicateKeyError

    mine = {
        "lease": {"host": here(), "pid": os.getpid(), "until": time.time() + LEASE_S}
    }
    free = {"$or": [{"lease": None}, {"lease.until": {"$lt": time.time()}}]}
    try:
        cluster.runs.find_one_and_update(
            {"_id": launch, **free}, {"$set": mine}, upsert=True
        )
    except DuplicateKeyError:
        raise BusyError(
            f"the result of launch {launch} is being delivered by another process"
        ) from None


def _is_current(cluster: Cluster, entry: Entry) -> bool:
    """Tell whether the launch is still the one that its job waits for.

    A launch that was given up and came back with a finished result is taken, unless
    another one has begun.
    """
    job = cluster.fireworks.find_one(
        {"fw_id": entry.firework}, {"state": 1, "launches": 1, "archived_launches": 1}
    )
    if job is None:
        raise IonfaceError(f"the database has no Firework {entry.firework}")
    if entry.launch in job["launches"]:
        return True
    if entry.state != "COMPLETED":
        return False
    taken = cluster.fireworks.find_one_and_update(
        {"fw_id": entry.firework, "state": "READY", "launches": []},
        {
            "$set": {"state": "RUNNING", "launches": [entry.launch]},
            "$pull": {"archived_launches": entry.launch},
        },
    )
    return taken is not None


def _complete(cluster: Cluster, entry: Entry) -> None:
    """End the launch, and see that FireWorks really did."""
    from pymongo.errors import PyMongoError

    _remove_orphans(cluster, entry)
    try:
        _end_launch(cluster, entry)
    except RuntimeError as error:  # FireWorks wraps what goes wrong half way
        raise PyMongoError(f"the workflow could not be refreshed: {error}") from error
    seen = cluster.fireworks.find_one({"fw_id": entry.firework}, {"state": 1})
    if seen and seen["state"] != entry.state:
        raise PyMongoError("the workflow is locked")


def _end_launch(cluster: Cluster, entry: Entry) -> None:
    with library_silence():
        from fireworks import FWAction

        pad = cluster.launchpad
        state = pad.launches.find_one({"launch_id": entry.launch}, {"state": 1})
        if state and state["state"] == entry.state:
            pad._refresh_wf(entry.firework)
        else:
            action = FWAction.from_dict({**FWAction().to_dict(), **entry.action})
            pad.complete_launch(entry.launch, action, entry.state)


def _remove_orphans(cluster: Cluster, entry: Entry) -> None:
    """Remove new jobs that an interrupted delivery left outside of any workflow.

    Nothing starts such a job, and the repetition adds it again.
    """
    if not entry.action.get("detours") and not entry.action.get("additions"):
        return
    query = {"spec._ionface.parent_launch": entry.launch, "launches": []}
    known = cluster.launchpad.workflows
    for job in cluster.fireworks.find(query, {"fw_id": 1}):
        if not known.find_one({"nodes": job["fw_id"]}, {"_id": 1}):
            cluster.fireworks.delete_one({"fw_id": job["fw_id"], "launches": []})


def _forget(entry: Entry) -> None:
    if entry.path is not None:
        entry.path.unlink(missing_ok=True)


def _put_aside(entry: Entry) -> None:
    if entry.path is None:
        return
    place = entry.path.parent / SUPERSEDED
    place.mkdir(exist_ok=True, mode=0o700)
    entry.path.replace(place / entry.path.name)
