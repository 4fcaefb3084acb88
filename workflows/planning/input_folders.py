"""`ionface inputs`: ready VASP directories for those who submit by hand.

    DIR/README.md             what to run, in which order, and what is left out
    DIR/study.json            which study this is; another one is refused
    DIR/<subject>/<n-task>/   INCAR, KPOINTS, POSCAR, POTCAR (or POTCAR.spec), job.sh
                              first/  the convergence before the dipole correction

The jobs are those of the study's flow. Each job.sh takes the final structure of the
job before it. Where one of our own comes between (sides are cut from a relaxed bulk, or
joined after they were relaxed alone), the directories behind it have no POSCAR until
those before it have converged and the same command is given again. All that waits for
more than final structures is named and left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jobflow import Job
from pymatgen.core import Structure
from pymatgen.io.vasp import Poscar

from ionface.analysis.readers.vasp_terms import vasp_directory_term
from ionface.errors import AnalysisError, IonfaceError
from ionface.structures.slabs.polarity import side_notes
from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.incar import first_stage
from ionface.workflows.engines.vasp.inputs import VaspRun, write
from ionface.workflows.engines.vasp.outputs import restored
from ionface.workflows.engines.vasp.velocities import thermal_velocities
from ionface.workflows.flows.ensembles import disordered_side
from ionface.workflows.flows.lattices import published
from ionface.workflows.flows.models import gap_notes
from ionface.workflows.planning.advice import check_elements
from ionface.workflows.planning.batch_script import batch_script
from ionface.workflows.planning.input_results import IDENTITY, folder_of, identity
from ionface.workflows.planning.walk import GraphWalk, PlannedJob
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.study import Study

_FILM = (
    "its film is brought to rest by an engine first, and what follows stands on that"
)
_SCAN = (
    "its place is scanned with an engine first; to write inputs of the model as it is "
    "built, take scan out of the study"
)
REASONS = {
    "open film": _FILM,
    "check film": _FILM,
    "registry scan": _SCAN,
    "place": _SCAN,
    "choose ordering": "its ensemble is chosen by energies that do not exist yet; set "
    "ensemble to 1 and choose by rank",
}
"""Why a job of our own, by its task, cannot be done by hand."""

ONE_TURN = (
    "Models are cut from crystals as they have relaxed: until then, the sizes and "
    "meshes above are those of published lattices. `lattice: literature` in the study "
    "writes all of it at once, at the price of the pressure that they may be under."
)

WAY_OUT = "ionface run or submit does all of it"


@dataclass(frozen=True)
class WrittenJob:
    """One directory that was written.

    Attributes:
        job: what it computes.
        folder: where.
        waits: it has no POSCAR yet.
        begun: something has run in it, so that it was left as it is.
    """

    job: PlannedJob
    folder: Path
    waits: bool = False
    begun: bool = False

    @property
    def after(self) -> str:
        """Return the task that it goes on from, or the command that gives its start."""
        return self.job.after or "`ionface inputs` again" * self.waits


@dataclass(frozen=True)
class WrittenInputs:
    """What was written of a study.

    Attributes:
        jobs: in the order of the study's flow.
        left_out: why not, by interface.
        waiting: what some of them wait for, by interface.
        sides: what must be said of polar sides, and of those beyond whole units.
    """

    jobs: list[WrittenJob]
    left_out: dict[str, str]
    waiting: dict[str, str] = field(default_factory=dict)
    sides: list[str] = field(default_factory=list)


def write_inputs(study: Study, out: Path, *, spec: bool | None = None) -> WrittenInputs:
    """Write all directories of a study, but those in which something has run already.

    Args:
        study: on VASP, or on its stand-in.
        out: is made.
        spec: POTCAR.spec instead of POTCAR; None for whichever is possible.

    Raises:
        IonfaceError: the directory belongs to another study, a POTCAR is missing, or
            nothing of the study can be run by hand.
        StructureError: a model cannot be built.
    """
    _check_directory(study, out)
    walk = GraphWalk(_by_hand(study), lambda job: _final(job, out))
    waiting = walk.waits_for()
    later = {u for u, own in waiting.items() if own.metadata.get("takes")}
    left_out = {
        str(walk.jobs[uuid].metadata["subject"]): _reason(own)
        for uuid, own in waiting.items()
        if uuid not in later
    }
    # one term of a ledger is of no use without the others
    incomplete = {_ledger(walk.jobs[uuid]) for uuid in waiting if uuid not in later}
    free = [job for job in walk.engine_jobs if _ledger(job) not in incomplete]
    jobs = [planned for planned in map(walk.planned, free) if planned is not None]
    if not jobs:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise IonfaceError(
            f"nothing of {study.name} can be run by hand: {reasons}. {WAY_OUT}"
        )
    check_elements(study.vasp, [job.run for job in jobs])
    if spec is None:
        spec = not jobs[0].run.waves.has_potcars
    if not spec:
        for job in jobs:
            job.run.potcars()  # refuses before anything is written
    out.mkdir(parents=True, exist_ok=True)
    folders = [_folder_of(job, jobs, out) for job in jobs]
    written = [
        WrittenJob(job, folder, job.job.uuid in later, _has_begun(folder))
        for job, folder in zip(jobs, folders, strict=True)
    ]
    told = identity(study, [(entry.job, entry.folder) for entry in written], out)
    (out / IDENTITY).write_text(json.dumps(told, indent=1) + "\n")
    for entry in written:
        if not entry.begun:
            _write_job(entry, written, spec=spec)
    sides = [
        note
        for model in walk.models()
        for note in side_notes(model.provenance, model.name)
    ]
    inputs = WrittenInputs(written, left_out, _waiting(written, walk), sides)
    (out / "README.md").write_text(readme(study, inputs, spec=spec))
    return inputs


def _by_hand(study: Study) -> Study:
    """Return the study of which no crystal is relaxed for what is left out anyway."""

    def settled(spec: InterfaceSpec) -> bool:
        film = isinstance(spec.film, FilmLayer | AmorphousLayer)
        return not (film or spec.scan or disordered_side(spec))

    specs = (s if settled(s) else published(s) for s in study.interfaces)
    return replace(study, interfaces=tuple(specs))


def _final(job: PlannedJob, out: Path) -> Structure | None:
    """Return the final structure of a relaxation that has converged in its folder."""
    folder = folder_of(out, job.subject, job.task)
    if folder is None or not _has_begun(folder):
        return None
    try:
        term = vasp_directory_term(folder)
        final = Poscar.from_file(folder / "CONTCAR", check_for_potcar=False).structure
    except (AnalysisError, OSError, ValueError, IndexError):
        return None
    if not (term.finished and term.converged):
        return None
    return restored(job.run, final.lattice.matrix, final.frac_coords)


def _has_begun(folder: Path) -> bool:
    """Tell whether something has run in a directory: it is then left as it is."""
    marks = (".started", "CONTCAR", "OUTCAR", "vasprun.xml*", "run-*", "first/OUTCAR")
    return any(any(folder.glob(mark)) for mark in marks)


def _waiting(written: Sequence[WrittenJob], walk: GraphWalk) -> dict[str, str]:
    """Return what the directories without a POSCAR wait for, by interface."""
    told: dict[str, str] = {}
    for subject in dict.fromkeys(entry.job.subject for entry in written):
        later = [e for e in written if e.job.subject == subject and e.waits]
        if not later:
            continue
        led = set[str]().union(*(walk.ancestors(e.job.job.uuid) for e in later))
        before = [
            entry.folder.name
            if entry.job.subject == subject
            else f"{entry.folder.parent.name}/{entry.folder.name}"
            for entry in written
            if not entry.waits and entry.job.job.uuid in led
        ]
        told[subject] = (
            f"run {', '.join(before)}; once the relaxations among them have "
            "converged, the same `ionface inputs` gives the next of "
            f"{', '.join(entry.folder.name for entry in later)} their POSCARs"
        )
    return told


def _ledger(job: Job) -> tuple[str, str]:
    """Return of which interface's energies, or dynamics, a job is part."""
    return job.metadata["subject"], job.metadata["role"]


