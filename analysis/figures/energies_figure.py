"""The figure of formation energies, the published values beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ionface.analysis.energies.formation_energies import FormationEnergies
from ionface.analysis.energies.ledger import LedgerEntry
from ionface.analysis.figures.style import (
    INK,
    PALETTE,
    QUIET,
    headline,
    quiet_grid,
    styled,
)
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = "#c9d1d8"


def figure_energies(result: FormationEnergies, *, title: str = "") -> Figure:
    """Return formation energies as bars, the published values beside them.

    Raises:
        AnalysisError: there is no entry.
    """
    from matplotlib.figure import Figure

    entries = result.entries
    if not entries:
        raise AnalysisError("no energy to draw; book at least one interface")
    paper = {n: line.sigma_j_per_m2 for n, line in result.published.items()}
    paper = {e.name: paper[e.name] for e in entries if e.name in paper}
    quick, spreads = result.provenance.quick, result.engine_spreads
    with styled():
        figure = Figure(figsize=(8.0, 1.7 + 0.9 * len(entries)), layout="constrained")
        axes = figure.subplots()
        for row, entry in enumerate(entries):
            spread = spreads.get(entry.name)
            error = spread.error_j_per_m2 if spread else None
            _draw_energy(axes, row, entry, paper.get(entry.name), error)
        axes.set_yticks(range(len(entries)), [entry.name for entry in entries])
        axes.tick_params(axis="y", length=0, labelsize=12)
        axes.set_ylim(len(entries) - 0.4, -0.6)
        axes.margins(x=0.16)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.spines["left"].set_visible(False)
        frozen = all(entry.slabs_state == "frozen" for entry in entries)
        name = "−(work of adhesion)" if frozen else "interface formation energy"
        axes.set_xlabel(f"{name} (J/m²), negative: it forms")
        quiet_grid(axes, "x")
        _energy_legend(axes, with_paper=bool(paper), quick=quick)
        headline(figure, title, result.provenance)
    return figure


def _draw_energy(
    axes: Axes, row: int, entry: LedgerEntry, paper: float | None, error: float | None
) -> None:
    value = entry.formation.j_per_m2
    hollow = entry.quick or entry.level.emulated
    place = row - (0.17 if paper is not None else 0.0)
    axes.barh(
        place, value, height=0.32, color="white" if hollow else PALETTE[0],
        edgecolor=PALETTE[0], linewidth=1.4, hatch="////" if hollow else None,
    )  # fmt: skip
    if error is not None:
        axes.errorbar(value, place, xerr=error, color=INK, capsize=4, linewidth=1.4)
    beyond = value + math.copysign(error or 0.0, value)
    _value_text(axes, place, value, PALETTE[0], at=beyond)
    if paper is not None:
        axes.barh(row + 0.19, paper, height=0.32, color=PAPER)
        _value_text(axes, row + 0.19, paper, QUIET)


def _value_text(
    axes: Axes, row: float, value: float, color: str, at: float | None = None
) -> None:
    axes.annotate(
        f"{value:.2f}".replace("-", "−"), (value if at is None else at, row),
        xytext=(-5 if value < 0 else 5, 0), textcoords="offset points",
        ha="right" if value < 0 else "left", va="center", color=color,
        fontweight="bold", fontsize=10.5,
    )  # fmt: skip


def _energy_legend(axes: Axes, *, with_paper: bool, quick: bool) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(
            facecolor="white" if quick else PALETTE[0], edgecolor=PALETTE[0],
            hatch="////" if quick else None,
            label="this study, quick" if quick else "this study",
        )
    ]  # fmt: skip
    if with_paper:
        handles.append(Patch(facecolor=PAPER, label="published"))
    axes.legend(handles=handles, loc="lower left", ncols=2, bbox_to_anchor=(0, 1))
