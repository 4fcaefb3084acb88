"""The figure of g(r) in time over the crystals that a reaction might form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ionface.analysis.figures.style import (
    GRID,
    QUIET,
    REFERENCES,
    headline,
    styled,
)
from ionface.analysis.rdf.rdf_result import RdfResult, broaden
from ionface.analysis.trajectory.frames import FS_PER_PS, FloatArray
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WARM = 0.08
"""Broadening of motionless crystals in figures, Å: about their motion at 300 K."""

SMOOTH = 0.04
"""Smoothing of the drawn g(r), Å; the numbers in the files are not smoothed."""


def figure_rdf(result: RdfResult, *, title: str = "") -> Figure:
    """Return g(r) of each pair in every window, colored by time, over the references.

    The crystals of `result.references` are drawn in a strip of their own below, each
    under the pairs that it has.

    Raises:
        AnalysisError: the result has no pair.
    """
    from matplotlib.figure import Figure

    crystals = result.references
    names = list(result.pairs)
    if not names:
        raise AnalysisError("no pair to draw; compute at least one partial RDF")
    strip = any(
        name in crystal.pairs for name in names for crystal in crystals.values()
    )
    with styled():
        figure = Figure(
            figsize=(2.0 + 4.0 * len(names), 5.4 if strip else 4.2),
            layout="constrained",
        )
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.06)
        grid = figure.subplots(
            2 if strip else 1,
            len(names),
            sharex="all",
            squeeze=False,
            height_ratios=[3.2, 1.0] if strip else [1.0],
        )
        for column, name in enumerate(names):
            _draw_windows(grid[0, column], result, name)
            if strip:
                _draw_references(grid[1, column], grid[0, column], crystals, name)
            grid[-1, column].set_xlabel("distance r (Å)")
        grid[0, 0].set_xlim(_first_distance(result), result.r[-1])
        grid[0, 0].set_ylabel(f"g(r), {_normalization(result)}")
        _time_bar(figure, grid, result)
        headline(figure, title, result.provenance)
    return figure


def _draw_windows(axes: Axes, result: RdfResult, name: str) -> None:
    g = result.pairs[name].g
    colors = _time_colors(len(g))
    curves = [_smoothed(result.r, row, SMOOTH) for row in g]
    for index, curve in enumerate(curves):
        window = _window(result, index)
        error = np.nan_to_num(result.pairs[name].g_error[index])
        axes.fill_between(
            result.r, curve - error, curve + error, color=colors[index], alpha=0.16,
            linewidth=0, zorder=2,
        )  # fmt: skip
        axes.plot(
            result.r, curve, color=colors[index], linewidth=1.7, zorder=3 + index,
            label=window,
        )  # fmt: skip
    axes.axhline(1, color=GRID, linewidth=1.2, zorder=1)
    axes.set_ylim(0, 1.12 * float(np.max(curves)) or 1.0)
    axes.set_title(name.replace("-", "–"))
    _draw_neighbors(axes, result, name, colors)


def _draw_neighbors(
    axes: Axes, result: RdfResult, name: str, colors: FloatArray
) -> None:
    """Draw n(r) of the first and last window up to the first shell's end, dotted."""
    pair = result.pairs[name]
    ends = [peak.coordination for peak in pair.first_peaks if peak]
    if not ends:
        return
    beside = axes.twinx()
    for index in sorted({0, len(pair.n) - 1}):
        beside.plot(
            result.r, pair.n[index], color=colors[index], linewidth=1.3,
            linestyle=(0, (1, 2)), label=f"neighbors, {_window(result, index)}",
        )  # fmt: skip
    beside.set_ylim(0, 4 * max(ends))  # shells stand above their own count
    beside.set_ylabel("neighbors (dotted)", color=QUIET)
    beside.spines["right"].set_visible(True)


def _window(result: RdfResult, index: int) -> str:
    start, end = (time / FS_PER_PS for time in result.windows_fs[index])
    return f"{start:.3g}–{end:.3g} ps" if np.isfinite(start) else f"window {index + 1}"


def _draw_references(
    axes: Axes, above: Axes, crystals: Mapping[str, RdfResult], name: str
) -> None:
    colors = dict(zip(crystals, REFERENCES * len(crystals), strict=False))
    shown = {k: crystal for k, crystal in crystals.items() if name in crystal.pairs}
    for label, crystal in shown.items():
        color = colors[label]
        curve = _smoothed(crystal.r, crystal.pairs[name].g[0], WARM)
        top = curve.max() or 1.0
        if peak := crystal.pairs[name].first_peaks[0]:
            for panel, height in ((above, 1.0), (axes, 0.66)):
                panel.axvline(
                    peak.r, ymax=height, color=color, linewidth=1.1, linestyle="--"
                )
        axes.fill_between(crystal.r, curve / top, color=color, alpha=0.28, linewidth=0)
        axes.plot(crystal.r, curve / top, color=color, linewidth=1.4, label=label)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(0, 1.55)
    if shown:
        axes.legend(loc="upper left", ncols=2, borderaxespad=0, handlelength=1.2)
    else:
        axes.text(
            0.5, 0.4, "no reference crystal", color=QUIET, ha="center", fontsize=10,
            transform=axes.transAxes,
        )  # fmt: skip


def _smoothed(r: FloatArray, g: FloatArray, sigma: float) -> FloatArray:
    """Return g smoothed so that r²g, the number of neighbors, keeps its sum."""
    return broaden(r, g * r**2, sigma) / r**2


def _first_distance(result: RdfResult) -> float:
    """Return where the distances begin to matter, Å."""
    near = [result.r[pair.g.any(axis=0)][:1] for pair in result.pairs.values()]
    found = np.concatenate(near)
    return max(0.0, float(np.floor(found.min() - 0.25))) if len(found) else 0.0


def _time_colors(number: int) -> FloatArray:
    """Return colors from early (light) to late (dark), shape (number, 4).

    Without the yellow end, which neither white nor dark paper sets off.
    """
    import matplotlib as mpl

    span = np.linspace(0.35, 1.0, number) if number > 1 else np.array([0.92])
    return np.asarray(mpl.colormaps["viridis_r"](span), dtype=np.float64)


def _time_bar(figure: Figure, grid: Any, result: RdfResult) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    if len(result.windows_fs) < 2:
        return
    starts = [start / FS_PER_PS for start, _ in result.windows_fs]
    edges = [*starts, result.windows_fs[-1][1] / FS_PER_PS]
    label = "time window (ps)"
    if not np.isfinite(edges).all():  # frames without times: windows are numbered
        edges, label = [float(n) for n in range(len(edges))], "window of frames"
    colors = ListedColormap(_time_colors(len(starts)))
    mappable = ScalarMappable(BoundaryNorm(edges, len(starts)), colors)
    bar = figure.colorbar(mappable, ax=list(grid[0]), pad=0.02, aspect=28, label=label)
    shown = edges if len(edges) <= 7 else edges[:: -(-len(edges) // 7)]
    bar.set_ticks(shown, labels=[f"{edge:.3g}" for edge in shown])
    bar.outline.set_visible(False)


def _normalization(result: RdfResult) -> str:
    if result.normalization == "cell":
        return "cell's mean density"
    return "density profile"
