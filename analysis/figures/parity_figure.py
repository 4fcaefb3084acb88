"""Parity of forces: an engine's against those of first principles."""

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
from ionface.analysis.yardstick.judgement import Judgement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ionface.analysis.yardstick.spot_checks import SpotChecks
    from ionface.analysis.yardstick.yardstick import Yardstick

COLUMNS = 2
SHOWN = 99.5  # percent of the forces: a few large ones would shrink all others
MARKERS = ("o", "s")


def figure_yardstick(result: Yardstick, *, title: str = "") -> Figure:
    """Return one panel of forces per engine, its error and slope in words."""
    from matplotlib.figure import Figure

    engines = result.judgements
    columns = min(COLUMNS, len(engines))
    rows = -(-len(engines) // columns)
    with styled():
        size = (5.2 * columns + 2.6, 4.9 * rows)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, each in zip(panels, engines, strict=False):
            draw_parity(axes, each)
        for axes in panels[len(engines) :]:
            axes.set_visible(False)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", markerscale=2)
        headline(figure, title or f"Against {result.data}", result.provenance)
    return figure


def figure_spot_checks(result: SpotChecks, *, title: str = "") -> Figure:
    """Return a potential's forces on its own frames over the teacher's."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(7.4, 5.2), layout="constrained")
        axes = figure.subplots()
        draw_parity(axes, result.judgement)
        axes.set_xlabel(f"force, {result.teacher['code']} (eV/Å)")
        figure.legend(loc="outside right center", markerscale=2)
        headline(figure, title or "Spot checks", result.provenance)
    return figure


def draw_parity(axes: Axes, each: Judgement) -> None:
    """Draw one engine's forces over those of first principles."""
    every = np.concatenate([np.abs(r) for r, _ in each.parity.values()])
    reach = 1.1 * max(float(np.percentile(every, SHOWN)), 0.1)
    axes.plot([-reach, reach], [-reach, reach], color=QUIET, linewidth=1, zorder=1)
    for n, (kind, (reference, value)) in enumerate(each.parity.items()):
        color, marker = PALETTE[n % len(PALETTE)], MARKERS[n // len(PALETTE) % 2]
        axes.scatter(
            reference, value, s=11, color=color, marker=marker, alpha=0.75,
            linewidths=0, label=kind, zorder=2,
        )  # fmt: skip
    overall = each.overall
    slope = "" if overall.slope is None else f"\nslope {overall.slope:.2f}"
    axes.text(
        0.04, 0.96, f"RMSE {overall.rmse:.3f} eV/Å{slope}", transform=axes.transAxes,
        va="top", fontsize=12, color=INK,
    )  # fmt: skip
    axes.set_title(each.engine)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_xlabel("force, first principles (eV/Å)")
    axes.set_ylabel("force, this engine (eV/Å)")
    quiet_grid(axes, "both")
