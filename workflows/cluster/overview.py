"""The state of a cluster's jobs, by study, and how far the running ones are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ionface.analysis.reactions.bond_rule import BondRule
from ionface.workflows.cluster.connection import Cluster
from ionface.workflows.cluster.queues import QueueJob
from ionface.workflows.cluster.recovery import OpenJob, cause_of, open_jobs, why_lost
from ionface.workflows.projects.job_progress import progress

STATES = {
    "COMPLETED": "done",
    "RUNNING": "running",
    "RESERVED": "queued",
    "READY": "ready",
    "WAITING": "waiting",
    "FIZZLED": "failed",
    "PAUSED": "paused",
    "DEFUSED": "stopped",
    "ARCHIVED": "archived",
}
ORDER = ("done", "running", "queued", "ready", "waiting", "failed", "lost", "unknown")


@dataclass(frozen=True)
class JobLine:
    """One job.

    Attributes:
        number: of its Firework.
        name: of the job.
        study: that it belongs to.
        state: one of ORDER, or paused, stopped, archived.
        note: how far it is, or why it failed, in one line.
        folder: where it runs or ran.
        batch_id: the queue's id of its batch job.
    """

    number: int
    name: str
    study: str
    state: str
    note: str = ""
    folder: str = ""
    batch_id: str = ""


def job_lines(cluster: Cluster, submission: str | None = None) -> list[JobLine]:
    """Return every job's state.

    Args:
        cluster: whose.
        submission: key of one submission; all jobs if not given.
    """
    query = {"spec._ionface.submission": submission} if submission else {}
    fields = {"_id": 0, "fw_id": 1, "name": 1, "state": 1, "spec._ionface.study": 1}
    jobs = list(cluster.launchpad.fireworks.find(query, fields))
    open_ = {each.job["fw_id"]: each for each in open_jobs(cluster, query)}
    asked = any(each.job["state"] != "FIZZLED" for each in open_.values())
    batch_jobs = cluster.queue.jobs() if asked else {}
    return [
        _line(job, open_.get(job["fw_id"]), batch_jobs, cluster)
        for job in sorted(jobs, key=lambda job: int(job["fw_id"]))
    ]


def _line(
    job: Mapping[str, Any],
    each: OpenJob | None,
    batch_jobs: Mapping[str, QueueJob] | None,
    cluster: Cluster,
) -> JobLine:
    labels = job["spec"].get("_ionface") or {}
    base = (int(job["fw_id"]), str(job["name"]), str(labels.get("study", "")))
    if each is None:
        return JobLine(*base, STATES.get(job["state"], job["state"].lower()))
    state, note = STATES[each.job["state"]], ""
    lost = why_lost(each, batch_jobs, cluster)
    if state == "failed":
        note = cause_of(each.launch, each.job)
    elif lost == "unknown":
        state, note = "unknown", "the queue does not answer"
    elif lost is not None:
        state, note = "lost", "run `ionface recover`"
    elif state == "running":
        rules = (each.job["spec"].get("_ionface") or {}).get("rules") or {}
        note = progress(each.folder, {k: BondRule(**rule) for k, rule in rules.items()})
    elif batch_jobs and each.batch_id in batch_jobs:
        note = batch_jobs[each.batch_id].state.lower()
    return JobLine(*base, state, note, str(each.folder), each.batch_id)


def counts(lines: Sequence[JobLine]) -> dict[str, int]:
    """Return how many jobs are in each state."""
    numbers = dict.fromkeys(ORDER, 0)
    for line in lines:
        numbers[line.state] = numbers.get(line.state, 0) + 1
    return {state: number for state, number in numbers.items() if number}
