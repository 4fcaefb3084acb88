"""The loop of study, spot checks and learning: when it goes on, and when it ends."""

import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from jobflow import Flow, JobStore, Response, run_locally
from maggma.stores import MemoryStore

from ionface.analysis.yardstick.labeled_frames import LabeledFrame
from ionface.analysis.yardstick.spot_checks import check_spots
from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.errors import IonfaceError
from ionface.workflows import learning_loop
from ionface.workflows.engines.ase.sevennet_training import TrainingSettings
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.learn import Learned, Learning
from ionface.workflows.learning_loop import Bar, learning_flow, next_round
from ionface.workflows.study.study import EngineNames
from ionface.workflows.study.study_files import parse, to_yaml

LJ = "ase.calculators.lj.LennardJones"
STUDY = """\
name: loop
engine: ase.calculators.emt.EMT
lattice: literature
relaxation: {fmax: 1000}
spot_checks:
  engine: {calculator: ase.calculators.lj.LennardJones, functional: PBE, cutoff: 500}
  frames: 2
interfaces:
  - name: Al|Al
    film: {material: Al, miller: [1, 0, 0], layers: 1}
    substrate: {material: Al, name: S, miller: [1, 0, 0], layers: 1}
"""
SEVENNET = Learning(base="sevennet")
TEACHER = {"code": "gpaw", "version": "1", "functional": "PBE", "cutoff_ev": 500}
LEVEL = {"code": "x", "version": "1", "functional": "PBE"}


@pytest.fixture
def study():
    return parse(STUDY, "loop.yaml")


def checks(error, teacher=TEACHER):
    frame = LabeledFrame(
        "one", "a", ("Al",), np.eye(3) * 4, np.zeros((1, 3)), -1.0, np.ones((1, 3))
    )
    forces = [np.ones((1, 3)) + error]
    spots = check_spots("x", LEVEL, [frame], [[True]], [0.0], forces, teacher)
    return [spots.as_dict()]


def asked(study, error, rounds=3, before=(), teacher=TEACHER):
    plain = (asdict(Bar(rounds=rounds)), asdict(SEVENNET), list(before))
    return next_round.original(checks(error, teacher), to_yaml(study), *plain)


@pytest.fixture
def learns(monkeypatch):
    """Learning takes no time, and says what it was asked to learn from."""
    seen = {}

    def stand_in(frames, settings, folder):
        seen["frames"] = frames
        return Learned(LJ, Yardstick("", ()), 0.0, seen.get("refusals", ()))

    monkeypatch.setattr(learning_loop, "learn", stand_in)
    return seen


def test_a_potential_that_is_good_enough_ends_it(study, learns):
    found = asked(study, 0.01)
    assert found["ended"] == "bar reached"
    assert found["rounds"][0]["force_rmse"] == pytest.approx(0.01)
    assert "frames" not in learns


def test_one_that_is_not_learns_and_the_study_follows_on_it(study, learns):
    found = asked(study, 0.3)
    assert isinstance(found, Response)
    assert isinstance(found.replace, Flow)
    assert [one.name for one in learns["frames"] if one.name == "one"]
    last = found.replace.jobs[-1]
    assert parse(last.function_args[1], "again").engine == LJ
    assert last.function_args[4][0]["engine"] == "ase.calculators.emt.EMT"


def test_forces_that_are_too_soft_miss_the_bar_too():
    soft = check_spots(
        "x", LEVEL,
        [LabeledFrame("one", "a", ("Al",), np.eye(3), np.zeros((1, 3)), 0.0,
                      np.full((1, 3), 0.1))],
        [[True]], [0.0], [np.full((1, 3), 0.05)], TEACHER,
    )  # fmt: skip
    assert soft.judgement.overall.rmse < Bar().force
    assert not Bar().reached([soft])


def test_the_budget_ends_it(study, learns):
    before = [{"engine": "sevennet", "checks": checks(0.4)}]
    found = asked(study, 0.3, rounds=1, before=before)
    assert found["ended"] == "budget used up"
    assert [one["force_rmse"] for one in found["rounds"]] == pytest.approx([0.4, 0.3])


def test_what_did_not_help_ends_it_and_is_not_used(study, learns):
    learns["refusals"] = ("worse",)
    assert asked(study, 0.3)["ended"] == "learning did not help: worse"


def test_a_spread_of_two_potentials_teaches_nothing(study, learns):
    found = asked(study, 0.3, teacher={**TEACHER, "code": "ase", "cutoff_ev": None})
    assert found["ended"].startswith("nothing to learn from the spread")


