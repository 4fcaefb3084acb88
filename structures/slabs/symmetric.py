"""Slabs whose two sides are equivalent.

An operation of the crystal that turns the normal over takes the half crystal below a
cut to one above another cut; between both lies a slab whose bottom is the image of its
top. It holds whole formula units if the crystal allows that at this termination (a
whole or a half repeat, say); else it has an excess, which is stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.slabs.cuts import Cut, normal_form
from ionface.structures.slabs.facets import Facet
from ionface.structures.slabs.slab_symmetry import Action

Integers = NDArray[np.int_]
NAMES = ("inversion", "mirror", "glide", "two-fold rotation", "two-fold screw",
         "rotoinversion")  # fmt: skip


@dataclass(frozen=True)
class Bounds:
    """What a slab holds: of each group the images above `lower`, up to `upper`.

    Attributes:
        lower: shape (n_groups,).
        upper: likewise.
        operation: that makes both sides equivalent, as in "inversion"; None in a slab
            of whole repeats between equal cuts.
    """

    lower: Integers
    upper: Integers
    operation: str | None = None

    def repeats(self, facet: Facet) -> float:
        """Return the number of atoms over that of one repeat."""
        atoms = np.array([len(facet.groups[i].symbols) for i in facet.atoms])
        return float((self.upper - self.lower) @ atoms / atoms.sum())

    def counts(self, facet: Facet) -> dict[str, int]:
        """Return the atoms of each element per surface cell."""
        found: Counter[str] = Counter()
        for index, number in zip(facet.atoms, self.upper - self.lower, strict=True):
            for symbol in facet.groups[index].symbols:
                found[symbol] += int(number)
        return dict(found)


def whole_repeats(cut: Cut, layers: int) -> Bounds:
    """Return the slab of so many repeats between two equal cuts."""
    return Bounds(cut.below, cut.below + layers)


def symmetric_bounds(
    facet: Facet, cut: Cut, found: list[Action], layers: int
) -> Bounds:
    """Return the best symmetric slab that ends at a cut, of at least so many repeats.

    The best is stoichiometric, or else has the smallest excess; then the thinnest.

    Raises:
        StructureError: no operation of the crystal turns this facet over.
    """
    options: dict[tuple[int, ...], Bounds] = {}
    for action in sorted(found, key=lambda a: NAMES.index(a.name)):
        if action.turns:
            lower = action.image(cut.below)
            bounds = _thick_enough(facet, Bounds(lower, cut.below, action.name), layers)
            options.setdefault(normal_form(bounds.lower), bounds)
    if not options:
        raise StructureError(
            f"facet {facet.miller}: no inversion, mirror or rotation of the crystal "
            "turns it over, so no slab has two equivalent sides; use symmetric: false, "
            "or another facet"
        )
    return min(
        options.values(),
        key=lambda b: (
            sum(map(abs, excess(b.counts(facet), facet).values())),
            round(b.repeats(facet), 6),
            NAMES.index(b.operation or ""),
        ),
    )


def _thick_enough(facet: Facet, bounds: Bounds, layers: int) -> Bounds:
    """Return the same sides so far apart that at least so many repeats are between."""
    least = int((bounds.lower - bounds.upper).max())  # from here no count is negative
    missing = layers - bounds.repeats(facet)
    shift = max(least, int(np.ceil(missing - 1e-9)))
    return Bounds(bounds.lower, bounds.upper + shift, bounds.operation)


def excess(counts: Mapping[str, int], facet: Facet) -> dict[str, int]:
    """Return the atoms beyond whole formula units, per surface cell; empty if none.

    The number of formula units is the one that leaves the smallest excess; of two, the
    smaller, so that {"Li": 1} means one Li too many.

    Args:
        counts: atoms of each element of the slab.
        facet: of the crystal.
    """
    unit = {
        element.symbol: round(amount)
        for element, amount in facet.crystal.composition.reduced_composition.items()
    }
    ratios = [counts.get(symbol, 0) / number for symbol, number in unit.items()]
    options = range(int(np.floor(min(ratios))), int(np.ceil(max(ratios))) + 1)
    left = [
        {s: counts.get(s, 0) - units * n for s, n in unit.items()} for units in options
    ]
    least = min(left, key=lambda one: sum(map(abs, one.values())))
    return {symbol: number for symbol, number in least.items() if number}
