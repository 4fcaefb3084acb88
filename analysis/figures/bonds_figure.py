"""The figure of bonds against time, one panel for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.style import (
    color_of,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.reactions.bonds import BondCounts
from ionface.analysis.trajectory.frames import FS_PER_PS, FloatArray
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure_bonds(result: BondCounts, *, title: str = "") -> Figure:
    """Return the number of bonds of each pair against time, one panel per pair.

    The thin line is every frame, the thick one a running mean over a twentieth of the
    run.

    Raises:
        AnalysisError: there is no pair.
    """
    from matplotlib.figure import Figure

    names = list(result.counts)
    if not names:
        raise AnalysisError("no pair to draw; count the bonds of at least one")
    with styled():
        figure = Figure(figsize=(8.0, 1.2 + 1.75 * len(names)), layout="constrained")
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, names, strict=True):
            _draw_bonds(axes, result, name, color_of(name, names))
        timed = bool(np.isfinite(result.times_fs).all())
        panels[-1].set_xlabel("time (ps)" if timed else "frame")
        headline(figure, title, result.provenance)
    return figure


def _draw_bonds(axes: Axes, result: BondCounts, name: str, color: str) -> None:
    from matplotlib.ticker import MaxNLocator

    series = result.counts[name].astype(float)
    timed = np.isfinite(result.times_fs).all()
    times = result.times_fs / FS_PER_PS if timed else np.arange(float(len(series)))
    _draw_series(axes, times, series, color)
    axes.set_ylabel("bonds")
    axes.set_title(f"{name.replace('-', '–')}  {result.rules[name].words}", color=color)
    low, high = series.min(), series.max()
    room = max(1.0, 0.15 * (high - low))
    axes.set_ylim(max(0.0, low - room) if low > 4 else -0.04 * high, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _draw_series(axes: Axes, times: FloatArray, series: FloatArray, color: str) -> None:
    """Draw every frame thin, and a running mean over a twentieth of the run thick."""
    width = max(1, len(series) // 20)
    axes.plot(times, series, color=color, linewidth=0.7, alpha=0.35)
    if width > 1:
        kernel = np.ones(width) / width
        smooth = np.convolve(series, kernel, mode="valid")
        middle = np.convolve(times, kernel, mode="valid")
        axes.plot(middle, smooth, color=color, linewidth=2.2)
    axes.set_xlim(times[0], times[-1] if len(times) > 1 else times[0] + 1)
    quiet_grid(axes)
