"""One look for all figures: colors that color-blind readers can tell, quiet axes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.result import Provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b2733"
QUIET = "#6b7885"
GRID = "#e3e8ec"
AMBER = "#b45309"
RED = "#b91c1c"

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's colors, ordered by contrast on white."""

REFERENCES = ("#5b6770", "#b07d2b", "#7a5195", "#3c8d7d")

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.labelsize": 11.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlepad": 8,
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "svg.fonttype": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """Make all figures created inside look alike."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def png(figure: Figure, dpi: int = 160) -> bytes:
    """Return the figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def color_of(name: str, names: list[str]) -> str:
    """Return the color of a pair; the pairs of the papers keep theirs everywhere."""
    fixed = {"In-S": PALETTE[0], "In-Cl": PALETTE[1], "P-S": PALETTE[2]}
    if name in fixed:
        return fixed[name]
    free = [c for c in PALETTE if c not in {fixed.get(n) for n in names}]
    others = [n for n in names if n not in fixed]
    return free[others.index(name) % len(free)]


def mark(figure: Figure, provenance: Provenance) -> None:
    """Say in the figure's corner that its numbers are a rehearsal or an emulation."""
    for line, text in enumerate(provenance.marks):
        color = RED if text.startswith("EMULATED") else AMBER
        figure.text(
            0.995,
            0.99 - 0.045 * line,
            text,
            ha="right",
            va="top",
            fontsize=9,
            color="white",
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": color, "linewidth": 0},
        )


def quiet_grid(axes: Axes, axis: str = "y") -> None:
    """Draw faint lines behind the data."""
    axes.grid(axis=axis)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def headline(figure: Figure, title: str, provenance: Provenance) -> None:
    """Write the title, what the numbers are worth, and what computed them."""
    if title or provenance.marks:
        figure.suptitle(
            title or " ", x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK
        )
    mark(figure, provenance)
    if provenance.level_of_theory:
        level = LevelOfTheory.label_of(provenance.level_of_theory)
        foot(figure, "; ".join(filter(None, [figure.get_supxlabel(), level])))


def foot(figure: Figure, text: str) -> None:
    """Write a quiet line at the bottom, which goes where the picture goes."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=8.5, color=QUIET)


def scientific(value: float, error: float) -> tuple[str, str, int]:
    """Return mantissas of a value and its error, and their power of ten."""
    power = int(np.floor(np.log10(value)))
    scale = 10.0**power
    return f"{value / scale:.1f}", f"{error / scale:.1f}", power
