import numpy as np
import pytest

from ionface.analysis.figures.reactions_figure import (
    BROKEN,
    FORMED,
    figure_reactions,
    figure_replicas,
)
from ionface.analysis.figures.style import png
from ionface.analysis.reactions.reaction_report import ReactionReport, reactions
from ionface.analysis.reactions.replicas import Replicas
from ionface.errors import AnalysisError


@pytest.fixture
def report(in_memory):
    positions = np.zeros((400, 4, 3))
    positions[:, 1, 0] = np.where(np.arange(400) < 150, 5.0, 2.6)
    positions[:, 3, 0] = 15.0
    positions[:, 2, 0] = 10.0
    run = in_memory(["In", "S", "P", "Cl"], np.eye(3) * 30, positions)
    return reactions(run, ["In-S", "P-Cl"])


def test_each_pair_has_a_panel_with_its_verdict_in_the_title(report):
    figure = figure_reactions(report, title="run")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["In–S: no change shown; the same ones", "P–Cl: no bonds"]
    assert png(figure).startswith(b"\x89PNG")


def test_events_are_marked_where_they_happen(report):
    axes = figure_reactions(report).axes[0]
    marks = {line.get_color(): list(line.get_xdata()) for line in axes.lines}
    assert marks[FORMED] == pytest.approx([0.3], abs=0.05)
    assert BROKEN not in marks


def test_the_curve_is_every_frame(report):
    curve = figure_reactions(report).axes[0].lines[0]
    (changes,) = np.flatnonzero(np.diff(curve.get_ydata()))
    assert changes == pytest.approx(150, abs=25)


def test_no_pair_is_refused(report):
    with pytest.raises(AnalysisError, match="no pair to draw"):
        figure_reactions(ReactionReport({}, report.times_fs))


@pytest.mark.slow
def test_runs_together_have_a_mean_with_its_error(report):
    figure = figure_replicas(Replicas.of({"1": report, "2": report}), title="both")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "In–S: no change shown; the same ones", "P–Cl: no bonds",
    ]  # fmt: skip
    first, _, mean = figure.axes[0].lines
    np.testing.assert_array_equal(mean.get_ydata(), first.get_ydata())
    assert png(figure).startswith(b"\x89PNG")
