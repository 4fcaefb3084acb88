"""The figure of contacts: reaction energy against the mixture, with its products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ionface.analysis.figures.pretty_formulas import pretty, pretty_products
from ionface.analysis.figures.style import (
    GRID,
    INK,
    PALETTE,
    headline,
    quiet_grid,
    styled,
)
from ionface.analysis.thermodynamics.contact_result import Contact, Contacts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = 0.4
"""Share of the figure's width that a list of products takes."""

PAPER = {"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0}
"""Behind words that stand over lines."""


def figure_contacts(result: Contacts, *, title: str = "") -> Figure:
    """Return reaction energies over the mixtures of both phases.

    Full lines are reaction energies, dashed ones what the contact itself gives.
    """
    from matplotlib.figure import Figure

    contacts = result.contacts
    with styled():
        figure = Figure(figsize=(9.0, 5.6), layout="constrained")
        axes = figure.subplots()
        for number, contact in enumerate(contacts):
            _draw(
                axes, contact, PALETTE[number % len(PALETTE)], alone=len(contacts) == 1
            )
        lowest = min(contact.driving_force for contact in contacts)
        axes.axhline(0.0, color=GRID, linewidth=1.0, zorder=0)
        axes.set_xlim(-0.01, 1.01)
        # below the curves there is room for what they turn into
        rows = len(contacts[0].kinks) if len(contacts) == 1 else 2 * len(contacts)
        room = 1.15 + 0.05 * rows
        axes.set_ylim(min(room * lowest, -0.05), 0.06 * abs(lowest) + 0.01)
        _name_ends(axes, contacts)
        axes.set_ylabel("reaction energy (eV/atom)")
        if len(contacts) == 1:
            axes.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.12))
        else:
            axes.legend(loc="lower left")
        quiet_grid(axes)
        headline(figure, title, result.provenance)
    return figure


def _draw(axes: Axes, contact: Contact, color: str, *, alone: bool) -> None:
    x = [kink.fraction for kink in contact.kinks]
    name = " | ".join(map(pretty, contact.between))
    if not alone:
        products = "no reaction"
        if contact.reacts:
            products = pretty_products(contact.strongest.products)
        name += f":  {contact.driving_force:.2f} eV/atom,  {products}"
    axes.plot(
        x, [kink.energy for kink in contact.kinks], "o-", color=color, linewidth=2.2,
        ms=6, label=name,
    )  # fmt: skip
    axes.plot(
        x, [kink.mutual for kink in contact.kinks], "--", color=color, linewidth=1.4,
        label="of it mutual" if alone else None,
    )  # fmt: skip
    if alone:
        _list_kinks(axes, contact)


def _list_kinks(axes: Axes, contact: Contact) -> None:
    """Number the kinks, and write their products where the curve leaves room."""
    inner = [kink for kink in contact.kinks if 0.0 < kink.fraction < 1.0]
    strongest = contact.strongest
    for number, kink in enumerate(inner, start=1):
        axes.annotate(
            str(number), (kink.fraction, kink.energy), xytext=(0, -7),
            textcoords="offset points", ha="center", va="top", fontsize=9.5,
            fontweight="bold", color=INK,
        )  # fmt: skip
    right = _is_higher_on_the_right(contact)
    for row, (number, kink) in enumerate(reversed([*enumerate(inner, start=1)])):
        axes.text(
            0.98 if right else 0.02, 0.03 + 0.055 * row,
            f"{number}:  {kink.energy:.2f} eV/atom   {pretty_products(kink.products)}",
            transform=axes.transAxes, ha="right" if right else "left", fontsize=9.5,
            color=INK, fontweight="bold" if kink is strongest else "normal", bbox=PAPER,
        )  # fmt: skip


def _is_higher_on_the_right(contact: Contact) -> bool:
    """Tell on which side of the figure the curve leaves more room below it."""
    x = [kink.fraction for kink in contact.kinks]
    energies = [kink.energy for kink in contact.kinks]
    left, right = (
        np.interp(np.linspace(*ends, 20), x, energies).min()
        for ends in ((0.0, WORDS), (1.0 - WORDS, 1.0))
    )
    return bool(right > left)


def _name_ends(axes: Axes, contacts: tuple[Contact, ...]) -> None:
    """Say at both ends of the axis what is there alone."""
    firsts = {contact.between[0] for contact in contacts}
    seconds = {contact.between[1]: None for contact in contacts}  # in their order
    first = pretty(firsts.pop()) if len(firsts) == 1 else "first phase"
    second = ", ".join(map(pretty, seconds))
    axes.set_xlabel(f"fraction of atoms from {first}")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], [second, "0.25", "0.5", "0.75", first])