def _reason(own: Job) -> str:
    task = str(own.metadata["task"])
    return REASONS.get(task, f"{own.name} needs the results of an engine")


def _folder_of(job: PlannedJob, jobs: Sequence[PlannedJob], out: Path) -> Path:
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
            f"{out} is not empty and holds no inputs of ionface; give `out` a new or "
            "empty directory"
        )
    if (name := json.loads(path.read_text())["study"]) != study.name:
        raise IonfaceError(
            f"{out} holds the inputs of the study {name!r}, not {study.name!r}; give "
            "another `out`"
        )


def _write_job(entry: WrittenJob, written: Sequence[WrittenJob], *, spec: bool) -> None:
    job, folder, run = entry.job, entry.folder, entry.job.run
    velocities = None
    if job.kind == "dynamics":
        maker: Any = job.job.maker
        settings = DynamicsSettings(**maker.dynamics)
        velocities = thermal_velocities(run.structure, settings)
    write(run, folder, velocities=velocities, spec=spec)
    if (incar := first_stage(run.incar)) is not None:
        stage = VaspRun(run.waves, run.structure, incar, run.spacing)
        write(stage, folder / "first", spec=spec)
    for poscar in folder.glob("**/POSCAR") if entry.waits else ():
        poscar.unlink()  # of sides as they are cut
    script = folder / "job.sh"
    script.write_text(batch_script(job, _before(job, written)))
    script.chmod(0o755)


