"""`ionface inputs`: ready VASP directories for those who submit by hand.

    DIR/README.md             what to run, in which order
    DIR/study.json            which study this is; another one is refused
    DIR/<subject>/<n-task>/   INCAR, KPOINTS, POSCAR, POTCAR (or POTCAR.spec), job.sh
                              first/  the convergence before the dipole correction

Each job.sh takes the final structure of the job before it, runs VASP, and in dynamics
goes on in numbered parts, resubmitting itself until all steps are done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.incar import first_stage
from ionface.workflows.engines.vasp.inputs import VaspRun, write
from ionface.workflows.engines.vasp.potcars import has_library
from ionface.workflows.engines.vasp.vasp_engine import VaspEngine
from ionface.workflows.engines.vasp.velocities import thermal_velocities
from ionface.workflows.planning.batch_script import batch_script
from ionface.workflows.planning.input_results import IDENTITY, identity
from ionface.workflows.planning.planned_jobs import (
    PlannedJob,
    check_by_hand,
    study_jobs,
)
from ionface.workflows.study.naming import slug
from ionface.workflows.study.study import Study


@dataclass(frozen=True)
class WrittenJob:
    """One directory that was written.

    Attributes:
        job: what it computes.
        folder: where.
    """

    job: PlannedJob
    folder: Path


def write_inputs(
    study: Study, engine: VaspEngine, out: Path, *, spec: bool | None = None
) -> list[WrittenJob]:
    """Write all directories of a study; a directory of the same study is rewritten.

    Args:
        study: any; its engine does not matter.
        engine: vasp, as configured by the study.
        out: is made.
        spec: POTCAR.spec instead of POTCAR; None for whichever is possible.

    Raises:
        IonfaceError: the directory belongs to another study, a POTCAR is missing, or
            the study cannot be run by hand.
        StructureError: a model cannot be built.
    """
    check_by_hand(study)
    _check_directory(study, out)
    if spec is None:
        spec = not (has_library() or engine.emulated)
    jobs = study_jobs(study, engine)
    if not spec:
        for job in jobs:
            job.run.potcars()  # refuses before anything is written
    out.mkdir(parents=True, exist_ok=True)
    folders = [(job, folder_of(job, jobs, out)) for job in jobs]
    told = identity(study, folders, out)
    (out / IDENTITY).write_text(json.dumps(told, indent=1) + "\n")
    written = [_write_job(job, jobs, out, spec) for job in jobs]
    (out / "README.md").write_text(readme(study, written, engine, spec=spec))
    return written


def folder_of(job: PlannedJob, jobs: Sequence[PlannedJob], out: Path) -> Path:
    """Return a job's directory: the subject's, and its number and task."""
    mine = [other for other in jobs if other.subject == job.subject]
    number = mine.index(job) + 1
    return out / slug(job.subject) / f"{number:02d}-{slug(job.task.replace(' ', '-'))}"


def _check_directory(study: Study, out: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        return
    path = out / IDENTITY
    if not path.is_file():
        raise IonfaceError(
            f"{out} is not empty and holds no inputs of ionface; give --out a new or "
            "empty directory"
        )
    if (name := json.loads(path.read_text())["study"]) != study.name:
        raise IonfaceError(
            f"{out} holds the inputs of the study {name!r}, not {study.name!r}; give "
            "another --out"
        )


def _write_job(
    job: PlannedJob, jobs: Sequence[PlannedJob], out: Path, spec: bool
) -> WrittenJob:
    folder = folder_of(job, jobs, out)
    velocities = None
    if job.kind == "dynamics":
        settings = DynamicsSettings(temperature=float(job.run.incar["TEBEG"]))
        velocities = thermal_velocities(job.run.structure, settings)
    write(job.run, folder, velocities=velocities, spec=spec)
    if (incar := first_stage(job.run.incar)) is not None:
        stage = VaspRun(job.run.waves, job.run.structure, incar, job.run.spacing)
        write(stage, folder / "first", spec=spec)
    script = folder / "job.sh"
    script.write_text(batch_script(job, _predecessor(job, jobs, out)))
    script.chmod(0o755)
    return WrittenJob(job, folder)


def _predecessor(job: PlannedJob, jobs: Sequence[PlannedJob], out: Path) -> str | None:
    """Return the name of the directory whose CONTCAR a job starts from."""
    if job.after is None:
        return None
    before = next(
        other
        for other in jobs
        if other.subject == job.subject and other.task == job.after
    )
    return folder_of(before, jobs, out).name


def readme(
    study: Study, written: Sequence[WrittenJob], engine: VaspEngine, *, spec: bool
) -> str:
    """Return what to run, in which order, and how to read it afterwards."""
    lines = [
        f"# VASP inputs of {study.name}",
        "",
        f"{study.title or study.name}. Protocol {study.protocol}: "
        f"{engine.waves.protocol.source}.",
        "",
        "Run each directory's `job.sh` (`sbatch job.sh` in it) after the one in the "
        "column *after*; jobs without one can run at once. A job that ended at the "
        "wall time is submitted again and goes on. Add your partition, account and "
        "modules to the scripts first.",
        "",
        "| directory | what | atoms | k-points | after |",
        "|---|---|---|---|---|",
    ]
    for entry in written:
        job = entry.job
        mesh = "x".join(str(n) for n in job.run.kpoints().kpts[0])
        name = f"{entry.folder.parent.name}/{entry.folder.name}"
        lines.append(
            f"| {name} | {job.kind} | {len(job.run.structure)} | {mesh} "
            f"| {job.after or ''} |"
        )
    lines += [""]
    staged = any(entry.job.stages == 2 for entry in written)
    if spec:
        lines += [
            "POTCARs are named, not written: each `POTCAR.spec` names them "
            f"({engine.waves.potcar_functional}) in the order of the POSCAR; join "
            f"them to a POTCAR in each directory{', and in its `first/`' * staged}.",
            "",
        ]
    if staged:
        lines += [
            "`first/` is a convergence without the dipole correction, whose "
            "wavefunctions the run with it starts from; `job.sh` does both.",
            "",
        ]
    lines += [
        "Afterwards: `ionface analyze energies` and `ionface analyze rdf` on this "
        "directory, or on single ones in it.",
        "",
    ]
    return "\n".join(lines)
