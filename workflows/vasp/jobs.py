"""Every VASP job of a study before anything runs, from the models alone.

What `plan` estimates and `inputs` writes are the jobs of `workflows.flows`, in their
order, with the structures that the models have before relaxation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pymatgen.core import Structure

from structures.interfaces import build_interface
from structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec
from workflows import tasks
from workflows.engines import DynamicsSettings, RelaxSettings
from workflows.errors import IonfaceError
from workflows.protocols import protocol
from workflows.study import DynamicsSpec, ReferenceSpec, Study, crystal_label
from workflows.vasp.cells import in_ledger
from workflows.vasp.engine import VaspEngine
from workflows.vasp.incar import Kind, dynamics_incar, relax_incar, static_incar
from workflows.vasp.inputs import VaspRun

PRERELAX_FMAX = 0.1  # eV/Å, as in workflows.flows


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


def study_jobs(study: Study, engine: VaspEngine) -> list[PlannedJob]:
    """Return the jobs of a study in the order in which they run.

    Args:
        study: its own engine does not matter.
        engine: as configured by the study.

    Raises:
        IonfaceError: settings contradict each other.
        StructureError: a model cannot be built.
    """
    for spec in study.interfaces:
        if isinstance(spec.film, FilmLayer | AmorphousLayer):
            raise IonfaceError(
                f"interface {spec.name}: its film is prepared by an engine first, so "
                "what follows is not known yet; use ionface run or submit"
            )
    built = {
        spec.name: tasks.BuiltInterface.of(build_interface(spec))
        for spec in study.interfaces
        if spec.name in study.formation_names
        or any(run.interface == spec.name for run in study.dynamics)
    }
    found: list[PlannedJob] = []
    for name in study.formation_names:
        found += formation_jobs(study, engine, study.interface(name), built[name])
    for run in study.dynamics:
        found += dynamics_jobs(study, engine, run, built[run.interface])
    for reference in study.references:
        found += reference_jobs(study, engine, reference)
    return found


def formation_jobs(
    study: Study, engine: VaspEngine, spec: InterfaceSpec, built: tasks.BuiltInterface
) -> Iterator[PlannedJob]:
    """Yield relaxations and single points of one ledger."""
    parts = ["interface", "film", "substrate"]
    parts += [f"{side}_unstrained" for side in tasks.strained_sides(spec)]
    for part in parts:
        structure = in_ledger(getattr(built, part), built.model, part)
        frozen = study.slabs == "frozen" and part in ("film", "substrate")
        if not frozen:
            yield relax_job(study, engine, spec.name, part, structure)
        after = "relax interface" if frozen else f"relax {part}"
        incar = static_incar(engine.waves, structure)
        run = VaspRun(engine.waves, structure, incar, engine.waves.k_spacing)
        stages = 2 if "LDIPOL" in incar else 1
        yield PlannedJob(spec.name, f"static {part}", "static", run, 1, after, stages)


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
    study: Study, engine: VaspEngine, run: DynamicsSpec, built: tasks.BuiltInterface
) -> Iterator[PlannedJob]:
    """Yield the pre-relaxation and the dynamics of one interface."""
    structure = in_ledger(built.interface, built.model, "interface")
    after = None
    if run.prerelax > 1:
        settings = RelaxSettings(
            PRERELAX_FMAX, run.prerelax, must_converge=False, for_dynamics=True
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
    make = tasks.repeated_crystal.original
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
        IonfaceError: slabs are frozen, cut from the relaxed interface; or the in-plane
            cell of the slabs is that of the relaxed interface.
    """
    for spec in study.interfaces:
        if spec.scan is not None:
            raise IonfaceError(
                f"interface {spec.name}: its place is scanned with an engine first; "
                "use ionface run or submit, or write inputs of the model without scan"
            )
    if study.slabs == "frozen":
        raise IonfaceError(
            "slabs: frozen are cut from the relaxed interface, which does not exist "
            "yet; set slabs to relaxed, or use ionface run or submit"
        )
