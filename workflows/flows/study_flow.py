"""The graph of a study: its models, then each interface's energy and dynamics.

This is the only graph. `run` and `submit` give it to a manager, `plan` and `inputs`
walk it before anything has run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from jobflow import Flow, Job

from ionface.analysis.deposition.cell import DepositionSpec
from ionface.analysis.deposition.stability import check
from ionface.errors import IonfaceError
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.registry import Role, study_engine
from ionface.workflows.flows import jobs as tasks
from ionface.workflows.flows.makers import (
    PRERELAX,
    InterfaceDynamicsMaker,
    InterfaceFormationMaker,
    ReferenceMaker,
)
from ionface.workflows.flows.models import ModelBuilder, Models, Start
from ionface.workflows.flows.naming import jobs_of, named
from ionface.workflows.flows.phases import phase_flows
from ionface.workflows.flows.potentials import Potentials, potential_jobs
from ionface.workflows.flows.spot_checks import spot_flows
from ionface.workflows.flows.study_checks import (
    check_elements,
    check_layers,
    check_pairs,
    check_potentials,
)
from ionface.workflows.flows.surfaces import surface_flow
from ionface.workflows.study.analyses import until_of
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import (
    DynamicsSpec,
    ReferenceSpec,
    Study,
    crystal_label,
)

Done = Mapping[str, Sequence[int]]
"""Steps of the jobs of dynamics that are there already, by run."""


def study_flow(study: Study, done: Mapping[str, Sequence[int]] | None = None) -> Flow:
    """Return the whole graph of a study, a Flow for any manager of jobflow.

    >>> from ionface.workflows.study.study_files import load
    >>> flow = study_flow(load("lagp-pdol-li"))
    >>> flow.name, flow.jobs[0].name
    ('lagp-pdol-li', 'Li|P-DOL build')

    Args:
        study: as resolved.
        done: steps of the jobs of dynamics that are there already, by run: what they
            lack is added after them.

    Raises:
        IonfaceError: a pair of elements that are not there, elements that an engine
            was not made for, spot checks of nothing that can be checked, or a facet,
            reference or interface that stands twice.
        StructureError: a layer of a crystal that is not there, or of no chain.
    """
    if not isinstance(study, Study):
        raise IonfaceError(
            f"study_flow takes a study as load_study(path) reads it, got {study!r:.60}"
        )
    check_layers(study)
    check_pairs(study)
    check_potentials(study)
    others = dict(study.by_each_other())
    for each in (study, *others.values()):
        check_elements(each)
    parts: list[Job | Flow] = []
    starts: dict[tuple[str, Role], list[Start]] = {}
    builder = ModelBuilder.of(study)
    for spec in study.interfaces:
        for role, models in _models(study, builder, spec).items():
            starts[spec.name, role] = models.starts
            parts += models.jobs
    asked = {name: starts[name, "formation"] for name in study.formation_names}
    potentials, crystals = _potentials(study, builder)
    energies = _energies(study, asked, potentials) if asked else []
    parts += [*crystals, *energies]
    parts += [_energies_by(name, other) for name, other in others.items()]
    for layer in study.surfaces:
        parts += _surfaces(study, builder, layer, potentials)
    runs: list[Flow] = []
    for name, run in study.runs.items():
        # of an ensemble, the member of lowest energy
        start = replace(starts[run.interface, "dynamics"][0], name=name)
        runs.append(dynamics_maker(study, run, done).of_start(start))
    parts += runs
    for reference in study.references:
        label = crystal_label(reference.crystal)
        maker = reference_maker(study, reference, done)
        parts.append(maker.make(reference.crystal, label))
    parts += [deposition_job(study, cell) for cell in study.deposition]
    if study.systems:
        parts += phase_flows(study, formation_maker(study).relax)
    parts += spot_flows(study, energies, runs)
    flow = Flow(parts, name=study.name)
    _check_distinct(flow)
    return flow


def _check_distinct(flow: Flow) -> None:
    """Refuse jobs of one name: results, figures and files are called after them.

    The engines of energies and of dynamics may each relax the same bulk crystal.
    """
    told = ((job.name, job.metadata) for job in jobs_of(flow))
    counts = Counter(
        (name, of.get("engine"), of.get("role")) for name, of in told if of.get("kind")
    )
    if twice := [name for (name, *_), number in counts.items() if number > 1]:
        raise IonfaceError(
            f"study {flow.name}: two of its jobs are called {twice[0]!r}, and one's "
            "results would take the place of the other's; give interfaces, references "
            "and facets once each, by names of their own"
        )


def _potentials(
    study: Study, builder: ModelBuilder
) -> tuple[Potentials, list[Job | Flow]]:
    """Return the chemical potentials of a study and their new jobs."""
    return potential_jobs(study.chemical_potentials, builder.crystal_energy)


def _energies(
    study: Study, starts: Mapping[str, Sequence[Start]], potentials: Potentials
) -> list[Flow]:
    """Return the formation energies of interfaces, by their names."""
    maker = replace(formation_maker(study), chemical_potentials=potentials)
    published = {line.interface: line.sigma_j_per_m2 for line in study.published}
    return [
        maker.of_start(start, published.get(name))
        for name, models in starts.items()
        for start in models
    ]


def _energies_by(choice: str, study: Study) -> Flow:
    """Return the same formation energies by another engine, lattices and models too."""
    builder = ModelBuilder.of(study)
    parts: list[Job | Flow] = []
    for spec in study.interfaces:
        models = _models(study, builder, spec)["formation"]
        potentials, crystals = _potentials(study, builder)
        parts += [*models.jobs, *crystals]
        parts += _energies(study, {spec.name: models.starts}, potentials)
    flow = Flow(parts, name=f"{study.name} by {choice}")
    for job, _ in flow.iterflow():
        if job.metadata.get("kind"):
            job.metadata.setdefault("engine", choice)
    return flow


def deposition_job(study: Study, cell: DepositionSpec) -> Job:
    """Return the job in which lithium grows in one cell.

    Raises:
        AnalysisError: closed forms forbid it: told before anything runs.
    """
    check(cell)
    job = tasks.grow_lithium(asdict(cell), study.quick)
    return named(job, cell.name, "deposition", result="deposition")


def _models(
    study: Study, builder: ModelBuilder, spec: InterfaceSpec
) -> dict[Role, Models]:
    """Return an interface's models for energies and for dynamics.

    They are the same unless two engines have two lattices, or two gaps, for it.
    """
    if study.vasp.cell == "in-plane" and spec.vacuum and spec.cell is None:
        spec = replace(spec, cell="in-plane")  # as studies said it earlier
    moved = any(run.interface == spec.name for run in study.dynamics)
    names = study.engines()
    if spec.name not in study.formation_names:
        return {"dynamics": builder.models(spec, "dynamics" if moved else "formation")}
    models = builder.models(spec, "formation")
    same = names.formation == names.dynamics or not builder.depends_on_engine(spec)
    if same or not moved:
        return {"formation": models, "dynamics": Models([], models.starts)}
    second = builder.models(spec, "dynamics")
    for job in second.jobs:
        if isinstance(job, Job):
            job.metadata["result"] = None  # the report shows the model of the energies
    return {"formation": models, "dynamics": second}


def _surfaces(
    study: Study, builder: ModelBuilder, layer: CrystalLayer, potentials: Potentials
) -> list[Job | Flow]:
    """Return the jobs of one facet's surface energies."""
    asked = replace(layer, lattice=layer.lattice or study.lattice)
    bulk, known = builder.bulk(asked, "formation")
    engine = study_engine(study, "formation")
    flow = surface_flow(
        asked,
        bulk,
        engine,
        builder.relaxation,
        quick=study.quick,
        chemical_potentials=potentials,
    )
    return [flow] if known else [bulk, flow]


