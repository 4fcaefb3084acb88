"""One owner for each job: who takes it first, and what nobody takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.files import disk_message
from ionface.workflows.cluster import pulse
from ionface.workflows.cluster.context import (
    Cluster,
    database_errors,
    library_silence,
    now,
)

if TYPE_CHECKING:
    from fireworks import Firework


def claim(
    cluster: Cluster, raw: dict[str, Any], folder: Path
) -> tuple[Firework, int] | None:
    """Take a job, or return None if it is not to be had.

    The database lets exactly one process turn READY into RESERVED, and exactly one
    insert the document of a launch.
    """
    from pymongo.errors import DuplicateKeyError

    number, pad = raw["fw_id"], cluster.launchpad
    make_folder(folder)  # first: what cannot have a folder is not taken
    won = cluster.fireworks.find_one_and_update(
        {"fw_id": number, "state": "READY"},
        {"$set": {"state": "RESERVED", "updated_on": now()}},
    )
    if won is None:
        reserved = pad.launches.find_one(
            {"fw_id": number, "state": "RESERVED"}, {"launch_id": 1}
        )
        current = cluster.fireworks.find_one(
            {"fw_id": number, "state": "RESERVED"}, {"launches": 1}
        )
        if not reserved or not current:
            return None
        if reserved["launch_id"] not in current["launches"]:
            return None
    mine = {**pulse.owner(folder), "fw_id": number, "name": raw["name"]}
    try:
        if won is None:
            cluster.runs.insert_one({"_id": reserved["launch_id"], **mine})
        firework, launch = _checked_out(cluster, folder, number)
        if firework is None:
            return None
        if won is not None:
            cluster.runs.insert_one({"_id": launch, **mine})
    except DuplicateKeyError:
        return None
    return firework, int(launch)


def _checked_out(
    cluster: Cluster, folder: Path, number: int
) -> tuple[Firework | None, int]:
    gone: tuple[type[Exception], ...] = (RuntimeError, *database_errors())
    try:
        with library_silence():
            firework, launch = cluster.launchpad.checkout_fw(
                cluster.fworker, str(folder), number
            )
    except gone as error:
        raise IonfaceError(
            f"the database went away while job {number} was taken from it; nothing is "
            "lost: `ionface recover` lets it run"
        ) from error
    return firework, launch


def make_folder(folder: Path) -> None:
    """Make a job's folder; a disk that is full now may have room later.

    Raises:
        IonfaceError: it cannot be made, with the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise IonfaceError(disk_message(error, folder)) from error


def refuse(cluster: Cluster, number: int, cause: str) -> None:
    """Mark a document that is not run at all; it is not decoded for that either."""
    cluster.fireworks.update_one(
        {"fw_id": number, "state": {"$in": ["READY", "RESERVED"]}},
        {"$set": {"state": "FIZZLED", "spec._exception_details": {"cause": cause}}},
    )
