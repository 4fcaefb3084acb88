"""Runs one job of a project in its own folder, and notes there why it failed."""

from __future__ import annotations

import copy
import os
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from ionface.errors import IonfaceError
from ionface.files import DISK_REFUSES, disk_message
from ionface.workflows.engines.durable import job_folder
from ionface.workflows.projects.project import ERROR_FILE, Project

if TYPE_CHECKING:
    from jobflow import Job

OUTPUT_FILE = "output.txt"


def run_job(project: Project, job: Job) -> str | None:
    """Run a job in its own folder; return its message if it failed.

    Raises:
        IonfaceError: nothing can be written, or the job would change the graph.
    """
    folder = job_folder(job)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _working_in(folder):
            (folder / ERROR_FILE).unlink(missing_ok=True)
            # a job that runs puts results in the place of its references
            response = copy.deepcopy(job).run(store=project.store, job_dir=folder)
    except Exception as error:  # whatever a job raises is its failure  # noqa: BLE001
        _stop_if_nothing_can_be_written(error, folder)
        return _note_failure(folder, error)
    if response.replace or response.detour or response.addition:
        raise IonfaceError(
            f"job {job.name} changed the graph while running, which the local runner "
            "cannot resume; run this flow with FireWorks"
        )
    return None


def _stop_if_nothing_can_be_written(error: Exception, folder: Path) -> None:
    """Raise if the disk or the store refuses: the next job would fail likewise."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, sqlite3.DatabaseError):
            raise error
        if isinstance(cause, OSError) and cause.errno in DISK_REFUSES:
            raise IonfaceError(disk_message(cause, folder)) from error
        cause = cause.__cause__


def _note_failure(folder: Path, error: Exception) -> str:
    message = str(error).strip() or type(error).__name__
    if not isinstance(error, IonfaceError | ValueError):
        message = f"{type(error).__name__}: {message}"
    text = message + "\n\n" + "".join(traceback.format_exception(error))
    (folder / ERROR_FILE).write_text(text)
    return message


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
