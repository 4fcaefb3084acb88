"""Figures of motion: MSDs with their fits, profiles in time, Arrhenius lines.

Every function returns a matplotlib Figure that belongs to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.diffusion.arrhenius import Arrhenius
from ionface.analysis.diffusion.diffusion import CM2_PER_S, Diffusion
from ionface.analysis.diffusion.msd import DIRECTIONS, Msd
from ionface.analysis.figures.style import (
    FS_PER_PS,
    INK,
    PALETTE,
    QUIET,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.interphase.density_profiles import Profiles
from ionface.analysis.interphase.interphase import Interphase
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure_msd(
    result: Msd,
    coefficients: Sequence[Diffusion] = (),
    *,
    direction: str = "3d",
    title: str = "",
    quick: bool = False,
    emulated: bool = False,
) -> Figure:
    """Return the MSD of every species on logarithmic axes, with fits and their D.

    A full line is a fit that gives a coefficient; where the motion is not diffusive the
    legend says how large D can be at most. Lags beyond half the run are drawn faint.

    Args:
        result: of `msd.msd`.
        coefficients: of `diffusion.diffusion`; those of other species are left out.
        direction: '3d', 'in-plane' or 'normal'.
        title: above the panel.
        quick: mark the figure as a rehearsal.
        emulated: mark it as the output of a stand-in.

    Raises:
        AnalysisError: there is no species or no lag to draw.
    """
    from matplotlib.figure import Figure

    names = list(result.species)
    lags = result.lags_fs[1:] / FS_PER_PS
    if not names or not len(lags):
        raise AnalysisError("no MSD to draw; give at least one species and two frames")
    half = max(1, len(lags) // 2)
    fits = {d.species: d for d in coefficients if d.direction == direction}
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
        figure.supxlabel(result.drift, x=0.01, ha="left", fontsize=8.5, color=QUIET)
        headline(figure, title, quick=quick, emulated=emulated)
    return figure


def figure_profiles(
    result: Profiles,
    *,
    title: str = "",
    quick: bool = False,
    emulated: bool = False,
) -> Figure:
    """Return the density of every species against height and time, a panel for each.

    Raises:
        AnalysisError: there is no species.
    """
    from matplotlib.figure import Figure

    names = list(result.densities)
    if not names:
        raise AnalysisError("no profile to draw; give at least one species")
    edges = [start / FS_PER_PS for start, _ in result.windows_fs]
    edges.append(result.windows_fs[-1][1] / FS_PER_PS)
    if edges[-1] <= edges[-2]:
        edges[-1] = edges[-2] + 1e-3
    step = result.height / len(result.heights)
    heights = np.append(result.heights - step / 2, result.height)
    with styled():
        figure = Figure(figsize=(1.6 + 2.4 * len(names), 5.0), layout="constrained")
        grid = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(grid, names, strict=True):
            density = 1000 * result.densities[name].T
            mesh = axes.pcolormesh(
                edges, heights, density, cmap="magma_r", vmin=0, rasterized=True,
                vmax=float(np.quantile(density, 0.995)) or 1.0,
            )  # fmt: skip
            bar = figure.colorbar(mesh, ax=axes, location="bottom", aspect=16, pad=0.02)
            bar.outline.set_visible(False)
            bar.ax.tick_params(labelsize=9)
            axes.set_title(name)
            axes.set_xlabel("time (ps)")
        grid[0].set_ylabel("height along the normal (Å)")
        figure.supxlabel("density (atoms/nm³)", fontsize=11.5, color=INK)
        headline(figure, title, quick=quick, emulated=emulated)
    return figure


def figure_arrhenius(
    lines: Mapping[str, Arrhenius],
    *,
    room: float = 300.0,
    title: str = "",
    emulated: bool = False,
) -> Figure:
    """Return D against 1000/T with the fitted lines, extrapolated to one temperature.

    The band is the 95 % confidence of the line; the hollow point its extrapolation.

    Args:
        lines: fits by what to call them.
        room: temperature of the extrapolation, K.
        title: above the panel.
        emulated: mark it as the output of a stand-in.

    Raises:
        AnalysisError: there is no line.
    """
    from matplotlib.figure import Figure

    if not lines:
        raise AnalysisError("no Arrhenius line to draw; fit two temperatures at least")
    with styled():
        figure = Figure(figsize=(8.4, 5.0), layout="constrained")
        axes = figure.subplots()
        for index, (name, line) in enumerate(lines.items()):
            _draw_line(axes, line, name, room, PALETTE[index % len(PALETTE)])
        axes.set_yscale("log")
        axes.set_xlabel("1000 / T (1/K)")
        axes.set_ylabel("diffusion coefficient (cm²/s)")
        above = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
        shown = sorted({room, *(t for v in lines.values() for t in v.temperatures)})
        above.set_xticks(shown, [f"{t:g} K" for t in shown])
        above.tick_params(length=3, labelsize=9.5)
        above.spines["top"].set_visible(False)
        quiet_grid(axes, "both")
        axes.legend(loc="lower left", labelspacing=1.0)
        headline(figure, title, quick=False, emulated=emulated)
    return figure


def figure_interphase(
    result: Interphase,
    *,
    title: str = "",
    quick: bool = False,
    emulated: bool = False,
) -> Figure:
    """Return the width of every front against time, with its error and growth."""
    from matplotlib.figure import Figure

    middles = np.mean(result.windows_fs, axis=1) / FS_PER_PS
    with styled():
        figure = Figure(figsize=(8.0, 4.4), layout="constrained")
        axes = figure.subplots()
        for front in range(result.widths.shape[1]):
            color = PALETTE[front]
            label = f"front at {result.positions[0, front]:.1f} Å"
            if result.growth:
                growth = result.growth[front]
                rate = f"{round(growth.rate, 2) + 0.0:.2f}".replace("-", "−")
                label += f", grows by {rate} ± {growth.rate_error:.2f} Å/ps"
            axes.errorbar(
                middles, result.widths[:, front], result.errors[:, front], color=color,
                marker="o", markersize=6, linewidth=1.8, capsize=3, label=label,
            )  # fmt: skip
        axes.plot(
            middles, result.overlaps, color=QUIET, linestyle=(0, (4, 3)),
            label="height that holds both phases",
        )  # fmt: skip
        top = np.max([result.widths.max(), result.overlaps.max()])
        axes.set_ylim(0, 1.4 * max(float(top), 1.0))  # room for the legend
        axes.set_xlabel("time (ps)")
        axes.set_ylabel("10–90 width (Å)")
        quiet_grid(axes)
        axes.legend(loc="upper left")
        pair = f"{'+'.join(result.first)} against {'+'.join(result.second)}"
        headline(figure, title or pair, quick=quick, emulated=emulated)
    return figure


def _legend(name: str, fits: Mapping[str, Diffusion]) -> str:
    fit = fits.get(name)
    if fit is None:
        return name
    if fit.diffusive:
        value, error, power = _scientific(fit.cm2_per_s, fit.error_cm2_per_s)
        return f"{name}\nD = ({value} ± {error})·10$^{{{power}}}$ cm²/s"
    if fit.upper_bound is None:
        return f"{name}\nnot diffusive (exponent {fit.exponent:.1f})"
    value, _, power = _scientific(fit.upper_bound * CM2_PER_S, 0)
    return f"{name}\nnot diffusive, D < {value}·10$^{{{power}}}$ cm²/s"


def _scientific(value: float, error: float) -> tuple[str, str, int]:
    power = int(np.floor(np.log10(value)))
    scale = 10.0**power
    return f"{value / scale:.1f}", f"{error / scale:.1f}", power


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


def _inverse(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1000.0 / np.asarray(x, dtype=np.float64)


def _draw_line(axes: Axes, line: Arrhenius, name: str, room: float, color: str) -> None:
    low, high = min(room, line.temperatures[0]), max(room, line.temperatures[-1])
    t = 1 / np.linspace(1 / high, 1 / low, 80)
    points = [line.at(float(v)) for v in t]
    bands = CM2_PER_S * np.array([p.interval for p in points])
    axes.fill_between(
        1000 / t, bands[:, 0], bands[:, 1], color=color, alpha=0.15, linewidth=0
    )
    axes.plot(1000 / t, [p.cm2_per_s for p in points], color=color, linewidth=1.6)
    label = f"{name}: $E_a$ = {line.ea:.2f} ± {line.ea_error:.2f} eV"
    there = line.at(room)
    if there.outside:
        value, _, power = _scientific(there.cm2_per_s, 0)
        factor = np.exp(1.96 * there.log_error)
        label += f"\nD({room:g} K) = {value}·10$^{{{power}}}$ cm²/s ×÷ {factor:.1f}"
        axes.plot(
            1000 / room, there.cm2_per_s, "o", color=color, markersize=9,
            markerfacecolor="white", markeredgewidth=1.8,
        )  # fmt: skip
    axes.errorbar(
        1000 / line.temperatures, CM2_PER_S * line.coefficients,
        CM2_PER_S * line.errors, color=color, marker="o", markersize=7, capsize=3,
        linestyle="", label=label,
    )  # fmt: skip
