"""What a study's runs take for a bond."""

from dataclasses import replace

import pytest

from ionface.analysis.reactions.bond_analyses import crystals_beside
from ionface.analysis.reactions.bond_rule import BondRule, bond_length
from ionface.errors import IonfaceError
from ionface.workflows.flows.study_flow import dynamics_maker
from ionface.workflows.study.analyses import (
    analyses_of,
    bond_rules_of,
    reference_crystal,
)
from ionface.workflows.study.stopping_criterion import criterion
from ionface.workflows.study.study_files import checked, load


@pytest.mark.parametrize(
    ("crystal", "pair"), [("InS", "In-S"), ("InCl_Cmcm", "In-Cl"), ("Li6PS5Cl", "P-S")]
)
def test_lengths_of_the_papers_bonds_are_those_of_published_crystals(crystal, pair):
    crystals = crystals_beside([reference_crystal(crystal)], (pair,))
    rule = BondRule.of(pair, crystals)
    assert (rule.form + rule.release) / 2 == pytest.approx(bond_length(pair), abs=0.02)


@pytest.fixture
def run():
    return load("lpscl-in").dynamics[0]


def test_all_that_counts_bonds_in_a_study_has_one_rule(run):
    run = replace(run, pairs=("In-Cl",), references=("InCl3",), analyses=("reactions",))
    rule = bond_rules_of(run)["In-Cl"]
    assert rule != BondRule.of("In-Cl")
    told = analyses_of(replace(run, analyses=("bonds", "reactions")))
    assert {tuple(settings["references"]) for settings in told.values()} == {("InCl3",)}
    settled = replace(run, until={"pair": "In-Cl"})
    study = replace(load("lpscl-in"), engine="vasp-double")
    until = dynamics_maker(study, settled).settings.until
    assert until == {"pair": "In-Cl", "form": rule.form, "release": rule.release}
    assert criterion(until).rule == rule
    turned = dynamics_maker(study, replace(run, until={"pair": "Cl-In"}))
    assert criterion(turned.settings.until).rule == rule


def test_a_rule_of_its_own_does_not_reach_a_second_shell(run):
    long = {"pair": "In-S", "form": 3.5, "release": 3.6}
    with pytest.raises(IonfaceError, match=r"reaches the second shell of InS"):
        dynamics_maker(load("lpscl-in"), replace(run, until=long))


def test_seeds_are_counted_up_or_named_and_differ(run):
    assert replace(run, seed=3, seeds=2).every_seed == (3, 4)
    named = replace(run, seeds=(7, 1)).subjects("LPSCl|In")
    assert named == ("LPSCl|In seed 7", "LPSCl|In seed 1")
    assert run.subjects("LPSCl|In") == ("LPSCl|In",)
    study = load("lpscl-in")
    for seeds, why in (((1, 1), "1 stands twice"), ((), "none is given")):
        with pytest.raises(IonfaceError, match=why):
            checked(replace(study, dynamics=(replace(run, seeds=seeds),)), "s.yaml")
    for seed in (1, 5):
        both = replace(run, seed=seed, seeds=(1, 2))
        said = rf"\[1, 2\] name every seed, so that seed: {seed} has no meaning"
        with pytest.raises(IonfaceError, match=said):
            checked(replace(study, dynamics=(both,)), "s.yaml")


def test_runs_of_one_interface_have_names_of_their_own(run):
    study, hot = load("lpscl-in"), replace(run, temperature=500.0)
    grown = replace(study, dynamics=(run, hot, replace(hot, stride=2), run))
    assert list(grown.runs) == [
        "LPSCl|In", "LPSCl|In 500 K", "LPSCl|In run 2", "LPSCl|In run 3",
    ]  # fmt: skip
    assert list(grown.runs.values()) == list(grown.dynamics)
    spec = replace(study.interfaces[0], name="LPSCl|In 500 K")
    beside = replace(grown, interfaces=(*study.interfaces, spec), dynamics=(run, hot))
    assert list(beside.runs) == ["LPSCl|In", "LPSCl|In run 2"]


def test_a_run_may_leave_its_pairs_open(run):
    run = replace(run, pairs=(), references=(), analyses=("rdf", "msd", "checks"))
    assert analyses_of(run)["rdf"]["pairs"] == []  # every pair, once they are known
