"""The first screen of a report: the model to turn and play, the results in lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from ionface.analysis.report.scene import Scene

WIDE, HIGH = 120, 28  # of a small curve, in its own units


@dataclass(frozen=True)
class Line:
    """One result in a line.

    Attributes:
        heading: what it belongs to; lines of the same heading stand together.
        label: what it is of.
        value: in words.
        note: what it stands beside: a published value, a verdict.
        series: a small curve; empty if there is none.
        level: a value that the curve is compared with; None if there is none.
        pair: whose bonds the model shows when the line is clicked.
        scene: number of the scene that shows them.
    """

    heading: str
    label: str
    value: str
    note: str = ""
    series: Sequence[float] = ()
    level: float | None = None
    pair: str = ""
    scene: int = 0


@dataclass(frozen=True)
class Glance:
    """The first screen.

    Attributes:
        scenes: to turn and play; none where there is no model.
        lines: in their order.
    """

    scenes: Sequence[Scene] = ()
    lines: Sequence[Line] = ()


def rendered(glance: Glance) -> str:
    """Return the first screen as HTML; empty if there is nothing."""
    if not glance.scenes and not glance.lines:
        return ""
    groups = "".join(
        f"<h3>{escape(heading)}</h3><ul>{''.join(map(_line, lines))}</ul>"
        for heading, lines in groupby(glance.lines, key=lambda line: line.heading)
    )
    told = f'<div class="lines">{groups}</div>' if groups else ""
    return (
        '<section id="at-a-glance" class="glance"><h2 class="unseen">At a glance</h2>'
        f"{_stage(glance.scenes)}{told}</section>"
    )


def _line(line: Line) -> str:
    curve = sparkline(line.series, line.level) if len(line.series) > 1 else "<i></i>"
    inside = (
        f'<span class="label">{escape(line.label)}</span>{curve}'
        f"<b>{escape(signed(line.value))}</b>"
        f'<span class="note">{escape(signed(line.note))}</span>'
    )
    if not line.pair:
        return f'<li class="line">{inside}</li>'
    return (
        f'<li><button type="button" class="line pair" aria-pressed="false" '
        f'data-pair="{escape(line.pair)}" data-scene="{line.scene}" '
        f'title="Show these bonds in the model">{inside}</button></li>'
    )


def signed(text: str) -> str:
    """Return text whose numbers have true minus signs, and whose zeros have none.

    >>> signed("-0.56 eV, -0.00 eV, 2.1e-05, 2026-11-28")
    '−0.56 eV, 0.00 eV, 2.1e−05, 2026-11-28'
    """
    text = re.sub(r"(?<![\w.)])-(?=\d)|(?<=\de)-(?=\d)", "−", text)
    return re.sub(r"(?<!e)−(0(?:\.0*)?)(?![\d.])", r"\1", text)


def sparkline(series: Sequence[float], level: float | None = None) -> str:
    """Return a small curve as SVG, with a dashed line at a level.

    >>> sparkline([0, 1]).count("<path")
    1
    """
    values = [*series, *([] if level is None else [level])]
    low, span = min(values), max(values) - min(values)
    if not span:
        low, span = low - 0.5, 1.0  # in the middle

    def y(value: float) -> float:
        return round(HIGH - 2 - (HIGH - 4) * (value - low) / span, 1)

    step = max(1, len(series) // WIDE)
    shown = list(series[::step])
    gap = WIDE / max(1, len(shown) - 1)
    path = " ".join(f"{round(k * gap, 1)},{y(v)}" for k, v in enumerate(shown))
    rule = (
        ""
        if level is None
        else f'<line x1="0" x2="{WIDE}" y1="{y(level)}" y2="{y(level)}"/>'
    )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" '
        f'aria-hidden="true">{rule}<path d="M{path}"/></svg>'
    )


def _stage(scenes: Sequence[Scene]) -> str:
    if not scenes:
        return ""
    mark = "".join(
        '<span class="emulated">EMULATED</span>' for s in scenes[:1] if s.emulated
    )
    names = ", ".join(scene.name for scene in scenes)
    return (
        '<div id="stage" class="stage"><div class="screen" tabindex="0" role="img" '
        f'aria-label="Three-dimensional model of {escape(names)}. Arrow keys turn, '
        f'plus and minus zoom, space plays the run."></div>{mark}'
        '<p class="key" aria-label="Colors"></p>'
        '<div class="controls"><label>Interface <select name="scene"></select></label>'
        '<label>Show <select name="state"></select></label>'
        '<label>Colors <select name="paint"><option value="element">by element</option>'
        '<option value="phase">by phase</option></select></label>'
        '<button type="button" class="play">▶ Play</button>'
        '<input type="range" min="0" value="0" aria-label="Time of the run">'
        '<button type="button" class="home" aria-label="Turn back to the first view">'
        '⟲</button><button type="button" class="shot" '
        'aria-label="Download this view as PNG">PNG</button></div>'
        '<p class="status" role="status"></p><p class="thinned"></p>'
        "<noscript><style>.screen, .key, .controls { display: none }</style>"
        '<p>Scripts are off: <a href="#interface-models">still pictures of the models'
        "</a> are below.</p></noscript></div>"
    )
