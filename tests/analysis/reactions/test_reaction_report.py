import numpy as np
import pytest

from ionface.analysis.rdf.rdf import crystal_rdf
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.reactions.reaction_report import (
    HEADER,
    lines,
    reactions,
    table,
)
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@pytest.fixture
def interface(in_memory, telegraph):
    """Twelve In that bind S for good from 1 ps on, and touch Cl now and then."""
    n_frames, n = 3000, 12
    sulfur = np.full((n_frames, n), 4.4)
    for k in range(n):
        sulfur[500 + 60 * k :, k] = 2.6
    chlorine = telegraph(1800.0, 400.0, n_frames, n, seed=3)
    positions = np.zeros((n_frames, 3 * n, 3))
    positions[:, :, 1] = np.repeat(15.0 * np.arange(n), 3)
    positions[:, 1::3, 0] = sulfur
    positions[:, 2::3, 2] = chlorine
    return in_memory(["In", "S", "Cl"] * n, np.diag([30.0, 180.0, 30.0]), positions)


@pytest.fixture
def product():
    cell = np.diag([20.0, 20.0, 20.0])
    return crystal_rdf(
        ["In", "S"],
        cell,
        [[0, 0, 0], [2.6, 0, 0]],
        ["In-S"],
        cutoff=6.0,
        bins=240,
    )


def test_the_lasting_product_and_the_fleeting_one_are_told_apart(interface, product):
    report = reactions(
        interface, ["In-S", "In-Cl", "S-Cl"], references={"InS": product}, windows=4
    )
    words = {name: pair.verdict.words for name, pair in report.pairs.items()}
    assert words == {
        "In-S": "grew, stays; the same ones",
        "In-Cl": "no change shown; exchanging",
        "S-Cl": "no bonds",
    }
    sulfur = report.pairs["In-S"]
    assert sulfur.onset.first_fs == pytest.approx(1000, abs=50)
    assert sulfur.onset.onset_fs == pytest.approx(1000 - 120, abs=50)
    assert sulfur.lifetimes.broken == 0
    assert sulfur.groups.counts["InS"][[0, -1]].tolist() == [0, 12]
    assert [round(s.weights["InS"], 1) for s in sulfur.shares] == [0.1, 0.8, 1.0, 1.0]
    assert sulfur.shares[-1].residual < 0.05
    assert report.pairs["In-Cl"].shares == ()
    assert len(report.windows_fs) == 4


def test_the_report_is_that_of_its_file(interface, product, from_its_file):
    report = reactions(interface, ["In-S", "S-Cl"], references={"InS": product})
    data = from_its_file(report).as_dict()
    assert {"pairs", "times_fs", "windows_fs", "skipped", "sources"} < data.keys()
    assert data["pairs"]["In-S"]["verdict"]["number"] == "grew"
    first, second, start, stop = data["pairs"]["In-S"]["bonds"][0]
    assert (first, second, stop) == (0, 1, 3000)
    assert start == pytest.approx(500, abs=25)
    assert len(data["pairs"]["In-S"]["counts"]) == len(data["times_fs"])
    first, _ = report.rows()
    assert (first["number of bonds"], first["then"]) == ("grew", "stays")
    assert (first["pair"], first["formed"], first["gained"]) == ("In-S", 12, 12)
    assert "In-S grew, stays" in repr(report)


def test_lines_and_table_name_the_verdict_and_what_it_rests_on(interface, product):
    report = reactions(
        interface, ["In-S", "In-Cl", "S-Cl"], references={"InS": product}
    )
    first, second, third = lines(report)
    assert first.startswith(
        "In–S: grew, stays; the same ones: 0 bonds at the start, 12"
    )
    assert "12 formed, 0 broke, 12 gained and 0 lost for good" in first
    assert "the first formed at 1.0" in first
    assert "100 % InS, 0 % the initial structure" in first
    assert second.startswith("In–Cl: no change shown; exchanging")
    assert third.startswith("S–Cl: no bonds: 0 bonds at the start")
    assert "cannot show" not in third
    rows = table(report)
    assert {len(row) for row in rows} == {len(HEADER)}
    assert [row[1] for row in rows] == [
        "grew, stays", "no change shown", "no change shown",
    ]  # fmt: skip


def test_too_few_events_for_a_verdict_are_said_in_one_sentence(interface):
    part = interface.between(0, 800)
    (said,) = lines(reactions(part, ["In-S"]))
    assert "bonds gained or lost for good cannot show a change: it takes 10" in said


def test_a_fit_that_explains_nothing_is_called_so(interface):
    cell = np.diag([20.0, 20.0, 20.0])
    wrong = crystal_rdf(["In", "S"], cell, [[0, 0, 0], [3.5, 0, 0]], ["In-S"], cutoff=6)
    report = reactions(interface, ["In-S"], references={"wrong": wrong})
    assert "no mixture of the references" in lines(report)[0]


def test_rules_may_be_given_by_pair(interface):
    strict = reactions(
        interface, ["In-S", "In-Cl"], rules={"In-S": BondRule(2.0, 2.2, 0.0)}
    )
    assert strict.pairs["In-S"].verdict.words == "no bonds"
    assert strict.pairs["In-Cl"].history.rule == BondRule.of("In-Cl")
    length = reactions(interface, ["In-Cl"], rules={"In-Cl": 2.2})
    assert length.pairs["In-Cl"].verdict.words == "no bonds"


def test_the_rule_is_that_of_the_reference_and_may_not_hold_one_of_its_shells(
    interface,
):
    cell, places = np.diag([20.0, 20.0, 20.0]), [[0, 0, 0], [2.2, 0, 0], [0, 2.7, 0]]
    names = ["In", "S", "S"]
    short = {"X": crystal_rdf(names, cell, places, ["In-S"], cutoff=6.0, bins=240)}
    rule = reactions(interface, ["In-S"], references=short).pairs["In-S"].history.rule
    assert 2.2 < rule.form < rule.release < 2.7
    with pytest.raises(AnalysisError, match=r"reaches the second shell of X at 2\.7"):
        reactions(interface, ["In-S"], references=short, rules={"In-S": 2.65})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"pairs": []}, "no pair whose bonds"),
        ({"pairs": ["In-P"]}, "no 'P' in this trajectory"),
        ({"pairs": ["InS"]}, "as in In-S"),
        ({"pairs": ["In-S"], "rules": {"P-S": 2.6}}, "rules for"),
        ({"pairs": ["In-S"], "rules": {"In-S": BondRule(900.0, 900.0)}}, "images"),
    ],
)
def test_an_impossible_request_is_refused(interface, options, complaint):
    with pytest.raises(AnalysisError, match=complaint):
        reactions(interface, options.pop("pairs"), **options)


def test_a_run_without_frames_says_so():
    with pytest.raises(AnalysisError, match="no complete frame"):
        reactions(Trajectory(("In", "S"), ()), ["In-S"])
