"""The figure of the electrostatic potential along the normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.energies.planar_potential import PlanarPotential
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


def figure_potential(
    result: PlanarPotential, *, title: str = "", length: float | None = None
) -> Figure:
    """Return the planar average, the levels of the vacuum and the Fermi energy.

    Args:
        result: of one cell.
        title: above it.
        length: Å; of a macroscopic average that is drawn too.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8.0, 4.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(result.heights, result.potential, color=PALETTE[0], linewidth=1.6,
                  label="planar average")  # fmt: skip
        if length is not None:
            axes.plot(result.heights, result.macroscopic(length), color=PALETTE[1],
                      linewidth=2.0, label=f"over {length:g} Å")  # fmt: skip
        if result.fermi is not None:
            axes.axhline(result.fermi, color=INK, linewidth=1.0, linestyle=(0, (4, 3)),
                         label=f"Fermi energy {result.fermi:.2f} eV")  # fmt: skip
        _draw_levels(axes, result)
        _draw_atoms(axes, result)
        axes.set_xlim(0, result.period)
        axes.set_xlabel("height along the normal (Å)")
        axes.set_ylabel("potential of an electron (eV)")
        quiet_grid(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        headline(figure, title, result.provenance)
    return figure


def _draw_levels(axes: Axes, result: PlanarPotential) -> None:
    for level, side in zip(result.vacuum or (), ("upper", "lower"), strict=False):
        axes.axhline(level, color=QUIET, linewidth=1.0,
                     label=f"vacuum, {side} side {level:.2f} eV")  # fmt: skip


def _draw_atoms(axes: Axes, result: PlanarPotential) -> None:
    """Mark the planes of atoms at the lower edge."""
    low = float(result.potential.min())
    for number, (species, heights) in enumerate(result.atoms.items()):
        axes.plot(heights, np.full(len(heights), low), linestyle="none", marker="|",
                  markersize=9, color=PALETTE[(2 + number) % len(PALETTE)],
                  label=species)  # fmt: skip
