"""Results between a project directory and the cluster's store, checked by digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.bundles import document_digest
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


def fetch(root: Path, store: JobStore) -> Moved:
    """Copy a project's results from the cluster's store into the project's own.

    Afterwards `ionface report` and `analyze` work without the cluster.

    Raises:
        IonfaceError: no project, or a result differs.
    """
    project = Project.open(root)
    return _copy(store, project.store, _uuids(project), f"{project.root}")


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
    for uuid in uuids:
        for document in source.query({"uuid": uuid}, load=True):
            seen.add(uuid)
            key = {"uuid": uuid, "index": document["index"]}
            before = _one(target, key)
            if before is None:
                plain = {k: v for k, v in document.items() if k != "_id"}
                target.update(plain, key=["uuid", "index"])
                before = _one(target, key) or {}
            else:
                kept += 1
            if _digest(before) != _digest(document):
                raise IonfaceError(
                    f"the result of {document.get('name')!r} in {where} is another "
                    "one; two runs are never mixed: give another --project"
                )
            number += 1
    return Moved(number, kept, len(set(uuids) - seen))


def _one(store: JobStore, key: dict[str, Any]) -> dict[str, Any] | None:
    return next(iter(store.query(key, load=True)), None)


def _digest(document: dict[str, Any]) -> str:
    """Return the digest of what a job returned; bookkeeping differs by place."""
    return document_digest({"output": document.get("output")})
