"""The figures: g(r) in time, bonds against time, energies beside the paper's, checks.

Every function returns a matplotlib Figure that belongs to nobody else (there is no
pyplot state); `style.png` turns it into bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.figures.rdf_figure import figure_rdf
from ionface.analysis.figures.style import (
    FS_PER_PS,
    INK,
    PALETTE,
    QUIET,
    color_of,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.rdf.bonds import BondCounts
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_bonds", "figure_energies", "figure_rdf", "figure_temperature"]


def figure_bonds(
    counts: BondCounts,
    *,
    title: str = "",
    quick: bool = False,
    emulated: bool = False,
) -> Figure:
    """Return the number of bonds of each pair against time, one panel per pair.

    The thin line is every frame, the thick one a running mean over a twentieth of the
    run.

    Raises:
        AnalysisError: there is no pair.
    """
    from matplotlib.figure import Figure

    names = list(counts.counts)
    if not names:
        raise AnalysisError("no pair to draw; count the bonds of at least one")
    with styled():
        figure = Figure(figsize=(8.0, 1.2 + 1.75 * len(names)), layout="constrained")
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, names, strict=True):
            _draw_bonds(axes, counts, name, color_of(name, names))
        panels[-1].set_xlabel("time (ps)")
        headline(figure, title, quick=quick, emulated=emulated)
    return figure


def figure_energies(
    entries: Sequence[Mapping[str, Any]],
    published: Mapping[str, float] | None = None,
    *,
    title: str = "",
    quick: bool = False,
) -> Figure:
    """Return formation energies as bars, the published values beside them.

    Args:
        entries: of the ledger, as `LedgerEntry.as_dict` gives them.
        published: J/m² by the name of the interface.
        title: above the panel.
        quick: mark the figure as a rehearsal.

    Raises:
        AnalysisError: there is no entry.
    """
    from matplotlib.figure import Figure

    if not entries:
        raise AnalysisError("no energy to draw; book at least one interface")
    paper = published or {}
    emulated = any(entry["level_of_theory"].get("emulated") for entry in entries)
    with styled():
        figure = Figure(figsize=(8.0, 1.7 + 0.9 * len(entries)), layout="constrained")
        axes = figure.subplots()
        for row, entry in enumerate(entries):
            _draw_energy(axes, row, entry, paper.get(entry["name"]), quick=quick)
        axes.set_yticks(range(len(entries)), [entry["name"] for entry in entries])
        axes.tick_params(axis="y", length=0, labelsize=12)
        axes.set_ylim(len(entries) - 0.4, -0.6)
        axes.margins(x=0.16)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("interface formation energy (J/m²), negative: it forms")
        quiet_grid(axes, "x")
        _energy_legend(axes, with_paper=bool(paper), quick=quick)
        headline(figure, title, quick=quick, emulated=emulated)
    return figure


def figure_temperature(
    trajectory: Trajectory,
    target: float | None = None,
    *,
    title: str = "",
    quick: bool = False,
    emulated: bool = False,
) -> Figure:
    """Return temperature and conserved quantity against time, the run's own checks.

    Args:
        trajectory: with temperatures; the conserved quantity is drawn if there is one.
        target: temperature of the thermostat, K.
        title: above the panels.
        quick: mark the figure as a rehearsal.
        emulated: mark it as the output of a stand-in.

    Raises:
        AnalysisError: the trajectory has no temperatures.
    """
    from matplotlib.figure import Figure

    temperature = trajectory.scalars["temperature"]
    conserved = trajectory.scalars["conserved"]
    if not np.isfinite(temperature).any():
        raise AnalysisError(
            "this trajectory has no temperatures; draw one that ionface or VASP wrote"
        )
    both = bool(np.isfinite(conserved).any())
    times = trajectory.times_fs / FS_PER_PS
    with styled():
        figure = Figure(figsize=(8.0, 4.6 if both else 2.9), layout="constrained")
        panels = figure.subplots(1 + both, 1, sharex=True, squeeze=False)[:, 0]
        _draw_series(panels[0], times, temperature, PALETTE[1])
        panels[0].set_ylabel("temperature (K)")
        if target is not None:
            panels[0].axhline(target, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        if both:
            drift = FS_PER_PS * (conserved - conserved[0]) / trajectory.n_atoms
            _draw_series(panels[1], times, drift, PALETTE[0])
            panels[1].set_ylabel("drift of conserved\nenergy (meV/atom)")
        panels[-1].set_xlabel("time (ps)")
        headline(figure, title, quick=quick, emulated=emulated)
    return figure


def _draw_bonds(axes: Axes, counts: BondCounts, name: str, color: str) -> None:
    from matplotlib.ticker import MaxNLocator

    times, series = counts.times_fs / FS_PER_PS, counts.counts[name].astype(float)
    _draw_series(axes, times, series, color)
    axes.set_ylabel("bonds")
    axes.set_title(
        f"{name.replace('-', '–')}  within {counts.cutoffs[name]:.2f} Å", color=color
    )
    low, high = series.min(), series.max()
    room = max(1.0, 0.15 * (high - low))
    axes.set_ylim(max(0.0, low - room) if low > 4 else -0.04 * high, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _draw_series(axes: Axes, times: FloatArray, series: FloatArray, color: str) -> None:
    width = max(1, len(series) // 20)
    axes.plot(times, series, color=color, linewidth=0.7, alpha=0.35)
    if width > 1:
        kernel = np.ones(width) / width
        smooth = np.convolve(series, kernel, mode="valid")
        middle = np.convolve(times, kernel, mode="valid")
        axes.plot(middle, smooth, color=color, linewidth=2.2)
    axes.set_xlim(times[0], times[-1] if len(times) > 1 else times[0] + 1)
    quiet_grid(axes)


def _draw_energy(
    axes: Axes, row: int, entry: Mapping[str, Any], paper: float | None, *, quick: bool
) -> None:
    value = entry["sigma_j_per_m2"]
    hollow = quick or entry["level_of_theory"].get("emulated")
    axes.barh(
        row - (0.17 if paper is not None else 0.0), value, height=0.32,
        color="white" if hollow else PALETTE[0], edgecolor=PALETTE[0], linewidth=1.4,
        hatch="////" if hollow else None,
    )  # fmt: skip
    _value_text(axes, row - (0.17 if paper is not None else 0.0), value, PALETTE[0])
    if paper is not None:
        axes.barh(row + 0.19, paper, height=0.32, color="#c9d1d8")
        _value_text(axes, row + 0.19, paper, QUIET)


def _value_text(axes: Axes, row: float, value: float, color: str) -> None:
    axes.annotate(
        f"{value:.2f}".replace("-", "−"), (value, row),
        xytext=(-5 if value < 0 else 5, 0), textcoords="offset points",
        ha="right" if value < 0 else "left", va="center", color=color,
        fontweight="bold", fontsize=10.5,
    )  # fmt: skip


def _energy_legend(axes: Axes, *, with_paper: bool, quick: bool) -> None:
    from matplotlib.patches import Patch

    ours = "this study, quick" if quick else "this study"
    handles = [
        Patch(
            facecolor="white" if quick else PALETTE[0], edgecolor=PALETTE[0],
            hatch="////" if quick else None, label=ours,
        )
    ]  # fmt: skip
    if with_paper:
        handles.append(Patch(facecolor="#c9d1d8", label="published"))
    axes.legend(handles=handles, loc="lower left", ncols=2, bbox_to_anchor=(0, 1))
