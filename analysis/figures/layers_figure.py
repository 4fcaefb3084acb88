"""Figure of coordination numbers layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.style import headline, quiet_grid, styled
from ionface.analysis.interphase.layers import LayerCoordination
from ionface.analysis.trajectory.frames import FS_PER_PS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EARLY_TO_LATE = "viridis_r"


def figure_layers(result: LayerCoordination, *, title: str = "") -> Figure:
    """Return coordination numbers against height, early windows light, late ones dark.

    Layers without central atoms stay empty; bars are standard errors.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    shades = colormaps[EARLY_TO_LATE](np.linspace(0.1, 1, len(result.windows_fs)))
    middles = (result.edges[1:] + result.edges[:-1]) / 2
    center, neighbor = result.pair.split("-")
    with styled():
        figure = Figure(figsize=(8.4, 4.4), layout="constrained")
        axes = figure.subplots()
        for index, (start, end) in enumerate(result.windows_fs):
            numbers, color = result.numbers[index], shades[index]
            label = f"{start / FS_PER_PS:.2f}–{end / FS_PER_PS:.2f} ps"
            axes.stairs(numbers, result.edges, color=color, linewidth=1.8, label=label)
            axes.errorbar(
                middles, numbers, result.errors[index], color=color, linestyle="none",
                elinewidth=1.2, capsize=2,
            )  # fmt: skip
        axes.set_xlim(result.edges[0], result.edges[-1])
        top = float(np.nanmax(result.numbers, initial=0.0))
        axes.set_ylim(0, 1.15 * max(top, 1.0))
        axes.set_xlabel("height along the normal (Å)")
        axes.set_ylabel(f"{neighbor} within {result.cutoff:g} Å of each {center}")
        quiet_grid(axes)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        heading = title or f"{neighbor} around {center}, layer by layer"
        headline(figure, heading, result.provenance)
    return figure
