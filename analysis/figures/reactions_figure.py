"""The figure of bonds that form and break, with the verdict in each panel's title."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.style import (
    INK,
    QUIET,
    color_of,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.reactions.bond_events import BondHistory
from ionface.analysis.reactions.reaction_report import (
    PairReaction,
    ReactionReport,
    with_error,
)
from ionface.analysis.reactions.replicas import Replicas
from ionface.analysis.statistics import independent_error
from ionface.analysis.trajectory.frames import FS_PER_PS
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMED = "#2a7f3f"
BROKEN = "#b3361b"

STRIP = 0.2
"""Part of a panel's height, below its zero, that holds the events."""


def figure_reactions(result: ReactionReport, *, title: str = "") -> Figure:
    """Return the bonds of each pair against time, and when each formed and broke.

    Below the line is a mark for each bond that formed (green, up) or broke (red, down).

    Raises:
        AnalysisError: there is no pair.
    """
    from matplotlib.figure import Figure

    names = list(result.pairs)
    if not names:
        raise AnalysisError("no pair to draw; follow at least one")
    with styled():
        figure = Figure(figsize=(8.6, 1.0 + 2.2 * len(names)), layout="constrained")
        figure.set_layout_engine("constrained", h_pad=0.09)
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, names, strict=True):
            _draw(axes, name, result.pairs[name], color_of(name, names))
        panels[-1].set_xlabel("time (ps)")
        headline(figure, title, result.provenance)
    return figure


def figure_replicas(result: Replicas, *, title: str = "") -> Figure:
    """Return the bonds of each pair against time, of every run and of all together.

    Times are those of the shortest run. The band is the standard error of the mean.
    """
    from matplotlib.figure import Figure

    verdicts = result.verdicts
    names = list(verdicts)
    with styled():
        figure = Figure(figsize=(8.6, 1.0 + 2.0 * len(names)), layout="constrained")
        panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, names, strict=True):
            histories = [run.pairs[name].history for run in result.runs.values()]
            _draw_together(axes, histories, color_of(name, names))
            axes.set_title(f"{name.replace('-', '–')}: {verdicts[name].words}")
        panels[-1].set_xlabel("time (ps)")
        headline(figure, title, result.provenance)
    return figure


def _draw_together(axes: Axes, histories: list[BondHistory], color: str) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = min(history.n_frames for history in histories)
    times = histories[0].times_fs[:longest] / FS_PER_PS
    counts = np.array([history.counts[:longest] for history in histories])
    mean = counts.mean(axis=0)
    error = independent_error(counts)
    for row in counts:
        axes.step(times, row, where="post", color=color, linewidth=0.7, alpha=0.4)
    low, high = np.maximum(mean - error, 0.0), mean + error
    axes.fill_between(
        times, low, high, step="post", color=color, alpha=0.2, linewidth=0
    )
    axes.step(times, mean, where="post", color=color, linewidth=2.2)
    axes.set_ylabel("bonds")
    axes.set_ylim(0, 1.08 * max(1.0, float(counts.max()), float(high.max())))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=2))
    quiet_grid(axes)


def _draw(axes: Axes, name: str, pair: PairReaction, color: str) -> None:
    from matplotlib.ticker import MaxNLocator

    history = pair.history
    times = history.times_fs / FS_PER_PS
    counts = history.counts.astype(np.float64)
    top = max(1.0, float(counts.max())) * 1.12
    axes.fill_between(times, counts, step="post", color=color, alpha=0.12, linewidth=0)
    axes.plot(times, counts, color=color, linewidth=1.8, drawstyle="steps-post")
    for events, level, marker, shade in (
        (history.formed_fs, 0.3, "^", FORMED),
        (history.broken_fs, 0.7, "v", BROKEN),
    ):
        if not len(events):
            continue
        axes.plot(
            events / FS_PER_PS, np.full(len(events), -STRIP * top * level), marker,
            color=shade, markersize=4.5, markeredgewidth=0, alpha=0.6,
        )  # fmt: skip
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_ylim(-STRIP * top, top)
    axes.set_xlim(times[0], times[-1] if len(times) > 1 else times[0] + 1)
    axes.set_ylabel("bonds")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=2))
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    quiet_grid(axes)
    _write_titles(axes, name, pair)


def _write_titles(axes: Axes, name: str, pair: PairReaction) -> None:
    rule = pair.history.rule
    axes.set_title(f"{name.replace('-', '–')}: {pair.verdict.words}", color=INK, pad=21)
    for x, side, text, color in (
        (0, "left", _numbers(pair), INK),
        (1, "right", rule.words, QUIET),
    ):
        axes.annotate(
            text, (x, 1), xycoords="axes fraction", xytext=(0, 7),
            textcoords="offset points", ha=side, fontsize=9.5, color=color,
        )  # fmt: skip


def _numbers(pair: PairReaction) -> str:
    v = pair.verdict
    texts = [f"{v.at_start:g} → {with_error(v)} bonds"]
    texts.append(f"{v.formed} formed, {v.broken} broke")
    if v.survival is not None:
        lag = v.survival_lag_fs / FS_PER_PS
        texts.append(f"{100 * v.survival:.0f} % survive {lag:.2g} ps")
    return " · ".join(texts)
