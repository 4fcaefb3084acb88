"""Runs a project's flow here, one job after another or side by side; resumes it.

A job whose document is in the store is never run again. A job that was interrupted
runs again in its own folder, where the engines find what they had written. Whatever
stops a run (Ctrl-C, kill -9, a full disk), running again goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ionface.errors import IonfaceError
from ionface.workflows.engines.durable import (
    DURABLE,
    RESULT,
    is_computing,
    job_folder,
)
from ionface.workflows.engines.progress import listening
from ionface.workflows.projects.job_progress import mean_pressure, progress
from ionface.workflows.projects.job_run import run_job
from ionface.workflows.projects.observer import Observer
from ionface.workflows.projects.project import ERROR_FILE, Project
from ionface.workflows.projects.schedule import Outcome, Schedule
from ionface.workflows.projects.side_by_side import run_side_by_side
from ionface.workflows.study.analyses import bond_rules_by_subject

if TYPE_CHECKING:
    from jobflow import Job, JobStore

State = Literal["done", "failed", "running", "interrupted", "waiting"]


@dataclass(frozen=True)
class JobState:
    """One line of `ionface status`."""

    name: str
    state: State
    note: str
    folder: Path


def run(
    project: Project, observer: Observer | None = None, *, workers: int = 1
) -> Outcome:
    """Run every job of a project that is not done; one that fails blocks its children.

    Args:
        project: held by a lock while this runs.
        observer: hears how far the run is.
        workers: jobs that run at a time. One runs in this process; more run in
            processes of their own, for which a script must guard its start with
            `if __name__ == "__main__":`.

    Raises:
        IonfaceError: the disk is full, the store cannot be written, or the project's
            jobs are on a cluster.
    """
    observer = observer or Observer()
    project.check_trusted()
    with project.locked():
        _check_not_submitted(project)
        jobs = project.jobs()
        done = [job.uuid for job, _ in jobs if is_done(project.store, job)]
        schedule = Schedule(jobs, done, longest_first=workers > 1)
        if workers > 1:
            run_side_by_side(project, schedule, workers, observer)
        else:
            _run_in_turn(project, schedule, observer)
        project.drop_replaced()
    return schedule.outcome


def _run_in_turn(project: Project, schedule: Schedule, observer: Observer) -> None:
    while job := schedule.take():
        observer.job(job.name, schedule.outcome.behind, schedule.total)
        with listening(partial(observer.step, job.name)):
            failure = run_job(project, job)
        schedule.ended(job, failure)
        observer.ended(job.name)


def take_results(project: Project) -> list[str]:
    """Take results that lie in the jobs' folders into the project's store.

    Nothing is computed: a job whose result is in its folder returns it at once.

    Returns:
        The names of the jobs whose results are in the store now.

    Raises:
        IonfaceError: a result is damaged, or the store cannot be written.
    """
    failed: dict[str, str] = {}
    done: set[str] = set()
    with project.locked():
        for job, parents in project.jobs():
            whole = (job_folder(job) / RESULT).is_file() and done.issuperset(parents)
            # any other would not read its result but run
            whole = whole and hasattr(job.function, DURABLE)
            if not is_done(project.store, job):
                if not whole:
                    continue
                if failure := run_job(project, job):
                    failed[job.name] = failure
                    continue
            done.add(job.uuid)
    for name, message in failed.items():
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
            "to run the study here, give another `project`"
        )


def is_done(store: JobStore, job: Job) -> bool:
    """Tell whether the store holds the job's document."""
    wanted = {"uuid": job.uuid, "index": job.index}
    return store.docs_store.query_one(wanted, ["uuid"]) is not None


def states(project: Project) -> list[JobState]:
    """Return every job's state, in the order in which they run."""
    busy = project.is_running()
    rules = bond_rules_by_subject(project.study)
    lines: list[JobState] = []
    for job, _ in project.jobs():
        folder = job_folder(job)
        if is_done(project.store, job):
            ran = job.metadata.get("result") == "trajectory"
            note = mean_pressure(folder) if ran else ""
            lines.append(JobState(job.name, "done", note, folder))
            continue
        if (folder / ERROR_FILE).is_file():
            note = (folder / ERROR_FILE).read_text().partition("\n")[0]
            lines.append(JobState(job.name, "failed", note, folder))
            continue
        begun = folder.is_dir()
        running = busy and is_computing(folder)
        state: State = "running" if running else "interrupted" if begun else "waiting"
        note = progress(folder, rules.get(str(job.metadata.get("subject"))))
        lines.append(JobState(job.name, state, note, folder))
    return lines
