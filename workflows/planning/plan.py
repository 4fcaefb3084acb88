"""`ionface plan`: what a study will cost with VASP, corrected by what has run.

The estimate is the model of `cost`; finished runs of the same project give the ratio of
measured to modelled time, which every estimate is then multiplied by.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ionface.analysis.readers.vasp_level import vasp_level
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.errors import AnalysisError, IonfaceError
from ionface.structures.slabs.polarity import side_notes
from ionface.workflows.engines.vasp.run_folders import STAMP, identity, run_folders
from ionface.workflows.planning.advice import check_elements, notes
from ionface.workflows.planning.cost import ELECTRONIC_STEPS, Cost, estimate
from ionface.workflows.planning.walk import GraphWalk, PlannedJob
from ionface.workflows.study.study import Study
from ionface.workflows.study.vasp_settings import VaspSettings

COMPARED = ("kind", "formula", "k_points", "potcars", "ENCUT")
_ELAPSED = re.compile(r"Elapsed time \(sec\):\s*([\d.]+)")
_CORES = re.compile(r"running(?: on)?\s+(\d+)\s+(?:total cores|mpi-ranks|nodes)")


@dataclass(frozen=True)
class PlannedCost:
    """One line of the plan."""

    job: PlannedJob
    cost: Cost

    @property
    def emulated(self) -> bool:
        """Tell whether a stand-in for VASP will run: the cost is then VASP's own."""
        return self.job.run.waves.emulated


@dataclass(frozen=True)
class Plan:
    """All jobs of a study with their prices.

    Attributes:
        lines: in the order in which the jobs run.
        correction: measured over modelled time.
        measured: number of finished runs behind the correction.
        cores: of one batch job.
        notes: what to think about before it is run.
    """

    lines: tuple[PlannedCost, ...]
    correction: float
    measured: int
    cores: int
    notes: tuple[str, ...] = ()

    @property
    def core_hours(self) -> float:
        """Return the core-hours of all jobs."""
        return sum(line.cost.core_hours for line in self.lines)

    @property
    def disk_gb(self) -> float:
        """Return the disk space of all jobs, GB."""
        return sum(line.cost.disk_gb for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "jobs": [
                {
                    "job": line.job.name,
                    "kind": line.job.kind,
                    "cutoff_ev": line.job.run.waves.cutoff,
                    "mesh": [int(n) for n in line.job.run.kpoints().kpts[0]],
                    "max_steps": line.job.description.steps,
                    **asdict(line.cost),
                    "wall_hours": line.cost.core_hours / self.cores,
                }
                for line in self.lines
            ],
            "core_hours": self.core_hours,
            "disk_gb": self.disk_gb,
            "cores": self.cores,
            "correction": self.correction,
            "measured_runs": self.measured,
            "notes": list(self.notes),
        }


def plan(
    study: Study, project: Path | None = None, walk: GraphWalk | None = None
) -> Plan:
    """Return the plan of a study; without a line where VASP does none of it.

    Args:
        study: with its engines.
        project: whose finished runs correct the estimate.
        walk: of the study's graph, if there is one already.

    Raises:
        IonfaceError: a job cannot be estimated, or settings name an element that is
            nowhere.
        StructureError: a model cannot be built.
    """
    walk = walk or GraphWalk(study)
    jobs = walk.planned_jobs()
    runs = [job.run for job in jobs]
    check_elements(study.vasp, runs)
    correction, measured = _correction(jobs, project)
    lines = tuple(
        PlannedCost(job, estimate(job.description, correction)) for job in jobs
    )
    sides = (note for m in walk.models() for note in side_notes(m.provenance, m.name))
    told = (*notes(study.vasp, runs), *sides)
    return Plan(lines, correction, measured, study.vasp.cores, told)


def check_budget(found: Plan, budget: float | None) -> None:
    """Refuse a plan that costs more than a budget.

    Args:
        found: the plan.
        budget: core-hours; None for no limit.

    Raises:
        IonfaceError: with the most expensive job.
    """
    if budget is None or found.core_hours <= budget:
        return
    dearest = max(found.lines, key=lambda line: line.cost.core_hours)
    raise IonfaceError(
        f"the study needs about {found.core_hours:,.0f} core-hours, above the budget "
        f"of {budget:,.0f}; the most expensive job is {dearest.job.name} with "
        f"{dearest.cost.core_hours:,.0f}: shorten it, make the model smaller, or raise "
        "the budget"
    )


