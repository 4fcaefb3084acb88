"""The figure of formation energies over settings that become finer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionface.analysis.energies.convergence import Convergence
from ionface.analysis.figures.style import INK, PALETTE, headline, quiet_grid, styled
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_convergence(result: Convergence, *, title: str = "") -> Figure:
    """Return a panel for each setting, with a line for each interface.

    Raises:
        AnalysisError: nothing was tried.
    """
    from matplotlib.figure import Figure

    settings = list(dict.fromkeys(each.setting for each in result.tried))
    if not settings:
        raise AnalysisError("no energy to draw; converge at least one setting")
    names = list(dict.fromkeys(each.interface for each in result.tried))
    with styled():
        size = (1.6 + 3.2 * len(settings), 4.2)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(settings), squeeze=False)[0]
        for axes, setting in zip(panels, settings, strict=True):
            for number, name in enumerate(names):
                series = result.series.get((name, setting), [])
                finest = series[-1].j_per_m2 if series else 0.0
                axes.plot(
                    [each.value for each in series],
                    [each.j_per_m2 - finest for each in series],
                    marker="o", color=PALETTE[number % len(PALETTE)], label=name,
                )  # fmt: skip
            axes.axhline(0.0, color=INK, linewidth=0.8)
            axes.set_xlabel(setting)
            quiet_grid(axes)
        panels[0].set_ylabel("from the finest (J/m²)")
        panels[-1].legend()
        headline(figure, title, result.provenance)
    return figure
