"""Polyanions by connectivity: which atoms belong together, and whether all are there.

The known ones stand in `polyanions.yaml`, one line each; a layer may name others, as in
`groups: [SeO4]`. A center is whole if its ligands are those of a known group, or if all
that is bonded together has the formula of one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations

import yaml
from pymatgen.core import Element, Structure

from ionface.errors import StructureError
from ionface.structures.labels import CRYSTAL
from ionface.structures.periodic import covalent_radii, position_text

Image = tuple[int, int, int]
Atom = tuple[int, Image]
NAMED_REACH = 1.2  # of the sum of covalent radii; the longest bond of a named group


@dataclass(frozen=True)
class PolyanionKind:
    """What a whole polyanion is.

    Attributes:
        name: its formula, the center first.
        atoms: of each element.
        bonds: longest bond of pairs of elements, Å.
        linked_centers: centers are bonded to each other, as in P2S6; else P2S7 that
            lost a ligand would pass for it.
    """

    name: str
    atoms: Mapping[str, int]
    bonds: Mapping[tuple[str, str], float]
    linked_centers: bool = False

    @property
    def center(self) -> str:
        """Return the element of the center."""
        return next(iter(self.atoms))

    def differs(self, atoms: Mapping[str, int]) -> int:
        """Return how many atoms are missing or too many."""
        elements = {*self.atoms, *atoms}
        return sum(abs(self.atoms.get(e, 0) - atoms.get(e, 0)) for e in elements)


@cache
def known_polyanions() -> tuple[PolyanionKind, ...]:
    """Return the polyanions of `polyanions.yaml`."""
    text = (files("ionface.structures") / "polyanions.yaml").read_text("utf-8")
    kinds = []
    for name, limits in yaml.safe_load(text).items():
        pairs = {tuple(pair.split("-")): float(x) for pair, x in limits.items()}
        atoms = _atoms(name)
        center = next(iter(atoms))
        kinds.append(PolyanionKind(name, atoms, pairs, (center, center) in pairs))
    return tuple(kinds)


def _atoms(name: str) -> dict[str, int]:
    """Return the atoms of a formula in its order.

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


def _named(name: str) -> PolyanionKind:
    """Return a polyanion of which only the formula is known."""
    atoms = _atoms(name)
    center, *ligands = atoms
    pairs = [(center, ligand) for ligand in ligands]
    pairs += combinations(ligands, 2)  # of a chain such as SCN
    if atoms[center] > 1:
        pairs.append((center, center))  # as in C2O4
    reach = {pair: NAMED_REACH * float(covalent_radii(pair).sum()) for pair in pairs}
    return PolyanionKind(name, atoms, reach)


@dataclass(frozen=True)
class Polyanion:
    """A center and its ligands.

    Attributes:
        center: site index.
        ligands: (site index, cell image relative to the center) of each ligand.
        kind: name of the group that it is, or is nearest to, as in "PO4".
        fault: how it differs from a whole one; empty if it does not.
    """

    center: int
    ligands: tuple[Atom, ...]
    kind: str
    fault: str = ""


def polyanions(structure: Structure, named: tuple[str, ...] = ()) -> list[Polyanion]:
    """Return the centers of all polyanions, whole or not, in site order.

    A center without ligands (P in InP, S in Li2S) makes no polyanion. Atoms of
    molecules (label "molecule") bonded to each other make none either: a carbonyl is no
    carbonate; `polymers.integrity` looks after molecules.

    Args:
        structure: ordered.
        named: formulas of groups beside the known ones, as in "GeO4"; bonds reach up to
            1.2 times the sum of covalent radii.

    Raises:
        StructureError: a name that is no formula.
    """
    kinds = (*known_polyanions(), *map(_named, named))
    symbols = [site.specie.symbol for site in structure]
    bonds = _bonds(structure, symbols, kinds)
    return _centers(symbols, bonds, _links(bonds), kinds)


def _bonds(
    structure: Structure, symbols: list[str], kinds: tuple[PolyanionKind, ...]
) -> dict[int, list[Atom]]:
    """Return the ligands of each atom that has any."""
    limits: dict[tuple[str, str], float] = {}
    for kind in kinds:
        for pair, limit in kind.bonds.items():
            limits[pair] = max(limit, limits.get(pair, 0.0))
    elements = set(symbols)
    limits = {pair: x for pair, x in limits.items() if elements.issuperset(pair)}
    if not limits:
        return {}
    molecules = structure.site_properties.get("molecule", [CRYSTAL] * len(structure))
    bonds: dict[int, list[Atom]] = {}
    contacts = structure.get_neighbor_list(max(limits.values()))
    for i, j, image, distance in zip(*contacts, strict=True):
        if distance <= limits.get((symbols[i], symbols[j]), 0.0) and (
            CRYSTAL in (molecules[i], molecules[j])
        ):
            cell = (int(image[0]), int(image[1]), int(image[2]))
            bonds.setdefault(int(i), []).append((int(j), cell))
    # an atom bonded to its own element only, as in black phosphorus, is no center
    return {
        i: sorted(ligands)
        for i, ligands in bonds.items()
        if {symbols[j] for j, _ in ligands} != {symbols[i]}
    }


