"""What a report says, as plain data: whoever fills it needs to know nothing of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Cell = str | int | float | None


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
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """An image.

    Attributes:
        data: content of a PNG or SVG file.
        title: above it.
        caption: below it: what is shown and what follows from it.
    """

    data: bytes
    title: str = ""
    caption: str = ""


@dataclass(frozen=True)
class ModelCard:
    """One interface model.

    Attributes:
        name: of the interface.
        facts: atoms, area, strain, gap, terminations, ...
        picture: PNG or SVG; None if there is none.
    """

    name: str
    facts: Mapping[str, Cell]
    picture: bytes | None = None


@dataclass(frozen=True)
class ReportContent:
    """Everything of one report; empty parts are left out.

    Attributes:
        title: of the study.
        subtitle: one line about it.
        notices: quick, emulated, unfinished: shown first.
        highlights: large numbers below the title: (value, what it is).
        settings: of the study, as it was resolved.
        models: the interfaces.
        energies: formation energies, published values beside them.
        checks: what the ledger verified, by interface.
        energy_figure: the same as bars.
        landscapes: registry scans.
        rdfs: g(r) figures.
        bonds: bond figures.
        tables: other tables by title, as peaks and coordination.
        run_checks: figures of temperature and conserved energy.
        levels: levels of theory by name, as `LevelOfTheory.as_dict` gives them.
        provenance: versions, hashes, commands, dates.
        files: (path relative to the report, what it is).
    """

    title: str
    subtitle: str = ""
    notices: Sequence[Notice] = ()
    highlights: Sequence[tuple[str, str]] = ()
    settings: Mapping[str, Cell] = field(default_factory=dict)
    models: Sequence[ModelCard] = ()
    energies: Table | None = None
    checks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    energy_figure: Picture | None = None
    landscapes: Sequence[Picture] = ()
    rdfs: Sequence[Picture] = ()
    bonds: Sequence[Picture] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    run_checks: Sequence[Picture] = ()
    levels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    provenance: Mapping[str, Cell] = field(default_factory=dict)
    files: Sequence[tuple[str, str]] = ()
