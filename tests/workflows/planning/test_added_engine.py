"""An engine that another package adds: what a plan and its checks ask of it."""

from dataclasses import replace

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cli.cluster_commands import planned_resources
from ionface.workflows.engines.contract import JobDescription, StepCost
from ionface.workflows.planning.duration import durations, summary
from ionface.workflows.planning.plan import plan
from ionface.workflows.planning.preflight import check_study
from ionface.workflows.study.study import EngineNames
from ionface.workflows.study.study_files import load


@pytest.fixture
def engine_class(springs):
    from springs_engine import Springs

    return Springs


@pytest.fixture
def study(springs, study_file):
    return load(str(study_file)).with_engine("springs")


def test_its_steps_are_told_where_their_cost_is_unknown(study):
    times = {each.name: each for each in durations(study)}
    assert times["Al|Ag relax interface"].steps == 150
    assert times["Al|Ag pre-relax"].steps == 3
    assert times["Al|Ag dynamics 1"].steps == 12
    assert times["Al|Ag static film"].steps == 1
    assert {each.seconds for each in times.values()} == {None}
    steps = sum(each.steps for each in times.values())
    assert summary(times.values()) == (
        f"springs: {steps:,} steps of at most 8 atoms, whose cost it does not tell"
    )


def test_its_steps_stand_beside_the_time_of_those_that_tell(study):
    mixed = replace(study, engine=EngineNames("springs", "ase.calculators.emt.EMT"))
    told = summary(durations(mixed, measured=lambda engine, structure: 1.0))
    assert told.startswith("about ")
    assert "(emt: " in told
    assert told.endswith("atoms, whose cost it does not tell")


def test_a_queue_is_asked_for_what_it_tells_and_nothing_is_guessed(
    study, engine_class, monkeypatch
):
    assert planned_resources(study, 24.0) == {}
    cost = StepCost(seconds=60.0, memory_gb=2.0, ranks=8)
    monkeypatch.setattr(engine_class, "step_cost", lambda *_: cost, raising=False)
    assert planned_resources(study, 24.0)["Al|Ag dynamics"].tasks == 8
    assert durations(study)[0].memory_gb == 2.0


def test_it_may_describe_its_jobs_in_its_own_terms(study, engine_class, monkeypatch):
    def describe(self, maker, structure):
        return JobDescription("relax", structure, 3, inputs={"bound by": "springs"})

    monkeypatch.setattr(engine_class, "describe", describe, raising=False)
    assert not plan(study).lines
    assert not check_study(study, here=True).lines
    assert durations(study)


@pytest.mark.parametrize("in_process", [True, False])
@pytest.mark.parametrize("here", [True, False])
def test_it_refuses_a_start_before_anything_is_built(
    study, engine_class, monkeypatch, in_process, here
):
    def refuse(self, maker, *, here):
        raise IonfaceError(f"no springs {'here' if here else 'there'}")

    monkeypatch.setattr(engine_class, "in_process", in_process, raising=False)
    known = tuple(replace(spec, gap=2.0) for spec in study.interfaces)
    study = replace(study, interfaces=known)
    monkeypatch.setattr(engine_class, "check_start", refuse, raising=False)
    with pytest.raises(IonfaceError, match="no springs here" if here else "there"):
        check_study(study, here=here)