def _before(job: PlannedJob, written: Sequence[WrittenJob]) -> str | None:
    """Return the name of the directory whose CONTCAR a job starts from."""
    for entry in written:
        if entry.job.subject == job.subject and entry.job.task == job.after:
            return entry.folder.name
    return None


def readme(study: Study, inputs: WrittenInputs, *, spec: bool) -> str:
    """Return what to run, in which order, and how to read it afterwards."""
    waves = inputs.jobs[0].job.run.waves
    lines = [
        f"# VASP inputs of {study.name}",
        "",
        f"{study.title or study.name}. Protocol {study.protocol}: "
        f"{waves.protocol.source}.",
        "",
        "Run each directory's `job.sh` (`sbatch job.sh` in it) after the one in the "
        "column *after*; jobs without one can run at once. A job that ended at the "
        "wall time is submitted again and goes on; dynamics then begin another "
        "`run-*`, from the CONTCAR of the last one. Add your partition, account and "
        "modules to the scripts first. NCORE and KPAR depend on its nodes and are not "
        "written; `ionface plan` suggests both.",
        "",
        "| directory | what | atoms | k-points | after |",
        "|---|---|---|---|---|",
        *map(_row, inputs.jobs),
        "",
    ]
    lines += [part for note in gap_notes(study) for part in (f"{note}.", "")]
    if inputs.sides:
        lines += ["Of the cuts:", "", *(f"- {note}" for note in inputs.sides), ""]
    if inputs.waiting:
        lines += ["In turns:", ""]
        lines += [f"- {name}: {what}." for name, what in inputs.waiting.items()]
        if any(entry.job.job.metadata.get("part") == "bulk" for entry in inputs.jobs):
            lines += ["", ONE_TURN]
        lines += [""]
    if inputs.left_out:
        lines += [f"Left out ({WAY_OUT}):", ""]
        lines += [f"- {name}: {why}" for name, why in inputs.left_out.items()]
        lines += [""]
    staged = any(entry.job.description.stages == 2 for entry in inputs.jobs)
    if spec:
        lines += [
            "POTCARs are named, not written: each `POTCAR.spec` names them "
            f"({waves.potcar_functional}) in the order of the POSCAR; join "
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
        "directory, or on single ones in it; all `run-*` of dynamics are joined.",
        "",
    ]
    return "\n".join(lines)


def _row(entry: WrittenJob) -> str:
    job = entry.job
    mesh = "x".join(str(n) for n in job.run.kpoints().kpts[0])
    name = f"{entry.folder.parent.name}/{entry.folder.name}"
    return (
        f"| {name} | {job.kind} | {len(job.run.structure)} | {mesh} | {entry.after} |"
    )
