"""The figure of densities along the normal against time, and of the interphase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.interphase.density_profiles import Profiles, growth_words
from ionface.analysis.interphase.interphase import Interphase
from ionface.analysis.trajectory.frames import FS_PER_PS
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase


def figure_profile(result: Profiles, *, title: str = "") -> Figure:
    """Return the density of every species against height and time, a panel for each.

    Below them stands the width of the interphase where that was measured.

    Raises:
        AnalysisError: there is no species.
    """
    from matplotlib.figure import Figure

    if not result.densities:
        raise AnalysisError("no profile to draw; give at least one species")
    width = 1.6 + 2.4 * len(result.densities)
    mixed = result.interphase
    with styled():
        if mixed is None:
            figure = Figure(figsize=(width, 5.0), layout="constrained")
            _draw_maps(figure, result)
        else:
            size = (max(width, 8.0), 9.0)
            figure = Figure(figsize=size, layout="constrained")
            parts = figure.subfigures(2, 1, height_ratios=[5.0, 4.0], squeeze=False)
            _draw_maps(parts[0, 0], result)
            _draw_widths(parts[1, 0].subplots(), mixed)
        headline(figure, title, result.provenance)
    return figure


def _draw_maps(figure: FigureBase, result: Profiles) -> None:
    names = list(result.densities)
    edges = [start / FS_PER_PS for start, _ in result.windows_fs]
    edges.append(result.windows_fs[-1][1] / FS_PER_PS)
    if edges[-1] <= edges[-2]:  # a single frame has no duration, but a color
        edges[-1] = edges[-2] + 1e-3
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(grid, names, strict=True):
        density = 1000 * result.densities[name].T
        mesh = axes.pcolormesh(
            edges, result.edges, density, cmap="magma_r", vmin=0, rasterized=True,
            # a few slices with a crystal's plane would bleach all others
            vmax=float(np.quantile(density, 0.995)) or 1.0,
        )  # fmt: skip
        bar = figure.colorbar(mesh, ax=axes, location="bottom", aspect=16, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=9)
        axes.set_title(name)
        axes.set_xlabel("time (ps)")
        if axes is grid[len(grid) // 2]:
            bar.set_label("density (atoms/nm³)", fontsize=11.5, color=INK)
    grid[0].set_ylabel("height along the normal (Å)")


def _draw_widths(axes: Axes, result: Interphase) -> None:
    """Draw the width of every front against time, with its error and growth."""
    middles = np.mean(result.windows_fs, axis=1) / FS_PER_PS
    for front in range(result.widths.shape[1]):
        label = f"front at {result.positions[0, front]:.1f} Å"
        if result.growth:
            growth = result.growth[front]
            label += f": {growth_words(growth.rate, growth.rate_error, 'Å/ps')}"
        axes.errorbar(
            middles, result.widths[:, front], result.errors[:, front], marker="o",
            color=PALETTE[front], markersize=6, linewidth=1.8, capsize=3, label=label,
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
    axes.set_title(f"{'+'.join(result.first)} against {'+'.join(result.second)}")
