import numpy as np
import pytest

from ionface.analysis.figures.result_figures import (
    figure_bonds,
    figure_energies,
    figure_rdf,
    figure_temperature,
)
from ionface.analysis.figures.style import color_of, png
from ionface.analysis.rdf.bonds import bonds
from ionface.analysis.rdf.rdf import crystal_rdf, rdf
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@pytest.fixture
def run():
    rng = np.random.default_rng(0)
    segment = Segment(
        steps=np.arange(40),
        times_fs=np.arange(40) * 50.0,
        lattices=np.eye(3)[None] * 8,
        positions=rng.random((40, 20, 3)) * 8,
        scalars={"temperature": 300 + rng.normal(size=40), "conserved": np.ones(40)},
    )
    return Trajectory(("In", "S") * 10, (segment,))


def entry(name="LAGP|Li", sigma=-1.2, emulated=False):
    return {
        "name": name,
        "sigma_j_per_m2": sigma,
        "level_of_theory": {"emulated": emulated},
    }


def texts(figure):
    from matplotlib.text import Text

    return " | ".join(t.get_text() for t in figure.findobj(Text))


def test_every_window_is_a_curve_and_every_crystal_a_strip(run):
    result = rdf(run, ["In-S", "S-S"], windows=6)
    crystal = crystal_rdf(
        ["In", "S"], np.eye(3) * 3.5, [[0, 0, 0], [1.75] * 3], ["In-S"]
    )
    figure = figure_rdf(result, {"InS": crystal})
    top = figure.axes[0]
    curves = [line for line in top.lines if len(line.get_xdata()) == len(result.r)]
    assert len(curves) == 6
    assert "InS" in texts(figure)
    assert "no reference crystal" in texts(figure)
    assert png(figure).startswith(b"\x89PNG")


def test_the_dashed_line_marks_the_first_distance_of_the_crystal(run):
    result = rdf(run, ["In-S"], windows=1)
    crystal = crystal_rdf(
        ["In", "S"], np.eye(3) * 3.0, [[0, 0, 0], [1.5] * 3], ["In-S"]
    )
    dashed = figure_rdf(result, {"InS": crystal}).axes[0].lines[-1]
    assert dashed.get_xdata()[0] == pytest.approx(1.5 * np.sqrt(3), abs=0.02)


def test_a_result_of_one_window_needs_no_reference(run):
    assert png(figure_rdf(rdf(run, ["In-S"], windows=1)))


def test_bonds_of_each_pair_have_a_panel_with_their_cutoff(run):
    figure = figure_bonds(bonds(run, {"In-S": 3.0, "S-S": 2.5}), title="x")
    assert len(figure.axes) == 2
    assert "3.00 Å" in texts(figure)
    assert png(figure)


def test_bonds_of_a_single_frame_can_be_drawn(run):
    assert png(figure_bonds(bonds(run.between(0, 1), ["In-S"])))


def test_energies_stand_beside_the_published_ones():
    figure = figure_energies(
        [entry(), entry("Li|P-DOL", 0.12)], {"LAGP|Li": -1.14}, title="E"
    )
    shown = texts(figure)
    assert "−1.20" in shown
    assert "−1.14" in shown
    assert "0.12" in shown
    assert "published" in shown
    assert png(figure)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("emulated", [True, False])
def test_rehearsals_and_emulations_are_marked_and_real_ones_are_not(quick, emulated):
    shown = texts(figure_energies([entry(emulated=emulated)], quick=quick))
    assert ("QUICK" in shown) == quick
    assert ("EMULATED" in shown) == emulated


def test_temperature_and_drift_have_a_panel_each(run):
    figure = figure_temperature(run, 300.0, quick=True)
    assert len(figure.axes) == 2
    assert png(figure)


def test_nothing_to_draw_is_told(run, in_memory):
    with pytest.raises(AnalysisError, match="no energy"):
        figure_energies([])
    with pytest.raises(AnalysisError, match="no pair"):
        figure_bonds(bonds(run, []))
    with pytest.raises(AnalysisError, match="no temperatures"):
        figure_temperature(in_memory(["Li"], np.eye(3), [[[0, 0, 0]]]))


def test_the_papers_pairs_keep_their_colors_and_all_pairs_differ():
    names = ["Li-S", "P-S", "In-S", "In-Cl", "Li-Cl"]
    colors = [color_of(name, names) for name in names]
    assert len(set(colors)) == 5
    assert color_of("In-S", ["In-S"]) == color_of("In-S", names)
