from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.diffusion.arrhenius import arrhenius
from ionface.analysis.diffusion.diffusion import diffusion
from ionface.analysis.diffusion.msd import msd
from ionface.analysis.figures.msd_figure import figure_msd
from ionface.analysis.figures.style import png
from ionface.analysis.interphase.density_profiles import profiles
from ionface.analysis.interphase.interphase import Growth, Interphase
from ionface.analysis.result import Provenance
from ionface.analysis.run_checks.temperature import KB
from ionface.errors import AnalysisError

SIGNATURE = b"\x89PNG"


def texts(figure):
    found = [t.get_text() for t in figure.texts]
    for axes in figure.axes:
        found += [t.get_text() for t in axes.texts]
        found += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        if legend := axes.get_legend():
            found += [t.get_text() for t in legend.get_texts()]
    return "\n".join(found)


@pytest.fixture
def walking(in_memory):
    """Li walks, O vibrates."""
    rng = np.random.default_rng(0)
    positions = rng.normal(0, 0.1, (300, 30, 3)) + 15 * rng.random((30, 3))
    positions[:, :20] = np.cumsum(rng.normal(0, 0.4, (300, 20, 3)), axis=0)
    return in_memory(["Li"] * 20 + ["O"] * 10, np.eye(3) * 15, positions)


def test_the_msd_figure_tells_coefficients_and_upper_bounds(walking):
    found = diffusion(walking, drift="none")
    result = replace(msd(walking, drift="none"), diffusion=tuple(found))
    figure = result.plot()
    shown = texts(figure)
    assert png(figure).startswith(SIGNATURE)
    assert "Li\nD = (" in shown
    assert "O\nnot shown to diffuse: D < " in shown
    assert figure.axes[0].get_xscale() == "log"
    # one fitted line with its rim, drawn through its window of lags only
    fitted = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 50]
    _rim, line = fitted
    lithium = next(d for d in found if d.species == "Li" and d.direction == "3d")
    np.testing.assert_allclose(1000 * line.get_xdata()[[0, -1]], lithium.window_fs)
    slope = np.diff(line.get_ydata()[[0, -1]]) / np.diff(line.get_xdata()[[0, -1]])
    np.testing.assert_allclose(slope / 1000, 6 * lithium.coefficient)


def test_the_figure_says_what_was_subtracted_and_that_it_is_a_rehearsal(walking):
    result = replace(msd(walking), provenance=Provenance(quick=True))
    figure = figure_msd(result, direction="normal", title="Li2O")
    shown = texts(figure)
    assert "QUICK" in shown
    assert "along the normal" in shown
    assert "center of mass" in figure.get_supxlabel()


def test_profiles_are_drawn_species_by_species_at_their_heights(walking):
    result = profiles(walking, windows=5, drift="none")
    figure = result.plot()
    assert png(figure).startswith(SIGNATURE)
    assert {"Li", "O"} <= set(texts(figure).split("\n"))
    mesh = figure.axes[0].collections[0]
    np.testing.assert_allclose(
        np.asarray(mesh.get_array()).reshape(result.densities["Li"].T.shape),
        1000 * result.densities["Li"].T,
    )
    np.testing.assert_allclose(figure.axes[0].get_ylim(), result.edges[[0, -1]])


def test_one_frame_makes_a_profile_figure_too(walking):
    figure = profiles(walking.between(0, 1)).plot()
    assert png(figure).startswith(SIGNATURE)


def test_arrhenius_lines_reach_to_room_temperature():
    t = np.array([500.0, 700.0, 900.0])
    d = 0.01 * np.exp(-0.3 / (KB * t))
    figure = replace(arrhenius(t, d, 0.1 * d), species="Li").plot()
    shown = texts(figure)
    assert "Li: $E_a$ = 0.30 ± " in shown
    value = 0.1 * 0.01 * np.exp(-0.3 / (KB * 300))
    power = int(np.floor(np.log10(value)))
    assert f"D(300 K) = {value / 10.0**power:.1f}·10$^{{{power}}}$" in shown
    assert png(figure).startswith(SIGNATURE)


def test_the_growth_of_the_interphase_is_told_below_the_profiles(walking):
    result = Interphase(
        first=("In",),
        second=("S",),
        windows_fs=((0.0, 100.0), (100.0, 200.0), (200.0, 300.0)),
        positions=np.full((3, 1), 12.5),
        widths=np.array([[1.0], [2.0], [3.0]]),
        errors=np.full((3, 1), 0.2),
        overlaps=np.array([2.0, 3.0, 4.0]),
        growth=(Growth(10.0, 1.0, 40.0, 5.0),),
    )
    figure = replace(profiles(walking), interphase=result).plot()
    assert "front at 12.5 Å: +10.000 ± 1.000 Å/ps" in texts(figure)
    assert png(figure).startswith(SIGNATURE)


def test_nothing_to_draw_is_refused(walking):
    with pytest.raises(AnalysisError, match="no MSD"):
        replace(msd(walking), curves={}).plot()
    with pytest.raises(AnalysisError, match="no profile"):
        replace(profiles(walking), densities={}).plot()
