"""Runs a project's flow here, one job after another, and resumes it.

A job whose document is in the store is never run again. A job that was interrupted
runs again in its own folder, where the engines find what they had written. Whatever
stops a run (Ctrl-C, kill -9, a full disk), running again goes on from there.
"""

from __future__ import annotations

import copy
import os
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ionface.errors import IonfaceError
from ionface.files import DISK_REFUSES, disk_message
from ionface.workflows.engines.durable import DURABLE, RESULT, job_folder
from ionface.workflows.projects.progress import progress
from ionface.workflows.projects.project import Project
from ionface.workflows.study.analyses import bond_rules_by_subject

if TYPE_CHECKING:
    from jobflow import Job, JobStore

State = Literal["done", "failed", "running", "interrupted", "waiting"]
ERROR_FILE = "error.txt"
OUTPUT_FILE = "output.txt"


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        ran: names of jobs that ran to their end now.
        kept: names of jobs that had been done before.
        failed: message of each job that failed.
        blocked: names of jobs that wait for a failed one.
    """

    ran: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class JobState:
    """One line of `ionface status`."""

    name: str
    state: State
    note: str
    folder: Path


Observer = Callable[[str, int, int], None]
"""Hears of each job before it runs: its name, its number, how many there are."""


def nobody(name: str, number: int, total: int) -> None:
    """Observe nothing."""
    del name, number, total


def run(project: Project, observer: Observer = nobody) -> Outcome:
    """Run every job of a project that is not done; one that fails blocks its children.

    Args:
        project: held by a lock while this runs.
        observer: hears of each job before it runs.

    Raises:
        IonfaceError: the disk is full, the store cannot be written, or the project's
            jobs are on a cluster.
    """
    outcome = Outcome()
    project.check_trusted()
    with project.locked():
        _check_not_submitted(project)
        stuck: set[str] = set()
        jobs = project.jobs()
        for number, (job, parents) in enumerate(jobs):
            if is_done(project.store, job):
                outcome.kept.append(job.name)
            elif stuck.intersection(parents):
                stuck.add(job.uuid)
                outcome.blocked.append(job.name)
            else:
                observer(job.name, number, len(jobs))
                if _run_one(project, job, outcome):
                    outcome.ran.append(job.name)
                else:
                    stuck.add(job.uuid)
    return outcome


def take_results(project: Project) -> list[str]:
    """Take results that lie in the jobs' folders into the project's store.

    Nothing is computed: a job whose result is in its folder returns it at once.

    Returns:
        The names of the jobs whose results are in the store now.

    Raises:
        IonfaceError: a result is damaged, or the store cannot be written.
    """
    outcome = Outcome()
    done: set[str] = set()
    with project.locked():
        for job, parents in project.jobs():
            whole = (job_folder(job) / RESULT).is_file() and done.issuperset(parents)
            # any other would not read its result but run
            whole = whole and hasattr(job.function, DURABLE)
            if is_done(project.store, job):
                outcome.kept.append(job.name)
            elif not whole or not _run_one(project, job, outcome):
                continue
            done.add(job.uuid)
    for name, message in outcome.failed.items():
        raise IonfaceError(f"{name}: {message}")
    return [job.name for job, _ in project.jobs() if job.uuid in done]


def _check_not_submitted(project: Project) -> None:
    """Refuse to compute here what a cluster computes."""
    if not project.submission:
        return
    missing = [job.name for job, _ in project.jobs() if not is_done(project.store, job)]
    if missing:
        raise IonfaceError(
            f"the project {project.root} was submitted to a cluster, and "
            f"{len(missing)} of its jobs have no result here ({missing[0]}, ...): "
            "nothing is computed twice. See `ionface status`, then fetch results with "
            "`ionface import`; "
            "to run the study here, give another --project"
        )


def _run_one(project: Project, job: Job, outcome: Outcome) -> bool:
    folder = job_folder(job)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _working_in(folder):
            (folder / ERROR_FILE).unlink(missing_ok=True)
            # a job that runs puts results in the place of its references
            response = copy.deepcopy(job).run(store=project.store, job_dir=folder)
    except Exception as error:  # whatever a job raises is its failure  # noqa: BLE001
        _stop_if_nothing_can_be_written(error, folder)
        return _note_failure(folder, job, error, outcome)
    if response.replace or response.detour or response.addition:
        raise IonfaceError(
            f"job {job.name} changed the graph while running, which the local runner "
            "cannot resume; run this flow with FireWorks"
        )
    return True


def _stop_if_nothing_can_be_written(error: Exception, folder: Path) -> None:
    """Raise if the disk or the store refuses: the next job would fail likewise."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, sqlite3.DatabaseError):
            raise error
        if isinstance(cause, OSError) and cause.errno in DISK_REFUSES:
            raise IonfaceError(disk_message(cause, folder)) from error
        cause = cause.__cause__


def _note_failure(folder: Path, job: Job, error: Exception, outcome: Outcome) -> bool:
    message = str(error).strip() or type(error).__name__
    if not isinstance(error, IonfaceError | ValueError):
        message = f"{type(error).__name__}: {message}"
    outcome.failed[job.name] = message
    text = message + "\n\n" + "".join(traceback.format_exception(error))
    (folder / ERROR_FILE).write_text(text)
    return False


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        # libraries that greet on stdout would spoil --json; it is kept for the curious
        with (folder / OUTPUT_FILE).open("a") as heard, redirect_stdout(heard):
            yield
    finally:
        os.chdir(before)


def is_done(store: JobStore, job: Job) -> bool:
    """Tell whether the store holds the job's document."""
    wanted = {"uuid": job.uuid, "index": job.index}
    return store.docs_store.query_one(wanted, ["uuid"]) is not None


def states(project: Project) -> list[JobState]:
    """Return every job's state, in the order in which they run."""
    busy = project.is_running()
    rules = bond_rules_by_subject(project.study)
    lines: list[JobState] = []
    first_open = True
    for job, _ in project.jobs():
        folder = job_folder(job)
        if is_done(project.store, job):
            lines.append(JobState(job.name, "done", "", folder))
            continue
        if (folder / ERROR_FILE).is_file():
            note = (folder / ERROR_FILE).read_text().partition("\n")[0]
            lines.append(JobState(job.name, "failed", note, folder))
            continue
        begun = folder.is_dir()
        running = busy and first_open and begun
        state: State = "running" if running else "interrupted" if begun else "waiting"
        note = progress(folder, rules.get(str(job.metadata.get("subject"))))
        lines.append(JobState(job.name, state, note, folder))
        first_open = first_open and not begun
    return lines
