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
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from ionface.errors import IonfaceError
from ionface.workflows.cluster.settings import read_yaml, validated

if TYPE_CHECKING:
    from ionface.workflows.study.study import Study

FILE = "resources.yaml"
Kind = Literal["all", "relax", "static", "dynamics", "light"]
MARGIN = 3.0  # the plan is good to a factor of three
MEMORY_MARGIN = 2.0  # what programs take is known within this factor
OWN_GB = 1.0  # Python with ionface and its libraries, beside a program
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


class Resources(BaseModel):
    """Of one batch job; None where the queue's defaults hold.

    Attributes:
        nodes: how many.
        tasks: MPI ranks on all nodes.
        cpus_per_task: threads.
        walltime: h.
        memory: on each node, GB.
        gpus: on each node.
        queue: partition.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: PositiveInt | None = None
    tasks: PositiveInt | None = None
    cpus_per_task: PositiveInt | None = None
    walltime: PositiveFloat | None = None
    memory: PositiveFloat | None = None
    gpus: PositiveInt | None = None
    queue: str | None = Field(default=None, pattern=f"^{QUEUE_VALUE.pattern}$")

    def over(self, other: Resources | None) -> Resources:
        """Return these with what another says in their place."""
        said = {} if other is None else other.model_dump(exclude_none=True)
        return self.model_copy(update=said)

    def for_queue(self, queue: str) -> dict[str, Any]:
        """Return the values for the template of "SLURM", "PBS" or "SGE"."""
        unit = "gb" if queue == "PBS" else "G"
        values: dict[str, Any] = {
            "nodes": self.nodes,
            "ntasks": self.tasks,
            "cpus_per_task": self.cpus_per_task,
            "walltime": None if self.walltime is None else clock(self.walltime),
            "gpus": self.gpus,
            "queue": self.queue,
            "mem": None if self.memory is None else f"{math.ceil(self.memory)}{unit}",
        }
        return {key: value for key, value in values.items() if value is not None}


def clock(hours: float) -> str:
    """Return hours as queues write them, in whole minutes rounded up."""
    minutes = max(1, math.ceil(60 * hours - 1e-9))
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


class ResourceFile(BaseModel):
    """The content of resources.yaml.

    Attributes:
        kinds: overrides by kind of job, of all studies.
        studies: the same by the name of a study.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: dict[Kind, Resources] = {}
    studies: dict[str, dict[Kind, Resources]] = {}


@dataclass(frozen=True)
class Requests:
    """The resources of every job of a study.

    Attributes:
        planned: by the job's name.
        overrides: by kind; later mappings win.
        walltime_h: where nothing else says it, h.
    """

    planned: Mapping[str, Resources] = field(default_factory=dict)
    overrides: tuple[Mapping[Any, Resources], ...] = ()
    walltime_h: float = 24.0

    def of(self, name: str, kind: str) -> Resources:
        """Return what one job asks for.

        Args:
            name: of the job.
            kind: "relax", "static", "dynamics" or "light".
        """
        light = Resources(tasks=1, nodes=1, walltime=min(LIGHT_H, self.walltime_h))
        start = light if kind == "light" else Resources(walltime=self.walltime_h)
        plain = name.rstrip("0123456789 ")  # the plan has one line for all segments
        resources = self.planned.get(name) or self.planned.get(plain, start)
        for by_kind in self.overrides:
            resources = resources.over(by_kind.get("all")).over(by_kind.get(kind))
        return resources


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
    values = read_yaml(path) if path.is_file() or override else {}
    file = validated(ResourceFile, values, path)
    overrides = (file.kinds, file.studies.get(study.name, {}))
    return Requests(planned or {}, overrides, walltime_h)


def plan_resources(
    needs: Mapping[str, tuple[int, float, float | None]], longest: float
) -> dict[str, Resources]:
    """Return what the jobs of programs ask for by the plan.

    Args:
        needs: MPI ranks, hours and memory (GB; None for the queue's own) of each job,
            by its name.
        longest: wall time, h; a shorter job asks for less.
    """
    return {
        _every_segment(name): Resources(
            tasks=tasks,
            nodes=1 if tasks == 1 else None,
            walltime=_walltime(hours, longest),
            memory=memory,
        )
        for name, (tasks, hours, memory) in needs.items()
    }


def asked_memory(planned_gb: float) -> float:
    """Return what a job asks for, GB: what its program is expected to take, and more.

    A queue kills what takes more than it asked for, and beside the program ours runs.
    """
    return MEMORY_MARGIN * planned_gb + OWN_GB


def _every_segment(name: str) -> str:
    """Return a job's name without the number of its segment, which all share."""
    return name.rstrip("0123456789 ") if name.endswith("dynamics 1") else name


def _walltime(hours: float, longest: float) -> float:
    """Return the estimate with its margin, at least one hour, at most the longest."""
    return min(longest, max(1.0, MARGIN * hours))
