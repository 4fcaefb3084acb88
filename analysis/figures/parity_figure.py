"""Parity of forces: an engine's against those of first principles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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

COLUMNS = 3
SHOWN = 98  # percent of the forces: a few large ones would shrink all others
PANEL, LEGEND = 3.5, 2.6  # inches
MARKERS = ("o", "s")
X, Y = "force, first principles (eV/Å)", "force, engine (eV/Å)"


def figure_yardstick(result: Yardstick, *, title: str = "") -> Figure:
    """Return one panel of forces per engine, its error and slope in words."""
    from matplotlib.figure import Figure

    engines = result.judgements
    columns = min(COLUMNS, len(engines))
    rows = -(-len(engines) // columns)
    reach = max(map(_reach, engines))
    with styled():
        free = rows * columns > len(engines)  # a place that the legend may have
        size = (PANEL * columns + (0 if free else LEGEND), PANEL * rows + 0.6)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for number, (axes, each) in enumerate(zip(panels, engines, strict=False)):
            draw_parity(axes, each, reach)
            below, left = number + columns < len(engines), number % columns == 0
            axes.set_xlabel("" if below else X)
            axes.set_ylabel(Y if left else "")
            axes.tick_params(labelleft=left, labelbottom=not below)
        for axes in panels[len(engines) :]:
            axes.set_axis_off()
        _explain(figure, list(panels), free)
        headline(figure, title or f"Against {result.data}", result.provenance)
    return figure


def _explain(figure: Figure, panels: Sequence[Axes], free: bool) -> None:
    """Say what colors are: in the place after the last panel, or beside all."""
    found = panels[0].get_legend_handles_labels()
    if free:
        panels[-1].legend(*found, loc="center left", markerscale=2, fontsize=11)
    else:
        figure.legend(*found, loc="outside right center", markerscale=2)


def figure_spot_checks(result: SpotChecks, *, title: str = "") -> Figure:
    """Return a potential's forces on its own frames over the teacher's."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(7.4, 5.2), layout="constrained")
        axes = figure.subplots()
        draw_parity(axes, result.judgement, _reach(result.judgement))
        axes.set_xlabel(f"force, {result.teacher['code']} (eV/Å)")
        axes.set_ylabel(Y)
        figure.legend(loc="outside right center", markerscale=2)
        headline(figure, title or "Spot checks", result.provenance)
    return figure


def _reach(each: Judgement) -> float:
    """Return how far the axes go, eV/Å."""
    every = np.concatenate([np.abs(r).ravel() for r, _ in each.parity.values()])
    return 1.1 * max(float(np.percentile(every, SHOWN)), 0.1)


def draw_parity(axes: Axes, each: Judgement, reach: float) -> None:
    """Draw one engine's forces over those of first principles.

    Args:
        axes: to draw into.
        each: of the engine.
        reach: of both axes to either side, eV/Å.
    """
    line = np.array([-reach, reach])
    axes.plot(line, line, color=QUIET, linewidth=1, zorder=1)
    outside = 0
    for n, (kind, (reference, value)) in enumerate(each.parity.items()):
        color, marker = PALETTE[n % len(PALETTE)], MARKERS[n // len(PALETTE) % 2]
        axes.scatter(
            reference, value, s=12, color=color, marker=marker, alpha=0.7,
            linewidths=0, label=kind, zorder=3,
        )  # fmt: skip
        far = np.maximum(np.abs(reference), np.abs(value)) > reach
        outside += int(np.count_nonzero(far))
    slope = each.overall.slope
    if slope is not None:
        axes.plot(line, slope * line, color=INK, linewidth=1, dashes=(5, 3), zorder=2)
    told = "" if slope is None else f"\nslope {slope:.3f} (dashed)"
    words: dict[str, Any] = {"transform": axes.transAxes, "color": INK}
    axes.text(0.04, 0.97, f"RMSE {each.overall.rmse:.3f} eV/Å{told}", va="top", **words)
    if outside:
        words |= {"fontsize": 9, "color": QUIET, "ha": "right"}
        axes.text(0.97, 0.03, f"{outside} beyond the frame", **words)
    axes.set_title(each.engine)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    quiet_grid(axes, "both")