def _links(bonds: Mapping[int, list[Atom]]) -> dict[int, list[Atom]]:
    """Return the bonds of each atom, seen from both of their ends."""
    links: dict[int, list[Atom]] = {}
    for center, ligands in bonds.items():
        for ligand, image in ligands:
            back = (-image[0], -image[1], -image[2])
            links.setdefault(center, []).append((ligand, image))
            links.setdefault(ligand, []).append((center, back))
    return links


def _centers(
    symbols: list[str],
    bonds: Mapping[int, list[Atom]],
    links: Mapping[int, list[Atom]],
    kinds: tuple[PolyanionKind, ...],
) -> list[Polyanion]:
    centers = []
    for center, ligands in sorted(bonds.items()):
        around = Counter(symbols[i] for i, _ in ligands)
        own = [
            kind
            for kind in kinds
            if kind.center == symbols[center]
            and around.keys() & kind.atoms.keys()
            and (kind.center in around or not kind.linked_centers)
        ]
        star = around + Counter([symbols[center]])
        whole = [kind for kind in own if not kind.differs(star)]
        if not whole and own:
            # no star: then all that is bonded together must be one group, as P2S6
            formula = _formula(center, links, symbols)
            whole = [kind for kind in own if not kind.differs(formula)]
        if whole:
            centers.append(Polyanion(center, tuple(ligands), whole[0].name))
        elif own:
            kind = _nearest(own, star, formula)
            fault = _fault(kind, around, formula)
            centers.append(Polyanion(center, tuple(ligands), kind.name, fault))
    return centers


def _formula(
    start: int, links: Mapping[int, list[Atom]], symbols: list[str]
) -> Counter[str]:
    """Return the atoms of all that is bonded to a site, itself included."""
    members, seen = [start], {start}
    for atom in members:  # grows while it is walked
        fresh = {other for other, _ in links[atom]} - seen
        seen |= fresh
        members += fresh
    return Counter(symbols[i] for i in members)


def _nearest(
    kinds: list[PolyanionKind], star: Counter[str], formula: Counter[str]
) -> PolyanionKind:
    return min(
        kinds,
        key=lambda kind: (
            min(kind.differs(star), kind.differs(formula)),
            abs(kind.atoms[kind.center] - formula[kind.center]),
        ),
    )


def _fault(kind: PolyanionKind, around: Counter[str], formula: Counter[str]) -> str:
    """Return how a center differs from a kind that it is not."""
    number = sum(kind.atoms.values()) - 1
    bonded = sum(n for element, n in around.items() if element in kind.atoms)
    if kind.atoms[kind.center] == 1 and bonded != number:
        return f"has {bonded} ligands instead of the {number} of a whole {kind.name}"
    made = "".join(f"{e}{n if n > 1 else ''}" for e, n in formula.items())
    return f"is part of {made} instead of a whole {kind.name}"


@dataclass(frozen=True)
class BondedGroup:
    """Atoms that no cut may divide.

    Attributes:
        atoms: (site index, cell image), the centers first.
        n_centers: how many of them are centers; 1 for a single atom.
    """

    atoms: tuple[Atom, ...]
    n_centers: int


def bonded_groups(
    structure: Structure, named: tuple[str, ...] = ()
) -> list[BondedGroup]:
    """Return every atom once, those of a polyanion together.

    Polyanions that share a ligand (P2S7) or are bonded (P2S6) are one group.

    Args:
        structure: ordered.
        named: further groups, as in `polyanions`.

    Raises:
        StructureError: polyanions form a chain or a network, which has no whole groups.
    """
    kinds = (*known_polyanions(), *map(_named, named))
    symbols = [site.specie.symbol for site in structure]
    bonds = _bonds(structure, symbols, kinds)
    links = _links(bonds)
    centers = {group.center for group in _centers(symbols, bonds, links, kinds)}
    placed: dict[int, Image] = {}
    groups = []
    for start in range(len(structure)):
        if start not in placed:
            atoms = _connected(structure, start, links, placed)
            atoms.sort(key=lambda atom: atom[0] not in centers)
            number = sum(atom[0] in centers for atom in atoms)
            groups.append(BondedGroup(tuple(atoms), max(1, number)))
    return groups


def _connected(
    structure: Structure,
    start: int,
    links: Mapping[int, list[Atom]],
    placed: dict[int, Image],
) -> list[Atom]:
    placed[start] = (0, 0, 0)
    members = [start]
    for atom in members:  # grows while it is walked
        here = placed[atom]
        for other, step in links.get(atom, []):
            image = (here[0] + step[0], here[1] + step[1], here[2] + step[2])
            if placed.setdefault(other, image) != image:
                raise StructureError(
                    f"{structure[other].specie.symbol} (site {other}) at "
                    f"{position_text(structure[other].coords)} Å belongs to an "
                    "endless chain or network of polyanions, which cannot be cut into "
                    "whole groups; use a crystal with isolated polyanions"
                )
            if other not in members:
                members.append(other)
    return [(i, placed[i]) for i in members]


def count_polyanions(
    structure: Structure, named: tuple[str, ...] = ()
) -> dict[str, int]:
    """Return how many centers of each kind of polyanion there are, whole or not."""
    return dict(Counter(group.kind for group in polyanions(structure, named)))
