"""Lattice matches of two slabs: every one under a strain and an area limit, verified.

A match is a superlattice of the film, one of the substrate, and the rotation that lays
one on the other; those that mirror each other both count, since each is another
interface. `superlattices` finds them; here they are strained, ranked, told apart by the
symmetry of the slabs, and checked against the very slabs that are built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import floor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.limits import check_limits
from ionface.structures.matching.match import (
    Match,
    along_x,
    plainest,
    shared_cell,
    strain,
    verify,
)
from ionface.structures.matching.superlattices import (
    Alignments,
    Superlattices,
    alignments,
    classes,
    coincidence_index,
    superlattices,
)
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.slabs.slab import Slab, turned_plane
from ionface.structures.specs import CrystalLayer, SlabLayer

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
Side = Literal["film", "substrate", "shared"]
Stiffness = Mapping[str, float] | Mapping[Literal["film", "substrate"], float]
WIDEST = 0.15  # strain up to which the error message looks for a match
LARGER = 2  # times the area up to which it looks for one
AREA_SLACK = 1e-6  # Å²; rounding decides nothing
STRAIN_STEP = 1e-3  # strains within one step rank alike; fewer atoms win


def matches(
    film: Slab | CrystalLayer | SlabLayer,
    substrate: Slab | CrystalLayer | SlabLayer,
    max_strain: float = 0.05,
    max_area: float = 250.0,
    strained: Side = "film",
    stiffness: Stiffness | None = None,
    equivalents: bool = False,
    min_area: float = 0.0,
) -> list[Match]:
    """Return all verified matches, ranked by strain in steps of 0.1 %, then by atoms.

    Two matches are equivalent if operations of the film and of the substrate that keep
    their normals and sides, both proper or both improper, take one to the other: the
    interfaces are then equal, or mirror images, but for a shift of the film. Doping may
    break such a symmetry; the slabs count as they were cut.

    >>> from ase.build import bulk
    >>> from ionface.structures.specs import CrystalLayer
    >>> aluminum = CrystalLayer("Al", (1, 0, 0), layers=2)
    >>> silver = CrystalLayer(bulk("Ag", cubic=True), (1, 0, 0), layers=2)
    >>> matches(aluminum, silver, max_area=20.0)[0]
    Match(8.4 Å², strain 1.0 %, 4 atoms)

    Args:
        film: layer, cut first; or a slab, matched as it is built.
        substrate: likewise.
        max_strain: largest principal strain accepted of either side.
        max_area: Å².
        strained: who gives way.
        stiffness: of "film" and "substrate" (bulk moduli in GPa, or any ratio), where
            the strain is shared: each side takes it in inverse proportion, to first
            order. Equal shares without it.
        equivalents: keep equivalent matches, marked, and multiples of smaller ones.
        min_area: Å²; multiples of smaller matches are kept where it is given.

    Raises:
        StructureError: a number or a side that cannot be; or nothing matches: what was
            tried, the best that was seen, and what would help are named.
    """
    limits = {"max_strain": max_strain, "max_area": max_area, "min_area": min_area}
    check_limits("matches", **limits)
    share = _film_share(strained, stiffness)
    film, substrate = _slab("film", film), _slab("substrate", substrate)
    search = _Search(film, substrate, share)
    aligned = search.under(max_strain, max_area)
    if not len(aligned.film):
        raise StructureError(search.nothing(max_strain, max_area, aligned.compared))
    listed = _ranked(search.described(aligned), film, substrate)
    if not equivalents:
        listed = [
            m for m in listed if m.same_as is None and (min_area or m.supercell == 1)
        ]
    listed = _large_enough(listed, min_area, max_area, film, substrate)
    for match in listed:
        verify(match, film, substrate)
    return listed


def _large_enough(
    listed: Sequence[Match],
    min_area: float,
    max_area: float,
    film: Slab,
    substrate: Slab,
) -> list[Match]:
    """Return the matches of at least an area, Å²; refuse that there is none."""
    if found := [match for match in listed if match.area >= min_area - AREA_SLACK]:
        return found
    largest = max(match.area for match in listed)
    raise StructureError(
        f"no match of {film.facet} and {substrate.facet} between min_area={min_area} "
        f"and max_area={max_area} Å²; the largest has {largest:.1f} Å²: raise max_area "
        "or lower min_area"
    )


def _slab(side: str, given: Slab | CrystalLayer | SlabLayer) -> Slab:
    if isinstance(given, Slab):
        return given
    if not isinstance(given, CrystalLayer | SlabLayer):
        raise StructureError(
            f"matches: {side} is {given!r:.60}; give a layer, as in "
            "CrystalLayer(structure, (1, 0, 0), layers=4)"
        )
    return cut_slab(given.checked())


def _film_share(strained: Side, stiffness: Stiffness | None) -> float:
    """Return which part of the misfit the film takes."""
    if stiffness is not None:
        sides = {"film", "substrate"}
        if strained != "shared" or set(stiffness) != sides:
            raise StructureError(
                f"stiffness={dict(stiffness)} shares the strain between film and "
                f"substrate: give both, and strained='shared' (it is {strained!r})"
            )
        film, substrate = stiffness["film"], stiffness["substrate"]
        if not all(np.isfinite(k) and k > 0 for k in (film, substrate)):
            raise StructureError(f"stiffness={dict(stiffness)}: both must be above 0")
        return substrate / (film + substrate)
    shares = {"film": 1.0, "substrate": 0.0, "shared": 0.5}
    if strained not in shares:
        raise StructureError(f"strained={strained!r} must be one of {[*shares]}")
    return shares[strained]


class _Search:
    """The lattices of two slabs, and who takes which part of their misfit."""

    def __init__(self, film: Slab, substrate: Slab, share: float) -> None:
        self.slabs = (film, substrate)
        self.film = turned_plane(film.in_plane)
        self.substrate = substrate.in_plane
        self.share = share
        self.known: dict[str, Superlattices] = {}

    def under(self, max_strain: float, max_area: float) -> Alignments:
        """Return what meets under both limits."""
        low, high = _stretch_range(self.share, max_strain)
        aligned = alignments(
            self._superlattices("film", max_area / low**2),
            self._superlattices("substrate", max_area * high**2),
            low,
            high,
        )
        strains = self.strains(aligned.stretches)
        area = np.abs(np.linalg.det(aligned.substrate @ self.substrate))
        area *= np.prod(1 + strains[:, 1], axis=1)
        # the limits themselves are allowed, whatever rounding says
        good = np.abs(strains).max(axis=(1, 2), initial=0) <= max_strain + 1e-9
        good &= area <= max_area + 1e-6
        return Alignments(
            aligned.film[good],
            aligned.substrate[good],
            aligned.stretches[good],
            aligned.compared,
        )

    def _superlattices(self, side: str, area: float) -> Superlattices:
        """Return all of a side up to an area, from what is known if that is enough."""
        cell = self.film if side == "film" else self.substrate
        most = floor(area / abs(np.linalg.det(cell)) + 1e-6)
        known = self.known.get(side)
        if known is None or not len(known.index) or known.index[-1] < most:
            known = self.known[side] = superlattices(cell, most)
        return known.up_to(most)

    def strains(self, stretches: Array) -> Array:
        """Return the principal strains of film and substrate, shape (n, 2, 2)."""
        squared = 1 - self.share + self.share * stretches**2
        film = np.sqrt(squared) - 1
        substrate = np.sqrt(squared) / stretches - 1
        return np.stack([film, substrate], axis=1)

    def described(self, aligned: Alignments) -> list[Match]:
        """Return matches with their cells, in no order."""
        film, substrate = self.slabs
        theirs = aligned.substrate
        recast = plainest(theirs, self.substrate)
        theirs, ours = recast @ theirs, recast @ aligned.film
        film_cells = along_x(ours @ self.film)
        substrate_cells = along_x(theirs @ self.substrate)
        cells = shared_cell(film_cells, substrate_cells, self.share)
        film_strains = strain(film_cells, cells)
        substrate_strains = strain(substrate_cells, cells)
        atoms = (
            np.rint(np.linalg.det(ours)).astype(int) * len(film.structure)
            + np.rint(np.linalg.det(theirs)).astype(int) * len(substrate.structure)
        )  # fmt: skip
        parts = (ours, theirs, cells, film_strains, substrate_strains, atoms.tolist())
        return [Match(*one) for one in zip(*parts, strict=True)]

    def nothing(self, max_strain: float, max_area: float, compared: int) -> str:
        """Return what to say if nothing matches."""
        film, substrate = self.slabs
        larger = self.under(max_strain, LARGER * max_area).substrate
        areas = np.abs(np.linalg.det(larger @ self.substrate))
        best = self._best_strain(max_strain, max_area)
        best_text = (
            f"the best within this area has {100 * best:.2f} %"
            if best <= WIDEST
            else f"none within this area is below {100 * WIDEST:.0f} %"
        )
        helps = (
            f"; with this strain the smallest match has {areas.min():.0f} Å²"
            if len(areas)
            else f"; with this strain there is none up to {LARGER * max_area:g} Å²"
        )
        return (
            f"no match of {film.facet} ({film.area:.2f} Å²) and {substrate.facet} "
            f"({substrate.area:.2f} Å²) within max_strain={max_strain} and max_area="
            f"{max_area} Å²: {compared} pairs of supercells of like area compared; "
            f"{best_text}{helps}: raise one of the two, or choose another facet"
        )

    def _best_strain(self, max_strain: float, max_area: float) -> float:
        """Return the least strain above a limit, looked for in growing ranges."""
        limit = max(max_strain, 1e-3)  # doubling from 0 would never end
        while limit < WIDEST:
            limit = min(2 * limit, WIDEST)
            stretches = self.under(limit, max_area).stretches
            if len(stretches):
                worst = np.abs(self.strains(stretches)).max(axis=(1, 2))
                return float(worst.min())
        return float(np.inf)


def _stretch_range(share: float, strain: float) -> tuple[float, float]:
    """Return which stretches from film to substrate keep both sides in the limit."""
    low, high = 1 - strain, 1 + strain
    if share == 1:
        return low, high
    if share == 0:
        return 1 / high, 1 / low
    return low / high, high / low


def _ranked(unranked: list[Match], film: Slab, substrate: Slab) -> list[Match]:
    """Return matches in their order, with their classes and multiples."""
    ours = np.array([m.film for m in unranked])
    theirs = np.array([m.substrate for m in unranked])
    # turned about the x axis, the film's second vector changes its sign
    turn = np.diag([1, -1])
    film_group = turn @ film.point_group @ turn
    numbers, images = classes(ours, theirs, film_group, substrate.point_group)
    multiples = coincidence_index(ours, theirs)
    plainest_first = sorted(range(len(unranked)), key=lambda i: _plainness(unranked[i]))
    leaders: dict[int, int] = {}
    for i in plainest_first:
        leaders.setdefault(int(numbers[i]), i)
    led_by = [leaders[int(number)] for number in numbers]
    order = sorted(
        plainest_first,
        key=lambda i: (
            _rank(unranked[i]),
            unranked[led_by[i]].film.ravel().tolist(),
            i != led_by[i],
        ),
    )
    place = {i: rank for rank, i in enumerate(order)}
    return [
        replace(
            unranked[i],
            same_as=place[leader]
            if (leader := leaders[int(numbers[i])]) != i
            else None,
            images=int(images[i]),
            supercell=int(multiples[i]),
        )
        for i in order
    ]


def _rank(match: Match) -> tuple[float, ...]:
    lengths = np.linalg.norm(match.cell, axis=1)
    step = np.floor(match.max_strain / STRAIN_STEP + 1e-6)
    fine = (round(match.max_strain, 6), round(float(lengths.sum()), 3))
    return (float(step), match.atoms, round(match.area, 2), *fine)


def _plainness(match: Match) -> tuple[float, ...]:
    """Return what is least for the supercells that stand for their class."""
    crossed = abs(match.substrate[0, 1]) + abs(match.substrate[1, 0])
    signs = [
        float(x)
        for m in (match.substrate, match.film)
        for x in (m[0, 0] <= 0, *m.ravel())
    ]
    return (float(crossed), *signs)
