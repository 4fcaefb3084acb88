"""Aliovalent doping with charge compensation: Al for Ge or Ti, Li on free 36f sites.

`dope` puts the dopants on host sites in many ways, gives each dopant its Li on the
nearest free position, and ranks the orderings by the Ewald energy of formal charges.
Orderings that a symmetry maps onto each other have the same energy and count once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_neutral, check_overlaps
from ionface.structures.disorder.lattice_gas import (
    MAX_ENUMERATED,
    SAME_ENERGY,
    OrderedStructure,
    ewald_matrix,
)
from ionface.structures.specs import Doping

Array = NDArray[np.float64]
CARRIER = "Li"
CLEARANCE = 1.60  # Å; an added Li is at least this far from every atom
APART = 2.00  # Å; and from another added Li
SHELL = 0.15  # Å; free positions that differ less in distance are equally near


def dope(
    host_structure: Structure,
    doping: Doping,
    candidates: Array,
    oxidation: Mapping[str, float],
) -> list[OrderedStructure]:
    """Return symmetry-distinct orderings, the lowest Ewald energy first.

    Their amounts: "x" and "requested_x" (dopants per formula unit), the site indices of
    the "dopants" and of the "added" Li.

    Args:
        host_structure: bulk cell or slab, stoichiometric, undoped.
        doping: what replaces what; `doping.orderings` of them are returned at most.
        candidates: free positions for the added Li, Å, shape (n, 3).
        oxidation: charges of the host's elements.

    Raises:
        StructureError: no such host, x out of reach, or no room for the added Li.
    """
    hosts = [i for i, site in enumerate(host_structure) if _symbol(site) == doping.host]
    units = host_structure.composition.get_reduced_formula_and_factor()[1]
    number = _number_of_dopants(doping, len(hosts), units)
    charges = {**oxidation, doping.dopant: dopant_charge(doping, oxidation)}
    added = round(charges[doping.host] - charges[doping.dopant])
    if not number:
        amounts = {"x": 0.0, "requested_x": doping.x, "dopants": [], "added": []}
        return [OrderedStructure(host_structure.copy(), 0.0, 0, 1, True, amounts)]
    check_neutral(host_structure, oxidation, f"host of {doping.dopant} doping")
    geometry = FreePositions(host_structure, candidates, hosts, added)
    ewald = EwaldMatrix(host_structure, candidates, charges)
    enumerated = comb(len(hosts), number) <= MAX_ENUMERATED
    orderings = _ranked(geometry, ewald, doping, number, charges)
    doped = []
    for rank, ordering in enumerate(orderings):
        structure = _doped(host_structure, doping.dopant, candidates, ordering)
        check_neutral(structure, charges, f"{doping.dopant}-doped structure")
        check_overlaps(structure, f"{doping.dopant}-doped structure")
        amounts = {
            "x": number / units,
            "requested_x": doping.x,
            "dopants": list(ordering.dopants),
            "added": list(range(len(host_structure), len(structure))),
        }
        doped.append(
            OrderedStructure(
                structure, ordering.energy, rank, len(orderings), enumerated, amounts
            )
        )
    return doped


def _symbol(site: object) -> str:
    return str(site.specie.symbol)  # type: ignore[attr-defined]


def _number_of_dopants(doping: Doping, hosts: int, units: float) -> int:
    if not hosts:
        raise StructureError(
            f"doping: no {doping.host} to replace by {doping.dopant} in this structure"
        )
    if not 0 <= doping.x <= hosts / units:
        raise StructureError(
            f"doping: x = {doping.x} {doping.dopant} per formula unit is not within 0 "
            f"and {hosts / units:g}, the {doping.host} of one formula unit"
        )
    number = round(doping.x * units)
    if doping.x and not number:
        raise StructureError(
            f"doping: x = {doping.x} needs at least {0.5 / doping.x:.0f} formula units "
            f"for one {doping.dopant}, the cell has {units:g}; add layers or raise x"
        )
    return number


def dopant_charge(doping: Doping, oxidation: Mapping[str, float]) -> float:
    """Return the formal charge of the dopant: its highest not above the host's.

    Raises:
        StructureError: no element, or one that added Li cannot balance.
    """
    if not Element.is_valid_symbol(doping.dopant):
        raise StructureError(f"doping: {doping.dopant!r} is no element")
    common = Element(doping.dopant).common_oxidation_states
    lower = [state for state in common if state <= oxidation.get(doping.host, 0)]
    if not lower or max(lower) <= 0:
        raise StructureError(
            f"doping: {doping.dopant} ({', '.join(f'{s:+d}' for s in common)}) cannot "
            f"replace {doping.host} ({oxidation.get(doping.host, 0):+g}) by adding "
            f"{CARRIER}; the dopant's charge must not be higher"
        )
    return float(max(lower))


@dataclass(frozen=True)
class _Ordering:
    """One choice of sites; its dipole is that along the normal, e Å, without sign."""

    energy: float
    dopants: tuple[int, ...]
    added: tuple[int, ...]
    dipole: float


def _ranked(
    geometry: FreePositions,
    ewald: EwaldMatrix,
    doping: Doping,
    number: int,
    charges: Mapping[str, float],
) -> list[_Ordering]:
    """Return the distinct orderings of lowest energy."""
    change = charges[doping.dopant] - charges[doping.host]
    orderings: list[_Ordering] = []
    for dopants in _choices(len(geometry.hosts), number, doping.seed):
        places = geometry.places(dopants)
        if places is not None:
            sites = [geometry.hosts[i] for i in dopants]
            energy = ewald.energy(sites, places, change)
            dipole = geometry.dipole(sites, places, change)
            orderings.append(_Ordering(energy, tuple(sites), places, dipole))
    if not orderings:
        raise StructureError(
            f"doping: no room for the {CARRIER} that {number} {doping.dopant} need: of "
            f"{len(geometry.free)} free positions {int(geometry.free.sum())} are "
            f"{CLEARANCE} Å away from all atoms; lower x"
        )
    # images of one ordering in the bulk differ once a slab is cut of it
    orderings.sort(key=lambda o: (round(o.energy, 3), round(o.dipole, 1), o.dopants))
    distinct = [
        ordering
        for before, ordering in zip([None, *orderings], orderings, strict=False)
        if before is None or ordering.energy - before.energy > SAME_ENERGY
    ]
    return distinct[: max(1, doping.orderings)]


def _choices(hosts: int, number: int, seed: int) -> Iterator[tuple[int, ...]]:
    """Yield all choices of dopant sites if they are few, else a seeded sample."""
    if comb(hosts, number) <= MAX_ENUMERATED:
        yield from combinations(range(hosts), number)
        return
    random = np.random.default_rng(seed)
    drawn = (
        tuple(sorted(random.choice(hosts, number, replace=False).tolist()))
        for _ in range(4 * MAX_ENUMERATED)
    )
    yield from islice(dict.fromkeys(drawn), MAX_ENUMERATED)


def _doped(
    host: Structure, dopant: str, candidates: Array, ordering: _Ordering
) -> Structure:
    """Return the host with its dopants, the added Li behind all other sites."""
    structure = host.copy()
    for index in ordering.dopants:
        structure.replace(index, dopant, properties=structure[index].properties)
    for place in ordering.added:
        nearest = _nearest_height(host, candidates[place])
        structure.append(
            CARRIER,
            candidates[place],
            coords_are_cartesian=True,
            properties=dict(host[nearest].properties),
        )
    return structure


def _nearest_height(host: Structure, position: Array) -> int:
    """Return the atom next in height, whose labels (layer) an added atom inherits."""
    return int(np.argmin(np.abs(host.cart_coords[:, 2] - position[2])))


class FreePositions:
    """Where added Li may go, nearest to each host site first."""

    def __init__(
        self, structure: Structure, candidates: Array, hosts: list[int], added: int
    ) -> None:
        self.hosts = hosts
        self.per_dopant = added
        lattice = structure.lattice
        points = lattice.get_fractional_coords(np.reshape(candidates, (-1, 3)))
        atoms = structure.frac_coords
        self.heights = structure.cart_coords[:, 2]
        self.point_heights = np.reshape(candidates, (-1, 3))[:, 2]
        self.between = lattice.get_all_distances(points, points)
        self.to_hosts = lattice.get_all_distances(atoms[hosts], points)
        others = lattice.get_all_distances(points, atoms)
        self.free = others.min(axis=1, initial=np.inf) >= CLEARANCE
        symbols = [str(site.specie.symbol) for site in structure]
        carriers = [i for i, symbol in enumerate(symbols) if symbol == CARRIER]
        self.to_carriers = others[:, carriers].min(axis=1, initial=np.inf)
        self.nearest = [self._by_distance(row) for row in self.to_hosts]

    def _by_distance(self, distances: Array) -> list[int]:
        """Return free positions by shells of distance, in each the roomiest first."""
        free = np.flatnonzero(self.free)
        if not free.size:
            return []
        shells = np.floor((distances[free] - distances[free].min()) / SHELL)
        keys = (-self.to_carriers[free].round(3), shells)
        return [int(i) for i in free[np.lexsort(keys)]]

    def places(self, dopants: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the positions of the added Li; None if there is no room."""
        taken: list[int] = []
        for dopant in dopants:
            for _ in range(self.per_dopant):
                place = next(
                    (i for i in self.nearest[dopant] if self._has_room(i, taken)), None
                )
                if place is None:
                    return None
                taken.append(place)
        return tuple(taken)

    def dipole(
        self, dopants: list[int], places: tuple[int, ...], change: float
    ) -> float:
        """Return the size of what doping adds to the dipole along the normal, e Å."""
        added = self.point_heights[list(places)].sum()
        return abs(float(change * self.heights[dopants].sum() + added))

    def _has_room(self, place: int, taken: list[int]) -> bool:
        return not taken or bool(self.between[place, taken].min() >= APART)


class EwaldMatrix:
    """Ewald energies of orderings from one matrix: E = q·M·q, eV."""

    def __init__(
        self, structure: Structure, candidates: Array, charges: Mapping[str, float]
    ) -> None:
        points = structure.lattice.get_fractional_coords(
            np.reshape(candidates, (-1, 3))
        )
        lattice = structure.lattice
        fractions = np.concatenate([structure.frac_coords, points])
        self.n_atoms = len(structure)
        self.matrix = ewald_matrix(lattice, fractions)
        self.charges = np.zeros(len(fractions))
        own = [charges.get(str(site.specie.symbol), 0.0) for site in structure]
        self.charges[: self.n_atoms] = own
        self.potential = 2 * self.matrix @ self.charges
        self.host_energy = float(self.charges @ self.matrix @ self.charges)

    def energy(self, hosts: list[int], places: tuple[int, ...], change: float) -> float:
        """Return the energy with hosts' charges changed and unit charges at places."""
        sites = [*hosts, *(self.n_atoms + i for i in places)]
        delta = np.array([change] * len(hosts) + [1.0] * len(places))
        own = self.matrix[np.ix_(sites, sites)]
        return float(
            self.host_energy + self.potential[sites] @ delta + delta @ own @ delta
        )
