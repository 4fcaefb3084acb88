"""What each job asks of the queue: from the plan, the settings, and resources.yaml.

Later ones win: the queue's defaults (my_qadapter.yaml), the plan of the study, then
resources.yaml: `kinds`, and under `studies` the same for one study.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.settings import read_yaml

if TYPE_CHECKING:
    from ionface.workflows.study.study import Study

FILE = "resources.yaml"
KEYS = ("nodes", "tasks", "cpus_per_task", "walltime", "memory", "gpus", "queue")
KINDS = ("relax", "static", "dynamics", "light")
MARGIN = 3.0  # the plan is good to a factor of three
LIGHT_H = 1.0  # building models, ledgers, RDFs
QUEUE_VALUE = re.compile(r"[A-Za-z0-9._:,=@%/+ -]*")


def check_queue_value(key: str, value: Any) -> Any:
    """Return a value that may stand in a batch script.

    Raises:
        IonfaceError: it could end its line or start a command.
    """
    if not QUEUE_VALUE.fullmatch(str(value)):
        raise IonfaceError(
            f"resource {key}: {value!r} may hold only letters, digits and . _ : , = @ "
            "% / + -, since it stands in a batch script"
        )
    return value


@dataclass(frozen=True)
class Resources:
    """Of one batch job.

    Attributes:
        nodes: how many.
        tasks: MPI ranks on all nodes.
        cpus_per_task: threads.
        walltime: h.
        memory: on each node, GB.
        gpus: on each node.
        queue: partition.
    """

    nodes: int | None = None
    tasks: int | None = None
    cpus_per_task: int | None = None
    walltime: float | None = None
    memory: float | None = None
    gpus: int | None = None
    queue: str | None = None

    def over(self, **given: Any) -> Resources:
        """Return these with what is given in their place."""
        return Resources(**{**self.__dict__, **given})

    def for_queue(self, kind: str) -> dict[str, Any]:
        """Return the values for the queue's template."""
        hours = self.walltime
        values: dict[str, Any] = {
            "nodes": self.nodes,
            "ntasks": self.tasks,
            "cpus_per_task": self.cpus_per_task,
            "walltime": None if hours is None else clock(hours),
            "gpus": self.gpus,
            "queue": self.queue,
        }
        if self.memory is not None:
            unit = "gb" if kind == "PBS" else "G"
            values["mem"] = f"{math.ceil(self.memory)}{unit}"
        return {
            key: check_queue_value(key, value)
            for key, value in values.items()
            if value is not None
        }


def clock(hours: float) -> str:
    """Return hours as queues write them, in whole minutes rounded up."""
    minutes = max(1, math.ceil(60 * hours - 1e-9))
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


@dataclass(frozen=True)
class Requests:
    """The resources of every job of a study.

    Attributes:
        planned: by the job's name.
        kinds: overrides by kind, of all studies.
        own: overrides by kind, of this study.
        walltime_h: where nothing else says it.
    """

    planned: Mapping[str, Resources] = field(default_factory=dict)
    kinds: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    own: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    walltime_h: float = 24.0

    def of(self, name: str, kind: str) -> Resources:
        """Return what one job asks for.

        Args:
            name: of the job.
            kind: one of KINDS.
        """
        light = Resources(tasks=1, nodes=1, walltime=min(LIGHT_H, self.walltime_h))
        start = light if kind == "light" else Resources(walltime=self.walltime_h)
        plain = name.rstrip("0123456789 ")  # the plan has one line for all segments
        chosen = self.planned.get(name) or self.planned.get(plain, start)
        for given in (self.kinds, self.own):
            chosen = chosen.over(**given.get("all", {})).over(**given.get(kind, {}))
        return chosen


def kind_of(task: str) -> str:
    """Return a job's kind by the task in its name."""
    for kind in ("dynamics", "static", "relax"):
        if task.startswith(kind) or task == f"pre-{kind}":
            return kind
    return "light"


def requests(
    study: Study,
    folder: Path,
    planned: Mapping[str, Resources] | None = None,
    walltime_h: float = 24.0,
    override: Path | None = None,
) -> Requests:
    """Return the resources of a study's jobs.

    Args:
        study: its name may have a section of its own.
        folder: of the configuration.
        planned: from `plan_resources`.
        walltime_h: where nothing else says it, h.
        override: another resources.yaml, for this submission.

    Raises:
        IonfaceError: an unknown key, kind or value.
    """
    path = override or folder / FILE
    given = read_yaml(path) if path.is_file() or override else {}
    if unknown := sorted(set(given) - {"kinds", "studies"}):
        raise IonfaceError(f"{path}: unknown key {unknown[0]!r}; have kinds, studies")
    kinds = _checked(given.get("kinds") or {}, path)
    studies = given.get("studies") or {}
    own = _checked(studies.get(study.name) or {}, path)
    return Requests(planned or {}, kinds, own, walltime_h)


def _checked(kinds: Any, path: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(kinds, dict):
        raise IonfaceError(f"{path}: kinds must be a mapping, not {kinds!r}")
    for kind, values in kinds.items():
        if kind not in ("all", *KINDS):
            raise IonfaceError(
                f"{path}: unknown kind {kind!r}; have all, {', '.join(KINDS)}"
            )
        if unknown := sorted(set(values or {}) - set(KEYS)):
            raise IonfaceError(
                f"{path}: {kind}: unknown resource {unknown[0]!r}; "
                f"have {', '.join(KEYS)}"
            )
        for key, value in (values or {}).items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if key != "queue" and not (number and value > 0):
                raise IonfaceError(
                    f"{path}: {kind}: {key}: {value!r} must be a number above 0"
                )
            check_queue_value(key, value)
    return {kind: dict(values or {}) for kind, values in kinds.items()}


def plan_resources(study: Study, walltime_h: float) -> dict[str, Resources]:
    """Return what VASP's jobs need by the plan; empty for other engines.

    Args:
        study: with an engine.
        walltime_h: the longest wall time, h; a shorter job asks for less.
    """
    from ionface.workflows.planning.preflight import check_study, needs

    longest = study.vasp.walltime or walltime_h
    planned: dict[str, Resources] = {}
    for name, need in needs(check_study(study, here=False)).items():
        planned[_every_segment(name)] = Resources(
            tasks=need.tasks,
            nodes=1 if need.tasks == 1 else None,
            walltime=_walltime(need.hours, longest),
            memory=study.vasp.memory,
        )
    return planned


def _every_segment(name: str) -> str:
    """Return a job's name without the number of its segment, which all share."""
    return name.rstrip("0123456789 ") if name.endswith("dynamics 1") else name


def _walltime(hours: float, longest: float) -> float:
    """Return the estimate with its margin, at least one hour, at most the longest."""
    return min(longest, max(1.0, MARGIN * hours))
