"""The figure of a run's own checks: temperature, energies, verdicts.

It returns a matplotlib Figure that belongs to nobody else.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.style import (
    FS_PER_PS,
    GRID,
    INK,
    PALETTE,
    QUIET,
    RED,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.run_checks.run_checks import RunChecks, temperatures
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = {"sound": PALETTE[2], "doubtful": RED, "unknown": QUIET}


def figure_checks(
    trajectory: Trajectory,
    checks: RunChecks,
    *,
    title: str = "",
    quick: bool = False,
    emulated: bool = False,
) -> Figure:
    """Return temperature and energies of a run beside the verdict of every check."""
    from matplotlib.figure import Figure

    times = trajectory.times_fs / FS_PER_PS
    with styled():
        figure = Figure(figsize=(10.5, 5.6), layout="constrained")
        grid = figure.subplot_mosaic(
            [["t", "h", "v"], ["e", "e", "v"]], width_ratios=[3.0, 0.8, 2.2]
        )
        _draw_temperature(grid["t"], grid["h"], times, trajectory, checks)
        _draw_energies(grid["e"], times, trajectory)
        _draw_verdicts(grid["v"], checks)
        headline(figure, title, quick=quick, emulated=emulated)
    return figure


def _draw_temperature(
    axes: Axes, beside: Axes, times: FloatArray, run: Trajectory, checks: RunChecks
) -> None:
    heat = temperatures(run)
    axes.set_ylabel("temperature (K)")
    axes.set_xlim(times[0], times[-1])
    beside.set_axis_off()
    if not np.isfinite(heat).any():
        _nothing(axes, "no temperatures stored")
        return
    axes.plot(times, heat, color=PALETTE[1], linewidth=0.9)
    level = checks.target if np.isfinite(checks.target) else checks.temperature
    for sign in (-1, 1):
        edge = level + sign * checks.canonical_std
        axes.axhline(edge, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.axhline(level, color=INK, linewidth=1.1)
    start = checks.equilibrated_fs / FS_PER_PS
    if start > times[0]:
        axes.axvspan(times[0], start, color=GRID, zorder=0)
    beside.sharey(axes)
    steady = heat[(times >= start) & np.isfinite(heat)]
    beside.hist(
        steady, bins=24, density=True, orientation="horizontal", color=PALETTE[1],
        alpha=0.45,
    )  # fmt: skip
    t = np.linspace(heat[np.isfinite(heat)].min(), heat[np.isfinite(heat)].max(), 100)
    gauss = np.exp(-0.5 * ((t - level) / checks.canonical_std) ** 2)
    beside.plot(
        gauss / (checks.canonical_std * np.sqrt(2 * np.pi)), t, color=INK, linewidth=1.2
    )


def _draw_energies(axes: Axes, times: FloatArray, run: Trajectory) -> None:
    axes.set_xlim(times[0], times[-1])
    axes.set_xlabel("time (ps)")
    axes.set_ylabel("change of energy\n(meV/atom)")
    drawn = False
    for name, color in (("potential_energy", QUIET), ("conserved", PALETTE[0])):
        energy = run.scalars[name]
        known = energy[np.isfinite(energy)]
        if len(known):
            change = 1000 * (energy - known[0]) / run.n_atoms
            label = name.replace("_energy", "")
            axes.plot(times, change, color=color, linewidth=1.1, label=label)
            drawn = True
    if drawn:
        axes.legend(loc="lower right", ncols=2)
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
    axes.text(
        0.5, 0.5, text, color=QUIET, ha="center", va="center", transform=axes.transAxes
    )
