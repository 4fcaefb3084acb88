"""Studies into the database: small workflows, added in bulk, every job once.

A submission is one document whose id is the digest of what is computed, so that the
same content is refused however often and from however many places it is submitted.
Jobs become visible to workers in one last step: a submission that was interrupted has
started nothing, and is made whole by the next one.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface import files
from ionface.errors import IonfaceError
from ionface.files import file_digest, write_atomically
from ionface.workflows.cluster.adding import BATCH, add, make_visible, remove_hidden
from ionface.workflows.cluster.choosing import MARK
from ionface.workflows.cluster.context import Cluster, age_s, here, now
from ionface.workflows.cluster.graphs import Target, workflows
from ionface.workflows.cluster.guard import check_name
from ionface.workflows.cluster.resources import Requests
from ionface.workflows.engines.registry import job_engine
from ionface.workflows.projects.project import Project

if TYPE_CHECKING:
    from fireworks import Workflow
    from jobflow import Job
from ionface.workflows.study.study import Study

HOLD_S = 600.0  # a submission that has not ended after so long was interrupted


@dataclass(frozen=True)
class Submitted:
    """What a submission put into the database, or would.

    Attributes:
        study: name.
        digest: of what is computed.
        project: its folder.
        workflows: how many.
        jobs: name and what it asks of the queue, in the order in which they run.
    """

    study: str
    digest: str
    project: Path
    workflows: int
    jobs: tuple[tuple[str, dict[str, Any]], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "study": self.study,
            "digest": self.digest,
            "project": str(self.project),
            "workflows": self.workflows,
            "jobs": [{"job": name, **asked} for name, asked in self.jobs],
        }


def digest(study: Study, again: int = 0) -> str:
    """Return the digest of what a study computes, whatever it is called.

    Args:
        study: as resolved; files that it names count by their content.
        again: number of a repetition that was asked for.
    """
    from pydantic import TypeAdapter

    plain = replace(study, name="-", title="", published=())
    data = TypeAdapter(type(study)).dump_python(plain, mode="json", exclude_none=True)
    text = json.dumps([_by_content(data), again], sort_keys=True)
    return files.digest(text)


def _by_content(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _by_content(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_by_content(value) for value in data]
    if isinstance(data, str) and data.startswith("/") and Path(data).is_file():
        return "sha256:" + file_digest(data)
    return data


def check_study(study: Study) -> None:
    """Refuse names that a shell could act on.

    Raises:
        IonfaceError: with the name.
    """
    check_name(study.name, "the study's name")
    for spec in study.interfaces:
        check_name(spec.name, "the interface's name")
    for reference in study.references:
        check_name(reference.crystal, "the reference's name")


def prepared(study: Study, root: Path) -> tuple[Project, list[tuple[Job, list[str]]]]:
    """Return the project of a study and its jobs, made for a queue.

    A VASP job that reaches its wall time becomes a new job of the graph.
    """
    project = Project.create(root, study)
    jobs = project.jobs()
    for job, _ in jobs:
        if engine := job_engine(study, job.metadata):
            job.maker = engine.for_queue(job.maker)
    return project, jobs


def submit(
    cluster: Cluster, study: Study, root: Path, asked: Requests, again: int = 0
) -> Submitted:
    """Put a study into the database.

    Raises:
        IonfaceError: it, or one of its jobs, is there already; a name or a document
            cannot be accepted; the database does not answer.
    """
    check_study(study)
    mark = digest(study, again)
    cluster.make_indexes()
    _reserve(cluster, study, mark, root)
    try:
        project, jobs = prepared(study, root)
        _check_unknown(cluster, [job.uuid for job, _ in jobs], study.name)
        target = Target.of(study, project.root, mark, cluster.queue.kind)
        found = workflows(jobs, target, asked)
        add(cluster, found)
        told = json.dumps({"submission": mark, "again": again})
        write_atomically(project.root / MARK, told + "\n")
    except BaseException:
        remove_hidden(cluster, mark)
        cluster.submissions.delete_one({"_id": mark, "state": "adding"})
        raise
    make_visible(cluster, mark)
    return _told(target, found)


def _told(target: Target, found: Iterable[Workflow]) -> Submitted:
    flows = list(found)
    jobs = [(fw.name, fw.spec["_queueadapter"]) for wf in flows for fw in wf.fws]
    return Submitted(target.study, target.mark, target.root, len(flows), tuple(jobs))


def rehearse(
    cluster: Cluster | None, study: Study, root: Path, asked: Requests, again: int = 0
) -> Submitted:
    """Return what a submission would do; nothing is written.

    Raises:
        IonfaceError: it would be refused.
    """
    from ionface.workflows.flows.study_flow import study_flow

    check_study(study)
    mark = digest(study, again)
    known = cluster and cluster.submissions.find_one({"_id": mark, "state": "done"})
    if known:
        raise IonfaceError(_refusal(study, known))
    kind = cluster.queue.kind if cluster else "SLURM"
    target = Target.of(study, root.resolve(), mark, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # jobflow's, of separate parts
        jobs = list(study_flow(study).iterflow())
    return _told(target, workflows(jobs, target, asked))


def _refusal(study: Study, known: dict[str, Any]) -> str:
    same = known.get("study")
    called = "" if same == study.name else f", then called {same!r}"
    return (
        f"study {study.name!r} was submitted already ({known.get('submitted')}, from "
        f"{known.get('host')}{called}; project {known.get('root')}); it is not "
        "computed twice. See `ionface status`; to repeat it on purpose, give --again 1"
    )


def _reserve(cluster: Cluster, study: Study, mark: str, root: Path) -> None:
    """Take the digest, or refuse: the database lets one of two have it."""
    from pymongo.errors import DuplicateKeyError

    mine = {
        "study": study.name,
        "state": "adding",
        "host": here(),
        "pid": os.getpid(),
        "submitted": now().isoformat(timespec="seconds"),
        "touched": now(),
        "root": str(root.resolve()),
    }
    try:
        cluster.submissions.insert_one({"_id": mark, **mine})
    except DuplicateKeyError:
        known = cluster.submissions.find_one({"_id": mark}) or {}
        if known.get("state") != "adding":
            raise IonfaceError(_refusal(study, known)) from None
        if not _interrupted(known):
            raise IonfaceError(
                f"study {study.name!r} is being submitted just now by process "
                f"{known.get('pid')} on {known.get('host')}; wait for it"
            ) from None
        taken = cluster.submissions.find_one_and_update(
            {"_id": mark, "state": "adding", "touched": known["touched"]},
            {"$set": mine},
        )
        if taken is None:
            raise IonfaceError(
                f"study {study.name!r} is being submitted just now; wait for it"
            ) from None
        begun = {"spec._ionface.submission": mark, "state": {"$ne": "WAITING"}}
        if cluster.fireworks.find_one(begun, {"fw_id": 1}):
            make_visible(cluster, mark)  # it was interrupted in its last step
            raise IonfaceError(_refusal(study, taken)) from None
        remove_hidden(cluster, mark)


def _interrupted(known: dict[str, Any]) -> bool:
    if known.get("host") == here():
        return not Path(f"/proc/{known.get('pid')}").exists()
    return age_s(known.get("touched")) > HOLD_S


def _check_unknown(cluster: Cluster, uuids: list[str], name: str) -> None:
    """Refuse jobs that the database holds.

    Raises:
        IonfaceError: with the job.
    """
    for start in range(0, len(uuids), BATCH):
        known = cluster.fireworks.find_one(
            {"spec._ionface.uuid": {"$in": uuids[start : start + BATCH]}},
            {"name": 1, "fw_id": 1, "spec._ionface.uuid": 1},
        )
        if known:
            cluster.submissions.delete_one(
                {"state": "adding", "host": here(), "pid": os.getpid()}
            )
            raise IonfaceError(
                f"job {known['name']!r} of study {name!r} is in the "
                f"database already, as Firework {known['fw_id']}; a job is "
                "never computed twice: see `ionface status`, or give another --project"
            )
