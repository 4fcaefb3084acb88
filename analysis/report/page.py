"""One self-contained HTML file: it opens anywhere, prints, and loads nothing.

`write_report(content, path)` is the function one came for. All text is escaped; images
are embedded; there is no script.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from ionface.analysis.report.content import (
    Cell,
    ModelCard,
    Notice,
    Picture,
    ReportContent,
    Table,
)
from ionface.errors import AnalysisError
from ionface.files import write_atomically

__all__ = [
    "ModelCard",
    "Notice",
    "Picture",
    "ReportContent",
    "Table",
    "render_report",
    "write_report",
]

DASH = "–"

_LEVEL_NAMES = {
    "cutoff_ev": "cutoff (eV)",
    "k_points": "k-points",
    "weights": "weights (SHA-256)",
}


SHOWN = 0.55
"""CSS pixels per pixel of a PNG: figures of 150 dots per inch, at reading size."""


def write_report(content: ReportContent, path: str | os.PathLike[str]) -> Path:
    """Write the report in one piece and return its path.

    Raises:
        AnalysisError: an image is neither PNG nor SVG, or the folder cannot be written.
    """
    return write_atomically(path, render_report(content).encode())


def render_report(content: ReportContent) -> str:
    """Return the report as HTML.

    Raises:
        AnalysisError: an image is neither PNG nor SVG.
    """
    css = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    sections = [
        (title, "".join(parts))
        for title, made in _sections(content)
        if (parts := list(made))
    ]
    links = "".join(
        f'<a href="#{_anchor(title)}">{escape(title)}</a>' for title, _ in sections
    )
    body = "".join(
        f'<section id="{_anchor(title)}"><h2>{escape(title)}</h2>{html}</section>'
        for title, html in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(content.title)}</title><style>{css}</style></head><body>"
        f"{_top(content)}<main>"
        f"{''.join(_notice(notice) for notice in content.notices)}"
        f"<nav>{links}</nav>{body}"
        "<footer>Written by ionface. Negative formation energies mean that the "
        "interface forms with a gain: E = (E_interface − Σ E_slab) / (n A), slabs "
        "evaluated in the interface’s own cell.</footer></main></body></html>\n"
    )


def _sections(content: ReportContent) -> Iterator[tuple[str, Iterable[str]]]:
    yield "Formation energies", _energies(content)
    yield "Interface models", map(_model, content.models)
    yield "Registry scans", map(_figure, content.landscapes)
    yield "Radial distribution functions", map(_figure, content.rdfs)
    yield "Bonds in time", map(_figure, content.bonds)
    for title, table in content.tables.items():
        yield title, [_table(table)]
    yield "Checks of the runs", map(_figure, content.run_checks)
    yield "Levels of theory", _levels(content.levels)
    yield "Study", _facts(content.settings)
    yield "Provenance", _facts(content.provenance)
    yield "Files", _files(content.files)


def _top(content: ReportContent) -> str:
    subtitle = f"<p>{escape(content.subtitle)}</p>" if content.subtitle else ""
    numbers = "".join(
        f"<li><b>{escape(value)}</b><span>{escape(what)}</span></li>"
        for value, what in content.highlights
    )
    highlights = f'<ul class="highlights">{numbers}</ul>' if numbers else ""
    return (
        f'<header class="top"><div><h1>{escape(content.title)}</h1>{subtitle}'
        f"{highlights}</div></header>"
    )


def _notice(notice: Notice) -> str:
    return f'<p class="notice {notice.kind}" role="note">{escape(notice.text)}</p>'


def _energies(content: ReportContent) -> Iterator[str]:
    if content.energies is not None:
        yield _table(content.energies)
    if content.energy_figure is not None:
        yield _figure(content.energy_figure)
    if content.checks:
        yield "<h3>Verified by the ledger</h3>"
    for name, checks in content.checks.items():
        items = "".join(f"<li>{escape(check)}</li>" for check in checks)
        yield f'<p class="of">{escape(name)}</p><ul class="checks">{items}</ul>'


def _model(card: ModelCard) -> str:
    facts = "".join(_facts(card.facts))
    if card.picture is None:
        inner = facts
    else:
        image = _image(card.picture, f"Model of {card.name}")
        inner = f'<div class="both"><div>{image}</div><div>{facts}</div></div>'
    return f'<div class="card"><h3>{escape(card.name)}</h3>{inner}</div>'


def _figure(picture: Picture) -> str:
    title = f"<h3>{escape(picture.title)}</h3>" if picture.title else ""
    caption = (
        f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    )
    image = _image(picture.data, picture.title or picture.caption or "figure")
    return f"{title}<figure>{image}{caption}</figure>"


def _image(data: bytes, alternative: str) -> str:
    if data.startswith(b"\x89PNG"):
        kind = "png"
    elif b"<svg" in data[:1000]:
        kind = "svg+xml"
    else:
        raise AnalysisError(
            f"the image {alternative!r} is neither PNG nor SVG (it starts with "
            f"{data[:8]!r}); save it as one of them"
        )
    # As an <img>, an SVG cannot run scripts or load anything.
    encoded = base64.b64encode(data).decode()
    width = f' width="{_shown_width(data)}"' if kind == "png" else ""
    source = f"data:image/{kind};base64,{encoded}"
    return f'<img src="{source}"{width} alt="{escape(alternative)}">'


def _shown_width(png: bytes) -> int:
    """Return the width in CSS pixels that keeps all figures' text at one size."""
    pixels = int.from_bytes(png[16:20], "big")  # of the IHDR chunk, which comes first
    return max(1, round(pixels * SHOWN))


