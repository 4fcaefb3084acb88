"""Which products of a contact its dynamics have formed, by the bonds that grew.

A compound is known by the bonds to its most electronegative element: Li2S by Li-S,
LiInS2 by Li-S and In-S. A run shows bonds, no phases, so a product is seen only in this
sense.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pymatgen.core import Composition

from ionface.analysis.thermodynamics.contact_result import Contact
from ionface.analysis.thermodynamics.wording import side

Counts = Mapping[str, tuple[float, float]]
"""Mean number of bonds in the first and the last window, by pair as in "In-S"."""

SIGNIFICANT = 2.0
"""Standard deviations of a count (its square root) that are a change and no noise."""


@dataclass(frozen=True)
class FormedProduct:
    """A product of a contact and its bonds in a run.

    Attributes:
        formula: of the product.
        bonds: first and last mean number of the bonds that it is known by, by pair, as
            far as the run followed them.
        formed: every followed pair grew; None if none was followed.
    """

    formula: str
    bonds: Counts
    formed: bool | None

    @property
    def sentence(self) -> str:
        """Return what the run shows of it."""
        told = ", ".join(f"{p} {a:.0f} to {b:.0f}" for p, (a, b) in self.bonds.items())
        if self.formed is None:
            return f"{self.formula}: its bonds were not followed"
        seen = "its bonds grew" if self.formed else "its bonds did not grow"
        return f"{self.formula}: {seen} ({told})"


def formed_products(contact: Contact, counts: Counts) -> tuple[FormedProduct, ...]:
    """Return what a run shows of the products of the strongest reaction.

    Args:
        contact: of the two phases of the run.
        counts: bonds of the run.
    """
    return tuple(_formed(formula, counts) for formula in contact.strongest.products)


def sentences(contact: Contact, counts: Counts) -> list[str]:
    """Return the products of a contact, and what a run shows of each."""
    if not contact.reacts:
        return [f"expected: none, {' and '.join(contact.between)} do not react"]
    expected = side(contact.strongest.products)
    found = [product.sentence for product in formed_products(contact, counts)]
    return [f"expected: {expected}", *found]


def bonds_of(formula: str) -> tuple[str, ...]:
    """Return the pairs that a compound is known by, as in ("Li-S", "In-S")."""
    elements = sorted(Composition(formula).elements, key=lambda element: element.X)
    if len(elements) == 1:
        return (f"{elements[0]}-{elements[0]}",)
    return tuple(f"{element}-{elements[-1]}" for element in elements[:-1])


def _formed(formula: str, counts: Counts) -> FormedProduct:
    followed = {}
    for pair in bonds_of(formula):
        first, second = pair.split("-")
        known = pair if pair in counts else f"{second}-{first}"
        if known in counts:
            followed[pair] = counts[known]
    grew = all(_grew(start, end) for start, end in followed.values())
    return FormedProduct(formula, followed, grew if followed else None)


def _grew(start: float, end: float) -> bool:
    return end - start > SIGNIFICANT * math.sqrt(max(start, end, 1.0))