def check_walltime(found: Plan, settings: VaspSettings) -> None:
    """Refuse a wall time in which a job cannot make one step.

    Args:
        found: the plan.
        settings: with the wall time of one batch job and what of it is kept free.

    Raises:
        IonfaceError: with the job and its step.
    """
    walltime_s = settings.walltime_s
    if walltime_s is None:
        return
    usable = walltime_s - settings.reserve
    for line in found.lines:
        if line.emulated:
            continue
        step_s = line.cost.step_core_s / found.cores
        if step_s > usable:
            raise IonfaceError(
                f"one step of {line.job.name} takes about {step_s / 3600:.2f} h on "
                f"{found.cores} cores, longer than the wall time of "
                f"{walltime_s / 3600:g} h allows; give vasp.walltime more hours or "
                "vasp.cores more cores"
            )


def check_memory(found: Plan, memory_gb: float | None) -> None:
    """Refuse a job that does not fit into the memory of a batch job.

    Raises:
        IonfaceError: with the job and what it needs.
    """
    for line in found.lines if memory_gb is not None else ():
        assert memory_gb is not None
        if line.cost.memory_gb > memory_gb and not line.emulated:
            raise IonfaceError(
                f"{line.job.name} needs about {line.cost.memory_gb:.0f} GB, above "
                f"vasp.memory of {memory_gb:g} GB; give more nodes or a smaller model"
            )


def table_rows(planned: Plan) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the plan as a table."""
    header = [
        "job",
        "atoms",
        "electrons",
        "bands",
        "k-points",
        "plane waves",
        "steps",
        "core-h",
        "GB memory",
        "GB disk",
        "NCORE",
        "KPAR",
    ]
    rows = []
    for name, lines in _alike(planned.lines):
        cost = lines[0].cost
        rows.append(
            [
                name,
                str(cost.atoms),
                str(cost.electrons),
                str(cost.bands),
                str(cost.kpoints),
                str(cost.plane_waves),
                str(cost.steps),
                f"{sum(line.cost.core_hours for line in lines):.1f}",
                f"{max(line.cost.memory_gb for line in lines):.1f}",
                f"{sum(line.cost.disk_gb for line in lines):.2f}",
                str(cost.ncore),
                str(cost.kpar),
            ]
        )
    return header, rows


def _alike(lines: Sequence[PlannedCost]) -> Iterator[tuple[str, list[PlannedCost]]]:
    """Yield numbered jobs of one size together, as in "A|B scan static 0-59".

    Points of a scan differ by their gap, and so by a little of the cell's volume.
    """

    def key(line: PlannedCost) -> tuple[str, ...]:
        name, _, number = line.job.name.rpartition(" ")
        if not number.isdigit():
            return (line.job.name,)
        return (name, str(line.cost.atoms), str(line.cost.kpoints))

    for (name, *_), group in groupby(lines, key=key):
        same = list(group)
        numbers = dict.fromkeys(line.job.name.split()[-1] for line in same)
        ends = "-".join(dict.fromkeys([next(iter(numbers)), list(numbers)[-1]]))
        yield (f"{name} {ends}" if key(same[0])[1:] else name), same


def _correction(jobs: Sequence[PlannedJob], project: Path | None) -> tuple[float, int]:
    """Return the geometric mean of measured over modelled time, and of how many."""
    logs: list[float] = []
    for folder in _job_folders(project):
        try:
            told = json.loads((folder / STAMP).read_text())
        except (OSError, ValueError):
            continue
        job = next((job for job in jobs if _is_like(job, told)), None)
        if job is None:
            continue
        modelled = estimate(job.description).step_core_s / ELECTRONIC_STEPS[job.kind]
        for run_folder in run_folders(folder):
            if measured := measured_scf_core_s(run_folder):
                logs.append(math.log(measured / modelled))
    return (math.exp(sum(logs) / len(logs)), len(logs)) if logs else (1.0, 0)


def _job_folders(project: Path | None) -> list[Path]:
    if project is None or not (project / "runs").is_dir():
        return []
    return sorted(path.parent for path in (project / "runs").glob(f"*/{STAMP}"))


def _is_like(job: PlannedJob, told: dict[str, Any]) -> bool:
    mine = identity(job.run, job.kind)
    return all(mine.get(key) == told.get(key) for key in COMPARED)


def measured_scf_core_s(run_folder: Path) -> float | None:
    """Return the core-seconds of one electronic step of a finished run.

    Returns:
        None for a run that is not finished, or that a stand-in did.
    """
    try:
        text = (run_folder / "OUTCAR").read_text(errors="replace")
        stream = VasprunStream(run_folder / "vasprun.xml")
        scf_steps = sum(step.scf_steps for step in stream.steps())
    except (OSError, AnalysisError):
        return None
    elapsed, cores = _ELAPSED.search(text), _CORES.search(text)
    if elapsed is None or cores is None or vasp_level(stream.settings).emulated:
        return None
    return float(elapsed[1]) * int(cores[1]) / scf_steps if scf_steps else None
