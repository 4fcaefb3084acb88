import numpy as np
import pytest

from ionface.analysis.kinds import kinds
from ionface.analysis.reactions.reaction_report import reactions
from ionface.analysis.reactions.replicas import (
    ALL,
    Replicas,
    check_independent,
    first_frames,
)
from ionface.analysis.report.tables import replica_contents
from ionface.errors import AnalysisError


@pytest.fixture
def runs(blinking):
    """Three runs in each of which four bonds form and stay."""
    reports = {}
    for run in range(3):
        distances = np.full((1500, 4), 5.0)
        for pair in range(4):
            distances[100 * (run + 1) + 200 * pair :, pair] = 2.6
        reports[f"run {run}"] = reactions(blinking(distances), ["In-S"])
    return reports


def test_what_no_run_shows_alone_they_show_together(runs, from_its_file):
    result = Replicas.of(runs)
    assert result.verdicts["In-S"].words.startswith("grew")
    again = from_its_file(result)
    rows = list(again.rows())
    assert [row["run"] for row in rows] == ["run 0", "run 1", "run 2", ALL]
    assert [row["number of bonds"] for row in rows] == ["no change shown"] * 3 + [
        "grew"
    ]
    assert rows[-1]["formed"] == sum(row["formed"] for row in rows[:-1]) == 12
    assert "3 runs: In-S grew" in repr(result)
    table, cautions = replica_contents(result)
    assert len(table.rows) == 4
    assert cautions.lines == []
    ((value, what),) = kinds()["replicas"].highlights(result)
    assert value.startswith("grew")
    assert what == "In-S bonds, 3 runs"


def test_a_single_run_or_other_pairs_are_refused(runs, blinking):
    with pytest.raises(AnalysisError, match="needs two at least"):
        Replicas.of(dict(list(runs.items())[:1]))
    other = reactions(blinking(np.full((9, 1), 2.5)), ["S-In"])
    with pytest.raises(AnalysisError, match="follow the same pairs"):
        Replicas.of({**runs, "other": other})


def test_the_same_seed_or_a_part_of_a_run_is_the_same_run(in_memory):
    def run(seed, frames=30):
        moved = np.random.default_rng(seed).normal(0, 0.1, (frames, 4, 3))
        return first_frames(in_memory(["Al"] * 4, 9.0 * np.eye(3), 4.0 + moved))

    check_independent({"a": run(1), "b": run(2), "c": run(3, 5)})
    check_independent({"a": run(1), "of other atoms": run(1)[:, :2]})
    for same in (run(1), run(1, 5)):
        with pytest.raises(AnalysisError, match="b is the same run as a: after"):
            check_independent({"a": run(1), "c": run(2), "b": same})
