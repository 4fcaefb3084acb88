import numpy as np
import pytest

from ionface.analysis.rdf.rdf import crystal_rdf
from ionface.analysis.reactions import BondRule, reactions
from ionface.analysis.reactions.reaction_report import HEADER, lines, table
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@pytest.fixture
def interface(in_memory, telegraph):
    """Six In that bind S for good from 1 ps on, and touch Cl now and then."""
    n_frames, n = 2000, 6
    sulfur = np.full((n_frames, n), 4.4)
    for k in range(n):
        sulfur[500 + 60 * k :, k] = 2.61
    chlorine = telegraph(900.0, 200.0, n_frames, n, seed=3)
    positions = np.zeros((n_frames, 3 * n, 3))
    positions[:, :, 1] = np.repeat(15.0 * np.arange(n), 3)
    positions[:, 1::3, 0] = sulfur
    positions[:, 2::3, 2] = chlorine
    return in_memory(["In", "S", "Cl"] * n, np.diag([30.0, 90.0, 30.0]), positions)


@pytest.fixture
def product():
    cell = np.diag([20.0, 20.0, 20.0])
    return crystal_rdf(
        ["In", "S"],
        cell,
        [[0, 0, 0], [2.61, 0, 0]],
        ["In-S"],
        cutoff=6.0,
        bins=240,
    )


def test_the_lasting_product_and_the_fleeting_one_are_told_apart(interface, product):
    report = reactions(
        interface, ["In-S", "In-Cl", "S-Cl"], references={"InS": product}, windows=4
    )
    words = {name: pair.verdict.word for name, pair in report.pairs.items()}
    assert words == {"In-S": "growing", "In-Cl": "fluctuating", "S-Cl": "absent"}
    sulfur = report.pairs["In-S"]
    assert sulfur.onset.first_fs == 1000.0
    assert sulfur.onset.onset_fs == pytest.approx(1000 - 120)
    assert sulfur.lifetimes.broken == 0
    assert sulfur.groups.counts["InS"][[0, -1]].tolist() == [0, 6]
    assert [round(s.weights["InS"], 1) for s in sulfur.shares] == [0.0, 0.7, 1.0, 1.0]
    assert sulfur.shares[-1].residual < 0.05
    assert report.pairs["In-Cl"].shares == ()
    assert len(report.windows_fs) == 4


def test_the_report_is_that_of_its_file(interface, product, from_its_file):
    report = reactions(interface, ["In-S", "S-Cl"], references={"InS": product})
    data = from_its_file(report).as_dict()
    assert {"pairs", "times_fs", "windows_fs", "skipped", "sources"} < data.keys()
    assert data["pairs"]["In-S"]["verdict"]["word"] == "growing"
    assert data["pairs"]["In-S"]["bonds"][0] == [0, 1, 500, 2000]
    assert len(data["pairs"]["In-S"]["counts"]) == len(data["times_fs"])
    first, _ = report.rows()
    assert (first["pair"], first["verdict"], first["formed"]) == ("In-S", "growing", 6)
    assert "In-S growing" in repr(report)


def test_a_cell_too_thin_for_the_nearest_image_is_told(interface, in_memory):
    assert reactions(interface, ["In-S"]).thin == ""
    thin = in_memory(["In", "S"], np.diag([5.0, 30.0, 30.0]), np.zeros((3, 2, 3)))
    assert "5.0 Å thin" in reactions(thin, ["In-S"]).thin


def test_lines_and_table_name_the_verdict_and_what_it_rests_on(interface, product):
    report = reactions(
        interface, ["In-S", "In-Cl", "S-Cl"], references={"InS": product}
    )
    first, second, third = lines(report)
    assert first.startswith("In–S is growing: 0 bonds at the start, 6.0 ± 0.0")
    assert "6 formed, 0 broke; the first formed at 1 ps" in first
    assert "100 % InS, 0 % the initial structure" in first
    assert "In–Cl is fluctuating" in second
    assert third == (
        "S–Cl is absent: 0 bonds at the start, 0.0 ± 0.0 in the last quarter (+0.0 σ; "
        "trend +0 per ps, +0.0 σ); 0 formed, 0 broke."
    )
    rows = table(report)
    assert {len(row) for row in rows} == {len(HEADER)}
    assert [row[1] for row in rows] == ["growing", "fluctuating", "absent"]


def test_a_fit_that_explains_nothing_is_called_so(interface):
    cell = np.diag([20.0, 20.0, 20.0])
    wrong = crystal_rdf(["In", "S"], cell, [[0, 0, 0], [3.5, 0, 0]], ["In-S"], cutoff=6)
    report = reactions(interface, ["In-S"], references={"wrong": wrong})
    assert "no mixture of the references" in lines(report)[0]


def test_rules_may_be_given_by_pair(interface):
    strict = reactions(
        interface, ["In-S", "In-Cl"], rules={"In-S": BondRule(2.0, 2.2, 0.0)}
    )
    assert strict.pairs["In-S"].verdict.word == "absent"
    assert strict.pairs["In-Cl"].history.rule == BondRule.of("In-Cl")
    patient = reactions(interface, ["In-Cl"], residence_fs=1e6)
    assert patient.pairs["In-Cl"].verdict.word == "absent"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"pairs": []}, "no pair to follow"),
        ({"pairs": ["In-P"]}, "no 'P' in this trajectory"),
        ({"pairs": ["InS"]}, "as in In-S"),
        ({"pairs": ["In-S"], "rules": {"P-S": BondRule(2.6, 3.0)}}, "rules for"),
        ({"pairs": ["In-S"], "rules": {"In-S": BondRule(900.0, 900.0)}}, "images"),
    ],
)
def test_an_impossible_request_is_refused(interface, options, complaint):
    with pytest.raises(AnalysisError, match=complaint):
        reactions(interface, options.pop("pairs"), **options)


def test_a_run_without_frames_says_so():
    with pytest.raises(AnalysisError, match="no complete frame"):
        reactions(Trajectory(("In", "S"), ()), ["In-S"])
