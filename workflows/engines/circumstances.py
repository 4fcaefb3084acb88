"""How long a job took, on how many processors, with which versions.

Nothing in it names a person, a machine or a path: reports are handed on.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("ionface", "ase", "pymatgen", "numpy", "torch", "atomate2", "jobflow")
"""Distributions that decide a number beside the code of the level of theory."""


def circumstances(started: float) -> dict[str, Any]:
    """Return plain JSON values for the attempt that ended a job.

    Args:
        started: `time.monotonic()` when it began.
    """
    return {
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 3),
        "processors": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return those of Python and of the packages that this process has loaded."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            if name in sys.modules:
                found[name] = version(name)
        except PackageNotFoundError:
            continue  # of a checkout that nobody installed
    return found


def together(jobs: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return in words what several jobs say; empty without jobs.

    >>> one = {"ended": "2026-01-01T10:00:00+00:00", "seconds": 90.0, "processors": 2,
    ...        "machine": "x86_64", "versions": {"numpy": "2.1"}}
    >>> together([one, one])["computed"]
    '2 jobs, 3 min together, each with 2 processors (x86_64) at hand, ended 2026-01-01'
    """
    if not jobs:
        return {}
    days = sorted({job["ended"][:10] for job in jobs})
    at_hand = " or ".join(sorted({str(job["processors"]) for job in jobs}, key=int))
    machine = ", ".join(sorted({job["machine"] for job in jobs}))
    told = {
        "computed": f"{len(jobs)} jobs, {_duration(sum(j['seconds'] for j in jobs))} "
        f"together, each with {at_hand} processors ({machine}) at hand, ended "
        + (days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}")
    }
    for name in {name: None for job in jobs for name in job["versions"]}:
        each = {job["versions"][name] for job in jobs if name in job["versions"]}
        told[name] = ", ".join(sorted(each))
    return told


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
