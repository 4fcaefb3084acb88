"""Which species sits on which site: enumerated where possible, annealed where not.

A lattice gas is a set of sites, split into groups; each group holds a fixed number of
atoms of each kind (a vacancy is a kind too), and the atoms of a group may trade places.
The energy is the Ewald sum of formal charges. Few arrangements are all enumerated; of
many, seeded simulated annealing finds the low ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
MAX_ENUMERATED = 4000  # arrangements; above it annealing searches
SAME_ENERGY = 1e-3  # eV; arrangements this close are images of each other
RUNS_PER_ORDERING = 3  # annealing runs; several end in the same minimum
SWEEPS = 60  # trials per site in one annealing run
HOT, COLD = 2.0, 0.02  # eV; bare Ewald energies are on the scale of volts
FORBIDDEN = 1e3  # eV; penalty of two atoms on sites that exclude each other


@dataclass(frozen=True)
class Group:
    """Sites whose atoms may trade places.

    Attributes:
        sites: their indices.
        kinds: what is on them, one entry per site, in any order; "" is a vacancy.
    """

    sites: tuple[int, ...]
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a group whose atoms and sites do not match."""
        if len(self.sites) != len(self.kinds):
            raise ValueError(f"{len(self.kinds)} kinds for {len(self.sites)} sites")


@dataclass(frozen=True)
class Arrangement:
    """One way to fill all groups.

    Attributes:
        kinds: on each site of the lattice gas.
        energy: Ewald energy of formal charges, eV; only differences have a meaning.
    """

    kinds: tuple[str, ...]
    energy: float


