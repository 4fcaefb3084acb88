"""The figure of band edges across an interface, over its potential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionface.analysis.energies.band_alignment import BandAlignment, BandEdges
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    headline,
    quiet_grid,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN = 0.12  # of the energies shown, above the highest edge and below the lowest
METAL = 0.01  # eV; edges that are no further apart are one Fermi energy


def figure_bands(result: BandAlignment, *, title: str = "") -> Figure:
    """Return the edges of each side over its interior, and the planar potential.

    Args:
        result: of one interface.
        title: above it.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8.0, 4.6), layout="constrained")
        axes = figure.subplots()
        potential = result.potential
        axes.plot(potential.heights, potential.potential, color=QUIET, alpha=0.6,
                  linewidth=0.8, label="planar average of the potential")  # fmt: skip
        if result.against_vacuum:
            axes.axhline(0.0, color=INK, linewidth=1.0, linestyle=(0, (4, 3)),
                         label="vacuum above the upper side")  # fmt: skip
        for (name, side), color in zip(result.edges.items(), PALETTE, strict=False):
            _draw_side(axes, name, side, color)
        axes.set_xlim(0, potential.period)
        axes.set_ylim(*_limits(result))
        level = "the vacuum" if result.against_vacuum else "the cell's mean potential"
        axes.set_xlabel("height along the normal (Å)")
        axes.set_ylabel(f"energy against {level} (eV)")
        quiet_grid(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        headline(figure, title, result.provenance)
    return figure


def _draw_side(axes: Axes, name: str, side: BandEdges, color: str) -> None:
    """Draw a gap as a band between its edges, a metal's Fermi energy as a line."""
    metal = side.conduction - side.valence < METAL
    told = f"{name}, {'Fermi energy' if metal else 'band edges'}"
    axes.hlines(side.valence, *side.interior, color=color, linewidth=2.5, label=told)
    _tell(axes, side, side.valence, -1)
    if not metal:
        axes.hlines(side.conduction, *side.interior, color=color, linewidth=2.5)
        _tell(axes, side, side.conduction, +1)
        edges = (side.valence, side.conduction)
        axes.fill_between(side.interior, *edges, color=color, alpha=0.15)


def _tell(axes: Axes, side: BandEdges, energy: float, up: int) -> None:
    """Write an energy beside its line, outside of the gap."""
    axes.annotate(
        f"{energy:.2f} eV".replace("-", "\N{MINUS SIGN}"),
        (sum(side.interior) / 2, energy),
        xytext=(0, 6 * up),
        textcoords="offset points",
        ha="center",
        va="bottom" if up > 0 else "top",
        color=INK,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0,
              "alpha": 0.85},
    )  # fmt: skip


def _limits(result: BandAlignment) -> tuple[float, float]:
    """Return the energies to show: potential and edges with room for their numbers."""
    values = [result.potential.potential.min(), result.potential.potential.max()]
    for side in result.edges.values():
        values += [side.valence, side.conduction]
    low, high = float(min(values)), float(max(values))
    room = MARGIN * (high - low)
    return low - room, high + room
