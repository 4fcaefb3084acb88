"""Tables and sentences of hulls, windows and contacts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from ionface.analysis.report.page import Cell, Statements, Table
from ionface.analysis.thermodynamics.contact_result import Contact, Contacts
from ionface.analysis.thermodynamics.hull_result import Hull
from ionface.analysis.thermodynamics.window_result import Limits, Window, Windows
from ionface.analysis.thermodynamics.wording import lacking_sentence, side

Contents = Sequence[Table | Statements]
NAMES = {"none": "uncorrected", "mp2020": "MP2020"}


class _Warned(Protocol):
    @property
    def lacking(self) -> tuple[str, ...]: ...
    @property
    def remarks(self) -> tuple[str, ...]: ...


def hull_contents(result: Hull) -> Contents:
    """Return every phase beside the hull, plateaus, and what is missing."""
    rows: list[Sequence[Cell]] = [
        [
            phase.name,
            phase.formula,
            f"{phase.formation:.4f}",
            f"{phase.above_hull:.4f}",
            side(phase.products) or "stable",
        ]
        for phase in result.phases
    ]
    header = [
        "phase",
        "formula",
        "formation eV/atom",
        "above hull eV/atom",
        "turns into",
    ]
    caption = f"{result.system}, {NAMES[result.corrections]}, 0 K."
    tables: list[Table | Statements] = [Table(header, rows, caption)]
    if result.plateaus:
        metal = result.elements[0]
        steps: list[Sequence[Cell]] = [
            [f"{p.potential:.3f}", p.poor, p.rich] for p in result.plateaus
        ]
        header = [f"V against {metal}", "from", "to"]
        tables.append(Table(header, steps, "", "Plateaus"))
    return [*tables, *_warnings(result, result.system)]


def window_contents(result: Windows) -> Contents:
    """Return the windows, and the steps of each compound."""
    unit = result.windows[0].unit
    rows: list[Sequence[Cell]] = [_window_row(window) for window in result.windows]
    header = [
        "compound", f"reduction {unit}", f"oxidation {unit}", "above hull eV/atom",
        f"at 0 {unit}, eV/atom",
    ]  # fmt: skip
    caption = (
        f"Against {result.element}, {NAMES[result.windows[0].corrections]}, 0 K; in "
        "brackets the range over corrections and engines."
    )
    contents: list[Table | Statements] = [Table(header, rows, caption)]
    for window in result.windows:
        contents += [_steps(window), *_metastable(window)]
        contents += _warnings(window, window.compound)
    return contents


def _window_row(window: Window) -> list[Cell]:
    low, high = window.limits
    lows, highs = window.errors
    return [
        window.compound,
        _limit(low, lows),
        _limit(high, highs),
        f"{window.above_hull:.3f}",
        f"{window.at(0.0).energy_at(0.0):.3f}",
    ]


def _limit(value: float, spread: Limits) -> str:
    if math.isinf(value):
        return "none"
    low, high = spread
    if high - low < 0.005:
        return f"{value:.2f}"
    return f"{value:.2f} ({low:.2f}–{high:.2f})"


def _steps(window: Window) -> Table:
    rows: list[Sequence[Cell]] = [
        [
            f"{step.from_v:.3f}",
            None if math.isinf(step.to_v) else f"{step.to_v:.3f}",
            f"{step.uptake:+.3f}",
            f"{step.energy_at(step.from_v):.3f}",
            side(step.products),
        ]
        for step in window.steps
    ]
    unit, element = window.unit, window.element
    header = [
        f"from {unit}",
        f"to {unit}",
        f"{element} taken up",
        "eV/atom",
        "products",
    ]
    caption = "The energy is that at the lower end, per atom of the compound."
    return Table(header, rows, caption, f"{window.compound}: steps")


def _metastable(window: Window) -> list[Statements]:
    if not window.decomposition:
        return []
    return [
        Statements(
            "",
            [
                f"{window.compound} lies {1000 * window.above_hull:.0f} meV/atom above "
                f"the hull ({side(window.decomposition)}); its window holds as long as "
                "it does not decompose by itself"
            ],
        )
    ]


def contact_contents(result: Contacts) -> Contents:
    """Return the driving forces, and the kinks of each contact."""
    rows: list[Sequence[Cell]] = [
        [
            contact.name,
            f"{contact.driving_force:.3f}",
            f"{contact.mutual:.3f}",
            contact.products,
        ]
        for contact in result.contacts
    ]
    header = ["contact", "driving force eV/atom", "mutual eV/atom", "products"]
    caption = (
        "Per atom of the mixture, 0 K. Mutual: without what each phase gives by "
        "decomposing alone."
    )
    contents: list[Table | Statements] = [Table(header, rows, caption)]
    for contact in result.contacts:
        contents += [_kinks(contact)] if contact.reacts else []
        contents += _warnings(contact, contact.name)
    return contents


def _kinks(contact: Contact) -> Table:
    rows: list[Sequence[Cell]] = [
        [
            f"{kink.fraction:.3f}",
            f"{kink.energy:.3f}",
            f"{kink.mutual:.3f}",
            kink.reaction,
        ]
        for kink in contact.kinks
    ]
    first = contact.between[0]
    header = [f"atoms of {first}", "eV/atom", "mutual eV/atom", "reaction"]
    held = ""
    if contact.potential is not None:
        held = f"{contact.element} offered at {contact.potential:g} V."
    return Table(header, rows, held, f"{contact.name}: kinks")


def window_highlights(result: Windows) -> list[tuple[str, str]]:
    """Return every window."""
    return [
        (
            f"{window.limits[0]:.2f}–{window.limits[1]:.2f} {window.unit}"
            if math.isfinite(window.limits[1])
            else f"above {window.limits[0]:.2f} {window.unit}",
            f"window of {window.compound}",
        )
        for window in result.windows
    ]


def contact_highlights(result: Contacts) -> list[tuple[str, str]]:
    """Return every driving force."""
    return [
        (f"{contact.driving_force:.2f} eV/atom", f"driving force of {contact.name}")
        for contact in result.contacts
    ]


def _warnings(result: _Warned, name: str) -> list[Statements]:
    lines = list(result.remarks)
    if result.lacking:
        lines.insert(0, lacking_sentence(result.lacking, name))
    return [Statements("", lines)] if lines else []
