"""What is lost and may run again: the queue against FireWorks' launches.

A job that runs again finds its folder, and its result if it had one; so a judgement
that errs costs a start, never a computation. Every change is made by FireWorks' public
`rerun_fw` and `cancel_reservation`. What the queue knows is alive; a queue that does
not answer proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ionface.workflows.cluster.batch import batch_name
from ionface.workflows.cluster.connection import (
    Cluster,
    library_silence,
    server_time,
    without_secrets,
)
from ionface.workflows.cluster.queues import QueueJob
from ionface.workflows.engines.durable import is_computing

OPEN = ("RESERVED", "RUNNING", "FIZZLED")
JOB_FIELDS = {
    "_id": 0,
    "fw_id": 1,
    "name": 1,
    "state": 1,
    "updated_on": 1,
    "launches": 1,
    "archived_launches": 1,
    "spec._ionface": 1,
    "spec._launch_dir": 1,
    "spec._exception_details": 1,
}
LAUNCH_FIELDS = {"launch_id": 1, "launch_dir": 1, "state_history": 1, "action": 1}
NOT_ITS_FAULT = {
    r"^ionface\.workflows\.cluster\.stopping\.Stopped": "it was asked to stop",
    r"^ionface\.errors\.BusyError": "another process was computing it",
    r"^ionface\.errors\.KilledError": "its program was killed",
    r"^pymongo\.errors\.": "the database went away",
    r"\[Errno (28|122)\]": "the disk was full",
    # SIGKILL and SIGTERM, as custodian tells them of a program, and as a shell does
    r"return code is (-9|-15|137|143)\b": "VASP was killed",
}
"""Exceptions, as they stand in a traceback, after which a job is simply run again."""


@dataclass
class Recovered:
    """What a look at database and queue led to.

    Attributes:
        again: why each Firework runs again.
        exhausted: cause of each that was tried too often; a person is asked.
        told: children of finished jobs that had not been told so.
        unknown: launches of which nothing is known while the queue does not answer.
    """

    again: dict[int, str] = field(default_factory=dict)
    exhausted: dict[int, str] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    unknown: int = 0

    @property
    def quiet(self) -> bool:
        """Tell whether there was nothing to do."""
        return not (self.again or self.exhausted or self.told or self.unknown)


@dataclass(frozen=True)
class OpenJob:
    """A job that is in the queue, runs, or failed, with what is known of it.

    Attributes:
        job: fields of its Firework.
        launch: of its last launch; empty where its start was interrupted.
        now: the database's time of this look.
    """

    job: Mapping[str, Any]
    launch: Mapping[str, Any]
    now: datetime

    @property
    def folder(self) -> Path:
        """Return where it runs, or ran."""
        place = self.launch.get("launch_dir") or self.job["spec"].get("_launch_dir")
        return Path(str(place or "/nowhere"))

    @property
    def silent_s(self) -> float:
        """Return how long ago it gave a sign of life, s."""
        signs = [
            entry.get("updated_on")
            for entry in self.launch.get("state_history") or ()
            if entry.get("state") == "RUNNING"
        ]
        return _age_s(signs[-1] if signs else None, self.now)

    @property
    def batch_id(self) -> str:
        """Return the queue's id of its batch job, empty where there is none."""
        for entry in self.launch.get("state_history") or ():
            if "reservation_id" in entry:
                return str(entry["reservation_id"])
        return ""


def recover(cluster: Cluster, *, failed: bool = False) -> Recovered:
    """Let run again what is lost, was stopped, or met a fault of the machine.

    Args:
        cluster: whose.
        failed: run again what failed by itself or was tried too often, too.
    """
    recovered = Recovered()
    with library_silence(), suppress(RuntimeError):  # one that cannot be decoded
        # puts right jobs whose launch has ended without their knowing it
        cluster.launchpad.detect_lostruns(refresh=True)
    jobs = open_jobs(cluster)
    batch_jobs = cluster.queue.jobs()  # after the jobs: what began since is in it
    for each in jobs:
        reason = why_lost(each, batch_jobs, cluster)
        if each.job["state"] == "FIZZLED":
            reason = may_repeat(each.launch)
            if reason is None and failed:
                reason = "it failed: " + cause_of(each.launch, each.job)
            if is_computing(each.folder):
                reason = None  # whoever does will end the job
        elif reason == "unknown":
            recovered.unknown += 1
            reason = None
        if reason is not None:
            _run_again(cluster, each, reason, recovered, failed)
    recovered.told = _tell_children(cluster)
    return recovered


def open_jobs(
    cluster: Cluster, query: Mapping[str, Any] | None = None
) -> list[OpenJob]:
    """Return the jobs that are in the queue, run, or failed.

    Args:
        cluster: whose.
        query: only these.
    """
    pad = cluster.launchpad
    open_query = {**(query or {}), "state": {"$in": list(OPEN)}}
    jobs = sorted(pad.fireworks.find(open_query, JOB_FIELDS), key=lambda j: j["fw_id"])
    last = [job["launches"][-1] for job in jobs if job.get("launches")]
    launches = {
        launch["launch_id"]: launch
        for launch in pad.launches.find({"launch_id": {"$in": last}}, LAUNCH_FIELDS)
    }
    now = server_time(cluster)
    return [
        OpenJob(job, launches.get((job.get("launches") or [None])[-1], {}), now)
        for job in jobs
    ]


