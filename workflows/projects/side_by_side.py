"""Runs a project's jobs side by side, each worker a process of its own.

The parent holds the project's lock and the schedule. It sends a worker the id of a job
and hears through a pipe how far the job is and how it ended; the result goes from the
worker into its job's folder and the project's store. Workers are started when there is
a job for them, keep their imports from job to job, and end with their parent.
"""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.engines import progress
from ionface.workflows.projects.observer import Observer

if TYPE_CHECKING:
    from jobflow import Job

    from ionface.workflows.projects.project import Project
    from ionface.workflows.projects.schedule import Schedule

Threads = Any  # multiprocessing's synchronized integer, which has no public type
TOLD_EVERY_S = 0.5  # an observer reads no faster
GRACE_S = 10.0  # to end what a job has started
THREADS = "OMP_NUM_THREADS"


class _Worker:
    """A process that runs one job after another."""

    def __init__(self, root: Path, threads: Threads) -> None:
        # fork would copy the locks of torch's threads, held for ever in the copy
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_work, args=(root, theirs, threads), daemon=True
        )
        self.process.start()
        theirs.close()  # else its end would not be noticed here
        self.job: Job | None = None

    def begin(self, job: Job) -> None:
        self.job = job
        self.pipe.send(job.uuid)

    def interrupt(self) -> None:
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        self.process.join(GRACE_S)
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run_side_by_side(
    project: Project, schedule: Schedule, workers: int, observer: Observer
) -> None:
    """Run all jobs of a schedule, up to `workers` of them at a time.

    Threads are shared among the jobs that run: a job that is alone takes all cores.

    Raises:
        IonfaceError: the disk or the store refuses to be written.
    """
    threads = multiprocessing.get_context("spawn").Value("i", cores())
    with _crew() as crew:
        while True:
            while _begin_next(project, schedule, crew, workers, threads, observer):
                pass
            busy = [worker for worker in crew if worker.job]
            if not busy:
                return
            threads.value = max(1, cores() // len(busy))
            for ready in wait([worker.pipe for worker in busy]):
                worker = next(each for each in busy if each.pipe is ready)
                if not _heard(worker, schedule, observer):
                    crew.remove(worker)
                    worker.end()


def _begin_next(
    project: Project,
    schedule: Schedule,
    crew: list[_Worker],
    workers: int,
    threads: Threads,
    observer: Observer,
) -> bool:
    """Give a job to an idle worker; tell whether there were both."""
    for worker in [each for each in crew if each.job is None]:
        if not worker.process.is_alive():  # ended from outside while it had no job
            crew.remove(worker)
            worker.end()
    idle = next((worker for worker in crew if worker.job is None), None)
    if idle is None and len(crew) == workers:
        return False
    job = schedule.take()
    if job is None:
        return False
    if idle is None:
        crew.append(idle := _Worker(project.root, threads))
    observer.job(job.name, schedule.outcome.behind, schedule.total)
    idle.begin(job)
    return True


def _heard(worker: _Worker, schedule: Schedule, observer: Observer) -> bool:
    """Take one message of a worker; tell whether it lives."""
    job = worker.job
    assert job is not None
    try:
        kind, *content = worker.pipe.recv()
    except (EOFError, OSError):
        schedule.ended(job, _death(worker))
        observer.ended(job.name)
        return False
    if kind == "step":
        observer.step(job.name, *content)
    elif kind == "ended":
        worker.job = None
        schedule.ended(job, content[0])
        observer.ended(job.name)
    else:
        raise IonfaceError(content[0])
    return True


def _death(worker: _Worker) -> str:
    worker.process.join(GRACE_S)
    return (
        f"its process ended with status {worker.process.exitcode}, as if killed; if "
        "memory was short (see `dmesg`), run again with fewer `workers`. It goes on "
        "from what its folder holds"
    )


@contextmanager
def _crew() -> Iterator[list[_Worker]]:
    """Give a list for workers, and end them with the block."""
    crew: list[_Worker] = []
    try:
        yield crew
        for worker in crew:
            with suppress(OSError):
                worker.pipe.send(None)
    except BaseException:
        for worker in crew:
            worker.interrupt()
        raise
    finally:
        for worker in crew:
            worker.end()


# --- in the worker's process --------------------------------------------------------


def _work(root: Path, pipe: Connection, threads: Threads) -> None:
    """Run jobs by their ids until there is no more, or the parent is gone."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    if not sys.warnoptions:  # several would speak into one terminal, between its bars
        warnings.simplefilter("ignore")
    follow = _thread_setter(threads)
    with suppress(KeyboardInterrupt, EOFError, BrokenPipeError):
        from ionface.workflows.projects.job_run import run_job
        from ionface.workflows.projects.project import Project

        project = Project.open(root)
        jobs = {job.uuid: job for job, _ in project.jobs()}
        while (uuid := pipe.recv()) is not None:
            try:
                with progress.listening(_teller(pipe, follow)):
                    failure = run_job(project, jobs[uuid])
            except IonfaceError as error:
                pipe.send(("stop", str(error)))
                return
            pipe.send(("ended", failure))


def _end_with(parent: int) -> None:
    """End this process if its parent is gone, whoever has killed it."""
    while os.getppid() == parent:
        time.sleep(1)
    _thread.interrupt_main()
    time.sleep(GRACE_S)
    os._exit(1)


def _teller(pipe: Connection, follow: Callable[[], None]) -> progress.Listener:
    told = 0.0

    def tell(done: int, total: int | None, note: str) -> None:
        nonlocal told
        follow()
        if time.monotonic() - told > TOLD_EVERY_S:
            told = time.monotonic()
            pipe.send(("step", done, total, note))

    return tell


def _thread_setter(threads: Threads) -> Callable[[], None]:
    """Return what gives torch as many threads as the parent has foreseen.

    A number that the user has set in the environment stands.
    """
    if THREADS in os.environ:
        return lambda: None
    os.environ[THREADS] = str(threads.value)  # libraries read it when they are loaded

    def follow() -> None:
        torch = sys.modules.get("torch")
        if torch is not None and torch.get_num_threads() != threads.value:
            torch.set_num_threads(threads.value)

    return follow


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
