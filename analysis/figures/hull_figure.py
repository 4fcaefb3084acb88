"""The figure of a hull: energies and plateaus of two elements, distances of more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionface.analysis.figures.pretty_formulas import pretty
from ionface.analysis.figures.style import (
    GRID,
    INK,
    PALETTE,
    QUIET,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.thermodynamics.hull_result import Hull, HullPhase
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAR = 0.25
"""eV per atom above the hull; what is further away tells nothing and hides the rest."""

MOST_ROWS = 30

APART = 0.13
"""Least distance of two formulas below the hull, of the width of the figure."""


def figure_hull(result: Hull, *, title: str = "") -> Figure:
    """Return the hull: of two elements with plateaus, else distances from it.

    Raises:
        AnalysisError: there is nothing but elements.
    """
    if all(len(phase.composition) == 1 for phase in result.phases):
        raise AnalysisError(
            f"{result.system} has no compound to draw; add phases of these elements"
        )
    title = title or result.system
    if len(result.elements) == 2:
        return _binary(result, title)
    return _distances(result, title)


# --- two elements ---------------------------------------------------------------------


def _binary(result: Hull, title: str) -> Figure:
    from matplotlib.figure import Figure

    panels = 2 if result.plateaus else 1
    with styled():
        figure = Figure(figsize=(5.6 * panels, 4.6), layout="constrained")
        axes = figure.subplots(1, panels, squeeze=False)[0]
        _draw_hull(axes[0], result)
        if result.plateaus:
            _draw_plateaus(axes[1], result)
        headline(figure, title, result.provenance)
    return figure


def _draw_hull(axes: Axes, result: Hull) -> None:
    element = result.elements[0]
    stable = sorted(result.stable, key=lambda p: p.composition.get(element, 0.0))
    x = [phase.composition.get(element, 0.0) for phase in stable]
    y = [phase.formation for phase in stable]
    lowest = min(y)
    rest = [p for p in result.phases if not p.stable and p.formation < 0.15 * -lowest]
    axes.plot(
        [p.composition.get(element, 0.0) for p in rest],
        [p.formation for p in rest],
        "o", ms=5, mfc="white", mec=QUIET, mew=1.2, label="above the hull",
    )  # fmt: skip
    axes.plot(x, y, color=PALETTE[0], linewidth=2.0)
    axes.plot(x, y, "o", ms=8, color=PALETTE[0], label="stable", zorder=3)
    _label_below(axes, [p for p in stable if len(p.composition) > 1], element, lowest)
    axes.axhline(0.0, color=GRID, linewidth=1.0, zorder=0)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(1.32 * lowest, -0.18 * lowest)
    axes.set_xlabel(f"fraction of {element}")
    axes.set_ylabel("formation energy (eV/atom)")
    axes.legend(loc="upper center", ncols=2)
    quiet_grid(axes)


def _label_below(
    axes: Axes, phases: list[HullPhase], element: str, lowest: float
) -> None:
    """Write formulas in a row below the hull, each with a line to its point."""
    points = [phase.composition[element] for phase in phases]
    for phase, at, place in zip(phases, points, _apart(points), strict=True):
        axes.annotate(
            pretty(phase.formula), (at, phase.formation), xytext=(place, 1.19 * lowest),
            ha="center", va="top", fontsize=10, color=INK,
            arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.7},
        )  # fmt: skip


def _apart(points: list[float]) -> list[float]:
    """Return places near ascending points that are wide enough apart for formulas."""
    places = list(points)
    for _ in range(50):  # neighbors push each other until none is too close
        for i in range(len(places) - 1):
            if (close := APART - (places[i + 1] - places[i])) > 0:
                places[i] -= close / 2
                places[i + 1] += close / 2
    return places


def _draw_plateaus(axes: Axes, result: Hull) -> None:
    metal = result.elements[0]
    top = result.plateaus[0].potential
    previous: float | None = None
    for number, plateau in enumerate(result.plateaus):
        start, end = plateau.metal_fraction
        color = PALETTE[number % len(PALETTE)]
        v = plateau.potential
        if previous is not None:
            axes.plot([start, start], [previous, v], color=GRID, linewidth=1.5)
        axes.plot([start, end], [v, v], color=color, linewidth=3.0)
        axes.annotate(
            f"{v:.2f} V  {pretty(plateau.poor)} / {pretty(plateau.rich)}",
            (end, v), xytext=(6, 0), textcoords="offset points",
            fontsize=9.5, color=color, va="center",
        )  # fmt: skip
        previous = v
    axes.set_xlim(0, 1.3)  # room for the words
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.set_ylim(0, 1.15 * top)
    axes.set_xlabel(f"fraction of {metal}")
    axes.set_ylabel(f"potential (V against {metal})")
    quiet_grid(axes)


# --- more elements --------------------------------------------------------------------


def _distances(result: Hull, title: str) -> Figure:
    from matplotlib.figure import Figure

    shown = _lowest_compounds(result)
    with styled():
        figure = Figure(figsize=(8.0, 1.6 + 0.3 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for row, phase in enumerate(shown):
            value = min(phase.above_hull, FAR) * 1000
            color = PALETTE[2] if phase.stable else PALETTE[1]
            axes.barh(row, value, height=0.62, color=color)
            text = "stable" if phase.stable else f"{1000 * phase.above_hull:.0f}"
            axes.annotate(
                text, (value, row), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize=9.5, color=color, fontweight="bold",
            )  # fmt: skip
        axes.set_yticks(range(len(shown)), [pretty(p.formula) for p in shown])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlim(
            0, 1.12 * max(20.0, *(1000 * min(p.above_hull, FAR) for p in shown))
        )
        axes.set_xlabel("energy above the hull (meV/atom)")
        quiet_grid(axes, "x")
        headline(figure, title, result.provenance)
    return figure


def _lowest_compounds(result: Hull) -> list[HullPhase]:
    """Return the lowest polymorph of each compound, the stable ones first."""
    found: dict[str, HullPhase] = {}
    for phase in result.phases:  # by energy above the hull
        if len(phase.composition) > 1:
            found.setdefault(phase.formula, phase)
    return list(found.values())[:MOST_ROWS]
