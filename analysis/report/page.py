"""One self-contained HTML file: it opens anywhere, prints, and loads nothing.

`write_report(report, path)` is the function one came for. A report is plain data, whose
sections hold tables, pictures, cards and facts; whoever fills it needs to know nothing
of HTML. All text is escaped; images are embedded; scripts are our own (`scripts`).
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import count
from pathlib import Path
from typing import Any, Literal

from ionface.analysis.report import glance as first_screen
from ionface.analysis.report.glance import Glance, signed
from ionface.analysis.report.room import MOST_BYTES, Piece, fitted
from ionface.analysis.report.scripts import OWN, VIEWER, data_block, policy, script
from ionface.analysis.report.scripts import text_of as own_file
from ionface.errors import AnalysisError
from ionface.files import write_atomically

Cell = str | int | float | None

DASH = "–"

SHOWN = 0.55
"""CSS pixels per pixel of a PNG: figures of 150 dots per inch, at reading size."""


WIDE = 1000
"""CSS pixels; a wider figure has no room beside it, however wide the screen."""

SHORT = 16
"""Letters of a cell that stays in one line, as of a pair or a window of time."""


@dataclass(frozen=True)
class Notice:
    """A line at the top that a reader must not miss.

    Attributes:
        kind: "warning" for quick or emulated, "note" otherwise.
        text: one sentence.
    """

    kind: Literal["warning", "note"]
    text: str


@dataclass(frozen=True)
class Table:
    """Rows under a header.

    Attributes:
        header: names of the columns, with units.
        rows: numbers are aligned to the right; None is shown as a dash.
        caption: below the table.
        title: above it.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """An image.

    Attributes:
        data: content of a PNG, GIF or SVG file.
        title: above it.
        caption: below it: what is shown and what follows from it.
        file: where it lies beside the report; "" where it does not.
    """

    data: bytes
    title: str = ""
    caption: str = ""
    file: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure that answers to the pointer.

    Attributes:
        svg: the <svg> element, of our own figures (`figures.pointer.drawn`).
        panels: the numbers behind it, as `Drawn` has them.
        width: at which its text has the size of the page's, CSS pixels.
        title: above it, and what its files are called.
        caption: below it: what is shown and what follows from it.
        file: where it lies beside the report; "" where it does not.
        of: what computed the numbers and what they are worth, for their file.
    """

    svg: str
    panels: Sequence[Mapping[str, Any]]
    width: int
    title: str = ""
    caption: str = ""
    file: str = ""
    of: str = ""


@dataclass(frozen=True)
class Facts:
    """Names and values.

    Attributes:
        values: by name.
        links: names are paths relative to the report, to be followed.
    """

    values: Mapping[str, Cell]
    links: bool = False


@dataclass(frozen=True)
class Card:
    """Facts in a box of their own, as of one interface model.

    Attributes:
        title: what they are of.
        facts: atoms, area, strain, gap, terminations, ...
        picture: PNG or SVG; None if there is none.
        emulated: mark it as a stand-in's.
        file: where the picture lies beside the report; "" where it does not.
    """

    title: str
    facts: Mapping[str, Cell]
    picture: bytes | None = None
    emulated: bool = False
    file: str = ""


@dataclass(frozen=True)
class Statements:
    """Sentences, one below the other.

    Attributes:
        title: what they are about.
        lines: the sentences.
        verified: each tells what was checked and holds: they are ticked.
    """

    title: str
    lines: Sequence[str]
    verified: bool = False


@dataclass(frozen=True)
class Code:
    """Text as it stands in a file, to copy.

    Attributes:
        title: above it.
        text: of the file.
        name: of the file that it can be downloaded as.
    """

    title: str
    text: str
    name: str


Content = Code | Table | Picture | Drawing | Facts | Card | Statements


@dataclass(frozen=True)
class Section:
    """What stands under one heading; an empty one is left out."""

    title: str
    contents: Sequence[Content]


@dataclass(frozen=True)
class Report:
    """Everything of one report.

    Attributes:
        title: of the study.
        subtitle: one line about it.
        notices: quick, emulated, unfinished: shown first.
        highlights: large numbers below the title: (value, what it is).
        sections: in their order.
        glance: the first screen; None for a page without one.
    """

    title: str
    subtitle: str = ""
    notices: Sequence[Notice] = ()
    highlights: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    glance: Glance = field(default_factory=Glance)


def write_report(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write the report in one piece and return its path.

    Raises:
        AnalysisError: an image is neither PNG, GIF nor SVG, or nothing can be written.
    """
    return write_atomically(path, render_report(report).encode())


