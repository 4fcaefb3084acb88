"""The graphs: the design's order of jobs, for any engine that fits the protocol."""

from dataclasses import dataclass

import pytest
from jobflow import Maker, job

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer
from ionface.workflows.engines.contract import DynamicsSettings, Engine, RelaxSettings
from ionface.workflows.flows.jobs import build, strained_sides
from ionface.workflows.flows.study_flow import (
    InterfaceDynamicsMaker,
    InterfaceFormationMaker,
    study_flow,
)
from ionface.workflows.study.naming import slug
from ionface.workflows.study.protocols import PROTOCOLS, protocol
from ionface.workflows.study.study import DynamicsSpec
from ionface.workflows.study.study_files import builtin_names, load
from ionface.workflows.study.study_pairs import check_pairs


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
    CrystalLayer("Li", (1, 0, 0), layers=2),
    CrystalLayer("LiF", (1, 0, 0), layers=2),
)


def _named(flow):
    return [each.name.removeprefix("Li|LiF ") for each in flow.jobs]


def test_a_formation_energy_relaxes_then_evaluates_then_books():
    maker = InterfaceFormationMaker(engine=AnyEngine(), relax=RelaxSettings(0.02, 10))
    flow = maker.make(SPEC, build({}))
    assert _named(flow) == [
        "relax interface", "static interface",
        "relax film", "static film",
        "relax substrate", "static substrate",
        "relax film_unstrained", "static film_unstrained",
        "ledger",
    ]  # fmt: skip


def test_frozen_slabs_are_cut_from_the_relaxed_interface():
    maker = InterfaceFormationMaker(engine=AnyEngine(), slabs="frozen")
    names = _named(maker.make(SPEC, build({})))
    assert "relax film" not in names
    assert names.index("separate") < names.index("static film")
    assert names.index("relax interface") < names.index("separate")


@pytest.mark.parametrize(
    ("strained", "sides"),
    [
        ("film", ["film"]),
        ("substrate", ["substrate"]),
        ("shared", ["film", "substrate"]),
    ],
)
def test_each_strained_side_has_its_unstrained_self(strained, sides):
    spec = InterfaceSpec("x", SPEC.film, SPEC.substrate, strained=strained)
    assert strained_sides(spec) == sides


def test_a_molecule_is_never_strained():
    spec = InterfaceSpec("x", PolymerLayer("CCOCC"), SPEC.substrate)
    assert strained_sides(spec) == []


@pytest.mark.parametrize(
    ("steps", "segment", "expected"),
    [(10, 10, [10]), (10, 4, [4, 4, 2]), (3, 10, [3])],
)
def test_segments_add_up_to_the_whole_run(steps, segment, expected):
    maker = InterfaceDynamicsMaker(AnyEngine(), DynamicsSettings(steps=segment), steps)
    flow = maker.make("Li|LiF", "structure", DynamicsSpec("Li|LiF", steps, ("Li-F",)))
    segments = [each for each in flow.jobs if " dynamics " in each.name]
    assert [each.maker.settings.steps for each in segments] == expected
    previous = [each.function_args[1] for each in segments]
    assert previous[0] is None
    assert [p.uuid for p in previous[1:]] == [s.uuid for s in segments[:-1]]


def test_no_prerelaxation_where_none_is_asked_for():
    maker = InterfaceDynamicsMaker(
        AnyEngine(), DynamicsSettings(), 5, prerelax=RelaxSettings(steps=0)
    )
    flow = maker.make("x", "structure", DynamicsSpec("x", 5, ("Li-F",)))
    assert not any("pre-relax" in each.name for each in flow.jobs)


def test_every_job_of_a_study_has_a_name_of_its_own(study_file):
    flow = study_flow(load(str(study_file)))
    names = []

    def walk(part):
        for each in part.jobs:
            if hasattr(each, "jobs"):
                walk(each)
            else:
                names.append(each.name)

    walk(flow)
    assert len(names) == len(set(names)) == 21


@pytest.mark.parametrize(
    ("name", "safe"), [("LAGP|Li", "LAGP-Li"), ("a b/c", "a-b-c"), ("InS", "InS")]
)
def test_names_become_safe_file_names(name, safe):
    assert slug(name) == safe


def test_the_papers_settings_are_what_the_papers_state():
    p1, p5 = protocol("li-2024"), protocol("luo-2021")
    assert (p1.functional, p1.cutoff, p1.fmax, p1.vacuum) == ("PBE", 480, 0.02, 20)
    assert (p5.functional, p5.cutoff, p5.temperature, p5.timestep) == (
        "PBE", 500, 300, 2,
    )  # fmt: skip
    assert all(p.thermostat_period == 40 for p in PROTOCOLS.values())  # SMASS = 0


@pytest.mark.parametrize("name", builtin_names())
def test_the_pairs_of_every_built_in_study_are_there(name):
    check_pairs(load(name))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "pairs: [Al-Ag]",
            "pairs: [Al-Cu]",
            "'Al-Cu': there will be no Cu, only Ag, Al",
        ),
        ("pairs: [Al-Al]", "pairs: [Al-Ag]", "reference Al: pair 'Al-Ag'"),
    ],
)
def test_a_pair_that_is_not_there_is_refused_before_anything_runs(
    cli, study_file, old, new, said
):
    study_file.write_text(study_file.read_text().replace(old, new))
    run = cli("run", study_file, "--project", "p")
    assert run.returncode == 1
    assert said in run.stderr
    assert "[1/" not in run.stderr
