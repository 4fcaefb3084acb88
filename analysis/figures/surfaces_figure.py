"""The figure of surface energies: one bar per cut, as cut and relaxed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionface.analysis.energies.surface_energies import SurfaceEnergies
from ionface.analysis.figures.style import PALETTE, headline, quiet_grid, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AS_CUT = "#c9d1d8"


def figure_surfaces(result: SurfaceEnergies, *, title: str = "") -> Figure:
    """Return the energies of a facet's cuts as bars."""
    from matplotlib.figure import Figure

    surfaces = result.surfaces
    with styled():
        figure = Figure(figsize=(7.4, 1.8 + 0.5 * len(surfaces)), layout="constrained")
        axes = figure.subplots()
        rows = range(len(surfaces))
        axes.barh(rows, [s.cut or 0.0 for s in surfaces], color=AS_CUT, label="as cut")
        relaxed = [surface.relaxed for surface in surfaces]
        axes.barh(rows, relaxed, height=0.5, color=PALETTE[0], label="relaxed")
        names = [
            f"{s.termination}{' (polar)' if s.tasker == 3 else ''}" for s in surfaces
        ]
        axes.set_yticks(rows, names)
        axes.invert_yaxis()
        axes.set_xlabel("surface energy (J/m²)")
        axes.legend(loc="lower right")
        quiet_grid(axes, "x")
        headline(figure, title or result.facet, result.provenance)
    return figure