def _table(table: Table) -> str:
    numeric = [
        any(_is_number(row[k]) for row in table.rows)
        and all(row[k] in (None, DASH) or _is_number(row[k]) for row in table.rows)
        for k in range(len(table.header))
    ]
    head = "".join(
        f"<th{_class(right)}>{escape(name)}</th>"
        for name, right in zip(table.header, numeric, strict=True)
    )
    rows = "".join(_row(row, numeric) for row in table.rows)
    caption = f'<p class="caption">{escape(table.caption)}</p>' if table.caption else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{caption}"
    )


def _row(row: Sequence[Cell], numeric: Sequence[bool]) -> str:
    cells = "".join(
        f"<td{_class(right)}>{_text(cell)}</td>"
        for cell, right in zip(row, numeric, strict=True)
    )
    return f"<tr>{cells}</tr>"


def _is_number(cell: Cell) -> bool:
    """Return whether a cell is a number, or a text that was formatted as one."""
    if isinstance(cell, str):
        return re.fullmatch(r"[+−-]?\d[\d.,]*(e[+-]?\d+)?", cell) is not None
    return cell is not None and not isinstance(cell, bool)


def _class(right: bool) -> str:
    return ' class="number"' if right else ""


def _facts(facts: Mapping[str, Cell]) -> Iterator[str]:
    if facts:
        rows = "".join(
            f"<dt>{escape(name)}</dt><dd>{_text(value)}</dd>"
            for name, value in facts.items()
        )
        yield f"<dl>{rows}</dl>"


def _levels(levels: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    cards = []
    for name, level in levels.items():
        shown = {
            _LEVEL_NAMES.get(key, key): _plain(value)
            for key, value in level.items()
            if value not in (None, "", [], (), False) and key != "emulated"
        }
        mark = (
            ' <span class="emulated">EMULATED</span>' if level.get("emulated") else ""
        )
        cards.append(
            f"<div><h3>{escape(name)}{mark}</h3>{''.join(_facts(shown))}</div>"
        )
    if cards:
        yield f'<div class="levels">{"".join(cards)}</div>'


def _files(files: Sequence[tuple[str, str]]) -> Iterator[str]:
    if files:
        rows = "".join(
            f'<dt><a href="{escape(path)}">{escape(path)}</a></dt>'
            f"<dd>{escape(what)}</dd>"
            for path, what in files
        )
        yield f"<dl>{rows}</dl>"


def _plain(value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str | int | float) else str(value)


def _text(cell: Cell) -> str:
    """Return a cell as HTML; numbers with a true minus sign."""
    if cell is None:
        return DASH
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.6g}".replace("-", "−")
    if isinstance(cell, int):
        return str(cell).replace("-", "−")
    return escape(cell).replace("\n", "<br>")


def _anchor(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower())
