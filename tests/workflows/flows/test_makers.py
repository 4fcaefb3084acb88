"""The Makers: the order of jobs, for any engine and any form of a model."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from jobflow import Flow, JobStore, Maker, job, run_locally
from maggma.stores import MemoryStore

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer
from ionface.workflows.engines.contract import DynamicsSettings, Engine, RelaxSettings
from ionface.workflows.flows.makers import (
    InterfaceDynamicsMaker,
    InterfaceFormationMaker,
)
from ionface.workflows.flows.models import strained_sides


@dataclass
class Recorder(Maker):
    """Makes jobs that do nothing; what they were asked is kept."""

    name: str = "recorder"
    kind: str = ""
    settings: object = None

    @job
    def make(self, structure, previous=None):
        return {"structure": structure}


class AnyEngine(Engine):
    """The smallest thing that is an engine."""

    name = "any"

    def level_of_theory(self):
        return LevelOfTheory("any", "1", "none")

    def relax(self, settings):
        return Recorder(kind="relax", settings=settings)

    def static(self):
        return Recorder(kind="static")

    def dynamics(self, settings):
        return Recorder(kind="dynamics", settings=settings)


SPEC = InterfaceSpec(
    "Li|LiF",
    CrystalLayer("Li", (1, 0, 0), layers=2, lattice="literature"),
    CrystalLayer("LiF", (1, 0, 0), layers=2, lattice="literature"),
)


def _named(flow):
    names = []
    for part in flow.jobs:
        names += _named(part) if isinstance(part, Flow) else [part.name]
    return [name.removeprefix("Li|LiF ") for name in names]


def test_a_formation_energy_relaxes_then_evaluates_then_books():
    maker = InterfaceFormationMaker(engine=AnyEngine(), relax=RelaxSettings(0.02, 10))
    assert _named(maker.make(SPEC)) == [
        "build",
        "relax interface", "static interface",
        "relax film", "static film",
        "relax substrate", "static substrate",
        "relax film_unstrained", "static film_unstrained",
        "ledger", "path",
    ]  # fmt: skip


def test_frozen_slabs_are_cut_from_the_relaxed_interface():
    maker = InterfaceFormationMaker(engine=AnyEngine(), slabs="frozen")
    names = _named(maker.make(SPEC))
    assert "relax film" not in names
    assert names.index("separate") < names.index("static film")
    assert names.index("relax interface") < names.index("separate")


@pytest.mark.parametrize(
    ("strained", "sides"),
    [
        ("film", ("film",)),
        ("substrate", ("substrate",)),
        ("shared", ("film", "substrate")),
    ],
)
def test_each_strained_side_has_its_unstrained_self(strained, sides):
    spec = InterfaceSpec("x", SPEC.film, SPEC.substrate, strained=strained)
    assert strained_sides(spec) == sides


def test_a_molecule_is_never_strained():
    spec = InterfaceSpec("x", PolymerLayer("CCOCC"), SPEC.substrate)
    assert strained_sides(spec) == ()


@pytest.mark.parametrize(
    ("steps", "segment", "expected"),
    [(10, 10, [10]), (10, 4, [4, 4, 2]), (3, 10, [3])],
)
def test_segments_add_up_to_the_whole_run(steps, segment, expected):
    settings = DynamicsSettings(steps=steps, segment=segment)
    flow = InterfaceDynamicsMaker(AnyEngine(), settings).of_structure("Li|LiF", "")
    segments = [each for each in flow.jobs if " dynamics " in each.name]
    assert [each.maker.settings.steps for each in segments] == expected
    previous = [each.function_args[1] for each in segments]
    assert previous[0] is None
    assert [p.uuid for p in previous[1:]] == [s.uuid for s in segments[:-1]]


def test_an_engine_that_cannot_end_a_run_early_is_not_asked_to():
    settings = DynamicsSettings(until={"pair": "Li-F"})
    with pytest.raises(IonfaceError, match="until: any does all steps"):
        InterfaceDynamicsMaker(AnyEngine(), settings)


def test_no_prerelaxation_where_none_is_asked_for():
    maker = InterfaceDynamicsMaker(AnyEngine(), prerelax=RelaxSettings(steps=0))
    flow = maker.of_structure("x", "structure")
    assert not any("pre-relax" in each.name for each in flow.jobs)


AG = Path(__file__).parents[2] / "data" / "Ag.cif"
EMT = "ase.calculators.emt.EMT"
AL = InterfaceSpec(
    "Al|Ag",
    CrystalLayer("Al", (1, 0, 0), layers=2, lattice="literature"),
    CrystalLayer(str(AG), (1, 0, 0), layers=2, name="Ag", lattice="literature"),
    max_strain=0.03,
    max_area=20,
    vacuum=12,
)


@job
def own_model(spec):
    """A job of a user's own flow that gives a model."""
    return build_interface(spec)


@job
def kj_per_mol(entry):
    return entry["sigma_j_per_m2"] * 60.2


