"""Where added Li may go, and what an ordering costs: the two sums behind doping."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

Array = NDArray[np.float64]
CARRIER = "Li"
ROOM = 1.60  # Å; an added Li is at least this far from every atom
APART = 2.00  # Å; and from another added Li
SHELL = 0.15  # Å; free positions that differ less in distance are equally near


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
        self.between = lattice.get_all_distances(points, points)
        self.to_hosts = lattice.get_all_distances(atoms[hosts], points)
        others = lattice.get_all_distances(points, atoms)
        self.free = others.min(axis=1, initial=np.inf) >= ROOM
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

    def _has_room(self, place: int, taken: list[int]) -> bool:
        return not taken or bool(self.between[place, taken].min() >= APART)


class EwaldMatrix:
    """Ewald energies of orderings from one matrix: E = q·M·q, eV."""

    def __init__(
        self, structure: Structure, candidates: Array, charges: Mapping[str, float]
    ) -> None:
        from pymatgen.analysis.ewald import EwaldSummation

        points = structure.lattice.get_fractional_coords(
            np.reshape(candidates, (-1, 3))
        )
        lattice = structure.lattice
        fractions = np.concatenate([structure.frac_coords, points])
        unit = Structure(lattice, [{"H+": 1}] * len(fractions), fractions)
        self.n_atoms = len(structure)
        self.matrix = np.asarray(
            EwaldSummation(unit, acc_factor=8.0).total_energy_matrix
        )
        self.charges = np.zeros(len(fractions))
        own = [charges.get(str(site.specie.symbol), 0.0) for site in structure]
        self.charges[: self.n_atoms] = own
        self.potential = (self.matrix + self.matrix.T) @ self.charges
        self.host_energy = float(self.charges @ self.matrix @ self.charges)

    def energy(self, hosts: list[int], places: tuple[int, ...], change: float) -> float:
        """Return the energy with hosts' charges changed and unit charges at places."""
        sites = [*hosts, *(self.n_atoms + i for i in places)]
        delta = np.array([change] * len(hosts) + [1.0] * len(places))
        own = self.matrix[np.ix_(sites, sites)]
        return float(
            self.host_energy + self.potential[sites] @ delta + delta @ own @ delta
        )
