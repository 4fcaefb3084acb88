"""The figure of the density of states along the normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.energies.layer_dos import LayerDos
from ionface.analysis.figures.style import INK, headline, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW = (-6.0, 6.0)  # eV around the Fermi energy


def figure_dos(result: LayerDos, *, title: str = "") -> Figure:
    """Return the states of every slice as a map over height and energy."""
    from matplotlib.figure import Figure

    low, high = WINDOW
    shown = (result.energies >= low) & (result.energies <= high)
    if shown.sum() < 2:
        shown[:] = True
    numbers = np.array([max(1, sum(atoms.values())) for atoms in result.atoms])
    density = (result.dos[:, shown] / numbers[:, None]).T  # per atom, (n_energies, m)
    energies = result.energies[shown]
    borders = np.append(energies, 2 * energies[-1] - energies[-2])
    with styled():
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        axes = figure.subplots()
        mesh = axes.pcolormesh(
            result.edges, borders, density, cmap="magma_r", vmin=0, rasterized=True,
            # a few flat bands would bleach all others
            vmax=float(np.quantile(density, 0.98)) or 1.0,
        )  # fmt: skip
        bar = figure.colorbar(mesh, ax=axes, label="states per eV and atom")
        bar.outline.set_visible(False)
        middles = (result.edges[1:] + result.edges[:-1]) / 2
        for edge in result.band_edges().T:
            axes.plot(middles, edge, color=INK, marker="_", markersize=12,
                      linestyle="none")  # fmt: skip
        axes.axhline(0.0, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
        axes.set_ylim(borders[0], borders[-1])
        axes.set_xlabel("height along the normal (Å)")
        axes.set_ylabel("energy above the Fermi energy (eV)")
        headline(figure, title, result.provenance)
    return figure
