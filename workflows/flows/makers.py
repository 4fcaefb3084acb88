"""The Makers of one interface: its formation energy and its dynamics, by any engine.

formation:   build -> relax interface and slabs -> static energies -> ledger
dynamics:    build -> pre-relax -> NVT segments -> one trajectory -> analyses
references:  crystal -> its RDF at rest; NVT -> its RDF in motion

They take a built model, its specification, or the output of a job that builds one, and
their flows run wherever jobflow's do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, get_args

from jobflow import Flow, Job, Maker, OutputReference

from ionface.errors import IonfaceError, StructureError
from ionface.structures.materials import pymatgen_structure
from ionface.structures.model import InterfaceModel
from ionface.structures.specs import (
    SIDES,
    Cell,
    InterfaceSpec,
)
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    Engine,
    RelaxSettings,
)
from ionface.workflows.engines.registry import engine as find_engine
from ionface.workflows.flows import jobs as tasks
from ionface.workflows.flows.models import ModelBuilder, Models, Start
from ionface.workflows.flows.naming import named
from ionface.workflows.flows.potentials import Potentials
from ionface.workflows.study.analyses import analyses_of
from ionface.workflows.study.file_names import interface_name, seed_name, slug
from ionface.workflows.study.study import ANALYSES, DynamicsSpec, EngineChoice

Model: TypeAlias = InterfaceModel | InterfaceSpec | OutputReference
Slabs = Literal["relaxed", "frozen"]
APART = ("rdf", "bonds", "reactions", "layers")
"""What is also said of each interface of a sandwich."""

PRERELAX = RelaxSettings(fmax=0.1, steps=50, must_converge=False, like_dynamics=True)
"""Takes out the forces of a fresh model, which would heat the first picosecond; what is
left of them is below those of thermal motion at 300 K."""


@dataclass
class InterfaceFormationMaker(Maker):
    """Formation energy of one interface.

    >>> from ionface.structures.specs import CrystalLayer, InterfaceSpec
    >>> layer = CrystalLayer("Al", (1, 0, 0), layers=2)
    >>> spec = InterfaceSpec("Al|Al", replace(layer, name="film"), layer)
    >>> flow = InterfaceFormationMaker("ase.calculators.emt.EMT").make(spec)
    >>> jobs = (job.name for job, _ in flow.iterflow())
    >>> next(jobs), next(jobs), next(jobs)
    ('film relax bulk', 'Al|Al build', 'Al|Al close gap')

    Attributes:
        engine: gives the Makers of relaxations and single points; or its name.
        relax: when a relaxation is done.
        slabs: "relaxed" in the interface's cell, or "frozen" as in the interface.
        chemical_potentials: of atoms beyond whole formula units of a side's crystal,
            by element: eV per atom, or a job's output: the energy of its crystal.
    """

    engine: Engine | EngineChoice | str
    relax: RelaxSettings = field(default_factory=RelaxSettings)
    slabs: Slabs = "relaxed"
    chemical_potentials: Potentials = field(default_factory=dict)
    name: str = "formation"

    def __post_init__(self) -> None:
        """Find the engine of a name.

        Raises:
            IonfaceError: there is none, or settings are no RelaxSettings.
        """
        self.engine = find_engine(self.engine)
        _check_settings("relax", self.relax, RelaxSettings)
        if self.slabs not in get_args(Slabs):
            raise IonfaceError(f"slabs={self.slabs!r} must be one of {get_args(Slabs)}")

    def make(
        self,
        model: Model,
        name: str | None = None,
        strained: Sequence[str] = ("film",),
        cell: Cell = "fixed",
    ) -> Flow:
        """Return the flow, whose output is the ledger's entry as plain data.

        Args:
            model: an InterfaceModel, an InterfaceSpec, or the output of a job that
                gives an InterfaceModel. Of a spec with an ensemble, each member has
                its flow, and the output is the list of their entries.
            name: of the interface; the model's or the spec's own if not given.
            strained: which sides of an output are strained, "film" or "substrate", so
                that their unstrained selves are computed too; others say it themselves.
            cell: what the relaxation of an output moves of its cell; of a model or a
                spec, the normal of a sandwich, or what the spec says.
        """
        models = _models(model, find_engine(self.engine), name, strained, cell)
        flows = [self.of_start(start) for start in models.starts]
        outputs = [flow.output for flow in flows]
        output = outputs[0] if len(outputs) == 1 else outputs
        return Flow([*models.jobs, *flows], output=output, name=self.name)

    def of_start(self, start: Start, published: float | None = None) -> Flow:
        """Return the flow of one model.

        Args:
            start: the model.
            published: its energy in the literature, J/m², drawn beside ours.
        """
        name, built = start.name, start.built
        parts = ["interface", *SIDES]
        parts += [f"{side}_unstrained" for side in start.strained]
        engine, jobs = find_engine(self.engine), list[Job | Flow]()
        relaxed: dict[str, Any] = {}
        static: dict[str, Any] = {}
        cut = built
        for part in parts:
            tells = {"role": "formation", "part": part}
            structure = getattr(cut if part in SIDES else built, part)
            if self.slabs == "relaxed" or part not in SIDES:
                cell = start.cell if part == "interface" else "fixed"
                step = engine.relax(replace(self.relax, cell=cell)).make(structure)
                moves, most = {**tells, "kind": "relax"}, self.relax.steps
                task = f"relax {part}"
                jobs.append(named(step, name, task, most_steps=most, **moves))
                relaxed[part], structure = step.output, step.output.structure
            step = engine.static().make(structure)
            jobs.append(named(step, name, f"static {part}", kind="static", **tells))
            static[part] = step.output
            if part != "interface":
                continue
            if start.cell != "fixed":
                recelled = tasks.in_relaxed_cell(built, relaxed[part])
                task = "slabs in the relaxed cell"
                jobs.append(named(recelled, name, task, takes="positions"))
                built = cut = recelled.output
            if self.slabs == "frozen":
                separate = tasks.separate(built, relaxed[part])
                jobs.append(named(separate, name, "separate", takes="positions"))
                cut = separate.output
        ledger = tasks.enter_in_ledger(
            built.model,
            static,
            relaxed,
            self.slabs,
            start.bulks,
            self.chemical_potentials,
        )
        jobs.append(named(ledger, name, "ledger", result="formation"))
        slabs = {side: static[side] for side in SIDES}
        path = tasks.follow_relaxation(
            built.model, relaxed["interface"], slabs, published
        )
        jobs.append(named(path, name, "path", result="path"))
        return Flow(jobs, output=ledger.output, name=f"{name} {self.name}")


@dataclass
class InterfaceDynamicsMaker(Maker):
    """Dynamics of one interface and what its RDFs and bonds show.

    >>> from ionface.structures.specs import CrystalLayer, InterfaceSpec
    >>> layer = CrystalLayer("Al", (1, 0, 0), layers=2)
    >>> spec = InterfaceSpec("Al|Al", replace(layer, name="film"), layer)
    >>> settings = DynamicsSettings(steps=500, segment=250)
    >>> flow = InterfaceDynamicsMaker("ase.calculators.emt.EMT", settings).make(spec)
    >>> jobs = (job.name.removeprefix("Al|Al ") for job, _ in flow.iterflow())
    >>> next(jobs), next(jobs), next(jobs), next(jobs)
    ('film relax bulk', 'build', 'close gap', 'pre-relax')

    Attributes:
        engine: gives the Makers of relaxations and dynamics; or its name.
        settings: of the whole run; `segment` is the number of steps of one job.
        pairs: whose RDFs and bonds are followed, as in "In-S"; all pairs of the
            elements that are there if none are given.
        cutoff: of the RDFs, Å.
        windows: number of time windows; by the length of the run if None.
        analyses: what is computed of the trajectory, as `ionface analyze` calls it; a
            name, or a name with settings as in {"msd": {"species": ["Li"]}}.
        references: crystals that the analyses compare with.
        seeds: of several runs beside one another, from one start; the settings' own
            for a single one.
        quick: the run is a rehearsal, and its results say so.
        prerelax: a short relaxation that takes out the worst forces; none if it has
            one step or less.
        done: steps of the jobs that a shorter run has done already, by its name; this
            one goes on after them.
    """

    engine: Engine | EngineChoice | str
    settings: DynamicsSettings = field(default_factory=DynamicsSettings)
    pairs: Sequence[str] = ()
    cutoff: float = 8.0
    windows: int | None = None
    analyses: Sequence[str | dict[str, dict[str, Any] | None]] = ANALYSES
    references: Sequence[str] = ()
    seeds: Sequence[int] = ()
    quick: bool = False
    prerelax: RelaxSettings = PRERELAX
    done: Mapping[str, Sequence[int]] = field(default_factory=dict)
    name: str = "dynamics"

    def __post_init__(self) -> None:
        """Find the engine of a name.

        Raises:
            IonfaceError: there is none, it cannot end a run early, as `until` asks, or
                settings are of another type.
        """
        self.engine = find_engine(self.engine)
        _check_settings("settings", self.settings, DynamicsSettings)
        _check_settings("prerelax", self.prerelax, RelaxSettings)
        if self.settings.until and not self.engine.decides_segments:
            raise IonfaceError(
                f"dynamics: until: {self.engine.name} does all steps and cannot end a "
                "run early, as vasp can; leave until out, and give more steps later if "
                "the bonds have not settled: the run then goes on"
            )

    def make(self, model: Model, name: str | None = None, cell: Cell = "fixed") -> Flow:
        """Return the flow, whose output are the analyses as plain data.

        Args:
            model: as for InterfaceFormationMaker; of an ensemble, the member of lowest
                energy is moved.
            name: of the interface; the model's or the spec's own if not given.
            cell: what the pre-relaxation of an output moves of its cell.
        """
        models = _models(model, find_engine(self.engine), name, cell=cell)
        flow = self.of_start(models.starts[0])
        return Flow([*models.jobs, flow], output=flow.output, name=flow.name)

    def of_start(self, start: Start) -> Flow:
        """Return the flow of one model."""
        return self.of_structure(
            start.name, start.built.interface, start.cell, start.interfaces
        )

    def of_structure(
        self, subject: str, structure: Any, cell: Cell = "fixed", interfaces: int = 1
    ) -> Flow:
        """Return the flow that starts from a structure or a reference to one."""
        engine, jobs = find_engine(self.engine), list[Job | Flow]()
        if self.prerelax.steps > 1:
            step = engine.relax(replace(self.prerelax, cell=cell)).make(structure)
            tells = {"kind": "relax", "role": "dynamics", "part": "interface"}
            most = self.prerelax.steps
            jobs.append(named(step, subject, "pre-relax", most_steps=most, **tells))
            structure = step.output.structure
        if len(self.seeds) < 2:
            jobs += self._run(subject, structure, interfaces)
            return Flow(jobs, output=jobs[-1].output, name=f"{subject} {self.name}")
        found = {}
        for seed in self.seeds:
            one = replace(self, settings=replace(self.settings, seed=seed))
            branch = one._run(seed_name(subject, seed), structure, interfaces)
            found[f"seed {seed}"] = branch[-1].output
            jobs += branch
        together = tasks.combine_runs(found)
        jobs.append(named(together, subject, "all seeds", result="dynamics"))
        return Flow(jobs, output=together.output, name=f"{subject} {self.name}")

    def _run(
        self, subject: str, structure: Any, interfaces: int = 1
    ) -> list[Job | Flow]:
        """Return the jobs of one run: segments, trajectory, its analyses at the end.

        Those of each interface of a sandwich stand before them.
        """
        segments = self._segments(find_engine(self.engine), subject, structure)
        records = [segment.output for segment in segments]
        joined = tasks.join_segments(slug(subject), records, self.quick)
        named(joined, subject, "trajectory", result="trajectory")
        asked = self._asked(subject)
        wanted = {name: asked[name] for name in APART if name in asked}
        apart: list[Job | Flow] = []
        for which in range(interfaces if interfaces > 1 and wanted else 0):
            one = tasks.analyze_interface(joined.output, structure, which, wanted)
            name = interface_name(subject, which)
            apart.append(named(one, name, "analyses", result="dynamics"))
        return [*segments, joined, *apart, self._analyses(subject, joined)]

    def _segments(
        self, engine: Engine, subject: str, structure: Any
    ) -> list[Job | Flow]:
        segments: list[Job | Flow] = []
        for steps in self._lengths(engine, self.done.get(subject, ())):
            settings = replace(self.settings, steps=steps)
            previous = segments[-1].output if segments else None
            step = engine.dynamics(settings).make(structure, previous)
            tells = {"kind": "dynamics", "role": "dynamics", "part": "interface"}
            task = f"dynamics {len(segments) + 1}"
            segments.append(named(step, subject, task, steps=steps, **tells))
        return segments

    def _lengths(self, engine: Engine, done: Sequence[int]) -> list[int]:
        """Return the steps of each job of a run, those that are done among them."""
        run, kept = self.settings, list[int]()
        # an engine that decides by itself when to restart gets all steps in one job
        most = run.steps if engine.decides_segments else run.segment or run.steps
        # what ends a run early is judged in one job
        for steps in () if run.until else done:
            if sum(kept) + steps > run.steps:
                break
            kept.append(steps)
        starts = range(sum(kept), run.steps, most)
        return [*kept, *(min(most, run.steps - start) for start in starts)]

    def _analyses(self, subject: str, joined: Job) -> Job:
        analyzed = tasks.analyze_dynamics(joined.output, self._asked(subject))
        return named(analyzed, subject, "analyses", result="dynamics")

    def _asked(self, subject: str) -> dict[str, dict[str, Any]]:
        """Return the settings of each analysis of a run."""
        run = DynamicsSpec(
            subject,
            self.settings.steps,
            tuple(self.pairs),
            references=tuple(self.references),
            cutoff=self.cutoff,
            windows=self.windows,
            analyses=tuple(self.analyses),
        )
        analyses = analyses_of(run, self.settings.temperature)
        if len(self.seeds) < 2:
            return analyses
        # what is said of all runs together rests on their bonds
        return {**analyses_of(replace(run, analyses=("reactions",))), **analyses}


@dataclass
class ReferenceMaker(Maker):
    """RDF of a crystal at rest and in motion.

    Attributes:
        dynamics: runs the crystal, as it runs interfaces.
        steps: of its dynamics; 0 for the crystal at rest alone.
        min_atoms: the cell is repeated until it holds as many.
    """

    dynamics: InterfaceDynamicsMaker
    steps: int = 500
    min_atoms: int = 60
    name: str = "reference"

    def make(self, crystal: str, subject: str) -> Flow:
        """Return the flow of one reference crystal.

        Args:
            crystal: library name or path of a file.
            subject: how tables call it.
        """
        like = self.dynamics
        repeated = tasks.repeated_crystal(crystal, self.min_atoms)
        pairs, cutoff = list(like.pairs), like.cutoff
        at_rest = tasks.analyze_crystal(repeated.output, pairs, cutoff)
        jobs: list[Job | Flow] = [
            named(repeated, subject, "crystal"),
            named(at_rest, subject, "rdf at rest", result="reference"),
        ]
        if self.steps:
            moving = replace(
                like,
                settings=replace(like.settings, steps=self.steps, segment=None),
                windows=1,
                analyses=("rdf",),
                references=(),
                # a crystal starts from its published positions: layered ones must not
                # be relaxed in their cell, and free positions alone hardly move
                prerelax=RelaxSettings(steps=0),
            )
            jobs.append(moving.of_structure(subject, repeated.output))
        return Flow(jobs, name=f"{subject} {self.name}")


def _check_settings(name: str, given: object, wanted: type[Any]) -> None:
    """Refuse a mapping, or anything else that is no settings.

    Raises:
        IonfaceError: says what they are and where they come from.
    """
    if not isinstance(given, wanted):
        raise IonfaceError(
            f"{name}={given!r:.60} must be {wanted.__name__}, as in "
            f"{name}={wanted.__name__}(steps=100), of {wanted.__module__}"
        )


def _models(
    model: Model,
    engine: Engine,
    name: str | None,
    strained: Sequence[str] = (),
    cell: Cell = "fixed",
) -> Models:
    """Return what a Maker starts from, whatever form the model has."""
    if isinstance(model, InterfaceSpec):
        spec = replace(model.checked(), name=name or model.name)
        return ModelBuilder(lambda _: engine).models(spec)
    if isinstance(model, InterfaceModel):
        model = replace(model, name=name or model.name)
        phases = {"film": model.film_phase, "substrate": model.substrate_phase}
        strained = [side for side in SIDES if phases[side] in model.unstrained]
        built = tasks.BuiltInterface.of(model)
        cell = "normal" if model.n_interfaces == 2 else "fixed"
        count = model.n_interfaces
        return Models([], [Start(model.name, built, tuple(strained), cell, count)])
    if not isinstance(model, OutputReference | tasks.BuiltInterface):
        hint = ""
        if (structure := pymatgen_structure(model)) is not None:
            model = structure.composition.formula
            hint = "; InterfaceModel.from_structure makes a model of a structure"
        raise StructureError(
            f"a model is an InterfaceSpec, what build_interface returns, or the output "
            f"of a job that made it; got {model!r:.60}{hint}"
        )
    parts = named(tasks.take_apart(model, name), name or "interface", "take apart")
    parts.metadata["result"] = "model"
    start = Start(name or "interface", parts.output, tuple(strained), cell)
    return Models([parts], [start])
