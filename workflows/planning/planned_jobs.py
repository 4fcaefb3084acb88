"""Every VASP job of a study before anything runs, from the models alone.

What `plan` estimates and `inputs` writes are the jobs of `study_flow`, in their
order, with the structures that the models have before relaxation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pymatgen.core import Structure

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import in_ledger
from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.vasp.incar import (
    Kind,
    PlaneWaves,
    dynamics_incar,
    relax_incar,
    static_incar,
)
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.vasp_engine import VaspEngine
from ionface.workflows.flows import jobs
from ionface.workflows.flows.ensembles import disordered_side
from ionface.workflows.planning.preparing import Role, Step, prepared
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import (
    DynamicsSpec,
    ReferenceSpec,
    Study,
    crystal_label,
)

PRERELAX_FMAX = 0.1  # eV/Å, as in ionface.workflows.flows.study_flow


@dataclass(frozen=True)
class PlannedJob:
    """One VASP job.

    Attributes:
        subject: interface or crystal.
        task: as in "relax film".
        kind: relax, static or dynamics.
        run: what VASP is given.
        steps: ionic steps at most.
        after: the task of the same subject whose final structure it starts from.
        stages: VASP runs: 2 where the dipole correction follows a first convergence.
        prerelaxed: a potential takes out the worst forces before.
    """

    subject: str
    task: str
    kind: Kind
    run: VaspRun
    steps: int
    after: str | None
    stages: int
    prerelaxed: bool = False

    @property
    def name(self) -> str:
        """Return how tables call it."""
        return f"{self.subject} {self.task}"

    @property
    def flow_name(self) -> str:
        """Return the name of the job in the study's flow."""
        return f"{self.name} 1" if self.task == "dynamics" else self.name


def study_jobs(
    study: Study,
    engine: VaspEngine,
    roles: Collection[Role] = ("formation", "dynamics"),
) -> list[PlannedJob]:
    """Return the jobs of a study in the order in which they run.

    Args:
        study: its own engine does not matter.
        engine: as configured by the study.
        roles: whether it computes energies, dynamics, or both.

    Raises:
        IonfaceError: settings contradict each other.
        StructureError: a model cannot be built.
    """
    found: list[PlannedJob] = []
    first: dict[str, jobs.BuiltInterface] = {}
    formation: list[PlannedJob] = []
    for spec in study.interfaces:
        made = prepared(study, spec)
        first[spec.name] = next(iter(made.members.values()))
        found += _steps(engine, spec.name, made.steps, roles)
        for name, points in made.scans.items():
            found += _steps(engine, name, points, roles)
        if spec.name in study.formation_names and "formation" in roles:
            for name, built in made.members.items():
                formation += formation_jobs(study, engine, spec, built, name)
    found += formation
    if "dynamics" not in roles:
        return found
    for run in study.dynamics:
        found += dynamics_jobs(study, engine, run, first[run.interface])
    for reference in study.references:
        found += reference_jobs(study, engine, reference)
    return found


def _steps(
    engine: VaspEngine, subject: str, steps: Iterable[Step], roles: Collection[Role]
) -> Iterator[PlannedJob]:
    """Yield what comes before an interface."""
    waves, before = engine.waves, None
    for step in steps:
        if step.role not in roles:
            continue
        structure, settings = step.structure, step.settings
        kind, incar, spacing, most = _inputs(waves, structure, settings)
        yield PlannedJob(
            subject,
            step.task,
            kind,
            VaspRun(waves, structure, incar, spacing),
            most,
            before if step.task.startswith("film") else None,
            2 if "LDIPOL" in incar else 1,
            kind == "relax" and engine.prerelax != "off",
        )
        before = step.task


def _inputs(
    waves: PlaneWaves,
    structure: Structure,
    settings: RelaxSettings | DynamicsSettings | None,
) -> tuple[Kind, dict[str, Any], float | None, int]:
    """Return kind, INCAR, spacing of k-points and number of steps of a job."""
    if isinstance(settings, DynamicsSettings):
        return (
            "dynamics",
            dynamics_incar(waves, structure, settings),
            None,
            settings.steps,
        )
    if settings is None:
        return "static", static_incar(waves, structure), waves.k_spacing, 1
    incar = relax_incar(waves, structure, settings)
    return "relax", incar, waves.k_spacing, settings.steps