def render_report(report: Report) -> str:
    """Return the report as HTML.

    Raises:
        AnalysisError: an image is neither PNG, GIF nor SVG.
    """
    sections = [section for section in report.sections if section.contents]
    links = "".join(
        f'<a href="#{_anchor(section.title)}">{escape(section.title)}</a>'
        for section in sections
    )
    scenes = [scene.as_dict() for scene in report.glance.scenes]
    scripts = [VIEWER, OWN] if scenes else [OWN]
    around = "".join(map(script, scripts))
    around += data_block("scenes", scenes) if scenes else ""
    number = count(1)
    pieces = [piece for section in sections for piece in _section(section, number)]
    kept = fitted(pieces, MOST_BYTES - len(around.encode()))
    body = "".join(piece.html for piece in kept)
    beside = sum(a is not b for a, b in zip(kept, pieces, strict=True))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"{policy(scripts)}"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{own_file('report.css')}</style>"
        '</head><body><a class="skip" href="#main">Skip to the results</a>'
        f'{_top(report)}<main id="main">'
        f"{''.join(map(_notice, [*report.notices, *_left_out(beside)]))}"
        f"{first_screen.rendered(report.glance)}"
        f'<nav aria-label="Sections">{links}</nav>{body}'
        "<footer>Written by ionface. Negative formation energies mean that the "
        "interface forms with a gain: E = (E_interface − Σ E_slab) / (n A), slabs "
        "evaluated in the interface’s own cell.</footer></main>"
        f"{''.join(piece.block for piece in kept)}{around}</body></html>\n"
    )


def _left_out(pictures: int) -> list[Notice]:
    if not pictures:
        return []
    size = f"{MOST_BYTES / 1e6:.0f} MB"
    text = f"{pictures} pictures lie beside this page, which would exceed {size}."
    return [Notice("note", text)]


def _top(report: Report) -> str:
    subtitle = f"<p>{escape(report.subtitle)}</p>" if report.subtitle else ""
    numbers = "".join(
        f"<li><b>{escape(signed(value))}</b><span>{escape(what)}</span></li>"
        for value, what in report.highlights
    )
    highlights = f'<ul class="highlights">{numbers}</ul>' if numbers else ""
    return (
        f'<header class="top"><div><h1>{escape(report.title)}</h1>{subtitle}'
        f"{highlights}"
        '<button type="button" id="look" hidden>Light or dark</button></div></header>'
    )


def _notice(notice: Notice) -> str:
    return f'<p class="notice {notice.kind}" role="note">{escape(notice.text)}</p>'


def _section(section: Section, number: Iterator[int]) -> Iterator[Piece]:
    """Yield the pieces of a section; its figures take their numbers of `number`."""
    title = escape(section.title)
    yield Piece(f'<section id="{_anchor(section.title)}"><h2>{title}</h2>')
    beside = ""
    for content in section.contents:
        if not isinstance(content, Table | Statements):
            yield Piece(beside)
            beside = ""
        is_narrow = isinstance(content, Drawing) and content.width <= WIDE
        yield Piece('<div class="beside">' if is_narrow else "")
        yield from _piece(content, number)
        if is_narrow:  # on a wide screen, its tables stand beside it
            yield Piece("<div>")
            beside = "</div></div>"
    yield Piece(f"{beside}</section>")


def _piece(content: Content, number: Iterator[int]) -> Iterator[Piece]:
    match content:
        case Table():
            yield Piece(_table(content))
        case Picture(title=title, file=file):
            yield Piece(_figure(content), instead=_beside(title, file))
        case Drawing(title=title, file=file):
            name = f"panels-{next(number)}"
            block = data_block(name, content.panels)
            yield Piece(_drawing(content, name), block, _beside(title, file))
        case Card(picture=None):
            yield Piece(_card(content))
        case Card(file=file):
            facts = _card(replace(content, picture=None))
            yield Piece(_card(content), instead=facts + _beside("", file))
        case Code(title, text, name):
            yield Piece(
                f"<details><summary>{escape(title)}</summary>"
                f'<pre tabindex="0" data-file="{escape(name)}">{escape(text)}</pre>'
                "</details>"
            )
        case Facts():
            yield Piece(_facts(content.values, links=content.links))
        case Statements():
            lines = "".join(f"<li>{escape(line)}</li>" for line in content.lines)
            kind = "said verified" if content.verified else "said"
            title = f'<p class="of">{escape(content.title)}</p>'
            yield Piece(f'{title}<ul class="{kind}">{lines}</ul>')


