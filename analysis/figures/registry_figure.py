"""The figure of a registry scan: energy against the shift of the film, and the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.energies.registry_energies import RegistryEnergies
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    RED,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.trajectory.frames import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REPEATS = 2
"""Registry cells that are drawn along each vector, so that the pattern is seen."""


def figure_registry(result: RegistryEnergies, *, title: str = "") -> Figure:
    """Return the map of shifts beside the energy against the gap."""
    from matplotlib.figure import Figure

    relative = result.relative
    with styled():
        figure = Figure(figsize=(10.4, 4.4), layout="constrained")
        plane, curves = figure.subplots(1, 2, width_ratios=(1.1, 1.0))
        _draw_map(figure, plane, result)
        _draw_gaps(curves, result.gaps, relative, result.warning)
        headline(figure, title or result.name, result.provenance)
    return figure


def _draw_map(figure: Figure, axes: Axes, result: RegistryEnergies) -> None:
    n, m = result.images.shape
    values = result.relative.min(axis=1)  # each shift at its best gap
    tiled = np.tile(values[result.images], (REPEATS, REPEATS))
    i, j = np.meshgrid(
        (np.arange(REPEATS * n + 1) - 0.5) / n,
        (np.arange(REPEATS * m + 1) - 0.5) / m,
        indexing="ij",
    )
    corners = np.stack([i, j], axis=-1) @ result.cell  # (.., .., 2) in Å
    painted = axes.pcolormesh(
        corners[..., 0], corners[..., 1], tiled, cmap="viridis_r", shading="flat"
    )
    points = np.argwhere(np.isclose(tiled, 0.0, atol=1e-9)) / (n, m) @ result.cell
    axes.plot(
        *points.T, "o", color="white", markeredgecolor=INK, markersize=8, label="lowest"
    )
    axes.set_aspect("equal")
    axes.set_xlabel("shift of the film along x (Å)")
    axes.set_ylabel("along y (Å)")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.12))
    bar = figure.colorbar(painted, ax=axes, shrink=0.9)
    bar.set_label("above the lowest (J/m²)")
    bar.outline.set_visible(False)


def _draw_gaps(
    axes: Axes, gaps: FloatArray, relative: FloatArray, warning: str
) -> None:
    order = np.argsort(relative.min(axis=1))
    for point in order[1:-1]:
        axes.plot(gaps[point], relative[point], color=QUIET, alpha=0.35, linewidth=0.9)
    shown = [(order[0], PALETTE[0], "lowest shift")]
    if len(order) > 1:
        shown.append((order[-1], PALETTE[1], "highest shift"))
    for point, color, label in shown:
        axes.plot(gaps[point], relative[point], "o-", color=color, label=label)
    axes.set_xlabel("gap (Å)")
    axes.set_ylabel("energy above the lowest (J/m²)")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.14), ncols=2)
    quiet_grid(axes)
    if warning:
        axes.set_title(warning, fontsize=10, color=RED, fontweight="normal", pad=26)
