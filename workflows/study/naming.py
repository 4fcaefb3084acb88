"""Names of jobs and files."""

from __future__ import annotations

import re

from jobflow import Job


def named(job: Job, subject: str, task: str, result: str | None = None) -> Job:
    """Give a job its name, and metadata by which status and report find it.

    Args:
        job: changed in place and returned.
        subject: interface or crystal that it is about.
        task: what it does, in words.
        result: which kind of result its output is; None for a step on the way.
    """
    job.name = f"{subject} {task}"
    job.metadata = {"subject": subject, "task": task, "result": result}
    return job


def slug(name: str) -> str:
    """Return a name that is safe as a file name, as in "LAGP|Li" -> "LAGP-Li"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
