"""The graphs: what is computed after what. They take an engine and know none.

formation:   build -> relax interface and slabs -> static energies -> ledger
dynamics:    build -> pre-relax -> NVT segments -> one trajectory -> RDFs and bonds
references:  crystal -> its RDF at rest; NVT -> its RDF in motion
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from jobflow import Flow, Job, Maker

from ionface.structures.specs import InterfaceSpec
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    Engine,
    RelaxSettings,
)
from ionface.workflows.engines.registry import study_engine
from ionface.workflows.flows import jobs as tasks
from ionface.workflows.flows.models import building_jobs
from ionface.workflows.flows.naming import named
from ionface.workflows.study.analyses import analyses_of
from ionface.workflows.study.naming import slug
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import (
    DynamicsSpec,
    ReferenceSpec,
    Study,
    crystal_label,
)
from ionface.workflows.study.study_pairs import check_pairs


@dataclass
class InterfaceFormationMaker(Maker):
    """Formation energy of one interface.

    Attributes:
        engine: gives the Makers of relaxations and single points.
        relax: when a relaxation is done.
        slabs: "relaxed" in the interface's cell, or "frozen" as in the interface.
    """

    engine: Engine
    relax: RelaxSettings = field(default_factory=RelaxSettings)
    slabs: str = "relaxed"
    name: str = "formation"

    def make(self, spec: InterfaceSpec, built: Job, name: str | None = None) -> Flow:
        """Return the flow for an interface that a job builds.

        Args:
            spec: tells which sides are strained.
            built: job whose output is a BuiltInterface.
            name: of the member of an ensemble; the interface's name if not given.
        """
        name = name or spec.name
        parts = ["interface", "film", "substrate"]
        parts += [f"{side}_unstrained" for side in tasks.strained_sides(spec)]
        jobs: list[Job] = []
        relaxed: dict[str, Job] = {}
        static: dict[str, Job] = {}
        frozen = None
        for part in parts:
            start = getattr(built.output, part)
            if self.slabs == "frozen" and part in ("film", "substrate"):
                frozen = frozen or self._separate(built, relaxed["interface"], jobs)
                start = getattr(frozen.output, part)
            else:
                relaxed[part] = self.engine.relax(self.relax).make(start)
                mine = {"role": "formation", "part": part}
                task = f"relax {part}"
                jobs.append(named(relaxed[part], name, task, kind="relax", **mine))
                start = relaxed[part].output.structure
            static[part] = self.engine.static().make(start)
            mine = {"role": "formation", "part": part}
            jobs.append(
                named(static[part], name, f"static {part}", kind="static", **mine)
            )
        ledger = tasks.enter_in_ledger(
            built.output.model,
            {part: done.output for part, done in static.items()},
            {part: done.output for part, done in relaxed.items()},
            self.slabs,
        )
        jobs.append(named(ledger, name, "ledger", result="formation"))
        return Flow(jobs, output=ledger.output, name=f"{name} {self.name}")

    def _separate(self, built: Job, relaxed: Job, jobs: list[Job]) -> Job:
        frozen = tasks.separate(built.output, relaxed.output)
        jobs.append(named(frozen, relaxed.metadata["subject"], "separate"))
        return frozen


@dataclass
class InterfaceDynamicsMaker(Maker):
    """Dynamics of one interface and what its RDFs and bonds show.

    Attributes:
        engine: gives the Makers of relaxations and dynamics.
        prerelax: a short relaxation that takes out the worst forces.
        settings: of one segment.
        steps: of the whole run.
        quick: the run is a rehearsal, and its results say so.
    """

    engine: Engine
    settings: DynamicsSettings
    steps: int
    quick: bool = False
    prerelax: RelaxSettings = field(
        default_factory=lambda: RelaxSettings(
            0.1, 50, must_converge=False, like_dynamics=True
        )
    )
    name: str = "dynamics"

    def make(self, subject: str, structure: Any, run: DynamicsSpec) -> Flow:
        """Return the flow that starts from a structure or a reference to one."""
        jobs: list[Job] = []
        if self.prerelax.steps > 1:
            before = self.engine.relax(self.prerelax).make(structure)
            jobs.append(
                named(before, subject, "pre-relax", kind="relax", role="dynamics")
            )
            structure = before.output.structure
        segments = self._segments(subject, structure, jobs)
        records = [job.output for job in segments]
        joined = tasks.join_segments(slug(subject), records, self.quick)
        jobs.append(named(joined, subject, "trajectory", result="trajectory"))
        analyses = analyses_of(run, self.settings.temperature)
        analyzed = tasks.analyze_dynamics(joined.output, analyses)
        jobs.append(named(analyzed, subject, "analyses", result="dynamics"))
        return Flow(jobs, output=analyzed.output, name=f"{subject} {self.name}")

    def _segments(self, subject: str, structure: Any, jobs: list[Job]) -> list[Job]:
        if self.engine.decides_segments:
            return [self._chain(subject, structure, jobs)]
        segments: list[Job] = []
        for start in range(0, self.steps, self.settings.steps):
            steps = min(self.settings.steps, self.steps - start)
            maker = self.engine.dynamics(_with_steps(self.settings, steps))
            previous = segments[-1].output if segments else None
            segments.append(maker.make(structure, previous))
            _named_segment(segments[-1], subject, len(segments))
        jobs += segments
        return segments

    def _chain(self, subject: str, structure: Any, jobs: list[Job]) -> Job:
        """Return one job that decides by itself how many segments it takes."""
        job = self.engine.dynamics(_with_steps(self.settings, self.steps)).make(
            structure
        )
        jobs.append(_named_segment(job, subject, 1))
        return job


def _named_segment(job: Job, subject: str, number: int) -> Job:
    task = f"dynamics {number}"
    return named(job, subject, task, kind="dynamics", role="dynamics")


@dataclass
class ReferenceMaker(Maker):
    """RDF of a crystal at rest and in motion.

    Attributes:
        dynamics: runs the crystal, as it runs interfaces.
        cutoff: of the RDF, Å.
    """

    dynamics: InterfaceDynamicsMaker
    cutoff: float = 8.0
    name: str = "reference"

    def make(self, reference: ReferenceSpec) -> Flow:
        """Return the flow of one reference crystal."""
        subject = crystal_label(reference.crystal)
        crystal = tasks.repeated_crystal(reference.crystal, reference.min_atoms)
        at_rest = tasks.analyze_crystal(
            crystal.output, list(reference.pairs), self.cutoff
        )
        jobs: list[Job | Flow] = [
            named(crystal, subject, "crystal"),
            named(at_rest, subject, "rdf at rest", result="reference"),
        ]
        if reference.steps:
            run = DynamicsSpec(
                interface=subject,
                steps=reference.steps,
                pairs=reference.pairs,
                cutoff=self.cutoff,
                windows=1,
                analyses=("rdf",),
            )
            jobs.append(self.dynamics.make(subject, crystal.output, run))
        return Flow(jobs, name=f"{subject} {self.name}")


def study_flow(study: Study) -> Flow:
    """Return the whole graph of a study.

    Raises:
        IonfaceError: a pair of elements that are not there.
        StructureError: a layer of its dynamics that cannot be made.
    """
    check_pairs(study)
    settings = protocol(study.protocol)
    parts: list[Job | Flow] = []
    built: dict[str, dict[str, Job]] = {}
    for spec in study.interfaces:
        jobs, built[spec.name] = building_jobs(study, spec)
        parts += jobs
    if study.formation_names:
        formation = InterfaceFormationMaker(
            engine=study_engine(study, "formation"),
            relax=RelaxSettings(
                fmax=study.relaxation.fmax or settings.fmax,
                steps=study.relaxation.steps,
            ),
            slabs=study.slabs,
        )
        parts += [
            formation.make(study.interface(name), job, member)
            for name in study.formation_names
            for member, job in built[name].items()
        ]
    for run in study.dynamics:
        dynamics = _dynamics_maker(study, run, run.steps)
        # of an ensemble, the member of lowest energy
        start = next(iter(built[run.interface].values())).output.interface
        parts.append(dynamics.make(run.interface, start, run))
    for reference in study.references:
        parts.append(_reference_maker(study, reference).make(reference))
    return Flow(parts, name=study.name)


def _dynamics_maker(
    study: Study, run: DynamicsSpec, steps: int
) -> InterfaceDynamicsMaker:
    settings = protocol(study.protocol)
    return InterfaceDynamicsMaker(
        engine=study_engine(study, "dynamics"),
        settings=DynamicsSettings(
            temperature=run.temperature or settings.temperature,
            timestep=run.timestep or settings.timestep,
            steps=run.segment or steps,
            segment=run.segment,
            until=run.until,
            period=settings.thermostat_period,
            stride=run.stride,
            seed=run.seed,
        ),
        steps=steps,
        quick=study.quick,
        prerelax=RelaxSettings(
            0.1, run.prerelax, must_converge=False, like_dynamics=True
        ),
    )


def _reference_maker(study: Study, reference: ReferenceSpec) -> ReferenceMaker:
    """Run a reference as the dynamics that are compared with it were run."""
    users = [r for r in study.dynamics if reference.crystal in r.references]
    like = users[0] if users else DynamicsSpec(reference.crystal, 1, reference.pairs)
    maker = _dynamics_maker(study, like, reference.steps)
    maker.settings = _with_steps(maker.settings, max(1, reference.steps))
    # a crystal starts from its published positions: layered ones must not be relaxed
    # in their cell, and free positions alone hardly move
    maker.prerelax = RelaxSettings(steps=0)
    return ReferenceMaker(dynamics=maker, cutoff=like.cutoff)


def _with_steps(settings: DynamicsSettings, steps: int) -> DynamicsSettings:
    return replace(settings, steps=steps)
