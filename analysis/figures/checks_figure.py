"""The figure of a run's own checks: temperature, energies, verdicts."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.style import (
    GRID,
    INK,
    PALETTE,
    QUIET,
    RED,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.run_checks.run_checks import RunChecks
from ionface.analysis.trajectory.frames import FS_PER_PS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = {"sound": PALETTE[2], "doubtful": RED, "unknown": QUIET}


def figure_checks(result: RunChecks, *, title: str = "") -> Figure:
    """Return temperature and energies of a run beside the verdict of every check."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(10.5, 5.6), layout="constrained")
        grid = figure.subplot_mosaic(
            [["t", "h", "v"], ["e", "e", "v"]], width_ratios=[3.0, 0.8, 2.2]
        )
        _draw_temperature(grid["t"], grid["h"], result)
        _draw_energies(grid["e"], result)
        _draw_verdicts(grid["v"], result)
        headline(figure, title, result.provenance)
    return figure


def _draw_temperature(axes: Axes, beside: Axes, result: RunChecks) -> None:
    """Draw the temperature, and its distribution beside the canonical one."""
    times, heat = result.times_fs / FS_PER_PS, result.temperatures
    axes.set_ylabel("temperature (K)")
    axes.set_xlim(times[0], times[-1])
    axes.locator_params(axis="x", nbins=5)
    beside.set_axis_off()
    known = np.isfinite(heat)
    if not known.any():
        _nothing(axes, "no temperatures stored")
        return
    axes.plot(times, heat, color=PALETTE[1], linewidth=0.9)
    level = result.target if np.isfinite(result.target) else result.temperature
    for sign in (-1, 1):
        edge = level + sign * result.canonical_std
        axes.axhline(edge, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.axhline(level, color=INK, linewidth=1.1)
    start = result.equilibrated_fs / FS_PER_PS
    if start > times[0]:
        axes.axvspan(times[0], start, color=GRID, zorder=0)
    beside.sharey(axes)
    beside.hist(
        heat[(times >= start) & known], bins=24, density=True,
        orientation="horizontal", color=PALETTE[1], alpha=0.45,
    )  # fmt: skip
    t = np.linspace(heat[known].min(), heat[known].max(), 100)
    gauss = np.exp(-0.5 * ((t - level) / result.canonical_std) ** 2)
    gauss /= result.canonical_std * np.sqrt(2 * np.pi)
    beside.plot(gauss, t, color=INK, linewidth=1.2)


def _draw_energies(axes: Axes, result: RunChecks) -> None:
    times = result.times_fs / FS_PER_PS
    axes.set_xlim(times[0], times[-1])
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("time (ps)")
    axes.set_ylabel("change of energy\n(meV/atom)")
    drawn = False
    for label, energy, color in (
        ("potential", result.potential_energy, QUIET),
        ("conserved", result.conserved, PALETTE[0]),
    ):
        known = energy[np.isfinite(energy)]
        if len(known):
            change = 1000 * (energy - known[0]) / result.n_atoms
            axes.plot(times, change, color=color, linewidth=1.1, label=label)
            drawn = True
    if drawn:
        # above the panel: below its top edge, some curve is behind it
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
        quiet_grid(axes)
    else:
        _nothing(axes, "no energies stored")


def _draw_verdicts(axes: Axes, checks: RunChecks) -> None:
    axes.set_axis_off()
    word = checks.verdict.partition(":")[0]
    color = _MARKS[word]
    axes.text(
        0.02, 0.99, f"The run is {word}" if word != "unknown" else "Not all is known",
        fontsize=15, fontweight="bold", color=color, va="top", transform=axes.transAxes,
    )  # fmt: skip
    for row, check in enumerate(checks.checks):
        y = 0.86 - 0.155 * row
        axes.text(
            0.02, y, "●", color=_MARKS[check.verdict], fontsize=12, va="top",
            transform=axes.transAxes,
        )  # fmt: skip
        axes.text(
            0.11, y, check.name, fontsize=11.5, va="top", transform=axes.transAxes
        )
        axes.text(
            0.11, y - 0.05, textwrap.fill(check.why, 38), fontsize=9.5, color=QUIET,
            va="top", transform=axes.transAxes, linespacing=1.25,
        )  # fmt: skip


def _nothing(axes: Axes, text: str) -> None:
    axes.set_axis_off()  # a scale from 0 to 1 would look like a result
    axes.text(
        0.5, 0.5, text, color=QUIET, ha="center", va="center", transform=axes.transAxes
    )