def formation_jobs(
    study: Study,
    engine: VaspEngine,
    spec: InterfaceSpec,
    built: jobs.BuiltInterface,
    name: str,
) -> Iterator[PlannedJob]:
    """Yield relaxations and single points of one ledger."""
    parts = ["interface", "film", "substrate"]
    parts += [f"{side}_unstrained" for side in jobs.strained_sides(spec)]
    for part in parts:
        structure = in_ledger(getattr(built, part), built.model, part)
        frozen = study.slabs == "frozen" and part in ("film", "substrate")
        if not frozen:
            yield relax_job(study, engine, name, part, structure)
        after = "relax interface" if frozen else f"relax {part}"
        incar = static_incar(engine.waves, structure)
        run = VaspRun(engine.waves, structure, incar, engine.waves.k_spacing)
        stages = 2 if "LDIPOL" in incar else 1
        yield PlannedJob(name, f"static {part}", "static", run, 1, after, stages)


def relax_job(
    study: Study, engine: VaspEngine, subject: str, part: str, structure: Structure
) -> PlannedJob:
    """Return the relaxation of one part."""
    settings = RelaxSettings(
        fmax=study.relaxation.fmax or protocol(study.protocol).fmax,
        steps=study.relaxation.steps,
    )
    incar = relax_incar(engine.waves, structure, settings)
    return PlannedJob(
        subject,
        f"relax {part}",
        "relax",
        VaspRun(engine.waves, structure, incar, engine.waves.k_spacing),
        settings.steps,
        None,
        2 if "LDIPOL" in incar else 1,
        engine.prerelax != "off",
    )


def dynamics_jobs(
    study: Study, engine: VaspEngine, run: DynamicsSpec, built: jobs.BuiltInterface
) -> Iterator[PlannedJob]:
    """Yield the pre-relaxation and the dynamics of one interface."""
    structure = in_ledger(built.interface, built.model, "interface")
    after = None
    if run.prerelax > 1:
        settings = RelaxSettings(
            PRERELAX_FMAX, run.prerelax, must_converge=False, like_dynamics=True
        )
        incar = relax_incar(engine.waves, structure, settings)
        yield PlannedJob(
            run.interface,
            "pre-relax",
            "relax",
            VaspRun(engine.waves, structure, incar, None),
            run.prerelax,
            None,
            1,
            engine.prerelax != "off",
        )
        after = "pre-relax"
    yield _dynamics(study, engine, run, run.interface, structure, run.steps, after)


def reference_jobs(
    study: Study, engine: VaspEngine, reference: ReferenceSpec
) -> Iterator[PlannedJob]:
    """Yield the dynamics of a reference crystal, if it has any."""
    if not reference.steps:
        return
    users = [run for run in study.dynamics if reference.crystal in run.references]
    like = users[0] if users else DynamicsSpec(reference.crystal, 1, reference.pairs)
    make = jobs.repeated_crystal.original
    crystal = make(reference.crystal, reference.min_atoms)
    subject = crystal_label(reference.crystal)
    yield _dynamics(study, engine, like, subject, crystal, reference.steps, None)


def _dynamics(
    study: Study,
    engine: VaspEngine,
    run: DynamicsSpec,
    subject: str,
    structure: Structure,
    steps: int,
    after: str | None,
) -> PlannedJob:
    paper = protocol(study.protocol)
    settings = DynamicsSettings(
        temperature=run.temperature or paper.temperature,
        timestep=run.timestep or paper.timestep,
        steps=steps,
        period=paper.thermostat_period,
        stride=run.stride,
        seed=run.seed,
    )
    incar = dynamics_incar(engine.waves, structure, settings)
    job = VaspRun(engine.waves, structure, incar, None)
    return PlannedJob(subject, "dynamics", "dynamics", job, steps, after, 1)


def check_by_hand(study: Study) -> None:
    """Refuse studies whose later inputs need more than copying a CONTCAR.

    Raises:
        IonfaceError: a film, a scan or an ensemble waits for an engine's results, or
            slabs are frozen, cut from the relaxed interface.
    """
    way_out = "use ionface run or submit"
    for spec in study.interfaces:
        if isinstance(spec.film, FilmLayer | AmorphousLayer):
            raise IonfaceError(
                f"interface {spec.name}: its film is brought to rest by an engine "
                f"first, and what follows stands on that; {way_out}, or take the "
                "interface out of the study"
            )
        if spec.scan is not None:
            raise IonfaceError(
                f"interface {spec.name}: its place is scanned with an engine first; "
                f"{way_out}, or write inputs of the model without scan"
            )
        if disordered_side(spec) is not None:
            raise IonfaceError(
                f"interface {spec.name}: its ensemble is chosen by energies that do "
                f"not exist yet; {way_out}, or set ensemble to 1 and choose by rank"
            )
    if study.slabs == "frozen":
        raise IonfaceError(
            "slabs: frozen are cut from the relaxed interface, which does not exist "
            f"yet; set slabs to relaxed, or {way_out}"
        )
