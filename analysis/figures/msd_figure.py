"""The figure of mean squared displacements with their fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.diffusion.diffusion import CM2_PER_S, Diffusion
from ionface.analysis.diffusion.msd import DIRECTIONS, Msd
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    foot,
    headline,
    quiet_grid,
    scientific,
    styled,
)
from ionface.analysis.trajectory.frames import FS_PER_PS, FloatArray
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure_msd(
    result: Msd,
    *,
    direction: str = "3d",
    title: str = "",
) -> Figure:
    """Return the MSD of every species on logarithmic axes, with fits and their D.

    A full line is a fit that gives a coefficient; where the motion is not diffusive the
    legend says how large D can be at most. Lags beyond half the run are drawn faint.

    Args:
        result: of `msd.msd`.
        direction: '3d', 'in-plane' or 'normal'.
        title: above the panel.

    Raises:
        AnalysisError: there is no species or no lag to draw.
    """
    from matplotlib.figure import Figure

    names = list(result.curves)
    lags = result.lags_fs[1:] / FS_PER_PS
    if not names or not len(lags):
        raise AnalysisError("no MSD to draw; give at least one species and two frames")
    half = max(1, len(lags) // 2)
    fits = {d.species: d for d in result.diffusion if d.direction == direction}
    with styled():
        figure = Figure(figsize=(9.0, 5.2), layout="constrained")
        axes = figure.subplots()
        for index, name in enumerate(names):
            color = PALETTE[index % len(PALETTE)]
            curve = np.maximum(result.along(name, direction)[1:], 1e-12)
            axes.plot(lags[:half], curve[:half], color=color, linewidth=2.4)
            axes.plot(lags[half:], curve[half:], color=color, linewidth=1.2, alpha=0.3)
            axes.plot([], [], color=color, linewidth=2.4, label=_legend(name, fits))
            if (fit := fits.get(name)) and fit.diffusive:
                _draw_fit(axes, fit, len(DIRECTIONS[direction]))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(lags[0], lags[-1])
        _slope_guide(axes, lags, half)
        axes.set_xlabel("lag time (ps)")
        axes.set_ylabel(f"mean squared displacement (Å²), {_words(direction)}")
        quiet_grid(axes, "both")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), labelspacing=1.1)
        foot(figure, result.drift)
        headline(figure, title, result.provenance)
    return figure


def _legend(name: str, fits: Mapping[str, Diffusion]) -> str:
    fit = fits.get(name)
    if fit is None:
        return name
    if fit.diffusive:
        value, error, power = scientific(fit.cm2_per_s, fit.error_cm2_per_s)
        return f"{name}\nD = ({value} ± {error})·10$^{{{power}}}$ cm²/s"
    if fit.upper_bound is None:
        return f"{name}\nin free flight (exponent {fit.exponent:.1f})"
    if fit.still:
        return f"{name}\nstands still"
    value, _, power = scientific(fit.upper_bound * CM2_PER_S, 0)
    return f"{name}\nnot shown to diffuse: D < {value}·10$^{{{power}}}$ cm²/s"


def _draw_fit(axes: Axes, fit: Diffusion, dimensions: int) -> None:
    lags = np.geomspace(*fit.window_fs, 50)
    line = fit.offset + 2 * dimensions * fit.coefficient * lags
    for width, color in ((4.2, "white"), (1.8, INK)):  # a rim sets it off the curve
        axes.plot(lags / FS_PER_PS, line, color=color, linewidth=width, zorder=5)
    ends = [fit.window_fs[0] / FS_PER_PS, fit.window_fs[1] / FS_PER_PS]
    axes.plot(ends, line[[0, -1]], "|", color=INK, markersize=12, zorder=5)


def _slope_guide(axes: Axes, lags: FloatArray, half: int) -> None:
    """Draw how diffusion would rise, in the corner that curves leave free."""
    low, high = axes.get_ylim()
    x = np.array([lags[half - 1] / 8, lags[half - 1]])
    y = low * (high / low) ** 0.06 * x / x[0]
    axes.plot(x, y, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        "slope 1", (x[1], y[1]), xytext=(5, -3), textcoords="offset points",
        color=QUIET, fontsize=9.5,
    )  # fmt: skip
    axes.set_ylim(low, high)


def _words(direction: str) -> str:
    named = {"3d": "all directions", "in-plane": "in the plane"}
    return named.get(direction, "along the normal")
