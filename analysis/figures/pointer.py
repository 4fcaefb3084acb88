"""A drawn figure as SVG, with the numbers behind it for whoever points at it.

One function serves every figure: curves and bars are read from matplotlib's own
objects, so that what a page shows beside the pointer is what was drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ionface.analysis.trajectory.frames import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 1200
"""Points of a curve that are kept: more than a screen has pixels across a panel."""

FEWEST_POINTS = 3  # of a curve; two make a guide line, which says nothing by itself

DIGITS = 5


@dataclass(frozen=True)
class Drawn:
    """A figure for a page.

    Attributes:
        svg: the <svg> element, without ids that two figures could share.
        document: the whole SVG file.
        panels: plain data of each panel: "box" (left, top, right, bottom; fractions of
            the figure), "x" and "y" ({"from", "to", "log", "label"}), "title", "lines"
            ({"label", "color", "x", "y"}) and "bars" ({"box", "label", "value"}).
        thinned: so many points stand for one, in the longest curve.
    """

    svg: str
    document: str
    panels: list[dict[str, Any]]
    thinned: int = 1


def drawn(figure: Figure) -> Drawn:
    """Return a figure as SVG with its numbers."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    # letters, which a page can select and read aloud; the same file every time
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ionface"}):
        # savefig would draw twice: once to lay out, though drawing does that, too
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None})
    panels, longest = [], 0
    for axes in figure.axes:
        lines = [line for line in axes.get_lines() if _is_curve(line)]
        longest = max([longest, *(len(_values(line)[0]) for line in lines)])
        bars = list(_bars(axes))
        if lines or bars:
            panels.append(_panel(axes) | {"lines": _curves(lines), "bars": bars})
    document, step = buffer.getvalue(), -(-longest // MOST_POINTS) or 1
    return Drawn(_element(document), document, panels, step)


def _element(document: str) -> str:
    """Return the <svg> alone, scalable, without the ids that nothing refers to."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    opening, rest = svg.split(">", 1)
    return re.sub(r' (?:width|height)="[^"]*"', "", opening) + ">" + rest


def _panel(axes: Axes) -> dict[str, Any]:
    box = axes.get_position()
    return {
        "box": [_short(v) for v in (box.x0, 1 - box.y1, box.x1, 1 - box.y0)],
        "x": _axis(axes.get_xlim(), axes.get_xscale(), axes.get_xlabel()),
        "y": _axis(axes.get_ylim(), axes.get_yscale(), axes.get_ylabel()),
        "title": axes.get_title(loc="left"),
    }


def _axis(limits: tuple[float, float], scale: str, label: str) -> dict[str, Any]:
    low, high = map(float, limits)
    return {"from": low, "to": high, "log": scale == "log", "label": label}


def _is_curve(line: Any) -> bool:
    return line.get_visible() and len(_values(line)[0]) >= FEWEST_POINTS


def _values(line: Any) -> tuple[FloatArray, FloatArray]:
    x, y = (np.asarray(values, dtype=np.float64) for values in line.get_data())
    return x, y


def _curves(lines: list[Any]) -> list[dict[str, Any]]:
    from matplotlib.colors import to_hex

    found = []
    for line in lines:
        x, y = _values(line)
        step = -(-len(x) // MOST_POINTS)
        label = str(line.get_label())
        found.append(
            {
                # what has no name of its own is what the axis says
                "label": "" if label.startswith("_") else label,
                "color": to_hex(line.get_color()),
                "x": _numbers(x[::step]),
                "y": _numbers(y[::step]),
            }
        )
    return found


def _bars(axes: Axes) -> Iterator[dict[str, Any]]:
    names = [label.get_text() for label in axes.get_yticklabels()]
    ticks = list(axes.get_yticks())
    inside = axes.get_figure(root=True).transFigure.inverted()  # type: ignore[union-attr]
    for container in axes.containers:
        if getattr(container, "orientation", "") != "horizontal":
            continue
        for patch in getattr(container, "patches", ()):
            middle = patch.get_y() + patch.get_height() / 2
            row = int(np.argmin(np.abs(np.asarray(ticks) - middle))) if ticks else 0
            corners = axes.transData.transform(
                [(patch.get_x(), patch.get_y()),
                 (patch.get_x() + patch.get_width(), middle + patch.get_height() / 2)]
            )  # fmt: skip
            (x0, y0), (x1, y1) = inside.transform(corners)
            xs, ys = sorted((x0, x1)), sorted((1 - y0, 1 - y1))
            yield {
                "box": [_short(v) for v in (xs[0], ys[0], xs[1], ys[1])],
                "label": names[row] if row < len(names) else "",
                "value": _short(patch.get_width()),
            }


def _numbers(values: ArrayLike) -> list[float | None]:
    array: FloatArray = np.asarray(values, dtype=float)
    return [_short(v) if np.isfinite(v) else None for v in array.tolist()]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
