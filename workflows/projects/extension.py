"""A study that grew: what its project has computed stays, what is new is added.

A job is known by its name and by what it does: its function, its settings but for those
of its execution, and the jobs whose outputs it takes, each known in the same way. A job
of the new graph that the earlier graph has takes over its id, under which store and
folders hold its result. What is made from stored results may change; what was built and
computed may not.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ionface.files import file_digest

MADE_AGAIN = {
    "analyze_crystal",
    "analyze_dynamics",
    "analyze_interface",
    "combine_runs",
    "enter_in_ledger",
    "follow_relaxation",
    "join_segments",
}
"""Jobs that only read what others have stored."""

EXECUTION: Mapping[str, frozenset[str]] = {
    "mpi": frozenset({"ranks", "memory", "mpi", "walltime", "iterations"}),
    "vasp_cmd": frozenset(
        {"vasp_cmd", "vasp_gamma_cmd", "walltime", "reserve", "cores", "memory"}
        | {"ncore", "kpar", "fast_hydrogen"}
    ),
    "timestep": frozenset({"segment"}),
}
"""Settings that say how a job is executed and how long it tries, not what it computes,
by a key that tells whose: of `DftProgram`, `VaspSettings` and `DynamicsSettings`."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Extension:
    """An earlier graph inside a later one.

    Attributes:
        text: the later graph as JSON, with the ids of the earlier one where its jobs
            are the same.
        lost: ids and names of the earlier one's jobs that are not in it, parents first;
            without those that only read what others have stored.
    """

    text: str
    lost: tuple[tuple[str, str], ...]


def extension(before: str, after: str) -> Extension:
    """Return a graph with the ids that an earlier one has for the same jobs.

    Args:
        before: the earlier graph, a Flow as JSON.
        after: the later one, likewise.
    """
    earlier, later = json.loads(before), json.loads(after)
    known, found = _by_key(earlier), set()
    for key, jobs in _by_key(later).items():
        # two of one name that do the same are as good as one another
        for job, same in zip(jobs, known[key], strict=False):
            after = after.replace(job["uuid"], same["uuid"])
            found.add(same["uuid"])
    lost = [job for job in _jobs(earlier) if job["uuid"] not in found]
    told = ((job["uuid"], job["name"]) for job in lost if not _reads(job))
    return Extension(after, tuple(told))


def steps_done(before: str, begun: Collection[str]) -> dict[str, list[int]]:
    """Return the steps of each begun part of each run of dynamics, by the run's name.

    Args:
        before: a graph as JSON.
        begun: ids of jobs that have begun, or are done.
    """
    done: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for job in _jobs(json.loads(before)):
        told = job["metadata"]
        if "steps" in told and job["uuid"] in begun:
            # all jobs of a part that is a flow say the same
            done[told["subject"]][told["task"]] = told["steps"]
    return {name: [*parts.values()] for name, parts in done.items()}


def ids_of(graph: str) -> list[str]:
    """Return the ids of a graph's jobs."""
    return [job["uuid"] for job in _jobs(json.loads(graph))]


def _reads(job: Document) -> bool:
    return job["function"]["@callable"] in MADE_AGAIN


def _jobs(flow: Document) -> Iterator[Document]:
    """Yield the documents of jobs, parents first, as flows list them."""
    for part in flow["jobs"]:
        if "jobs" in part:
            yield from _jobs(part)
        else:
            yield part


def _by_key(flow: Document) -> defaultdict[str, list[Document]]:
    """Return jobs by what they are known by."""
    keys: dict[str, str] = {}
    found = defaultdict(list)
    for job in _jobs(flow):
        does = [job[k] for k in ("name", "function", "function_args")]
        does.append(job["function_kwargs"])
        text = json.dumps(_content(does, keys), sort_keys=True)
        keys[job["uuid"]] = key = hashlib.sha256(text.encode()).hexdigest()
        found[key].append(job)
    return found


def _content(value: Any, keys: Mapping[str, str]) -> Any:
    """Return a value without what may differ, and with jobs called by their keys."""
    if isinstance(value, dict):
        free = _free(value)
        kept = {k: _content(v, keys) for k, v in value.items() if k not in free}
        if isinstance(weights := value.get("weights"), str):
            kept["weights"] = _digest_of(Path(weights))
        return kept
    if isinstance(value, list):
        return [_content(each, keys) for each in value]
    return keys.get(value, value) if isinstance(value, str) else value


def _free(value: Document) -> set[str]:
    """Return the keys of settings whose values may differ for the same job."""
    free = {"@version"}  # releases differ
    if value.get("must_converge"):  # it comes to the same end in however many goes
        free.add("steps")
    return free.union(*(EXECUTION[mark] for mark in EXECUTION.keys() & value.keys()))


def _digest_of(weights: Path) -> str:
    """Return what a potential's weights are, wherever they lie."""
    return file_digest(weights) if weights.is_file() else str(weights)
