"""All distinct ways to end a crystal at a facet, and what a slab between two holds.

A cut lies at a height between two planes of atoms. Single atoms belong to the side that
they are on; a polyanion that the height passes through goes as a whole to one side:
that of its center, or, in cuts of their own, the other one. Nothing is dropped and
nothing overlaps, since both sides together are the crystal.

Slabs with two equivalent sides: an operation of the crystal that turns the normal over
takes the half crystal below a cut to one above another cut; between both lies a slab
whose bottom is the image of its top. It holds whole formula units if the crystal allows
that at this termination (a whole or a half repeat, say); else its excess is stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.slabs.facet import MIN_CUT, Action, Facet

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
ONE_PLANE = 0.02  # Å; atoms whose heights differ less make one plane
NAMES = ("inversion", "mirror", "glide", "two-fold rotation", "two-fold screw",
         "rotoinversion")  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """One way to end a crystal.

    Attributes:
        below: highest image of each group (in `Facet.atoms`) that lies below.
        height: within one repeat, Å.
        gap: distance of the planes next to it, Å.
        moved: number of polyanions per repeat on the other side than their center.
        plain: nothing was moved and the gap is at least `MIN_CUT` (or the widest).
    """

    below: Integers
    height: float
    gap: float
    moved: int
    plain: bool

    @property
    def key(self) -> tuple[int, ...]:
        """Return what is the same for cuts one repeat apart."""
        return normal_form(self.below)


def normal_form(below: Integers) -> tuple[int, ...]:
    """Return bounds counted from those of the first group."""
    return tuple(int(i) for i in below - below[0])


def distinct_cuts(facet: Facet, operations: list[Action]) -> list[Cut]:
    """Return one cut of each set that symmetry relates, the outward side kept.

    Of related cuts the first remains: plain ones before narrow ones, these before ones
    that move polyanions; from low to high. A slab turned over counts as another one,
    since another side of it meets the partner.

    Args:
        facet: with its groups.
        operations: from `symmetry.actions`.
    """
    cuts: list[Cut] = []
    seen: set[tuple[int, ...]] = set()
    for cut in sorted(all_cuts(facet), key=lambda c: (not c.plain, c.moved > 0)):
        if cut.key not in seen:
            cuts.append(cut)
            seen.add(cut.key)
            images = (a.image(cut.below) for a in operations if not a.turns)
            seen.update(normal_form(image) for image in images)
    return cuts


def all_cuts(facet: Facet) -> list[Cut]:
    """Return every cut of one repeat, those that symmetry relates included."""
    spacing = facet.spacing
    heights = facet.centers[:, 2]
    by_center = gaps(heights % spacing, spacing)
    widest = max(gap for _, gap in by_center)
    plain = [g for g in by_center if g[1] > MIN_CUT] or [
        g for g in by_center if g[1] == widest
    ][:1]
    cuts = [
        Cut(_below(heights, z, spacing), z, gap, 0, (z, gap) in plain)
        for z, gap in by_center
    ]
    for z, gap in gaps(_atom_heights(facet) % spacing, spacing):
        usual = _below(heights, z, spacing)
        for below in _sides(facet, z):
            moved = int(np.abs(below - usual).sum())
            cuts.append(Cut(below, z, gap, moved, plain=False))
    return cuts


def gaps(heights: Array, period: float) -> list[tuple[float, float]]:
    """Return (middle, width) of the gaps between planes, the lowest first, Å.

    Args:
        heights: within 0 and the period, shape (n,).
        period: Å. One plane has one gap, as wide as the period.
    """
    ordered = np.sort(heights)
    widths = np.diff([*ordered, ordered[0] + period])
    wide = np.flatnonzero(widths > ONE_PLANE)
    if not wide.size:
        wide = np.array([int(np.argmax(widths))])
    middles = [
        (float((ordered[i] + widths[i] / 2) % period), float(widths[i])) for i in wide
    ]
    return sorted(middles)


def _below(heights: Array, cut: float, spacing: float) -> Integers:
    return np.floor((cut - heights) / spacing).astype(int)


def _atom_heights(facet: Facet) -> Array:
    return np.concatenate(
        [facet.groups[i].center[2] + facet.groups[i].offsets[:, 2] for i in facet.atoms]
    )


def _sides(facet: Facet, cut: float) -> Iterator[Integers]:
    """Yield all ways to put polyanions at a cut on one of its sides.

    Ions of one composition go by the height of their centers: if one goes below,
    so do those whose center is lower.
    """
    spacing = facet.spacing
    groups = [facet.groups[i] for i in facet.atoms]
    heights = facet.centers[:, 2]
    bottoms, tops = (heights + [g.extent[k] for g in groups] for k in (0, 1))
    least = _below(tops, cut, spacing)  # entirely below
    most = _below(bottoms, cut, spacing)  # at least in part below
    kinds = np.array([g.kind for g in groups])
    cutting = most > least
    options = []
    for kind in sorted(set(kinds[cutting])):
        own = np.flatnonzero(kinds == kind)
        centers = [
            heights[i] + k * spacing
            for i in own
            for k in range(least[i] + 1, most[i] + 1)
        ]
        options.append([(own, threshold) for threshold in _thresholds(centers)])
    for choice in product(*options):
        below = least.copy()
        for own, threshold in choice:
            wanted = _below(heights[own], threshold, spacing)
            below[own] = np.clip(wanted, least[own], most[own])
        yield below


def _thresholds(centers: list[float]) -> list[float]:
    """Return a height below all centers, one between any two planes, one above."""
    ordered = sorted(centers)
    between = [(a + b) / 2 for a, b in pairwise(ordered) if b - a > ONE_PLANE]
    return [ordered[0] - 1.0, *between, ordered[-1] + 1.0]


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
        atoms: Counter[str] = Counter()
        for index, number in zip(facet.atoms, self.upper - self.lower, strict=True):
            for symbol in facet.groups[index].symbols:
                atoms[symbol] += int(number)
        return dict(atoms)


def whole_repeats(cut: Cut, layers: int) -> Bounds:
    """Return the slab of so many repeats between two equal cuts."""
    return Bounds(cut.below, cut.below + layers)


def symmetric_bounds(
    facet: Facet, cut: Cut, operations: list[Action], layers: int
) -> Bounds:
    """Return the best symmetric slab that ends at a cut, of at least so many repeats.

    The best is stoichiometric, or else has the smallest excess; then the thinnest.

    Raises:
        StructureError: no operation of the crystal turns this facet over.
    """
    options: dict[tuple[int, ...], Bounds] = {}
    for action in sorted(operations, key=lambda a: NAMES.index(a.name)):
        if action.turns:
            lower = action.image(cut.below)
            bounds = _thick_enough(facet, Bounds(lower, cut.below, action.name), layers)
            options.setdefault(normal_form(bounds.lower), bounds)
    if not options:
        raise StructureError(
            f"facet {facet.miller}: no inversion, mirror or rotation of the crystal "
            "turns it over, so no slab has two equivalent sides; use symmetric=False, "
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


def excess_told(beyond: Mapping[str, int]) -> str:
    """Return an excess as text, as in "+1 Li, -2 Ti"."""
    return ", ".join(f"{number:+d} {symbol}" for symbol, number in beyond.items())
