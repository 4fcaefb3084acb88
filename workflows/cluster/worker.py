"""`ionface worker`: what the batch script execs. An rlaunch that can be stopped.

The jobs themselves see to it that nothing is lost or computed twice: they keep their
results in the project, and whoever starts them again gets these. So a worker may die at
any moment. What it adds to rlaunch: signals and the wall time reach the job; a job that
was stopped, or whose bookkeeping the database has lost, is set free to run again; each
launch knows its batch job, so that `ionface recover` can compare it with the queue.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo.errors import PyMongoError

from ionface.errors import IonfaceError
from ionface.workflows.cluster.batch import ready_jobs, reserve
from ionface.workflows.cluster.connection import (
    Cluster,
    clock_ahead_s,
    library_silence,
    unreachable_message,
)
from ionface.workflows.cluster.guard import ForeignJobError, check_firework
from ionface.workflows.cluster.queues import own_number
from ionface.workflows.cluster.recovery import cause_of, may_repeat
from ionface.workflows.cluster.stopping import Stopper, end_orphans
from ionface.workflows.engines.durable import is_computing

WAIT_S = 1.0
# custodian notes here when its clock began, and each job has a clock of its own
CLOCK = "CUSTODIAN_WALLTIME_START"


@dataclass
class WorkerReport:
    """What a worker did.

    Attributes:
        completed: names of jobs that ran to their end.
        failed: cause of each job that did not.
        later: why each job goes on later: it was stopped, or the database went away.
    """

    completed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)


def work(
    cluster: Cluster,
    number: int | None = None,
    limit: int | None = None,
    walltime_s: float | None = None,
    idle_s: float = 0.0,
    observe: Callable[[str], object] = str,
) -> WorkerReport:
    """Run jobs until none is left, or the time is over.

    Args:
        cluster: whose, opened with patience for a database that is away.
        number: run this Firework only.
        limit: at most so many jobs.
        walltime_s: of this process, s; a job is asked to stop before its end.
        idle_s: wait so long for jobs to become ready before going home, s.
        observe: hears a line per job.

    Raises:
        IonfaceError: the database does not come back.
    """
    os.umask(0o077)
    report, settings = WorkerReport(), cluster.settings
    _check_clock(cluster)
    deadline = None
    if walltime_s is not None:
        reserve_s = min(settings.reserve_s, walltime_s / 2)
        deadline = time.monotonic() + walltime_s - reserve_s
    with Stopper(settings.grace_s, deadline).watching() as stopper:
        idle_until, done = time.monotonic() + idle_s, 0
        while stopper.reason is None and (limit is None or done < limit):
            try:
                ran = _one_job(cluster, number, report, stopper, observe)
            except PyMongoError as error:
                # between two jobs, and longer than we wait
                raise IonfaceError(unreachable_message(cluster)) from error
            if ran:
                done += 1
                idle_until = time.monotonic() + idle_s
            if number is not None or (not ran and time.monotonic() > idle_until):
                break
            if not ran:
                time.sleep(WAIT_S)
    return report


def _check_clock(cluster: Cluster) -> None:
    """Refuse to work by a clock by which a live job would be taken for a dead one."""
    try:
        ahead_s = clock_ahead_s(cluster)
    except PyMongoError as error:
        raise IonfaceError(unreachable_message(cluster)) from error
    if abs(ahead_s) > cluster.settings.expiry_s / 2:
        side = "ahead of" if ahead_s > 0 else "behind"
        raise IonfaceError(
            f"the clock of {platform.node()} is {abs(ahead_s):.0f} s {side} the "
            "database's, so that its jobs would be taken for lost or for alive when "
            "they are not; have ntp set it, or raise expiry_s in ionface.yaml above "
            f"{2 * abs(ahead_s):.0f}"
        )


def _one_job(
    cluster: Cluster,
    number: int | None,
    report: WorkerReport,
    stopper: Stopper,
    observe: Callable[[str], object],
) -> bool:
    """Run one job; tell whether there was one to run."""
    number = _reserved(cluster, report) if number is None else number
    if number is None:
        return False
    job = cluster.launchpad.get_fw_dict_by_id(number)
    check_firework(job)
    observe(f"job {number}: {job['name']}")
    before = Path.cwd()
    try:
        ran = _launched(cluster, number, job["spec"])
    except (PyMongoError, RuntimeError, ValueError) as error:
        # the bookkeeping failed: FireWorks wraps what it met into RuntimeErrors
        observe(f"job {number}: {_line(error)}; it is put right when the database is")
        ran = True
    finally:
        os.chdir(before)
    if ran:
        _settle(cluster, number, str(job["name"]), report, stopper)
    return ran


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:200]


def _reserved(cluster: Cluster, report: WorkerReport) -> int | None:
    """Take a job that is ready, and note which batch job does so."""
    for number in ready_jobs(cluster):
        try:
            firework, launch_id = reserve(cluster, number, Path.cwd())
        except ForeignJobError as error:
            report.failed[f"Firework {number}"] = str(error)
            continue
        if firework is None:  # another worker was faster
            continue
        if batch_id := own_number():
            cluster.launchpad.set_reservation_id(launch_id, batch_id)
        return number
    return None


def _launched(cluster: Cluster, number: int, spec: dict[str, Any]) -> bool:
    import jobflow
    from fireworks.core.rocket_launcher import launch_rocket

    folder = _own_folder(spec)
    if folder and folder.is_dir() and not is_computing(folder):
        end_orphans(folder)
    os.environ.pop(CLOCK, None)
    before = jobflow.SETTINGS.JOB_STORE
    # what jobflow's Firetask asks for when a job names no store
    jobflow.SETTINGS.JOB_STORE = cluster.store
    try:
        # what a job prints goes into the batch job's output, not into --json
        with contextlib.redirect_stdout(sys.stderr):
            ran: bool = launch_rocket(
                cluster.launchpad, cluster.fworker, number, strm_lvl="CRITICAL"
            )
    finally:
        jobflow.SETTINGS.JOB_STORE = before
    return ran


def _own_folder(spec: dict[str, Any]) -> Path | None:
    """Return the folder that is this job's alone, if its submission has named one.

    A Firework that somebody else made may start anywhere, also where its user works:
    nothing that runs there is ours to end.
    """
    folder = Path(str(spec.get("_launch_dir") or ""))
    uuid = spec["_tasks"][0]["job"]["uuid"]
    return folder if folder.suffix == f".{uuid[:8]}" else None


def _settle(
    cluster: Cluster, number: int, name: str, report: WorkerReport, stopper: Stopper
) -> None:
    """Note how a job ended; let it run again if that was not its own fault."""
    try:
        job = cluster.launchpad.get_fw_dict_by_id(number)
    except ValueError:  # there is no such job
        report.later[name] = "the database was emptied meanwhile; its result is kept"
        return
    launch = job["launches"][-1] if job["launches"] else {}
    if job["state"] == "COMPLETED":
        report.completed.append(name)
        return
    if job["state"] == "RUNNING":
        reason: str | None = "the database went away"
    elif job["state"] == "FIZZLED":
        reason = stopper.reason or may_repeat(launch)
        # whoever holds the lock will end the job; running again now would only meet it
        if reason is None or is_computing(Path(launch.get("launch_dir", ""))):
            report.failed[name] = cause_of(launch)
            return
    else:
        report.later[name] = f"{job['state'].lower()} by somebody while it ran"
        return
    report.later[name] = reason or ""
    with library_silence():
        cluster.launchpad.rerun_fw(number)
