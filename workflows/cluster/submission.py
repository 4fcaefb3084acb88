"""Studies into the database: small workflows, added in bulk, every study once.

A submission has a key, the digest of what is computed; the database lets one of two
have it. Whether the study is there is told by FireWorks' own collections, so that after
`lpad reset`, or after a submission that was interrupted, it can be submitted again:
what was computed is found in the project and not computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from pydantic import TypeAdapter
from pymongo.errors import DuplicateKeyError

from ionface.analysis.reactions.bond_rule import BondRule
from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cluster.connection import Cluster, library_silence
from ionface.workflows.cluster.resources import Requests
from ionface.workflows.engines.durable import job_folder
from ionface.workflows.projects.project import MARK, Project
from ionface.workflows.study.analyses import bond_rules_by_subject

if TYPE_CHECKING:
    from fireworks import Firework, Workflow
    from jobflow import Job

    from ionface.workflows.study.study import Study

SHELL = set(";&$`<>(){}[]*?!\\\"'\n\r\t\0~#")
HOLD_S = 600.0  # a submission of another machine that takes longer was interrupted
LinkedJobs = Sequence[tuple["Job", list[str]]]


@dataclass(frozen=True)
class Submitted:
    """What a submission put into the database, or would.

    Attributes:
        study: name.
        key: digest of what is computed.
        project: its folder.
        workflows: how many.
        jobs: name and what it asks of the queue, in the order in which they run.
    """

    study: str
    key: str
    project: Path
    workflows: int
    jobs: tuple[tuple[str, dict[str, Any]], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "study": self.study,
            "key": self.key,
            "project": str(self.project),
            "workflows": self.workflows,
            "jobs": [{"job": name, **resources} for name, resources in self.jobs],
        }


def submit(
    cluster: Cluster, study: Study, root: Path, requests: Requests, again: int = 0
) -> Submitted:
    """Put a study into the database.

    Args:
        cluster: whose database.
        study: as resolved.
        root: of the project, new or the study's own.
        requests: resources of its jobs.
        again: number of a repetition that was asked for.

    Raises:
        IonfaceError: the study, or the project's jobs, are there already; a name
            cannot be accepted; the database does not answer.
    """
    check_names(study)
    key = study_key(study, again)
    cluster.initialize()
    _reserve(cluster, study, key, root.resolve())
    try:
        project = Project.create(root, study)
        _check_not_submitted(cluster, project, key)
        workflows = study_workflows(cluster, project, key, requests)
        number = sum(len(workflow.fws) for workflow in workflows)
        cluster.submissions.update_one({"_id": key}, {"$set": {"jobs": number}})
        mark = {"submission": key, "again": again}
        write_atomically(project.root / MARK, json.dumps(mark))
    except BaseException:
        cluster.submissions.delete_one({"_id": key, "pid": os.getpid()})
        raise
    with library_silence():
        cluster.launchpad.bulk_add_wfs(workflows)
    return _summary(study, key, project.root, workflows)


def check_new(cluster: Cluster, study: Study, again: int = 0) -> None:
    """Refuse a study whose jobs are in the database, before it is planned.

    Raises:
        IonfaceError: says where it was submitted from.
    """
    if known := cluster.submissions.find_one({"_id": study_key(study, again)}):
        _refuse_if_there(cluster, study, known)


def rehearse(
    cluster: Cluster | None,
    study: Study,
    root: Path,
    requests: Requests,
    again: int = 0,
) -> Submitted:
    """Return what a submission would do; nothing is written.

    Raises:
        IonfaceError: it would be refused.
    """
    from ionface.workflows.flows.study_flow import study_flow

    check_names(study)
    key = study_key(study, again)
    if cluster:
        check_new(cluster, study, again)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # jobflow's, of separate parts
        jobs = list(study_flow(study).iterflow())
    queue = cluster.queue.kind if cluster else "SLURM"
    workflows = _workflows(jobs, Labels.of(study, root.resolve(), key), requests, queue)
    return _summary(study, key, root.resolve(), workflows)


def _summary(
    study: Study, key: str, root: Path, workflows: Sequence[Workflow]
) -> Submitted:
    jobs = [(fw.name, fw.spec["_queueadapter"]) for wf in workflows for fw in wf.fws]
    return Submitted(study.name, key, root, len(workflows), tuple(jobs))


# --- names and keys ---------------------------------------------------------------


def study_key(study: Study, again: int = 0) -> str:
    """Return the digest of what a study computes, whatever it is called.

    Args:
        study: as resolved; files that it names count by their content.
        again: number of a repetition that was asked for.
    """
    plain = replace(study, name="-", title="", published=())
    data = TypeAdapter(type(study)).dump_python(plain, mode="json", exclude_none=True)
    text = json.dumps([_by_content(data), again], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_content(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _by_content(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_by_content(value) for value in data]
    if isinstance(data, str) and data.startswith("/") and Path(data).is_file():
        return "sha256:" + hashlib.sha256(Path(data).read_bytes()).hexdigest()
    return data


def check_names(study: Study) -> None:
    """Refuse names that a shell could act on.

    The bar of "LAGP|Li" is the field's sign for an interface; it is never handed on,
    since folders and batch jobs take `slug` of a name instead.

    Raises:
        IonfaceError: with the name.
    """
    names = [study.name, *(spec.name for spec in study.interfaces)]
    names += [reference.crystal for reference in study.references]
    for name in names:
        signs = sorted(set(name) & SHELL)
        if signs or name.startswith("-") or not name.strip():
            shown = repr(signs[0]) if signs else "a leading dash, or nothing"
            raise IonfaceError(
                f"the name {name!r} holds {shown}, which a shell could act on; "
                "use letters, digits, spaces and . _ - | /"
            )


# --- once -------------------------------------------------------------------------


def _reserve(cluster: Cluster, study: Study, key: str, root: Path) -> None:
    """Take the key, or refuse: the database lets one of two have it."""
    mine = {
        "_id": key,
        "study": study.name,
        "root": str(root),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "submitted": time.time(),
    }
    try:
        cluster.submissions.insert_one(mine)
        return
    except DuplicateKeyError:
        known = cluster.submissions.find_one({"_id": key}) or {}
    _refuse_if_there(cluster, study, known)
    taken = {"_id": key, "submitted": known.get("submitted")}
    if cluster.submissions.find_one_and_replace(taken, mine) is None:
        raise IonfaceError(_just_now(study, known))
    _remove_rest(cluster, key)


def _refuse_if_there(cluster: Cluster, study: Study, known: dict[str, Any]) -> None:
    """Refuse a study whose jobs are in the database, or are being added.

    Raises:
        IonfaceError: says where it was submitted from.
    """
    jobs = {"spec._ionface.submission": known.get("_id")}
    there = cluster.launchpad.get_fw_ids(jobs, count_only=True)
    if known.get("jobs") and there >= known["jobs"]:
        begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(known["submitted"]))
        name = known.get("study")
        alias = "" if name == study.name else f", then called {name!r}"
        raise IonfaceError(
            f"study {study.name!r} was submitted already ({begun}, from "
            f"{known.get('host')}{alias}; project {known.get('root')}); it is not "
            "computed twice. See `ionface status`; to repeat it on purpose, give "
            "`again` 1 and another `project`"
        )
    if _still_at_it(known):
        raise IonfaceError(_just_now(study, known))


def _still_at_it(known: dict[str, Any]) -> bool:
    if known.get("host") != socket.gethostname():
        return time.time() - float(known.get("submitted") or 0) < HOLD_S
    pid = int(known.get("pid") or 0)
    return pid != os.getpid() and psutil.pid_exists(pid)


def _just_now(study: Study, known: dict[str, Any]) -> str:
    return (
        f"study {study.name!r} is being submitted just now by process "
        f"{known.get('pid')} on {known.get('host')}; wait for it"
    )


def _remove_rest(cluster: Cluster, key: str) -> None:
    """Remove what an interrupted submission, or `lpad`, has left of a study."""
    rest = cluster.launchpad.workflows.find({"metadata.submission": key}, {"nodes": 1})
    with library_silence():
        for workflow in list(rest):
            cluster.launchpad.delete_wf(workflow["nodes"][0])


def _check_not_submitted(cluster: Cluster, project: Project, key: str) -> None:
    """Refuse a project whose jobs are in the database under another key.

    Raises:
        IonfaceError: with the Firework.
    """
    jobs = {
        "spec._ionface.project": str(project.root),
        "spec._ionface.submission": {"$ne": key},
    }
    if numbers := cluster.launchpad.get_fw_ids(jobs, limit=1):
        raise IonfaceError(
            f"jobs of the project {project.root} are in the database already "
            f"(Firework {numbers[0]}); see `ionface status`, or give another `project`"
        )


# --- workflows --------------------------------------------------------------------


@dataclass(frozen=True)
class Labels:
    """What every job of a submission carries.

    Attributes:
        study: name.
        root: the project's folder.
        key: of the submission.
        rules: of the pairs whose bonds are counted while a job runs, by its subject.
    """

    study: str
    root: Path
    key: str
    rules: Mapping[str, Mapping[str, BondRule]]

    @classmethod
    def of(cls, study: Study, root: Path, key: str) -> Labels:
        """Return the labels of a study's jobs."""
        return cls(study.name, root, key, bond_rules_by_subject(study))


