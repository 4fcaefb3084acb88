"""Ready jobs into the queue, each by a batch job of its own, with its resources.

As FireWorks' `qlaunch -r`, of whose calls it is made, with two differences: the name of
the batch job tells which launch it is for, so that one whose id was never noted is
found again; and what the queue refuses is told in its own words.
"""

from __future__ import annotations

import os
import shlex
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.connection import Cluster, library_silence
from ionface.workflows.cluster.guard import ForeignJobError, check_firework
from ionface.workflows.cluster.resources import check_queue_value
from ionface.workflows.study.file_names import slug

SCRIPT = "ionface.sh"
NAME_LENGTH = 40
# what a document of the database may put into a batch script: no command, no template
ALLOWED = ("nodes", "ntasks", "cpus_per_task", "walltime", "gpus", "queue", "mem")


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
    launched = Launched()
    if not cluster.queue:
        return launched
    waiting = cluster.queue.jobs()
    if waiting is None:
        raise IonfaceError(
            "the queue does not answer, so nothing was put into it; try again"
        )
    room = None if most is None else most - len(waiting)
    for number in ready_jobs(cluster):
        if room is not None and len(launched.jobs) >= room:
            break
        try:
            batch_id = launch(cluster, number)
        except ForeignJobError as error:
            launched.refused[number] = str(error)
            continue
        except IonfaceError as error:
            launched.refused[number] = str(error)
            break  # the queue refuses the next one likewise
        if batch_id is not None:
            launched.jobs[number] = batch_id
    return launched


def ready_jobs(cluster: Cluster) -> list[int]:
    """Return the jobs that may start, of those that this machine may take."""
    query = {**dict(cluster.fworker.query or {}), "state": "READY"}
    return sorted(cluster.launchpad.get_fw_ids(query))


def reserve(cluster: Cluster, number: int, folder: Path) -> tuple[Any, int]:
    """Take one ready job; return (Firework, launch), (None, 0) if another took it.

    Raises:
        IonfaceError: it is no job of ours; it is left as it is.
    """
    pad, us = cluster.launchpad, cluster.fworker
    check_firework(pad.fireworks.find_one({"fw_id": number}) or {})
    # by its argument fw_id, reserve_fw would take what another has reserved, too
    only = type(us)(us.name, us.category, {"fw_id": number}, us.env)
    with library_silence():
        firework, launch_id = pad.reserve_fw(only, str(folder))
    return firework, launch_id or 0


def launch(cluster: Cluster, number: int) -> str | None:
    """Reserve one job and put it into the queue; None if another took it.

    Raises:
        IonfaceError: the queue refused it; the reservation is given back.
    """
    pad = cluster.launchpad
    firework, launch_id = reserve(cluster, number, Path("/"))
    if firework is None:
        return None
    try:
        folder = Path(str(firework.spec.get("_launch_dir") or Path.cwd()))
        folder.mkdir(parents=True, exist_ok=True)
        pad.change_launch_dir(launch_id, str(folder))
        write_script(cluster, firework, launch_id, folder)
        batch_id = cluster.queue.submit(SCRIPT, folder)
    except (IonfaceError, OSError) as error:
        pad.cancel_reservation(launch_id)
        if isinstance(error, IonfaceError):
            raise
        raise IonfaceError(f"{error.filename}: {error.strerror}") from error
    pad.set_reservation_id(launch_id, batch_id)
    return batch_id


def batch_name(number: int, launch_id: int, name: str = "") -> str:
    """Return the name of a batch job, from which its launch can be told."""
    return f"if{number}.{launch_id}.{slug(name) if name else ''}"[:NAME_LENGTH]


def write_script(cluster: Cluster, firework: Any, launch_id: int, folder: Path) -> Path:
    """Write the batch script of a launch into its folder, mode 0700.

    Raises:
        IonfaceError: a value could start a command.
    """
    from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter

    number, settings = firework.fw_id, dict(cluster.queue.settings)
    for key, value in (firework.spec.get("_queueadapter") or {}).items():
        if key in ALLOWED:
            settings[key] = check_queue_value(key, value)
    labels = firework.spec.get("_ionface") or {}
    settings |= {
        "cluster": shlex.quote(str(cluster.settings.folder)),
        "walltime_s": int(labels.get("walltime_s") or 0) or None,
        "job_name": batch_name(number, launch_id, firework.name),
        "rocket_launch": f"{settings['rocket_launch']} --fw_id {number}",
    }
    with library_silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not every template takes every resource
        text = CommonAdapter.from_dict(settings).get_script_str(str(folder))
    path = folder / SCRIPT
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    return path
