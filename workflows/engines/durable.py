"""Jobs that lose nothing and compute nothing twice, whatever manager runs them.

A job has one folder for ever, found by its uuid: below the project's `runs` folder,
whose path the runner writes into the job's metadata, or else beside the folder in which
a manager has started the job. There the job holds a lock, keeps its files, goes on from
what an interrupted attempt left, and writes its result as one file before any database
hears of it. Where that file is, the job returns it at once. So a job may be started
again at any time, by anybody: a second start waits for nobody and repeats nothing.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobflow import CURRENT_JOB, Job, Response, job
from monty.json import MontyEncoder, jsanitize

from ionface.documents import decode, text_of
from ionface.errors import BusyError, IonfaceError
from ionface.files import digest, is_locked, write_atomically
from ionface.workflows.engines.circumstances import circumstances
from ionface.workflows.study.file_names import slug

RESULT = "result.jsonl"
LOCK = ".lock"
DURABLE = "durable"  # the mark of such jobs
RUNS = "runs"
"""Key of a job's metadata: absolute path of the folder that holds all jobs' folders."""

STARTED_BY = ("launcher_", "job_", "block_")
"""How FireWorks and jobflow begin the names of the folders that they make for jobs."""
REMOTE_DEPTH = 3
"""jobflow-remote starts a job in WORK/ab/cd/ef/UUID_INDEX, which a rerun empties."""


def durable_job(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make jobs of a function, as jobflow's `job` does, each with a durable result.

    The function finds itself in the job's own folder. It may be stopped at any moment
    and must go on from the files that it finds there. What it returns is written as
    JSON; objects must be MSONable. A `Response` that changes the graph is not kept:
    whoever runs such a job again gets the same answer from its files.
    """
    made: Callable[..., Any] = job(_durable(function))
    setattr(made, DURABLE, True)
    return made


def _durable(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        current = _current_job(args, kwargs)
        if current is None:  # called as a function, by a test or in a notebook
            return function(*args, **kwargs)
        with _own_folder(current) as folder:
            if (folder / RESULT).is_file():
                return read_result(folder, current.uuid)
            started = time.monotonic()
            output = function(*args, **kwargs)
            if not isinstance(output, Response):
                write_result(folder, current, output, circumstances(started))
            return output

    return run


def _current_job(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Job | None:
    """Return the job that makes this call; None if no job does.

    jobflow remembers its last job also after it has ended, so the arguments must be
    that job's own objects.
    """
    current = CURRENT_JOB.job
    if current is None:
        return None
    maker = getattr(current.function, "__self__", None)
    expected = (maker, *current.function_args) if maker else current.function_args
    mine = [*expected, *current.function_kwargs.values()]
    called_with = [*args, *kwargs.values()]
    same = len(mine) == len(called_with) and all(
        a is b for a, b in zip(mine, called_with, strict=True)
    )
    return current if same else None


def job_folder(job: Job, runs: Path | None = None) -> Path:
    """Return a job's own folder; its name tells what it is, its id that it is it.

    Args:
        job: with the project's `runs` folder in its metadata, if it has a project.
        runs: the folder of all jobs' folders, instead of the one that the job names.
    """
    name = f"{slug(job.name.replace(' ', '.'))}.{job.uuid[:8]}"
    return (runs or _runs(job, name)) / name


def _runs(job: Job, name: str) -> Path:
    if named := job.metadata.get(RUNS):
        return Path(named)
    here = Path.cwd()
    if here.name == name:  # started where it belongs
        return here.parent
    # a manager makes a new folder for each attempt, and `qlaunch` one around some of
    # them; what lasts is where it makes them
    while here.name.startswith(STARTED_BY):
        here = here.parent
    if here.name.startswith(f"{job.uuid}_"):
        here = here.parents[REMOTE_DEPTH]
    return here / "ionface-runs"


@contextmanager
def _own_folder(job: Job) -> Iterator[Path]:
    """Work in a job's folder and hold its lock, which ends with the process."""
    folder = job_folder(job).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    with (folder / LOCK).open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"another process is computing {job.name} in {folder}; it keeps its "
                "result there, and whoever starts the job later gets that"
            ) from error
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def is_computing(folder: Path) -> bool:
    """Tell whether a process computes in a job's folder, as far as one can see."""
    return is_locked(folder / LOCK)


def write_result(
    folder: Path, job: Job, output: Any, made: Mapping[str, Any] | None = None
) -> None:
    """Write a job's output into its folder: identity and digest, then the JSON.

    Args:
        folder: of the job.
        job: that made it.
        output: what it returns.
        made: its `circumstances`.
    """
    plain = jsanitize(output, strict=True, enum_values=True)
    body = json.dumps(plain, cls=MontyEncoder)
    head: dict[str, Any] = {"uuid": job.uuid, "name": job.name, "sha256": digest(body)}
    head |= {"made": dict(made)} if made else {}
    write_atomically(folder / RESULT, f"{json.dumps(head)}\n{body}\n")


def made_how(folder: Path) -> dict[str, Any] | None:
    """Return the `circumstances` that a job's result tells; None where it has none."""
    try:
        with (folder / RESULT).open(encoding="utf-8") as handle:
            found: dict[str, Any] | None = json.loads(handle.readline()).get("made")
            return found
    except (OSError, ValueError, AttributeError):
        return None


def read_result(folder: Path, uuid: str) -> Any:
    """Return the output that a job has kept in its folder.

    Args:
        folder: of the job.
        uuid: of the job; a file of another one is refused.

    Raises:
        IonfaceError: the file is damaged, or another job's.
    """
    path = folder / RESULT
    text = text_of(path)
    first, _, body = text.removesuffix("\n").partition("\n")
    try:
        head = json.loads(first)
        whole = head["sha256"] == digest(body)
    except (ValueError, TypeError, KeyError):
        whole = False
    if not whole:
        raise IonfaceError(
            f"the result {path} is damaged: its digest is not the one it was written "
            "with. Remove this file, and the job goes on from its other files"
        )
    if head["uuid"] != uuid:
        raise IonfaceError(
            f"the result {path} is of job {head['uuid']}, not of {uuid}: two projects "
            "share a folder; give each its own"
        )
    return decode(body, str(path))
