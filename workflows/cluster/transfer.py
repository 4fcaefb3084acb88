"""Results of a cluster into the project directory, checked by digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bson import json_util

from ionface.errors import IonfaceError
from ionface.files import digest
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project

if TYPE_CHECKING:
    from jobflow import JobStore


@dataclass(frozen=True)
class Fetched:
    """What was copied.

    Attributes:
        documents: how many results the project has now.
        kept: how many of them were there before.
        waiting: jobs of the project without a result yet.
    """

    documents: int
    kept: int
    waiting: int


def fetch(root: Path, store: JobStore | None = None) -> Fetched:
    """Take a project's results into its own store: from its folders, and from a store.

    Afterwards `ionface report` and `analyze` work without the cluster.

    Args:
        root: the project.
        store: the cluster's; for folders that stayed behind on another machine.

    Raises:
        IonfaceError: no project, or a result differs.
    """
    project = Project.open(root)
    jobs = [job for job, _ in project.jobs()]
    before = sum(runner.is_done(project.store, job) for job in jobs)
    runner.take_results(project)
    if store is not None:
        mine = {"uuid": {"$in": [job.uuid for job in jobs]}}
        for document in store.query(mine, load=True):
            _take(document, project)
    done = sum(runner.is_done(project.store, job) for job in jobs)
    return Fetched(done, before, len(jobs) - done)


def _take(document: dict[str, Any], project: Project) -> None:
    key = {"uuid": document["uuid"], "index": document["index"]}
    before = project.store.query_one(key, load=True)
    if before is None:
        plain = {k: v for k, v in document.items() if k != "_id"}
        project.store.update(plain, key=["uuid", "index"])
    elif _digest(before) != _digest(document):
        raise IonfaceError(
            f"the cluster's result of {document.get('name')!r} is another one than in "
            f"{project.root}; two runs are never mixed: give another `project`"
        )


def _digest(document: dict[str, Any]) -> str:
    """Return the digest of what a job returned; bookkeeping differs by place."""
    return digest(json_util.dumps(document.get("output"), sort_keys=True))