def test_a_study_without_spot_checks_is_refused(study):
    with pytest.raises(IonfaceError, match="loop has no spot checks to learn from"):
        learning_flow(replace(study, spot_checks=None))


PHASES = "name: ph\nphases: {elements: [Al, Ag]}\nspot_checks: {engine: gpaw}\n"


def test_a_study_without_an_interface_is_refused():
    with pytest.raises(IonfaceError, match="the study has none, only phases"):
        learning_flow(parse(PHASES, "ph.yaml"))


def base_of(flow):
    return flow.jobs[-1].function_args[3]["base"]


@pytest.mark.parametrize("name", ["sevennet-l3i5", "learned/abc"])
def test_the_studys_own_potential_learns(study, monkeypatch, name):
    monkeypatch.setattr(learning_loop, "study_flow", flow_of(study))
    monkeypatch.setattr(learning_loop, "check_teacher", lambda *_: None)
    mine = replace(study, engine=EngineNames(name, "chgnet"))  # it has no dynamics
    assert base_of(learning_flow(mine)) == name
    assert base_of(learning_flow(mine, settings=Learning(replayed=3))) == name
    assert base_of(learning_flow(mine, settings=SEVENNET)) == "sevennet"


def flow_of(study):
    """Return what gives the study's flow whatever engine it names."""
    return lambda _: study_flow(study)


def test_of_two_potentials_nobody_guesses_which_learns(study, monkeypatch):
    moves = "dynamics:\n  - {interface: Al|Al, steps: 20, pairs: [Al-Al]}\n"
    whole = parse(STUDY + moves, "loop.yaml")
    monkeypatch.setattr(learning_loop, "study_flow", flow_of(whole))
    mine = replace(whole, engine=EngineNames("sevennet", "sevennet-l3i5"))
    with pytest.raises(IonfaceError, match="with sevennet and sevennet-l3i5; say"):
        learning_flow(mine)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (None, "loop is computed with ase.calculators.emt.EMT; say which potential"),
        ("chgnet", "engine 'chgnet' cannot be fine-tuned here"),
    ],
)
def test_a_potential_that_cannot_learn_is_told_before_it_runs(study, base, said):
    with pytest.raises(IonfaceError, match=said):
        learning_flow(study, settings=Learning(base=base))


@pytest.mark.parametrize(
    ("bar", "said"),
    [
        ({"force": 0}, "Bar(force=0) is never reached: give an error above 0 eV/Å"),
        ({"slope": 1.2}, "Bar(slope=1.2) is never reached: give 1, where"),
        ({"rounds": 0}, "Bar(rounds=0) is never reached: give a round"),
    ],
)
def test_a_bar_that_nothing_reaches_is_refused(bar, said):
    with pytest.raises(IonfaceError, match=re.escape(said)):
        Bar(**bar)


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "batch"])
def test_a_training_of_nothing_is_refused(name):
    with pytest.raises(IonfaceError, match=rf"{name}=0\) must be above 0"):
        TrainingSettings(**{name: 0})


@pytest.mark.parametrize("vacuous", [LJ, "vasp-double"])
def test_what_is_no_first_principles_is_refused_before_it_runs(study, vacuous):
    spec = replace(study.spot_checks, engine=vacuous)
    with pytest.raises(IonfaceError, match=r"no first principles.*teaches nothing"):
        learning_flow(replace(study, spot_checks=spec), settings=SEVENNET)


def test_two_engines_are_told_by_name(study, learns):
    mine = replace(study, engine=EngineNames("sevennet", "chgnet"))
    assert asked(mine, 0.01)["rounds"][0]["engine"] == "sevennet and chgnet"


@pytest.mark.slow
def test_the_loop_runs_under_plain_jobflow(study, learns, tmp_path, monkeypatch):
    """The second round runs on what was learnt: here, with the teacher's energies."""
    monkeypatch.chdir(tmp_path)
    flow = learning_flow(study, Bar(force=1e-6, slope=0.99), SEVENNET)
    done = run_locally(
        flow, store=JobStore(MemoryStore()), log=False, ensure_success=True
    )
    told = [
        response.output
        for by_index in done.values()
        for response in by_index.values()
        if isinstance(response.output, dict) and "ended" in response.output
    ]
    assert told[-1]["ended"] == "bar reached"
    assert [one["engine"] for one in told[-1]["rounds"]][-1] == LJ
    assert len(told[-1]["rounds"]) == 2
