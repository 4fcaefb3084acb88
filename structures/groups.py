"""Whole groups of atoms: which belong together, and whether all of them are there.

No table of anions: atoms are bonded where a nonmetal is as near to another nonmetal,
metalloid or tin as covalent radii allow, and what is bonded together in the crystal
stays together: PO4 and PO2F2, oxalate, B12H12, TFSI. Bonds to metals hold nothing
together, but those of a group that the user names, as in `groups: [AlH4, VO4]`.

Endless groups (chains of LiPO3, layers of h-BN) stay whole on facets parallel to them.
What reaches through the crystal in all directions (SiO2, GeO2) has no whole groups: it
is cut between atoms, as metals and salts are; so are elements, chains or not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from pymatgen.core import Element, Structure

from ionface.errors import StructureError
from ionface.structures.periodic import covalent_radii, position_text

Image = tuple[int, int, int]
Atom = tuple[int, Image]
Environment = tuple[str, tuple[str, ...]]  # an element, and those bonded to it
REACH = 1.2  # of the sum of covalent radii: P-S 2.05 Å at 0.97, the next P-S at 1.6
# S-S is 2.05 to 2.18 Å (1.04) in polysulfides and pyrite; from 2.2 Å it is a contact
REACH_ANIONS = 1.05
ANIONS = {"S", "Se", "Cl", "Br", "I"}
# bonds of H are short and soft: B-H 1.22 Å is at 1.06, F-H-F at 1.30, O...H above 1.5
REACH_H = 1.3
MOST_COVALENT = 4  # ligands of a metalloid in a network; with six it is a cation
TETRAHEDRAL_METALS = {"Sn"}  # makes thiostannates as silicon makes thiosilicates


@dataclass(frozen=True)
class BondRule:
    """Which pairs of elements are bonded, and up to which distance.

    Attributes:
        limits: by pair of elements, in both orders, Å.
    """

    limits: Mapping[tuple[str, str], float]

    def neighbors(self, structure: Structure) -> list[list[Atom]]:
        """Return the atoms bonded to each site, images included."""
        symbols = [site.specie.symbol for site in structure]
        bonded: list[list[Atom]] = [[] for _ in symbols]
        present = set(symbols)
        reach = [x for pair, x in self.limits.items() if present.issuperset(pair)]
        if not reach:
            return bonded
        contacts = structure.get_neighbor_list(max(reach))
        for i, j, image, distance in zip(*contacts, strict=True):
            if distance <= self.limits.get((symbols[i], symbols[j]), 0.0):
                cell = (int(image[0]), int(image[1]), int(image[2]))
                bonded[int(i)].append((int(j), cell))
        return [sorted(atoms) for atoms in bonded]

    def environments(self, structure: Structure) -> list[Environment]:
        """Return each site's element and the elements bonded to it."""
        symbols = [site.specie.symbol for site in structure]
        return [
            (symbol, tuple(sorted(symbols[j] for j, _ in atoms)))
            for symbol, atoms in zip(symbols, self.neighbors(structure), strict=True)
        ]

    def without(self, pairs: Iterable[tuple[str, str]]) -> BondRule:
        """Return the rule that finds no bonds of some pairs."""
        left = dict(self.limits)
        for first, second in pairs:
            left.pop((first, second), None)
            left.pop((second, first), None)
        return BondRule(left)


def bond_rule(elements: Iterable[str], named: Sequence[str] = ()) -> BondRule:
    """Return which of some elements are bonded.

    Args:
        elements: symbols.
        named: formulas of groups whose elements are bonded too.

    Raises:
        StructureError: a name that is no formula.
    """
    groups = [group_atoms(name) for name in named]
    limits = {}
    for pair in combinations_with_replacement(sorted(set(elements)), 2):
        first, second = pair
        own = any(_holds(group, first, second) for group in groups)
        if own or _covalent(first, second):
            reach = REACH_H if "H" in pair else REACH
            if ANIONS.issuperset(pair) and not own:
                reach = REACH_ANIONS
            limit = reach * float(covalent_radii(pair).sum())
            limits[first, second] = limits[second, first] = limit
    return BondRule(limits)


def _holds(group: Mapping[str, int], first: str, second: str) -> bool:
    return first in group and second in group and (first != second or group[first] > 1)


def _covalent(first: str, second: str) -> bool:
    one, two = Element(first), Element(second)
    if first in TETRAHEDRAL_METALS or second in TETRAHEDRAL_METALS:
        return _nonmetal(one) or _nonmetal(two)
    return all(_nonmetal(e) or bool(e.is_metalloid) for e in (one, two))


def _nonmetal(element: Element) -> bool:
    return not element.is_metal and not element.is_metalloid