def _energy(flow, folder, **options):
    """Run a flow in a user's own jobflow; return the ledger's entry."""
    folder.mkdir()
    (ledger,) = [job for job, _ in flow.iterflow() if job.name.endswith("ledger")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = run_locally(
            flow, root_dir=folder, ensure_success=True, log=False, **options
        )
    return done[ledger.uuid][1].output


@pytest.mark.slow
def test_a_model_its_specification_and_a_jobs_output_give_the_same_energy(tmp_path):
    maker = InterfaceFormationMaker(EMT, relax=RelaxSettings(fmax=0.2))
    # a gap that is not given is closed by the engine, where the Maker builds the model
    spec = replace(AL, gap=2.4)
    by_spec = _energy(maker.make(spec), tmp_path / "spec")
    by_model = _energy(maker.make(build_interface(spec)), tmp_path / "model")
    built = own_model(spec)
    whole = Flow([built, maker.make(built.output, name="Al|Ag")])
    by_output = _energy(whole, tmp_path / "output")
    assert by_spec["name"] == by_model["name"] == by_output["name"] == "Al|Ag"
    for other in (by_model, by_output):
        assert other["sigma_j_per_m2"] == pytest.approx(by_spec["sigma_j_per_m2"])
        assert other["strain_energy"] == pytest.approx(by_spec["strain_energy"])
    assert by_spec["strain_energy"] > 0


def test_a_flow_runs_with_a_users_store_inside_a_larger_flow(tmp_path):
    store = JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})
    energy = InterfaceFormationMaker(EMT, relax=RelaxSettings(fmax=0.2)).make(AL)
    last = kj_per_mol(energy.output)
    entry = _energy(
        Flow([energy, last]), tmp_path / "run", store=store, create_folders=True
    )
    assert store.get_output(last.uuid) == pytest.approx(60.2 * entry["sigma_j_per_m2"])
    (folder,) = tmp_path.glob("run/ionface-runs/Al-Ag.ledger.*")
    assert (folder / "result.jsonl").is_file()  # durable, whatever the store does


def test_dynamics_of_two_flows_in_one_folder_keep_apart(tmp_path):
    settings = DynamicsSettings(steps=4, segment=2)
    maker = InterfaceDynamicsMaker(EMT, settings, cutoff=3, windows=1)
    flows = [maker.make(AL, name="same") for _ in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_locally(Flow(flows), root_dir=tmp_path, ensure_success=True, log=False)
    joined = list(tmp_path.glob("ionface-runs/same.trajectory.*/trajectory.ionf"))
    assert len(joined) == 2


def test_a_flow_becomes_a_workflow_of_fireworks_and_comes_back(tmp_path):
    pytest.importorskip("fireworks")
    from fireworks import Workflow
    from jobflow.managers.fireworks import flow_to_workflow

    flow = InterfaceFormationMaker(EMT).make(AL)
    workflow = flow_to_workflow(flow, store=JobStore(MemoryStore()))
    again = Workflow.from_dict(workflow.to_dict())
    jobs = [firework.tasks[0]["job"] for firework in again.fws]
    expected = [job for job, _ in flow.iterflow()]
    assert {job.uuid for job in jobs} == {job.uuid for job in expected}
    (build,) = [job for job in jobs if job.name == "Al|Ag build"]
    assert build.function_args[0] == AL
    (relax,) = [job for job in jobs if job.name == "Al|Ag relax film"]
    assert relax.metadata["kind"] == "relax"
    assert relax.maker.settings == RelaxSettings()


def test_an_ensemble_gives_one_energy_for_each_member():
    from ionface.structures.specs import Exchange

    disorder = Exchange("S", "Cl", 0.5, where="slab", orderings=3, ensemble=2)
    given = {"layers": 2, "lattice": "literature"}
    substrate = CrystalLayer("Li6PS5Cl", (1, 0, 0), doping=disorder, **given)
    film = CrystalLayer("In", (0, 0, 1), **given)
    spec = InterfaceSpec("x", film, substrate, max_strain=0.02, max_area=120)
    flow = InterfaceFormationMaker(AnyEngine()).make(spec)
    assert len(flow.output) == 2
    names = [job.name for job, _ in flow.iterflow()]
    assert sum(name.endswith("ledger") for name in names) == 2


def test_joined_sides_are_relaxed_alone_before_they_meet():
    spec = replace(SPEC, start="joined", mobile="film")
    names = _named(InterfaceFormationMaker(EMT).make(replace(AL, start="joined")))
    assert [name.removeprefix("Al|Ag ") for name in names][:7] == [
        "build",
        "relax film alone", "relax substrate alone", "join", "close gap",
        "relax interface", "static interface",
    ]  # fmt: skip
    flow = InterfaceFormationMaker(engine=AnyEngine()).make(spec)
    (join,) = [job for job, _ in flow.iterflow() if job.name.endswith(" join")]
    assert join.function_args[3] == "film"