def formation_maker(study: Study) -> InterfaceFormationMaker:
    """Return the Maker of a study's energies."""
    fmax = study.relaxation.fmax or protocol(study.protocol).fmax
    return InterfaceFormationMaker(
        engine=study_engine(study, "formation"),
        relax=RelaxSettings(fmax=fmax, steps=study.relaxation.steps),
        slabs=study.slabs,
    )


def dynamics_maker(
    study: Study, run: DynamicsSpec, done: Done | None = None
) -> InterfaceDynamicsMaker:
    """Return the Maker of one of a study's runs."""
    paper = protocol(study.protocol)
    return InterfaceDynamicsMaker(
        engine=study_engine(study, "dynamics"),
        settings=DynamicsSettings(
            temperature=run.temperature or paper.temperature,
            timestep=run.timestep or paper.timestep,
            steps=run.steps,
            segment=run.segment,
            until=until_of(run),
            period=paper.thermostat_period,
            stride=run.stride,
            seed=run.every_seed[0],
        ),
        seeds=run.every_seed,
        pairs=run.pairs,
        cutoff=run.cutoff,
        windows=run.windows,
        analyses=run.analyses,
        references=run.references,
        quick=study.quick,
        prerelax=replace(PRERELAX, steps=run.prerelax),
        done=done or {},
    )


def reference_maker(
    study: Study, reference: ReferenceSpec, done: Done | None = None
) -> ReferenceMaker:
    """Return the Maker of a reference, run as what is compared with it was run."""
    compared = [run for run in study.dynamics if reference.crystal in run.references]
    like = compared[0] if compared else DynamicsSpec(reference.crystal, 1, ())
    one = replace(like, pairs=reference.pairs, seeds=1, until=None)
    maker = dynamics_maker(study, one, done)
    return ReferenceMaker(maker, reference.steps, reference.min_atoms)