def _beside(title: str, file: str) -> str:
    """Return what stands for a picture that is left out; empty if it lies nowhere."""
    above = f"<h3>{escape(title)}</h3>" if title else ""
    words = f"Not in this page, to keep it small: {_link(file)}"
    return f'{above}<p class="caption">{words}</p>' if file else ""


def _card(card: Card) -> str:
    facts = _facts(card.facts)
    if card.picture is not None:
        image = _image(card.picture, f"Model of {card.title}")
        shown = f'<div class="scroll">{image}</div>'
        facts = f'<div class="both">{shown}<div>{facts}</div></div>'
    mark = ' <span class="emulated">EMULATED</span>' if card.emulated else ""
    return f'<div class="card"><h3>{escape(card.title)}{mark}</h3>{facts}</div>'


def _figure(picture: Picture) -> str:
    title = f"<h3>{escape(picture.title)}</h3>" if picture.title else ""
    caption = (
        f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    )
    image = _image(picture.data, picture.title or picture.caption or "figure")
    return f"{title}<figure>{image}{caption}</figure>"


def _drawing(drawing: Drawing, block: str) -> str:
    """Return a figure whose numbers are in the element `block`."""
    what = escape(drawing.title or drawing.caption or "figure")
    caption = (
        f"<figcaption>{escape(drawing.caption)}</figcaption>" if drawing.caption else ""
    )
    return (
        f'<figure data-panels="{block}" data-name="{what}" '
        f'data-of="{escape(drawing.of)}"><div class="scroll">'
        f'<div class="plot" tabindex="0" role="img" style="--w:{drawing.width}px" '
        f'aria-label="{what}. Arrow keys read its values; Data downloads them.">'
        f'{drawing.svg}</div></div><p class="told" role="status" hidden></p>'
        f'{caption}<p class="takes"></p></figure>'
    )


def _image(data: bytes, alternative: str) -> str:
    if data.startswith(b"\x89PNG"):
        kind = "png"
    elif data.startswith(b"GIF8"):
        kind = "gif"
    elif b"<svg" in data[:1000]:
        kind = "svg+xml"
    else:
        raise AnalysisError(
            f"the image {alternative!r} is neither PNG, GIF nor SVG (it starts with "
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
        f'<th scope="col"{_class(right)}>{escape(name)}</th>'
        for name, right in zip(table.header, numeric, strict=True)
    )
    rows = "".join(_row(row, numeric) for row in table.rows)
    caption = f'<p class="caption">{escape(table.caption)}</p>' if table.caption else ""
    title = f"<h3>{escape(table.title)}</h3>" if table.title else ""
    label = f' aria-label="{escape(table.title)}"' if table.title else ""
    return (
        f'{title}<div class="scroll"><table{label}><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{caption}"
    )


def _row(row: Sequence[Cell], numeric: Sequence[bool]) -> str:
    cells = "".join(
        f"<td{_class(right, short=len(str(cell)) <= SHORT)}>{_text(cell)}</td>"
        for cell, right in zip(row, numeric, strict=True)
    )
    return f"<tr>{cells}</tr>"


def _is_number(cell: Cell) -> bool:
    """Return whether a cell is a number, or a text that was formatted as one."""
    if isinstance(cell, str):
        return (
            re.fullmatch(r"[+−-]?\d[\d.,]*(e[+-]?\d+)?( ± [\d.]+)?", cell) is not None
        )
    return cell is not None and not isinstance(cell, bool)


def _class(right: bool, *, short: bool = False) -> str:
    name = "number" if right else "short" if short else ""
    return f' class="{name}"' if name else ""


def _facts(values: Mapping[str, Cell], *, links: bool = False) -> str:
    rows = "".join(
        f"<dt>{_link(name) if links else escape(name)}</dt><dd>{_text(value)}</dd>"
        for name, value in values.items()
    )
    return f"<dl>{rows}</dl>" if rows else ""


def _link(path: str) -> str:
    return f'<a href="{escape(path)}">{escape(path)}</a>'


def _text(cell: Cell) -> str:
    """Return a cell as HTML; numbers with a true minus sign."""
    if cell is None:
        return DASH
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float | int):
        return signed(f"{cell:.6g}" if isinstance(cell, float) else str(cell))
    text = signed(cell) if _is_number(cell) else cell
    return escape(text).replace("\n", "<br>")


def _anchor(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower())
