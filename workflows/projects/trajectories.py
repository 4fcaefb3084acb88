"""The trajectories that a project shows, each held against what its run recorded."""

from __future__ import annotations

from pathlib import Path

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.workflows.engines.records import TrajectoryPointer
from ionface.workflows.flows.jobs import TRAJECTORIES
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.runner import is_done
from ionface.workflows.study.file_names import slug


def shown_trajectories(root: Path) -> list[Path]:
    """Return the files that a project shows, one for each finished run."""
    return sorted((root / TRAJECTORIES).glob("*.ionf"))


def open_shown(project: Project, path: Path) -> Trajectory:
    """Return the trajectory of a file that a project shows.

    Args:
        project: whose.
        path: one of its `shown_trajectories`.

    Raises:
        IonfaceError: the file is no more what its run has left.
    """
    pointer = _recorded(project, path.stem)
    return Trajectory.open(path, sha256=pointer.sha256 if pointer else None)


def _recorded(project: Project, name: str) -> TrajectoryPointer | None:
    """Return what stands in the store of a run; None of one that is there no more."""
    for job, _ in project.jobs():
        told = job.metadata
        if told.get("result") != "trajectory" or slug(str(told["subject"])) != name:
            continue
        if is_done(project.store, job):
            return TrajectoryPointer.from_dict(
                project.store.get_output(job.uuid, load=True)
            )
    return None
