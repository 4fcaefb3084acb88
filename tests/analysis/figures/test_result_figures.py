from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.energies.formation_energies import (
    FormationEnergies,
    PublishedEnergy,
)
from ionface.analysis.energies.formation_energy import FormationEnergy
from ionface.analysis.energies.ledger import LedgerEntry
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.figures.style import color_of, png
from ionface.analysis.rdf.rdf import crystal_rdf, rdf
from ionface.analysis.reactions.bonds import bonds
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


def energies(*values, published=None, **worth):
    """Return energies in J/m² by name, all of one worth."""
    level = LevelOfTheory("vasp", "6", "PBE", emulated=worth.get("emulated", False))
    entries = [
        LedgerEntry(
            name,
            FormationEnergy(sigma / 16.02176634 * 100, {"Li": 0.0}, 100.0, 1),
            level,
            "relaxed",
            None,
            (),
            quick=worth.get("quick", False),
        )
        for name, sigma in values
    ]
    paper = {k: PublishedEnergy(k, v, "paper") for k, v in (published or {}).items()}
    return FormationEnergies.of(tuple(entries), paper)


def texts(figure):
    from matplotlib.text import Text

    return " | ".join(t.get_text() for t in figure.findobj(Text))


@pytest.mark.slow
def test_every_window_is_a_curve_and_every_crystal_a_strip(run):
    result = rdf(run, ["In-S", "S-S"], windows=6)
    crystal = crystal_rdf(
        ["In", "S"], np.eye(3) * 3.5, [[0, 0, 0], [1.75] * 3], ["In-S"]
    )
    figure = replace(result, references={"InS": crystal}).plot()
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
    beside = replace(result, references={"InS": crystal})
    dashed = beside.plot().axes[0].lines[-1]
    assert dashed.get_xdata()[0] == pytest.approx(1.5 * np.sqrt(3), abs=0.02)


def test_a_result_of_one_window_needs_no_reference(run):
    assert png(rdf(run, ["In-S"], windows=1).plot())


@pytest.mark.slow
def test_bonds_of_each_pair_have_a_panel_with_their_cutoff(run):
    figure = bonds(run, {"In-S": 3.0, "S-S": 2.5}).plot(title="x")
    assert len(figure.axes) == 2
    assert "form < 2.92 Å, break > 3.08 Å" in texts(figure)
    assert png(figure)


@pytest.mark.slow
def test_bonds_of_frames_without_times_are_drawn_by_frame(run):
    untimed = Trajectory.from_arrays(run.species, run.lattice, run.positions)
    figure = bonds(untimed, ["In-S"]).plot()
    assert png(figure)
    assert figure.axes[-1].get_xlabel() == "frame"
    assert figure.axes[0].get_xlim() == (0, 39)


def test_bonds_of_a_single_frame_can_be_drawn(run):
    assert png(bonds(run.between(0, 1), ["In-S"]).plot())


def test_energies_stand_beside_the_published_ones():
    mine = energies(("LAGP|Li", -1.2), ("Li|P-DOL", 0.12), published={"LAGP|Li": -1.14})
    figure = mine.plot(title="E")
    shown = texts(figure)
    assert "−1.20" in shown
    assert "−1.14" in shown
    assert "0.12" in shown
    assert "published" in shown
    assert png(figure)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("emulated", [True, False])
def test_rehearsals_and_emulations_are_marked_and_real_ones_are_not(quick, emulated):
    mine = energies(("LAGP|Li", -1.2), quick=quick, emulated=emulated)
    shown = texts(mine.plot())
    assert ("QUICK" in shown) == quick
    assert ("EMULATED" in shown) == emulated


def test_a_picture_says_by_itself_what_computed_it():
    assert "vasp 6 (PBE)" in texts(energies(("Li|LiF", 0.3)).plot())


def test_nothing_to_draw_is_told(run):
    with pytest.raises(AnalysisError, match="no energy"):
        energies().plot()
    with pytest.raises(AnalysisError, match="no pair"):
        replace(bonds(run, ["In-S"]), counts={}).plot()


def test_the_papers_pairs_keep_their_colors_and_all_pairs_differ():
    names = ["Li-S", "P-S", "In-S", "In-Cl", "Li-Cl"]
    colors = [color_of(name, names) for name in names]
    assert len(set(colors)) == 5
    assert color_of("In-S", ["In-S"]) == color_of("In-S", names)
