"""Ready jobs into the queue, each by a batch job of its own, with its resources.

As FireWorks' qlaunch in reservation mode, with three differences: the name of the batch
job tells which launch it is for, so that a submission that was interrupted between the
queue and the database is found again; the job runs in its own folder; nothing waits.
"""

from __future__ import annotations

import os
import shlex
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.claiming import make_folder, refuse
from ionface.workflows.cluster.context import Cluster, library_silence, now
from ionface.workflows.cluster.graphs import job_folder
from ionface.workflows.cluster.guard import check_document, check_queue_value
from ionface.workflows.study.naming import slug

SCRIPT = "ionface.sh"
NAME_LENGTH = 40
PREFIX = "if"


@dataclass
class Launched:
    """What was put into the queue.

    Attributes:
        jobs: Firework and the queue's id of its batch job.
        refused: Firework and why the queue or we refused it.
    """

    jobs: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def launch_ready(cluster: Cluster, most: int | None = None) -> Launched:
    """Put ready jobs into the queue.

    Args:
        cluster: with a queue.
        most: at most so many of our jobs in the queue at a time; None for no limit.

    Raises:
        IonfaceError: the queue does not answer.
    """
    told = Launched()
    if not cluster.queue:
        return told
    waiting = cluster.queue.jobs()
    if waiting is None:
        raise IonfaceError(
            "the queue does not answer, so nothing was put into it; try again"
        )
    room = None if most is None else most - len(waiting)
    query = {**dict(cluster.fworker.query or {}), "state": "READY"}
    ready = cluster.fireworks.find(query).sort([("spec._priority", -1), ("fw_id", 1)])
    for raw in ready:
        if room is not None and len(told.jobs) >= room:
            break
        try:
            number = launch_one(cluster, raw)
        except IonfaceError as error:
            told.refused[raw["fw_id"]] = str(error)
            break  # the queue refuses the next one likewise
        if number is not None:
            told.jobs[raw["fw_id"]] = number
    return told


def launch_one(cluster: Cluster, raw: dict[str, Any]) -> str | None:
    """Reserve one job and put it into the queue; None if another took it.

    Raises:
        IonfaceError: the queue refused it; the reservation is given back.
    """
    number = raw["fw_id"]
    if not cluster.launchpad.workflows.find_one({"nodes": number}, {"_id": 1}):
        return None  # left by an interrupted delivery, whose repetition removes it
    try:
        check_document(raw, cluster.settings.allow)
        folder = job_folder(raw["spec"], raw["name"])
    except IonfaceError as error:
        refuse(cluster, number, str(error))
        return None
    won = cluster.fireworks.find_one_and_update(
        {"fw_id": number, "state": "READY"},
        {"$set": {"state": "RESERVED", "updated_on": now()}},
    )
    if won is None:
        return None
    try:
        make_folder(folder)
        with library_silence():
            firework, launch = cluster.launchpad.reserve_fw(
                cluster.fworker, str(folder), fw_id=number
            )
    except IonfaceError:
        _give_back(cluster, number)
        raise
    if firework is None:
        return None
    try:
        script = write_script(cluster, raw, launch, folder)
        job = cluster.queue.submit(script.name, folder)
    except (IonfaceError, OSError) as error:
        cluster.launchpad.cancel_reservation(launch)
        raise (
            error
            if isinstance(error, IonfaceError)
            else IonfaceError(f"{folder}: {error.strerror}")
        ) from error
    cluster.launchpad.set_reservation_id(launch, job)
    return job


def _give_back(cluster: Cluster, number: int) -> None:
    cluster.fireworks.update_one(
        {"fw_id": number, "state": "RESERVED", "launches": []},
        {"$set": {"state": "READY"}},
    )


def job_name(number: int, launch: int, name: str) -> str:
    """Return the name of a batch job, from which its launch can be told."""
    return f"{PREFIX}{number}.{launch}.{slug(name)}"[:NAME_LENGTH]


def launch_of(name: str) -> int | None:
    """Return the launch that a batch job was submitted for."""
    parts = name.split(".")
    if len(parts) < 2 or not parts[0].startswith(PREFIX) or not parts[1].isdigit():
        return None
    return int(parts[1])


def write_script(
    cluster: Cluster, raw: dict[str, Any], launch: int, folder: Path
) -> Path:
    """Write the batch script of a launch into its folder.

    Raises:
        IonfaceError: a value could start a command.
    """
    from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter

    number, settings = raw["fw_id"], dict(cluster.queue.settings)
    asked = dict(raw["spec"].get("_queueadapter") or {})
    for key, value in asked.items():
        check_queue_value(key, value)
    settings.update(asked)
    settings["cluster"] = shlex.quote(str(cluster.settings.folder))
    told = raw["spec"].get("_ionface") or {}
    settings["walltime_s"] = int(told.get("walltime_s") or 0) or None
    settings["job_name"] = job_name(number, launch, raw["name"])
    settings["rocket_launch"] = f"{settings['rocket_launch']} --fw_id {number}"
    with library_silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not every template takes every resource
        text = CommonAdapter.from_dict(settings).get_script_str(str(folder))
    path = folder / SCRIPT
    path.unlink(missing_ok=True)
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w"
    ) as stream:
        stream.write(text)
    with suppress(OSError):
        path.chmod(0o700)
    return path