@dataclass(frozen=True)
class OrderedStructure:
    """One way to fill the sites of a crystal or a slab, among those that were ranked.

    Attributes:
        structure: every site full.
        ewald_energy: of formal charges, eV per cell; only differences have a meaning.
        rank: 0 has the lowest energy.
        arrangements: how many distinct ones were found.
        enumerated: all arrangements were looked at, not a sample.
        amounts: what was asked for and what there is, by name, as plain data.
    """

    structure: Structure
    ewald_energy: float
    rank: int
    arrangements: int
    enumerated: bool
    amounts: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for provenance."""
        return {
            "ewald_energy": self.ewald_energy,
            "rank": self.rank,
            "distinct_orderings": self.arrangements,
            "enumerated": self.enumerated,
            **self.amounts,
        }


def pick(ranked: list[OrderedStructure], rank: int) -> OrderedStructure:
    """Return the arrangement of the rank that was asked for.

    Raises:
        StructureError: there are not so many distinct arrangements.
    """
    if not 0 <= rank < len(ranked):
        raise StructureError(
            f"rank={rank}, but {len(ranked)} distinct orderings exist; ranks count "
            "from 0, `orderings` sets how many are kept"
        )
    return ranked[rank]


class LatticeGas:
    """Sites with charges, and the energy of every arrangement on them."""

    def __init__(
        self,
        sites: Structure,
        kinds: Sequence[str],
        groups: Sequence[Group],
        charges: dict[str, float],
        exclusion: float | Array = 0.0,
    ) -> None:
        """Take the geometry; the Ewald matrix is computed once.

        Args:
            sites: all positions; what is on them is told by `kinds`.
            kinds: what is on each site at first.
            groups: that may be rearranged; all other sites stay as they are.
            charges: of each kind; a vacancy has none.
            exclusion: two atoms of the groups are never closer, Å; of all, or (n, n).
        """
        self.groups = tuple(groups)
        self.charges = {**charges, "": 0.0}
        self.kinds = np.array(kinds, dtype=object)
        self.matrix = ewald_matrix(sites.lattice, sites.frac_coords)
        self.mobile = np.array([i for g in self.groups for i in g.sites], dtype=int)
        self.blocked = _excluded(sites, self.mobile, exclusion)

    @property
    def number(self) -> int:
        """Return how many arrangements there are."""
        return prod(_ways(group) for group in self.groups)

    def energy(self, kinds: Sequence[str]) -> float:
        """Return the energy of an arrangement, eV; excluded pairs add a penalty."""
        q = np.array([self.charges[kind] for kind in kinds])
        filled = np.array([bool(kind) for kind in kinds])
        clashes = float(filled @ self.blocked @ filled) / 2
        return float(q @ self.matrix @ q) + FORBIDDEN * clashes

    def lowest(self, wanted: int, seed: int) -> list[Arrangement]:
        """Return the lowest distinct arrangements without clashes, at most `wanted`."""
        if self.number <= MAX_ENUMERATED:
            arrangements = [self._arrangement(kinds) for kinds in self._all()]
        else:
            random = np.random.default_rng(seed)
            runs = RUNS_PER_ORDERING * wanted
            arrangements = [self._annealed(random) for _ in range(runs)]
        arrangements = [a for a in arrangements if self._allowed(a)]
        arrangements.sort(
            key=lambda arrangement: (round(arrangement.energy, 3), arrangement.kinds)
        )
        distinct: list[Arrangement] = []
        for arrangement in arrangements:
            if not distinct or arrangement.energy - distinct[-1].energy > SAME_ENERGY:
                distinct.append(arrangement)
        return distinct[:wanted]

    def _arrangement(self, kinds: Sequence[str]) -> Arrangement:
        return Arrangement(tuple(kinds), self.energy(kinds))

    def _allowed(self, arrangement: Arrangement) -> bool:
        filled = np.array([bool(kind) for kind in arrangement.kinds])
        return not float(filled @ self.blocked @ filled)

    def _all(self) -> Iterator[list[str]]:
        for fillings in product(*(list(_fillings(g)) for g in self.groups)):
            kinds = self.kinds.copy()
            for group, filling in zip(self.groups, fillings, strict=True):
                kinds[list(group.sites)] = filling
            yield list(kinds)

    def _annealed(self, random: np.random.Generator) -> Arrangement:
        """Return where one run of simulated annealing ends."""
        kinds = self.kinds.copy()
        for group in self.groups:
            kinds[list(group.sites)] = random.permutation(list(group.kinds))
        walk = _Walk(self, kinds)
        movable = [g.sites for g in self.groups if len(set(g.kinds)) > 1]
        trials = SWEEPS * sum(len(sites) for sites in movable)
        weights = np.array([len(sites) for sites in movable], dtype=float)
        drawn_groups = random.choice(len(movable), trials, p=weights / weights.sum())
        dice = random.random((trials, 3))
        cooling = HOT * (COLD / HOT) ** (np.arange(trials) / trials)
        for group, (first, second, luck), kt in zip(
            drawn_groups, dice, cooling, strict=True
        ):
            sites = movable[group]
            i, j = sites[int(first * len(sites))], sites[int(second * len(sites))]
            walk.try_swap(i, j, -kt * float(np.log(luck)))
        return self._arrangement(list(walk.kinds))


class _Walk:
    """The state of one annealing run, with the potential at every site kept."""

    def __init__(self, gas: LatticeGas, kinds: NDArray[np.object_]) -> None:
        self.gas, self.kinds = gas, kinds
        self.q = np.array([gas.charges[kind] for kind in kinds])
        self.filled = np.array([float(bool(kind)) for kind in kinds])
        self.potential = 2 * gas.matrix @ self.q
        self.crowd = gas.blocked @ self.filled

    def try_swap(self, i: int, j: int, threshold: float) -> None:
        """Swap two sites if the energy rises by no more than the threshold, eV."""
        if self.kinds[i] == self.kinds[j]:
            return
        matrix, blocked = self.gas.matrix, self.gas.blocked
        dq = self.q[j] - self.q[i]
        df = self.filled[j] - self.filled[i]
        change = dq * (self.potential[i] - self.potential[j])
        change += dq * dq * (matrix[i, i] + matrix[j, j] - 2 * matrix[i, j])
        clashes = df * (self.crowd[i] - self.crowd[j]) - df * df * blocked[i, j]
        if change + FORBIDDEN * clashes > threshold:
            return
        self.potential += 2 * dq * (matrix[:, i] - matrix[:, j])
        self.crowd += df * (blocked[:, i] - blocked[:, j])
        for values in (self.q, self.filled, self.kinds):
            values[i], values[j] = values[j], values[i]


def ewald_matrix(lattice: Lattice, fractions: Array) -> Array:
    """Return the matrix M of Ewald energies E = q·M·q of point charges, eV/e².

    Args:
        lattice: of the cell.
        fractions: of the sites, shape (n, 3).

    Returns:
        Symmetric, shape (n, n).
    """
    unit = Structure(lattice, [{"H+": 1}] * len(fractions), fractions)
    matrix = np.asarray(EwaldSummation(unit, acc_factor=8.0).total_energy_matrix)
    return (matrix + matrix.T) / 2


def _excluded(sites: Structure, mobile: Integers, exclusion: float | Array) -> Array:
    """Return 1 for each pair of mobile sites that cannot both be filled, (n, n)."""
    blocked = np.zeros((len(sites), len(sites)))
    pairs = np.ix_(mobile, mobile)
    points = sites.frac_coords[mobile]
    limits = np.broadcast_to(exclusion, blocked.shape)[pairs]
    blocked[pairs] = sites.lattice.get_all_distances(points, points) < limits
    np.fill_diagonal(blocked, 0.0)
    return blocked


def _ways(group: Group) -> int:
    left, ways = len(group.sites), 1
    for kind in sorted(set(group.kinds)):
        number = group.kinds.count(kind)
        ways *= comb(left, number)
        left -= number
    return ways


def _fillings(group: Group) -> Iterator[list[str]]:
    """Yield every distinct order of a group's kinds."""
    kinds = sorted(set(group.kinds))
    yield from _filled([""] * len(group.sites), range(len(group.sites)), kinds, group)


def _filled(
    filling: list[str], left: Sequence[int], kinds: list[str], group: Group
) -> Iterator[list[str]]:
    if not kinds:
        yield filling
        return
    kind, *others = kinds
    for places in combinations(left, group.kinds.count(kind)):
        changed = list(filling)
        for place in places:
            changed[place] = kind
        rest = [i for i in left if i not in places]
        yield from _filled(changed, rest, others, group)
