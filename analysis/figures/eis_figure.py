"""Nyquist and Bode plots of an impedance spectrum with its circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.electrochemistry.eis import Eis
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    RED,
    headline,
    quiet_grid,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMOOTH = 400  # points of a fitted line


def figure_eis(result: Eis, *, title: str = "") -> Figure:
    """Return Nyquist and Bode plots, and what Kramers-Kronig leaves unexplained."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(11.0, 5.6), layout="constrained")
        parts: Any = figure.subfigures(1, 2, width_ratios=[1.15, 1])
        left, right = parts
        omega = np.geomspace(
            result.spectrum.omega.min(), result.spectrum.omega.max(), SMOOTH
        )
        _nyquist(left.subplots(), result, omega)
        above, middle, below = right.subplots(
            3, 1, sharex=True, height_ratios=[1.2, 1.2, 0.7]
        )
        _bode(above, middle, result, omega)
        _residuals(below, result)
        told = f"Impedance, circuit {result.circuit.name}"
        headline(figure, title or told, result.provenance)
    return figure


def _nyquist(axes: Axes, result: Eis, omega: Any) -> None:
    from matplotlib.patheffects import withStroke

    z, fit = result.spectrum.impedance, result.fitted(omega)
    axes.plot(fit.real, -fit.imag, color=PALETTE[1], linewidth=1.8, label="circuit")
    axes.plot(
        z.real, -z.imag, "o", color=PALETTE[0], markersize=5, label="measured",
        markerfacecolor="white", markeredgewidth=1.3,
    )  # fmt: skip
    for power, k in _decades(result):
        axes.plot(z.real[k], -z.imag[k], "o", color=PALETTE[0], markersize=5.5)
        axes.annotate(
            f"$10^{{{power}}}$ Hz", (z.real[k], -z.imag[k]), xytext=(6, 6),
            textcoords="offset points", fontsize=8.5, color=QUIET,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
    # one scale on both axes, and room above the arcs for what was found
    wide = 1.12 * max(float(z.real.max()), float(-z.imag.max()), float(-z.imag.min()))
    axes.set_xlim(min(0.0, 1.1 * float(z.real.min())), wide)
    axes.set_ylim(min(-0.02 * wide, -1.1 * float(z.imag.max())), wide)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel("Z′ (Ω)")
    axes.set_ylabel("−Z″ (Ω)")
    quiet_grid(axes, "both")
    axes.legend(loc="upper left", title=_told(result), alignment="left")


def _decades(result: Eis) -> list[tuple[int, int]]:
    """Return whole decades of frequency that stand apart, and their rows."""
    z, f = result.spectrum.impedance, result.spectrum.frequency
    size = max(np.ptp(z.real), np.ptp(z.imag))
    low, high = np.log10(f[-1]), np.log10(f[0])
    shown: list[tuple[int, int]] = []
    for power in range(int(np.ceil(low - 0.01)), int(np.floor(high + 0.01)) + 1):
        k = int(np.argmin(np.abs(np.log10(f) - power)))
        if all(abs(z[k] - z[other]) > 0.08 * size for _, other in shown):
            shown.append((power, k))
    return shown


def _told(result: Eis) -> str:
    lines = []
    for (name, unit), value, error in zip(
        result.circuit.parameters.items(),
        result.parameters,
        result.errors,
        strict=True,
    ):
        lines.append(f"{name} = {value:.4g} ± {error:.1g} {_pretty(unit)}")
    if (sigma := result.conductivity) is not None:
        lines.append(f"σ = {1e3 * sigma[0]:.3g} ± {1e3 * sigma[1]:.1g} mS/cm")
    if (diffusion := result.diffusion) is not None:
        lines.append(f"D = {diffusion[0]:.3g} ± {diffusion[1]:.1g} m²/s")
    return "\n".join(lines)


def _pretty(unit: str) -> str:
    return unit.replace("s^n", "s$^n$").replace("s^-1/2", "s$^{-1/2}$")


def _bode(above: Axes, below: Axes, result: Eis, omega: Any) -> None:
    z, f = result.spectrum.impedance, result.spectrum.frequency
    fit = result.fitted(omega)
    for axes, measured, line in (
        (above, np.abs(z), np.abs(fit)),
        (below, -np.angle(z, deg=True), -np.angle(fit, deg=True)),
    ):
        axes.plot(omega / (2 * np.pi), line, color=PALETTE[1], linewidth=1.8)
        axes.plot(
            f, measured, "o", color=PALETTE[0], markersize=4, markerfacecolor="white"
        )
        quiet_grid(axes, "both")
    above.set_xscale("log")
    above.set_yscale("log")
    above.set_ylabel("|Z| (Ω)")
    below.set_ylabel("−phase (°)")


def _residuals(axes: Axes, result: Eis) -> None:
    check, f = result.consistency, result.spectrum.frequency
    axes.axhline(0, color=INK, linewidth=0.8)
    for part, color, name in (
        (check.residuals.real, PALETTE[2], "Z′"),
        (check.residuals.imag, PALETTE[3], "Z″"),
    ):
        axes.plot(f, 100 * part, ".-", color=color, linewidth=0.9, label=name)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("residual (%)")
    axes.legend(loc="upper right", ncols=2, fontsize=8.5)
    most = max(1.0, 100 * float(np.abs(check.residuals).max()))
    axes.set_ylim(-1.2 * most, 2.0 * most)
    quiet_grid(axes, "both")
    word = "obeys Kramers-Kronig" if check.passed else "FAILS Kramers-Kronig"
    axes.text(
        0.01, 0.95, word, transform=axes.transAxes, va="top", fontsize=9.5,
        color=INK if check.passed else RED, fontweight="bold",
    )  # fmt: skip