def why_lost(
    each: OpenJob, batch_jobs: Mapping[str, QueueJob] | None, cluster: Cluster
) -> str | None:
    """Return why a job in the queue or running is lost; None if it is alive.

    Args:
        each: the job.
        batch_jobs: of the queue by their ids; None if it does not answer.
        cluster: whose.

    Returns:
        "unknown" if it depends on a queue that does not answer.
    """
    booked, settings = bool(each.batch_id and cluster.queue), cluster.settings
    if each.job["state"] == "FIZZLED" or (
        booked and each.batch_id in (batch_jobs or {})
    ):
        return None
    if booked and batch_jobs is None:
        return "unknown"
    if not each.launch:
        old = _age_s(each.job.get("updated_on"), each.now) > settings.expiry_s
        return "its start was interrupted" if old else None
    if each.job["state"] == "RESERVED":
        return "its batch job is gone" if booked else _never_noted(each, batch_jobs)
    return _gone_silent(each, cluster, booked)


def _gone_silent(each: OpenJob, cluster: Cluster, booked: bool) -> str | None:
    """Judge a running job whose batch job the queue does not know, or that has none."""
    settings = cluster.settings
    expiry_s = settings.expiry_s if booked else settings.blind_expiry_s
    if each.silent_s < expiry_s or is_computing(each.folder):
        return None
    return "its batch job is gone" if booked else "it gives no sign of life"


def _never_noted(
    each: OpenJob, batch_jobs: Mapping[str, QueueJob] | None
) -> str | None:
    """Judge a reservation whose batch job's id never reached the database."""
    if batch_jobs is None:
        return "unknown"
    name = batch_name(int(each.job["fw_id"]), int(each.launch["launch_id"]))
    if any(batch.name.startswith(name) for batch in batch_jobs.values()):
        return None
    # between reservation and `sbatch` lies less than a minute
    old = _age_s(each.job.get("updated_on"), each.now) > 60
    return "its batch job was never submitted" if old else None


def _age_s(time: datetime | str | None, now: datetime) -> float:
    """Return how long ago something was, s; infinite where it never was."""
    if time is None:
        return float("inf")
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if time.tzinfo is None:  # as the database gives it back
        time = time.replace(tzinfo=UTC)
    return (now - time).total_seconds()


def _run_again(
    cluster: Cluster, each: OpenJob, reason: str, recovered: Recovered, failed: bool
) -> None:
    pad, number = cluster.launchpad, int(each.job["fw_id"])
    now = pad.fireworks.find_one({"fw_id": number}, ["state", "launches"]) or {}
    if any(now.get(key) != each.job.get(key) for key in ("state", "launches")):
        return  # it went on, or another `recover` was faster
    tries = len(each.job.get("archived_launches") or ())
    if tries >= cluster.settings.reruns and not failed:
        recovered.exhausted[number] = cause_of(each.launch, each.job)
        return
    with library_silence():
        if each.job["state"] == "RESERVED" and each.launch:
            pad.cancel_reservation(each.launch["launch_id"])
        else:
            pad.rerun_fw(number)
    recovered.again[number] = reason


def _tell_children(cluster: Cluster) -> list[int]:
    """Wake jobs that wait although all before them is done.

    FireWorks tells the children of a job in several steps; a database that goes away
    between two of them leaves a child that waits for ever. To pause and resume it makes
    FireWorks look at its parents again.
    """
    pad = cluster.launchpad
    waiting = pad.get_fw_ids({"state": "WAITING"})
    done = set(pad.get_fw_ids({"state": "COMPLETED"}))
    told = []
    for child, parents in _parents(cluster, waiting):
        if parents and done.issuperset(parents):
            with library_silence():
                if pad.pause_fw(child) is not None:
                    pad.resume_fw(child)
                    told.append(child)
    return told


def _parents(cluster: Cluster, numbers: list[int]) -> Iterator[tuple[int, list[int]]]:
    wanted = set(numbers)
    fields = {"nodes": 1, "parent_links": 1}
    query = {"nodes": {"$in": numbers}}
    for workflow in cluster.launchpad.workflows.find(query, fields):
        for number in wanted.intersection(workflow["nodes"]):
            yield number, list(workflow["parent_links"].get(str(number), []))


# --- why a job failed -------------------------------------------------------------


def may_repeat(launch: Mapping[str, Any]) -> str | None:
    """Return why a failed job should simply run again; None if it failed by itself."""
    trace = _trace(launch)
    for pattern, reason in NOT_ITS_FAULT.items():
        if re.search(pattern, trace, re.MULTILINE):
            return reason
    return None


def cause_of(launch: Mapping[str, Any], job: Mapping[str, Any] | None = None) -> str:
    """Return why a job failed, in one line, without a secret that a library told."""
    spec = (job or {}).get("spec") or {}
    details = spec.get("_exception_details") or {}
    text = _trace(launch) or str(details.get("_stacktrace", "")).strip()
    lines = text.splitlines() or ["no cause was recorded"]
    # a message may have several lines; it begins with the exception's name
    begins = [n for n, line in enumerate(lines) if re.match(r"[A-Za-z_][\w.]*: ", line)]
    message = " ".join(" ".join(lines[begins[-1] if begins else -1 :]).split())
    return without_secrets(message.removeprefix("ionface.errors.IonfaceError: "))[:400]


def _trace(launch: Mapping[str, Any]) -> str:
    stored = (launch.get("action") or {}).get("stored_data") or {}
    return str((stored.get("_exception") or {}).get("_stacktrace", "")).strip()
