"""A study as small workflows of FireWorks, each job told where it belongs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.choosing import MARK
from ionface.workflows.cluster.context import library_silence
from ionface.workflows.cluster.guard import check_inside, check_name
from ionface.workflows.cluster.resources import Requests, kind_of
from ionface.workflows.study.naming import slug

if TYPE_CHECKING:
    from fireworks import Firework, Workflow
    from jobflow import Job

    from ionface.workflows.study.study import Study


def components(jobs: Sequence[tuple[Job, list[str]]]) -> list[list[tuple[Job, Any]]]:
    """Return jobs in groups that depend on each other: many small workflows.

    FireWorks locks a workflow whenever one of its jobs ends.
    """
    leader = {job.uuid: job.uuid for job, _ in jobs}

    def find(uuid: str) -> str:
        while leader[uuid] != uuid:
            leader[uuid] = leader[leader[uuid]]
            uuid = leader[uuid]
        return uuid

    for job, parents in jobs:
        for parent in parents:
            leader[find(job.uuid)] = find(parent)
    groups: dict[str, list[tuple[Job, Any]]] = {}
    for job, parents in jobs:
        groups.setdefault(find(job.uuid), []).append((job, parents))
    return list(groups.values())


@dataclass(frozen=True)
class Target:
    """What every job of a submission is told.

    Attributes:
        study: name.
        root: the project's folder.
        mark: digest of the submission.
        queue: kind of queue whose template takes the resources.
        pairs: whose bonds are counted while it runs, by subject.
    """

    study: str
    root: Path
    mark: str
    queue: str = "SLURM"
    pairs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, root: Path, mark: str, queue: str) -> Target:
        """Return the target of a study."""
        pairs = {run.interface: run.pairs for run in study.dynamics}
        return cls(study.name, root, mark, queue, pairs)


def describe(job: Job, target: Target, asked: Requests) -> dict[str, Any]:
    """Return what a Firework's spec says of a job beyond the job itself."""
    task = str(job.metadata.get("task") or job.name)
    resources = asked.of(job.name, kind_of(task))
    return {
        "_ionface": {
            "uuid": job.uuid,
            "index": job.index,
            "submission": target.mark,
            "project": str(target.root),
            "study": target.study,
            "kind": kind_of(task),
            "pairs": list(target.pairs.get(str(job.metadata.get("subject")), ())),
            "walltime_s": round(3600 * (resources.walltime or asked.walltime_h)),
        },
        "_queueadapter": resources.for_queue(target.queue),
    }


def workflows(
    jobs: Sequence[tuple[Job, list[str]]], target: Target, asked: Requests
) -> list[Workflow]:
    """Return a study's jobs as FireWorks' workflows, one per connected group."""
    with library_silence():
        from fireworks import Workflow
        from jobflow.managers.fireworks import job_to_firework

    found = []
    for group in components(jobs):
        made: dict[str, Firework] = {}
        for job, parents in group:
            check_name(job.name, "the job's name")
            job.config.manager_config = describe(job, target, asked)
            job_to_firework(job, None, parents=parents, parent_mapping=made)
        name = f"{target.study}: {group[0][0].metadata.get('subject', '')}"
        found.append(
            Workflow(
                list(made.values()), name=name, metadata={"submission": target.mark}
            )
        )
    return found


def job_folder(spec: dict[str, Any], name: str) -> Path:
    """Return the folder in which a job runs, within its project.

    Args:
        spec: of the Firework, not decoded.
        name: of the job.

    Raises:
        IonfaceError: the project is none of this submission, or the folder outside.
    """
    told = spec.get("_ionface") or {}
    root = Path(str(told.get("project", "")))
    try:
        mark = json.loads((root / MARK).read_text()).get("submission")
    except (OSError, ValueError, AttributeError):
        mark = None
    if mark is None or mark != told.get("submission"):
        raise IonfaceError(
            f"job {name!r} names the project {root}, which was not submitted from "
            "there; nothing outside a project is touched"
        )
    index = int(told.get("index", 1))
    tail = str(told.get("uuid", ""))[:8] + (f".{index}" if index > 1 else "")
    folder = root / "runs" / f"{slug(name.replace(' ', '.'))}.{tail}"
    return check_inside(folder, root / "runs", "the job's folder")
