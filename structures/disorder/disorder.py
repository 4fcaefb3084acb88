"""Disorder other than doping: partly occupied crystals, and exchanged anions.

`ordered_crystals` puts whole atoms on the partly occupied sites of a bulk crystal (Li
of LGPS, Ge/P, S/Cl of argyrodite); `exchanged` trades S and Cl in a slab. Both rank
their arrangements by the Ewald energy of formal charges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Structure

from ionface.errors import StructureError
from ionface.structures.checks import FULL, check_neutral, check_overlaps
from ionface.structures.disorder.lattice_gas import (
    MAX_ENUMERATED,
    Arrangement,
    Group,
    LatticeGas,
    OrderedStructure,
)
from ionface.structures.groups import bond_rule
from ionface.structures.periodic import covalent_radii
from ionface.structures.specs import Exchange, Ordering

EXCLUSION = 1.6  # Å; partly occupied sites nearer than this are images of one atom
BONDED = 0.8  # of the sum of covalent radii: O and H, or P and O, may be that near
NEUTRAL = 1e-6  # e; charges are whole numbers, so any more is an excess


def ordered_crystals(
    crystal: Structure, ordering: Ordering, oxidation: Mapping[str, float]
) -> list[OrderedStructure]:
    """Return the lowest orderings of a crystal with partly occupied sites.

    The number of atoms on each kind of site is the occupancy rounded to whole atoms,
    then changed by as little as possible until the cell is neutral.

    Args:
        crystal: conventional cell.
        ordering: supercell, how many, seed.
        oxidation: charge of each element.

    Raises:
        StructureError: no neutral filling lies within one atom of the occupancies, or
            none avoids atoms on sites that exclude each other.
    """
    cell = crystal.make_supercell(ordering.supercell, in_place=False)
    sets = _disordered_sets(cell)
    full = [i for i, site in enumerate(cell) if site.is_ordered]
    charge = sum(oxidation.get(cell[i].specie.symbol, 0.0) for i in full)
    counts = _neutral_counts(cell, sets, charge, oxidation)
    groups = [
        Group(sites, _kinds(count, len(sites)))
        for sites, count in zip(sets, counts, strict=True)
    ]
    kinds = [site.specie.symbol if site.is_ordered else "" for site in cell]
    gas = LatticeGas(cell, kinds, groups, dict(oxidation), _exclusions(cell))
    structures = _structures(cell, gas.lowest(ordering.orderings, ordering.seed))
    if not structures:
        raise StructureError(
            f"ordering of {crystal.composition.reduced_formula}: none of the "
            f"arrangements looked at keeps atoms {EXCLUSION} Å apart; raise orderings "
            "or the supercell"
        )
    amounts = {
        f"{element.symbol} per cell": float(amount)
        for element, amount in structures[0][0].composition.items()
    }
    return _ranked(structures, gas, amounts, oxidation, "ordered crystal")


def _exclusions(cell: Structure) -> NDArray[np.float64]:
    """Return how near two sites must not be filled at once, Å, shape (n, n)."""
    elements = [frozenset(e.symbol for e in site.species.elements) for site in cell]
    rule = bond_rule(set().union(*elements))
    kinds = sorted(set(elements), key=sorted)
    limits = np.full((len(kinds), len(kinds)), EXCLUSION)
    for i, j in np.ndindex(limits.shape):
        pairs = [(a, b) for a in kinds[i] for b in kinds[j]]
        if not kinds[i] & kinds[j] and all(pair in rule.limits for pair in pairs):
            limits[i, j] = min(BONDED * float(covalent_radii(p).sum()) for p in pairs)
    index = [kinds.index(own) for own in elements]
    return np.asarray(limits[np.ix_(index, index)])


def exchanged(
    structure: Structure, exchange: Exchange, oxidation: Mapping[str, float]
) -> list[OrderedStructure]:
    """Return the lowest arrangements with two species partly exchanged.

    Args:
        structure: ordered bulk or slab.
        exchange: which species and how much; polyanions keep their atoms.
        oxidation: charge of each element.

    Raises:
        StructureError: a species is missing or wholly bonded, or the fraction is out
            of range or below one atom.
    """
    first = _free_atoms(structure, exchange.first)
    second = _free_atoms(structure, exchange.second)
    number = _exchanged_number(exchange, len(first), len(second))
    groups = [
        Group(
            tuple(first),
            (exchange.first,) * (len(first) - number) + (exchange.second,) * number,
        ),
        Group(
            tuple(second),
            (exchange.second,) * (len(second) - number) + (exchange.first,) * number,
        ),
    ]
    kinds = [site.specie.symbol for site in structure]
    gas = LatticeGas(structure, kinds, groups, dict(oxidation))
    amounts = {
        "exchanged": float(number),
        "fraction": number / len(second),
        "requested_fraction": exchange.fraction,
    }
    structures = _structures(structure, gas.lowest(exchange.orderings, exchange.seed))
    return _ranked(structures, gas, amounts, oxidation, "exchanged structure")


def _free_atoms(structure: Structure, symbol: str) -> list[int]:
    """Return the atoms of an element that no polyanion holds."""
    rule = bond_rule(site.specie.symbol for site in structure)
    neighbors = rule.neighbors(structure)
    atoms = [i for i, site in enumerate(structure) if site.specie.symbol == symbol]
    free = [i for i in atoms if not neighbors[i]]
    if not free:
        held = f"all {len(atoms)} are bonded in polyanions" if atoms else "it has none"
        raise StructureError(f"exchange: no free {symbol} to exchange; {held}")
    return free


def _exchanged_number(exchange: Exchange, first: int, second: int) -> int:
    if not 0 < exchange.fraction <= 1:
        raise StructureError(
            f"exchange: fraction={exchange.fraction} must be above 0 and at most 1, "
            f"the share of the {exchange.second} that is exchanged"
        )
    number = round(exchange.fraction * second)
    if not 0 < number <= first:
        raise StructureError(
            f"exchange: fraction={exchange.fraction} of {second} {exchange.second} is "
            f"{number} atoms; between 1 and the {first} free {exchange.first} are "
            "possible here: change the fraction, or use a larger cell"
        )
    return number


def _disordered_sets(cell: Structure) -> list[tuple[int, ...]]:
    """Return sites of equal occupancies together."""
    sets: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for index, site in enumerate(cell):
        if not site.is_ordered:
            key = tuple(
                sorted((e.symbol, round(x, 3)) for e, x in site.species.items())
            )
            sets.setdefault(key, []).append(index)
    return [tuple(sites) for sites in sets.values()]


def _kinds(count: Mapping[str, int], sites: int) -> tuple[str, ...]:
    filled = tuple(symbol for symbol, n in sorted(count.items()) for _ in range(n))
    return filled + ("",) * (sites - len(filled))


def _neutral_counts(
    cell: Structure,
    sets: list[tuple[int, ...]],
    charge: float,
    oxidation: Mapping[str, float],
) -> list[dict[str, int]]:
    """Return whole numbers of atoms on each set of sites that make the cell neutral."""
    # the nearest filling for every charge that the sets so far can have
    nearest: dict[float, tuple[float, list[dict[str, int]]]] = {charge: (0.0, [])}
    for sites in sets:
        longer: dict[float, tuple[float, list[dict[str, int]]]] = {}
        for counts, off in _fillings(cell[sites[0]].species, len(sites)):
            added = sum(n * oxidation[symbol] for symbol, n in counts.items())
            for before, (so_far, chosen) in nearest.items():
                total = round(before + added, 6)
                # of equally near fillings the first stays, on every machine
                known = longer.get(total)
                if known is None or so_far + off < known[0] - 1e-12:
                    longer[total] = (so_far + off, [*chosen, counts])
        nearest = longer
    neutral = min(nearest, key=abs, default=np.inf)
    if abs(neutral) > NEUTRAL:
        raise StructureError(
            f"ordering of {cell.composition.reduced_formula}: with whole atoms on its "
            "partly occupied sites, at most one more or less than the occupancies say, "
            f"the cell of {len(cell)} sites cannot be neutral; use a larger supercell"
        )
    return nearest[neutral][1]


def _fillings(
    species: Composition, sites: int
) -> Iterator[tuple[dict[str, int], float]]:
    """Yield whole numbers of atoms on equal sites, and how far off they are."""
    exact = {e.symbol: float(share) * sites for e, share in species.items()}
    full = species.num_atoms > FULL
    for counts in product(*((int(x), int(x) + 1) for x in exact.values())):
        held = sum(counts)
        if held == sites or (held < sites and not full):
            off = sum((n - x) ** 2 for n, x in zip(counts, exact.values(), strict=True))
            yield dict(zip(exact, counts, strict=True)), off


def _structures(
    cell: Structure, arrangements: list[Arrangement]
) -> list[tuple[Structure, float]]:
    structures = []
    for arrangement in arrangements:
        filled = [i for i, kind in enumerate(arrangement.kinds) if kind]
        structure = Structure(
            cell.lattice,
            [arrangement.kinds[i] for i in filled],
            cell.frac_coords[filled],
            site_properties={
                key: [values[i] for i in filled]
                for key, values in cell.site_properties.items()
            },
        )
        structures.append((structure, arrangement.energy))
    return structures


def _ranked(
    structures: list[tuple[Structure, float]],
    gas: LatticeGas,
    amounts: Mapping[str, float],
    oxidation: Mapping[str, float],
    where: str,
) -> list[OrderedStructure]:
    for structure, _ in structures:
        check_neutral(structure, dict(oxidation), where)
        check_overlaps(structure, where)
    enumerated = gas.number <= MAX_ENUMERATED
    return [
        OrderedStructure(structure, energy, rank, len(structures), enumerated, amounts)
        for rank, (structure, energy) in enumerate(structures)
    ]
