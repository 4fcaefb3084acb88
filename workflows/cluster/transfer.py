"""Results between a project directory and the cluster's store, checked by digest."""

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
class Moved:
    """What was copied.

    Attributes:
        documents: how many are on the other side now.
        kept: how many of them were there before.
        waiting: jobs of the project without a result yet.
    """

    documents: int
    kept: int
    waiting: int


def fetch(root: Path, store: JobStore | None = None) -> Moved:
    """Take a project's results into its own store: from its folders, and from a store.

    Afterwards `ionface report` and `analyze` work without the cluster.

    Args:
        root: the project.
        store: the cluster's; for folders that stayed behind on another machine.

    Raises:
        IonfaceError: no project, or a result differs.
    """
    project = Project.open(root)
    before = sum(runner.is_done(project.store, job) for job, _ in project.jobs())
    runner.take_results(project)
    if store is not None:
        _copy(store, project.store, _uuids(project), str(project.root))
    done = sum(runner.is_done(project.store, job) for job, _ in project.jobs())
    return Moved(done, before, len(project.jobs()) - done)


def send(root: Path, store: JobStore) -> Moved:
    """Copy a project's results into the cluster's store.

    Raises:
        IonfaceError: no project, or a result differs.
    """
    project = Project.open(root)
    return _copy(project.store, store, _uuids(project), "the cluster's store")


def _uuids(project: Project) -> list[str]:
    return [job.uuid for job, _ in project.jobs()]


def _copy(source: JobStore, target: JobStore, uuids: list[str], where: str) -> Moved:
    number = kept = 0
    seen = set()
    for document in source.query({"uuid": {"$in": uuids}}, load=True):
        seen.add(document["uuid"])
        key = {"uuid": document["uuid"], "index": document["index"]}
        before = next(iter(target.query(key, load=True)), None)
        if before is None:
            plain = {k: v for k, v in document.items() if k != "_id"}
            target.update(plain, key=["uuid", "index"])
        elif _digest(before) == _digest(document):
            kept += 1
        else:
            raise IonfaceError(
                f"the result of {document.get('name')!r} in {where} is another "
                "one; two runs are never mixed: give another --project"
            )
        number += 1
    return Moved(number, kept, len(set(uuids) - seen))


def _digest(document: dict[str, Any]) -> str:
    """Return the digest of what a job returned; bookkeeping differs by place."""
    return digest(json_util.dumps(document.get("output"), sort_keys=True))