def study_workflows(
    cluster: Cluster, project: Project, key: str, requests: Requests
) -> list[Workflow]:
    """Return a project's jobs as FireWorks' workflows, made for a queue."""
    labels = Labels.of(project.study, project.root, key)
    return _workflows(project.jobs(), labels, requests, cluster.queue.kind)


def _workflows(
    jobs: LinkedJobs, labels: Labels, requests: Requests, queue: str
) -> list[Workflow]:
    with library_silence():
        from fireworks import Workflow
        from jobflow.managers.fireworks import job_to_firework

    workflows = []
    for group in connected_groups(jobs):
        fireworks: dict[str, Firework] = {}
        for job, parents in group:
            job.config.manager_config = _spec(job, labels, requests, queue)
            # without a store of its own a Firework takes the worker's
            job_to_firework(job, None, parents=parents, parent_mapping=fireworks)  # type: ignore[arg-type]
        name = f"{labels.study}: {group[0][0].metadata.get('subject', '')}"
        metadata = {"submission": labels.key}
        workflows.append(
            Workflow(list(fireworks.values()), name=name, metadata=metadata)
        )
    return workflows


def connected_groups(jobs: LinkedJobs) -> list[list[tuple[Job, list[str]]]]:
    """Return jobs in groups that depend on each other: many small workflows.

    FireWorks locks a workflow whenever one of its jobs ends, so small ones run faster.

    Args:
        jobs: with the ids of their parents, parents first.
    """
    group_of: dict[str, int] = {}
    groups: dict[int, list[tuple[Job, list[str]]]] = {}
    for number, (job, parents) in enumerate(jobs):
        joined = sorted({group_of[parent] for parent in parents})
        home = joined[0] if joined else number
        for other in joined[1:]:
            group_of |= {member.uuid: home for member, _ in groups[other]}
            groups[home] += groups.pop(other)
        group_of[job.uuid] = home
        groups.setdefault(home, []).append((job, parents))
    return list(groups.values())


def _spec(job: Job, labels: Labels, requests: Requests, queue: str) -> dict[str, Any]:
    """Return what a Firework's spec says of a job beyond the job itself."""
    kind = str(job.metadata.get("kind") or "light")  # what no engine does
    resources = requests.of(job.name, kind)
    rules = labels.rules.get(str(job.metadata.get("subject")), {})
    return {
        "_ionface": {
            "uuid": job.uuid,
            "submission": labels.key,
            "project": str(labels.root),
            "study": labels.study,
            "kind": kind,
            "rules": {pair: asdict(rule) for pair, rule in rules.items()},
            "walltime_s": round(3600 * (resources.walltime or requests.walltime_h)),
        },
        "_queueadapter": resources.for_queue(queue),
        # stock rlaunch starts the job here, too; the batch system's output lies here
        "_launch_dir": str(job_folder(job, labels.root / "runs")),
    }
