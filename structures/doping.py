"""Aliovalent doping of a crystal or a slab: Al on Ge sites, with Li added nearby.

Candidate positions of the added ions come as dummy sites; for each dopant the nearest
free one is filled, so that the cell stays neutral for any content. Orderings are
enumerated where there are few, sampled with a seed where there are many, and ranked by
their Ewald energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, islice
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Element, Structure

from .errors import StructureError
from .specs import Doping

Array = NDArray[np.float64]
DUMMY = "X"
ENUMERATE_UP_TO = 500
SAMPLES = 300
MIN_LITHIUM_DISTANCE = 1.9  # Å, between a filled position and any other Li
NEAR_TIE = 0.3  # Å; positions hardly farther than the nearest compete by energy


@dataclass(frozen=True)
class DopedStructure:
    """One ordering.

    Attributes:
        structure: neutral, without dummy sites.
        x: dopants per formula unit of the host, as it could be realized.
        ewald_energy: of formal charges, eV per cell; ranks orderings of one cell only.
        dopants: indices of the replaced host sites in the undoped structure.
    """

    structure: Structure
    x: float
    ewald_energy: float
    dopants: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for provenance."""
        return {
            "x": self.x,
            "ewald_energy": self.ewald_energy,
            "dopants": list(self.dopants),
        }


def dope(
    host: Structure,
    doping: Doping,
    oxidation: dict[str, float],
    crystal: Structure | None = None,
) -> list[DopedStructure]:
    """Return distinct orderings, lowest Ewald energy first.

    Args:
        host: ordered, with dummy sites X where Li may be added; bulk or slab.
        doping: what replaces what, how much.
        oxidation: charge of each element, the dopant's included.
        crystal: bulk whose reduced formula counts formula units; the host itself if
            not given.

    Raises:
        StructureError: no such host element, x out of range, too few Li positions.
    """
    sites = _indices(host, doping.host)
    if not sites:
        raise StructureError(
            f"doping: no {doping.host} in {host.composition.reduced_formula}"
        )
    units = _formula_units(host, crystal or host, doping.host)
    number = round(doping.x * units)
    if not 0 <= number <= len(sites):
        raise StructureError(
            f"doping: x={doping.x} needs {number} of {len(sites)} {doping.host} sites; "
            f"x must lie between 0 and {len(sites) / units:g}"
        )
    needed = number * (oxidation[doping.host] - oxidation[doping.dopant])
    if needed < 0 or abs(needed - round(needed)) > 1e-6:
        raise StructureError(
            f"doping {doping.dopant} ({oxidation[doping.dopant]:+g}) for {doping.host} "
            f"({oxidation[doping.host]:+g}) cannot be balanced by adding Li+"
        )
    per_dopant = round(needed / number) if number else 0
    search = _Search(host, doping, oxidation, per_dopant)
    found = [search.fill(chosen) for chosen in _selections(sites, number, doping.seed)]
    distinct = _distinct([f for f in found if f is not None])[: doping.orderings]
    if not distinct:
        raise StructureError(
            f"doping: no free Li position near {number} {doping.dopant} atoms; "
            "lower x or change the seed"
        )
    return [
        DopedStructure(search.built(s, added), float(number / units), energy, s)
        for energy, s, added in distinct
    ]


Filling = tuple[float, tuple[int, ...], tuple[int, ...]]


class _Search:
    """Distances and Ewald interactions of all sites, computed once per host."""

    def __init__(
        self,
        host: Structure,
        doping: Doping,
        oxidation: dict[str, float],
        per_dopant: int,
    ) -> None:
        self.host, self.doping, self.oxidation = host, doping, oxidation
        self.per_dopant = per_dopant
        self.candidates = _indices(host, DUMMY)
        self.lithium = _indices(host, "Li")
        self.distances = host.distance_matrix  # (n_sites, n_sites) in Å
        # unit charges: the interaction matrix serves every ordering, E = q G q
        probe = Structure(host.lattice, ["H+"] * len(host), host.frac_coords)
        self.interactions = EwaldSummation(probe, acc_factor=8).total_energy_matrix
        self.charges = np.array(
            [oxidation.get(site.specie.symbol, 0.0) for site in host]
        )

    def fill(self, dopants: tuple[int, ...]) -> Filling | None:
        """Add Li near each dopant; None where there is no room."""
        charges = self.charges.copy()
        charges[list(dopants)] = self.oxidation[self.doping.dopant]
        added: list[int] = []
        for dopant in dopants:
            for _ in range(self.per_dopant):
                options = self._options(dopant, added)
                if not options:
                    return None
                potential = self.interactions @ charges
                best = min(
                    options,
                    key=lambda i: 2 * potential[i] + self.interactions[i, i],
                )
                charges[best] = 1.0
                added.append(best)
        energy = float(charges @ self.interactions @ charges)
        return energy, dopants, tuple(sorted(added))

    def _options(self, dopant: int, added: list[int]) -> list[int]:
        """Return the free positions nearest to a dopant, those nearly as near too."""
        occupied = [*self.lithium, *added]
        free = [
            i
            for i in self.candidates
            if self.distances[i, occupied].min() > MIN_LITHIUM_DISTANCE
        ]
        if not free:
            return []
        nearest = self.distances[dopant, free].min()
        if nearest > 6.0:
            return []
        return [i for i in free if self.distances[dopant, i] < nearest + NEAR_TIE]

    def built(self, dopants: tuple[int, ...], added: tuple[int, ...]) -> Structure:
        """Return the structure of a filling, sorted by element."""
        structure = self.host.copy()
        for index in dopants:
            structure.replace(
                index, Element(self.doping.dopant), properties=structure[index].properties
            )
        for index in added:
            structure.replace(
                index, Element("Li"), properties=structure[index].properties
            )
        structure.remove_sites(
            [i for i in self.candidates if i not in added]
        )
        return structure.get_sorted_structure(key=lambda site: site.specie.X)


def _indices(structure: Structure, symbol: str) -> list[int]:
    return [i for i, site in enumerate(structure) if site.specie.symbol == symbol]


def _formula_units(host: Structure, crystal: Structure, element: str) -> float:
    """Return how many formula units of the crystal the host holds."""
    real = {
        symbol: amount
        for symbol, amount in crystal.composition.get_el_amt_dict().items()
        if not symbol.startswith(DUMMY)
    }
    divisor = np.gcd.reduce([round(amount) for amount in real.values()])
    return len(_indices(host, element)) / (real[element] / divisor)


def _selections(
    sites: list[int], number: int, seed: int
) -> list[tuple[int, ...]]:
    """Return all choices of `number` sites, or a seeded sample of them."""
    if comb(len(sites), number) <= ENUMERATE_UP_TO:
        return list(islice(combinations(sites, number), ENUMERATE_UP_TO))
    random = np.random.default_rng(seed)
    chosen = {
        tuple(sorted(int(i) for i in random.choice(sites, number, replace=False)))
        for _ in range(SAMPLES)
    }
    return sorted(chosen)


def _distinct(fillings: list[Filling]) -> list[Filling]:
    """Sort by energy and drop symmetry copies, which share their energy exactly."""
    ranked = sorted(fillings)
    kept: list[Filling] = []
    for filling in ranked:
        if not kept or filling[0] - kept[-1][0] > 1e-4:
            kept.append(filling)
    return kept
