"""The figure of σT against 1/T."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.electrochemistry.conductivity import Conductivities
from ionface.analysis.figures.arrhenius_figure import temperature_axes
from ionface.analysis.figures.style import PALETTE, headline, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_conductivity(result: Conductivities, *, title: str = "") -> Figure:
    """Return σT against 1000/T with the fitted line."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8.4, 5.0), layout="constrained")
        axes = figure.subplots()
        t = result.temperatures
        ends = np.linspace(1 / max(t[-1], result.at), 1 / min(t[0], result.at), 80)
        logs = np.array([result.line.log_value(float(1 / x)) for x in ends])
        color = PALETTE[0]
        if np.isfinite(logs[:, 1]).all():
            low, high = (np.exp(logs[:, 0] + s * 1.96 * logs[:, 1]) for s in (-1, 1))
            axes.fill_between(1000 * ends, low, high, color=color, alpha=0.15, lw=0)
        axes.plot(1000 * ends, np.exp(logs[:, 0]), color=color, linewidth=1.6)
        error = f" ± {result.line.ea_error:.3f}" if logs[0, 1] > 0 else ""
        value = result.conductivity(result.at)[0]
        axes.errorbar(
            1000 / t, result.conductivities * t, result.errors * t, color=color,
            marker="o", markersize=7, capsize=3, linestyle="",
            label=f"$E_a$ = {result.line.ea:.3f}{error} eV\n"
            f"σ({result.at:g} K) = {1e3 * value:.3g} mS/cm",
        )  # fmt: skip
        axes.set_ylabel("σT (K S/cm)")
        temperature_axes(axes, sorted({result.at, *t.tolist()}))
        headline(figure, title or "Ionic conduction", result.provenance)
    return figure
