"""The figure of diffusion coefficients against temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.diffusion.arrhenius import Arrhenius
from ionface.analysis.diffusion.diffusion import CM2_PER_S
from ionface.analysis.figures.style import (
    PALETTE,
    headline,
    quiet_grid,
    scientific,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure_arrhenius(result: Arrhenius, *, title: str = "") -> Figure:
    """Return D against 1000/T with the fitted line, extrapolated to one temperature.

    The band is the 95 % confidence of the line; the hollow point its extrapolation.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8.4, 5.0), layout="constrained")
        axes = figure.subplots()
        _draw_line(axes, result, PALETTE[0])
        axes.set_ylabel("diffusion coefficient (cm²/s)")
        temperature_axes(axes, sorted({result.room, *result.temperatures}))
        what = f"Diffusion of {result.species} against temperature"
        headline(figure, title or what, result.provenance)
    return figure


def temperature_axes(axes: Axes, shown: Sequence[float]) -> None:
    """Make axes of a logarithm against 1000/T, with temperatures in K above."""
    axes.set_yscale("log")
    axes.set_xlabel("1000 / T (1/K)")
    above = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
    # neighbors would be written over each other
    apart = 0.05 * (1 / min(shown) - 1 / max(shown))
    kept = [shown[0]]
    kept += [t for t, s in zip(shown[1:], shown, strict=False) if 1 / s - 1 / t > apart]
    shown = kept
    above.set_xticks(shown, [f"{t:.4g} K" for t in shown])
    above.tick_params(length=3, labelsize=9.5)
    above.spines["top"].set_visible(False)
    quiet_grid(axes, "both")
    axes.legend(loc="lower left", labelspacing=1.0)


def _draw_line(axes: Axes, line: Arrhenius, color: str) -> None:
    room = line.room
    low, high = min(room, line.temperatures[0]), max(room, line.temperatures[-1])
    t = 1 / np.linspace(1 / high, 1 / low, 80)
    points = [line.at(float(v)) for v in t]
    bands = CM2_PER_S * np.array([p.interval for p in points])
    axes.fill_between(
        1000 / t, bands[:, 0], bands[:, 1], color=color, alpha=0.15, linewidth=0
    )
    axes.plot(1000 / t, [p.cm2_per_s for p in points], color=color, linewidth=1.6)
    label = f"{line.species}: $E_a$ = {line.ea:.2f} ± {line.ea_error:.2f} eV"
    there = line.at(room)
    if there.outside:
        value, _, power = scientific(there.cm2_per_s, 0)
        factor = np.exp(1.96 * there.log_error)
        label += f"\nD({room:g} K) = {value}·10$^{{{power}}}$ cm²/s ×÷ {factor:.1f}"
        axes.plot(
            1000 / room, there.cm2_per_s, "o", color=color, markersize=9,
            markerfacecolor="white", markeredgewidth=1.8,
        )  # fmt: skip
    axes.errorbar(
        1000 / line.temperatures, CM2_PER_S * line.coefficients,
        CM2_PER_S * line.errors, color=color, marker="o", markersize=7, capsize=3,
        linestyle="", label=label,
    )  # fmt: skip


def _inverse(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1000.0 / np.asarray(x, dtype=np.float64)
