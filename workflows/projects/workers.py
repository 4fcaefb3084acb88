"""How many jobs of a study run at a time where nobody says so."""

from __future__ import annotations

import os
from pathlib import Path

from ionface.workflows.engines.registry import study_engine
from ionface.workflows.projects.side_by_side import cores
from ionface.workflows.study.study import Study

SHARE = 0.8  # of the memory that is there: the rest is the system's and the files'


def default_workers(study: Study) -> int:
    """Return one worker for each core as far as memory goes; one where none gains.

    Two jobs on a core each end sooner than one after the other on two: threads of one
    step wait for one another, and much of a step is not threaded.

    Raises:
        IonfaceError: an engine is not installed.
    """
    needed = []
    if study.formation_names or study.surfaces or study.systems:
        needed.append(study_engine(study, "formation").worker_gib)
    if study.dynamics or study.references:
        needed.append(study_engine(study, "dynamics").worker_gib)
    if not all(needed) or not needed:
        return 1
    return max(1, min(cores(), int(SHARE * _available_gib() / max(needed))))


def _available_gib() -> float:
    """Return the memory that is free, or all where the system does not tell."""
    try:
        facts = Path("/proc/meminfo").read_text().splitlines()
        told = dict(line.split(":", 1) for line in facts)
        return int(told["MemAvailable"].split()[0]) / 2**20
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