def group_atoms(name: str) -> dict[str, int]:
    """Return the atoms of a group's formula in its order.

    Raises:
        StructureError: no formula of at least two elements.
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", name)
    atoms: Counter[str] = Counter()
    for element, number in parts:
        atoms[element] += int(number or 1)
    whole = "".join(element + number for element, number in parts) == name
    if not whole or len(atoms) < 2 or not all(map(Element.is_valid_symbol, atoms)):
        raise StructureError(
            f"group {name!r}: give its formula, the center first, as in PO4, BF4, CN "
            "or P2S7"
        )
    return dict(atoms)


@dataclass(frozen=True)
class BondedGroup:
    """Atoms that no cut may divide.

    Attributes:
        atoms: (site index, cell image), the centers first: those with most bonds, of
            these the heaviest element.
        n_centers: how many of them are centers; 1 for a single atom.
        periods: cell vectors, in whole numbers, by which an endless one repeats.
        star: one center and the ligands that are bonded to it alone.
    """

    atoms: tuple[Atom, ...]
    n_centers: int
    periods: tuple[Image, ...] = ()
    star: bool = False

    @property
    def dimensions(self) -> int:
        """Return 0 for a molecule, 1 for a chain, 2 for a layer, 3 for a network."""
        return int(np.linalg.matrix_rank(np.array(self.periods or [(0, 0, 0)])))


@dataclass(frozen=True)
class GroupedCrystal:
    """A crystal as whole groups, single atoms included.

    Attributes:
        groups: every atom once.
        rule: that finds their bonds, and none of networks.
        environments: of each site by this rule.
    """

    groups: tuple[BondedGroup, ...]
    rule: BondRule
    environments: tuple[Environment, ...]


def whole_groups(
    crystal: Structure,
    named: Sequence[str] = (),
    miller: tuple[int, int, int] | None = None,
) -> GroupedCrystal:
    """Return the groups that a cut along a facet keeps whole.

    Args:
        crystal: ordered.
        named: further groups, as in `bond_rule`.
        miller: of the facet, in the axes of the crystal's cell; an endless group that
            it does not cut is one group. None cuts all endless ones.

    Raises:
        StructureError: the facet cuts a chain or layer of several elements, or a named
            network.
    """
    rule = bond_rule([site.specie.symbol for site in crystal], named)
    groups = bonded_groups(crystal, rule)
    while cut := [group for group in groups if _is_cut(group, miller)]:
        # a molecule beside a network of the same two elements is in no known crystal
        rule = rule.without(_loosest(crystal, cut, rule, named))
        groups = bonded_groups(crystal, rule)
    return GroupedCrystal(tuple(groups), rule, tuple(rule.environments(crystal)))


def bonded_groups(structure: Structure, rule: BondRule) -> list[BondedGroup]:
    """Return every atom once, those bonded to each other together."""
    neighbors = rule.neighbors(structure)
    numbers = [site.specie.Z for site in structure]
    placed: dict[int, Image] = {}
    groups = []
    for start in range(len(structure)):
        if start not in placed:
            atoms, periods = _connected(start, neighbors, placed)
            ranks = {i: (len(neighbors[i]), numbers[i]) for i, _ in atoms}
            highest = max(ranks.values())
            atoms.sort(key=lambda atom: ranks[atom[0]] != highest)
            n_centers = sum(rank == highest for rank in ranks.values())
            ends = all(len(neighbors[i]) == 1 for i, _ in atoms[n_centers:])
            star = n_centers == 1 and ends and not periods and len(atoms) > 1
            groups.append(BondedGroup(tuple(atoms), n_centers, tuple(periods), star))
    return groups


def _connected(
    start: int, neighbors: Sequence[list[Atom]], placed: dict[int, Image]
) -> tuple[list[Atom], list[Image]]:
    """Return what is bonded to a site, and the periods with which it meets itself."""
    placed[start] = (0, 0, 0)
    members = [start]
    periods: dict[Image, None] = {}  # a set that keeps its order
    for atom in members:  # grows while it is walked
        here = placed[atom]
        for other, step in neighbors[atom]:
            image = (here[0] + step[0], here[1] + step[1], here[2] + step[2])
            if other not in placed:
                placed[other] = image
                members.append(other)
            elif image != (there := placed[other]):
                a, b, c = (x - y for x, y in zip(image, there, strict=True))
                periods[a, b, c] = None
    return [(i, placed[i]) for i in members], list(periods)


def _is_cut(group: BondedGroup, miller: tuple[int, int, int] | None) -> bool:
    """Return whether a facet passes through an endless group."""
    if miller is None:
        return bool(group.periods)
    return bool(np.any(np.array(group.periods or [(0, 0, 0)]) @ miller))


def _loosest(
    crystal: Structure,
    groups: Sequence[BondedGroup],
    rule: BondRule,
    named: Sequence[str],
) -> set[tuple[str, str]]:
    """Return the pairs of elements whose bonds are cut first in endless groups.

    Those of metalloids with more than four ligands, which are cations (GeO6 between
    PO4); then those between equal atoms of an element; then the longest for their
    radii (B-O before P-O in BPO4).
    """
    symbols = [site.specie.symbol for site in crystal]
    made = [{symbols[i] for i, _ in group.atoms} for group in groups]
    held = [set(group_atoms(name)) for name in named]
    for group, elements in zip(groups, made, strict=True):
        if any(elements >= own for own in held):
            raise StructureError(_endless(crystal, group))
    neighbors = rule.neighbors(crystal)
    atoms = [i for group in groups for i, _ in group.atoms]
    if cations := _cation_bonds(symbols, neighbors):
        return cations
    for group, elements in zip(groups, made, strict=True):
        if len(elements) == 1:
            return {(symbols[group.atoms[0][0]],) * 2}
        if group.dimensions < 3:  # another facet keeps it whole
            raise StructureError(_endless(crystal, group))
    longest: dict[tuple[str, str], float] = {}
    for i in atoms:
        for j, image in neighbors[i]:
            pair = (symbols[i], symbols[j])
            ratio = crystal.get_distance(i, j, image) / covalent_radii(pair).sum()
            longest[pair] = max(longest.get(pair, 0.0), round(float(ratio), 6))
    return {max(sorted(longest), key=longest.__getitem__)}


def _cation_bonds(
    symbols: Sequence[str], neighbors: Sequence[list[Atom]]
) -> set[tuple[str, str]]:
    """Return the pairs of elements of metalloids with more ligands than bonds.

    Ligands that are bonded to nothing else are its own: AsF6 is a group.
    """
    pairs: set[tuple[str, str]] = set()
    for symbol, bonded in zip(symbols, neighbors, strict=True):
        ligands = [j for j, _ in bonded if symbols[j] != symbol]
        shared = any(len(neighbors[j]) > 1 for j in ligands)
        if len(ligands) > MOST_COVALENT and shared and not _nonmetal(Element(symbol)):
            pairs.update((symbol, symbols[j]) for j in ligands)
    return pairs


def _endless(crystal: Structure, group: BondedGroup) -> str:
    """Return what is said of a group that no facet, or another one, keeps whole."""
    made = formula(crystal[i].specie.symbol for i, _ in group.atoms)
    return (
        f"{_place(crystal, group)} belongs to an endless chain or network, {made}, "
        f"which cannot be cut into whole groups; {_uncut(group)}"
    )


def _uncut(group: BondedGroup) -> str:
    """Return which facets keep an endless group whole."""
    periods = np.array(group.periods)
    if group.dimensions == 1:
        a, b, c = periods[0] // np.gcd.reduce(periods[0])
        return f"take a facet (hkl) parallel to it, with {a}h + {b}k + {c}l = 0"
    if group.dimensions == 2:
        normals = (np.cross(periods[0], other) for other in periods)
        normal = next(n for n in normals if n.any())
        h, k, l = normal // np.gcd.reduce(normal)  # noqa: E741
        return f"take the facet ({h} {k} {l}), which is parallel to it"
    return "leave it out of `groups`"


def formula(symbols: Iterable[str]) -> str:
    """Return a formula, the least electronegative element first, H last: "P2S7"."""
    counts = Counter(symbols)
    order = sorted(counts, key=lambda s: (s == "H", Element(s).X, s))
    return "".join(f"{s}{counts[s] if counts[s] > 1 else ''}" for s in order)


def finite_groups(
    structure: Structure, rule: BondRule | None = None
) -> list[tuple[int, ...]]:
    """Return the sites of each molecule or ion, those with most bonds first.

    Args:
        structure: ordered.
        rule: of the bulk, where a slab is meant; else by the structure itself.
    """
    if rule is None:
        symbols = [site.specie.symbol for site in structure]
        rule = bond_rule(symbols)
        rule = rule.without(_cation_bonds(symbols, rule.neighbors(structure)))
    return [
        tuple(i for i, _ in group.atoms)
        for group in bonded_groups(structure, rule)
        if len(group.atoms) > 1 and not group.periods
    ]


def count_groups(structure: Structure, rule: BondRule | None = None) -> dict[str, int]:
    """Return how many molecules and ions there are, by formula; as `finite_groups`."""
    symbols = [site.specie.symbol for site in structure]
    groups = finite_groups(structure, rule)
    return dict(Counter(formula(symbols[i] for i in atoms) for atoms in groups))


def check_whole(
    structure: Structure,
    expected: Mapping[Environment, int],
    rule: BondRule,
    where: str,
) -> None:
    """Refuse a structure whose atoms have other ligands than they should.

    Args:
        structure: ordered.
        expected: how many atoms have which ligands: those of the bulk.
        rule: that found them.
        where: named in the message.

    Raises:
        StructureError: naming the first cut group and its position.
    """
    found = rule.environments(structure)
    counts = Counter(found)
    for index, (symbol, ligands) in enumerate(found):
        if counts[symbol, ligands] > expected.get((symbol, ligands), 0):
            others = [len(own) for s, own in expected if s == symbol]
            site = structure[index]
            raise StructureError(
                f"{where}: cut group: {symbol} (site {index}) at "
                f"{position_text(site.coords)} Å has {len(ligands)} ligands instead of "
                f"{_either(sorted(set(others)))} as in the bulk; a cut must pass "
                "between whole groups, so complete the group or leave it out"
            )
    for (symbol, ligands), number in expected.items():
        if counts[symbol, ligands] != number:
            raise StructureError(
                f"{where}: {counts[symbol, ligands]} {symbol} bonded to "
                f"{formula(ligands) or 'nothing'} instead of {number}"
            )


def _either(numbers: Sequence[int]) -> str:
    return " or ".join(str(n) for n in numbers) or "none"


def check_complete(structure: Structure, where: str, named: Sequence[str] = ()) -> None:
    """Refuse a user's structure in which a group lacks what another of its kind has.

    PS3 beside PS4 has lost its sulfur; PS3 alone is the anion of Li3PS3. What differs
    in hydrogen (OH beside H2O) or in its center is another group, not a cut one.

    Args:
        structure: ordered.
        where: named in the message.
        named: groups that must be whole, and are what they are: `groups: [SO3, SO4]`.

    Raises:
        StructureError: naming the first cut group and its position.
    """
    symbols = [site.specie.symbol for site in structure]
    rule = bond_rule(symbols, named)
    known = {name: Counter(group_atoms(name)) for name in named}
    groups = [g for g in bonded_groups(structure, rule) if len(g.atoms) > 1]
    held = [Counter(symbols[i] for i, _ in group.atoms) for group in groups]
    stars = {
        formula(own.elements()): own
        for own, group in zip(held, groups, strict=True)
        if group.star
    }
    for own, group in zip(held, groups, strict=True):
        center = symbols[group.atoms[0][0]]
        for name, whole in [*known.items(), *(stars if group.star else {}).items()]:
            if own not in known.values() and _lacks(own, whole, center):
                made = formula(own.elements())
                number = sum(whole.values()) - 1
                how = f"is part of {made} instead of a whole {name}"
                if group.star:
                    how = (
                        f"has {len(group.atoms) - 1} ligands instead of the {number} "
                        f"of a whole {name}"
                    )
                raise StructureError(
                    f"{where}: cut polyanion: {_place(structure, group)} {how}; "
                    "complete the group, or, if both are what they should be, give "
                    f"the layer `groups: [{made}, {name}]`"
                )


def _place(structure: Structure, group: BondedGroup) -> str:
    index = group.atoms[0][0]
    site = structure[index]
    return f"{site.specie.symbol} (site {index}) at {position_text(site.coords)} Å"


def _lacks(own: Counter[str], whole: Counter[str], center: str) -> bool:
    """Return whether ligands are missing; hydrogen may be on one and not on another."""
    lost = whole - own
    return bool(set(lost) - {"H"}) and not own - whole and center not in lost


def check_apart(structure: Structure, phases: Sequence[str], where: str) -> None:
    """Refuse an interface whose gap makes one group of two.

    Args:
        structure: both sides.
        phases: of each site; bonds between two phases must hold no finite group.
        where: named in the message.

    Raises:
        StructureError: naming the two atoms and their distance.
    """
    finite: set[int] = set()
    for phase in sorted(set(phases)):
        rows = [i for i, own in enumerate(phases) if own == phase]
        part = Structure.from_sites([structure[i] for i in rows])
        finite.update(rows[i] for atoms in finite_groups(part) for i in atoms)
    rule = bond_rule(site.specie.symbol for site in structure)
    for i, atoms in enumerate(rule.neighbors(structure)):
        for j, image in atoms:
            if phases[i] != phases[j] and i in finite:
                distance = structure.get_distance(i, j, image)
                raise StructureError(
                    f"{where}: {structure[i].specie.symbol} (site {i}) of {phases[i]} "
                    f"and {structure[j].specie.symbol} (site {j}) of {phases[j]} are "
                    f"{distance:.2f} Å apart, as near as a bond; widen the gap"
                )
