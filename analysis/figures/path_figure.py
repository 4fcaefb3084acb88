"""The figure of a relaxation's path: energy above, changes of bonds below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.energies.relaxation_path import RelaxationPath
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    RED,
    color_of,
    headline,
    quiet_grid,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PAIRS = len(PALETTE)  # curves that can be told apart


def figure_path(result: RelaxationPath, *, title: str = "") -> Figure:
    """Return energy and bonds against the step of the relaxation."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8.4, 6.0), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        _draw_energies(above, result)
        _draw_bonds(below, result)
        headline(figure, title or result.name, result.provenance)
    return figure


def _draw_energies(axes: Axes, result: RelaxationPath) -> None:
    axes.plot(result.energies, color=INK, label="E - slabs")
    if result.published is not None:
        axes.axhline(result.published, color=RED, linestyle="--", label="published")
    axes.set_ylabel("interface energy (J/m²)")
    axes.legend(loc="upper right")
    quiet_grid(axes)


def _draw_bonds(axes: Axes, result: RelaxationPath) -> None:
    changes = {pair: n - n[0] for pair, n in result.bonds.items()}
    largest = sorted(changes, key=lambda pair: -int(np.abs(changes[pair]).max()))
    shown = largest[:MOST_PAIRS]
    for pair in shown:
        color = color_of(pair, shown)
        axes.step(
            np.arange(len(changes[pair])), changes[pair], where="post", color=color,
            label=f"{pair.replace('-', '–')} (of {int(result.bonds[pair][0])})",
        )  # fmt: skip
    axes.set_xlabel("step of the relaxation")
    axes.set_ylabel("bonds formed or broken")
    if shown:
        axes.legend(loc="upper left", bbox_to_anchor=(0, 1.22), ncols=3)
    quiet_grid(axes)
