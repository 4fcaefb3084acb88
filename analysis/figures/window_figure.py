"""The figure of stability windows: bars between both limits, and voltage steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ionface.analysis.figures.pretty_formulas import pretty, pretty_products
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.thermodynamics.window_result import Window, Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REDUCED, STABLE, OXIDIZED = "#9ec5e0", PALETTE[2], "#f3b48a"
BEYOND = 1.0  # V above the last limit that are shown


def figure_windows(result: Windows, *, title: str = "") -> Figure:
    """Return the windows as bars; of a single compound its steps as well."""
    from matplotlib.figure import Figure

    windows, single = result.windows, len(result.windows) == 1
    top = _top(windows)
    with styled():
        if single:
            figure = Figure(figsize=(9.0, 6.2), layout="constrained")
            bars, steps = figure.subplots(
                2, 1, sharex=True, gridspec_kw={"height_ratios": [1.0, 3.6]}
            )
            _draw_steps(steps, windows[0], top)
        else:
            height = 1.5 + 0.75 * len(windows)
            figure = Figure(figsize=(9.0, height), layout="constrained")
            bars = figure.subplots()
            bars.set_xlabel(_axis(windows[0]))
        for row, window in enumerate(windows):
            _draw_bar(bars, row, window, top)
        bars.set_yticks(range(len(windows)), [pretty(w.compound) for w in windows])
        bars.tick_params(axis="y", length=0, labelsize=12)
        bars.set_ylim(len(windows) - 0.45, -0.75)
        bars.set_xlim(0, top)
        bars.spines["left"].set_visible(False)
        _legend(bars)
        headline(
            figure, title or ("" if single else "Stability windows"), result.provenance
        )
    return figure


def _top(windows: tuple[Window, ...]) -> float:
    ends = [step.from_v for window in windows for step in window.steps]
    ends += [w.limits[1] for w in windows if math.isfinite(w.limits[1])]
    return max(ends) + (BEYOND if len(windows) > 1 else 0.5 * BEYOND)


def _axis(window: Window) -> str:
    if window.unit == "V":
        return f"potential (V against {window.element})"
    return f"chemical potential of {window.element} below the pure element (eV)"


def _draw_bar(axes: Axes, row: int, window: Window, top: float) -> None:
    low, high = window.limits
    end = min(high, top)
    for start, stop, color in (
        (0.0, low, REDUCED), (low, end, STABLE), (end, top, OXIDIZED),
    ):  # fmt: skip
        axes.barh(row, stop - start, left=start, height=0.5, color=color)
    for limit, spread in zip(window.limits, window.errors, strict=True):
        if math.isinf(limit):
            continue
        axes.annotate(
            f"{limit:.2f}", (limit, row - 0.28), xytext=(0, 1),
            textcoords="offset points", ha="right" if limit == low else "left",
            va="bottom", fontsize=10.5, fontweight="bold", color=INK,
        )  # fmt: skip
        lowest, highest = spread[0], min(spread[1], top)
        if highest - lowest > 0.005:
            axes.plot([lowest, highest], [row, row], color=INK, linewidth=1.6)
            axes.plot([lowest, highest], [row, row], "|", color=INK, ms=9, mew=1.6)


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(color=REDUCED, label="reduced"),
        Patch(color=STABLE, label="stable"),
        Patch(color=OXIDIZED, label="oxidized"),
        Line2D([], [], color=INK, linewidth=1.6, label="corrections, engines"),
    ]
    axes.legend(handles=handles, loc="lower left", ncols=4, bbox_to_anchor=(0, 1.0))


def _draw_steps(axes: Axes, window: Window, top: float) -> None:
    """Draw how much of the element a formula unit has taken up at each potential."""
    uptakes = [step.uptake for step in window.steps]
    span = max(uptakes) - min(uptakes) or 1.0
    edges = [step.from_v for step in window.steps] + [top]
    axes.stairs(uptakes, edges, baseline=None, color=INK, linewidth=2.0)
    for step in window.steps:
        stop = min(step.to_v, top)
        stable = step.uptake == 0.0
        color = STABLE if stable else (PALETTE[0] if step.uptake > 0 else PALETTE[1])
        axes.plot([step.from_v, stop], [step.uptake] * 2, color=color, linewidth=4.0)
    _label_steps(axes, window, top, span)
    axes.axhline(0.0, color=QUIET, linewidth=0.8, zorder=0)
    axes.set_ylim(min(uptakes) - 0.08 * span, max(uptakes) + 0.3 * span)
    axes.set_xlabel(_axis(window))
    axes.set_ylabel(f"{window.element} taken up per {pretty(window.compound)}")
    quiet_grid(axes)


def _label_steps(axes: Axes, window: Window, top: float, span: float) -> None:
    """Write the products above each step, one clear of the next.

    The stairs go down to the right, so there is room above: from right to left, each
    label is lifted over the one before.
    """
    floor = -float("inf")
    for step in reversed(window.steps):
        y = max(step.uptake + 0.025 * span, floor)
        floor = y + 0.062 * span
        late = step.from_v > 0.72 * top
        left = step.from_v + 0.01 * top
        axes.annotate(
            pretty_products(step.products), (left, step.uptake),
            xytext=(0.995 * top if late else left, y),
            ha="right" if late else "left", va="bottom", fontsize=9.5, color=INK,
            arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.6}
            if y > step.uptake + 0.05 * span else None,
        )  # fmt: skip
