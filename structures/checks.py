"""What must hold for every structure: whole polyanions, no overlaps, no net charge.

Each check raises a StructureError that says where: site, element, position.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element, Structure

from ionface.errors import StructureError

Array = NDArray[np.float64]
Image = tuple[int, int, int]

# center -> ligand -> (longest bond in Å, ligands of a whole group). Limits lie
# between the group's bond (P-O 1.54, P-S 2.05, Ge-S 2.21) and the next distance.
POLYANIONS: dict[str, dict[str, tuple[float, int]]] = {
    "P": {"O": (1.90, 4), "S": (2.45, 4), "Se": (2.60, 4), "F": (1.85, 6)},
    "Ge": {"S": (2.60, 4)},
    "Si": {"O": (1.95, 4), "S": (2.45, 4)},
    "Sn": {"S": (2.65, 4)},
    "As": {"O": (1.95, 4), "S": (2.50, 4), "F": (1.95, 6)},
    "Sb": {"S": (2.60, 4)},
    "S": {"O": (1.65, 4)},
    "B": {"H": (1.45, 4), "F": (1.65, 4)},
    "C": {"O": (1.34, 3)},
    "N": {"O": (1.40, 3)},
    "Cl": {"O": (1.70, 4)},
}
NAMED_REACH = 1.2  # of the sum of covalent radii; the longest bond of a named group
OVERLAP = 0.62  # of the sum of covalent radii; the shortest real bond, P-O, is at 0.87


@dataclass(frozen=True)
class Polyanion:
    """A center and its ligands.

    Attributes:
        center: site index.
        ligands: (site index, cell image relative to the center) of each ligand.
        kind: the whole group, as in "PO4".
        whole: number of ligands of the whole group.
    """

    center: int
    ligands: tuple[tuple[int, Image], ...]
    kind: str
    whole: int


def polyanions(structure: Structure, named: tuple[str, ...] = ()) -> list[Polyanion]:
    """Return all polyanions by connectivity, whole or not, in site order.

    A center with several kinds of ligand is judged by the kind it has most of; one
    without any (P in InP, S in Li2S) makes no polyanion. In Li4P2S6 the other P counts
    as a ligand.

    Args:
        structure: ordered.
        named: groups beside those of `POLYANIONS`, as in "GeO4"; bonds reach up to
            1.2 times the sum of covalent radii.
    """
    symbols = [site.specie.symbol for site in structure]
    table = _with_named(named)
    bonded = _bonds(structure, symbols, table)
    found = []
    for center, kinds in sorted(bonded.items()):
        own = kinds.pop(symbols[center], [])
        if not kinds:
            continue
        ligand = max(sorted(kinds), key=lambda s: len(kinds[s]))
        whole = table[symbols[center]][ligand][1]
        ligands = tuple(sorted(kinds[ligand] + own))
        found.append(
            Polyanion(center, ligands, f"{symbols[center]}{ligand}{whole}", whole)
        )
    return found


def _with_named(named: tuple[str, ...]) -> dict[str, dict[str, tuple[float, int]]]:
    """Return `POLYANIONS` with groups that the user named."""
    table = {center: dict(kinds) for center, kinds in POLYANIONS.items()}
    for name in named:
        form = re.fullmatch(r"([A-Z][a-z]?)([A-Z][a-z]?)(\d+)", name)
        if not form or not all(map(Element.is_valid_symbol, form.groups()[:2])):
            raise StructureError(
                f"group {name!r}: name a center, its ligand and their number, as in "
                "PO4 or BF4"
            )
        center, ligand, number = form.groups()
        reach = NAMED_REACH * float(covalent_radii([center, ligand]).sum())
        table.setdefault(center, {})[ligand] = (reach, int(number))
    return table


def _bonds(
    structure: Structure,
    symbols: list[str],
    table: Mapping[str, Mapping[str, tuple[float, int]]],
) -> dict[int, dict[str, list[tuple[int, Image]]]]:
    """Return the ligands of each center, by element; P-P bonds of P2S6 included."""
    if not set(symbols) & set(table):
        return {}
    longest = max(limit for kinds in table.values() for limit, _ in kinds.values())
    contacts = structure.get_neighbor_list(longest)
    bonded: dict[int, dict[str, list[tuple[int, Image]]]] = {}
    for i, j, image, distance in zip(*contacts, strict=True):
        first, second = symbols[i], symbols[j]
        kinds = table.get(first, {})
        limit = 2.40 if first == second == "P" else kinds.get(second, (0.0, 0))[0]
        if distance <= limit:
            at = (int(image[0]), int(image[1]), int(image[2]))
            bonded.setdefault(int(i), {}).setdefault(second, []).append((int(j), at))
    return bonded


@dataclass(frozen=True)
class BondedGroup:
    """Atoms that no cut may divide.

    Attributes:
        atoms: (site index, cell image), the centers first.
        n_centers: how many of them are centers; 1 for a single atom.
    """

    atoms: tuple[tuple[int, Image], ...]
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
    links: dict[int, list[tuple[int, Image]]] = {}
    centers = set()
    for group in polyanions(structure, named):
        centers.add(group.center)
        for ligand, image in group.ligands:
            back = (-image[0], -image[1], -image[2])
            links.setdefault(group.center, []).append((ligand, image))
            links.setdefault(ligand, []).append((group.center, back))
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
    links: Mapping[int, list[tuple[int, Image]]],
    placed: dict[int, Image],
) -> list[tuple[int, Image]]:
    placed[start] = (0, 0, 0)
    members = [start]
    for atom in members:  # grows while it is walked
        here = placed[atom]
        for other, step in links.get(atom, []):
            image = (here[0] + step[0], here[1] + step[1], here[2] + step[2])
            if placed.setdefault(other, image) != image:
                raise StructureError(
                    f"{structure[other].specie.symbol} (site {other}) at "
                    f"{at(structure[other].coords)} Å belongs to an endless chain or "
                    "network of polyanions, which cannot be cut into whole groups; "
                    "use a crystal with isolated polyanions"
                )
            if other not in members:
                members.append(other)
    return [(i, placed[i]) for i in members]


def count_polyanions(
    structure: Structure, named: tuple[str, ...] = ()
) -> dict[str, int]:
    """Return how many polyanions of each kind there are, whole or not."""
    return dict(Counter(group.kind for group in polyanions(structure, named)))


def check_polyanions(
    structure: Structure,
    where: str,
    expected: Mapping[str, int] | None = None,
    named: tuple[str, ...] = (),
) -> None:
    """Refuse a structure with a cut polyanion.

    Args:
        structure: ordered.
        where: named in the message.
        expected: number of polyanions of each kind; none may have vanished.
        named: further groups, as in `polyanions`.

    Raises:
        StructureError: naming the first cut group and its position.
    """
    groups = polyanions(structure, named)
    for group in groups:
        if len(group.ligands) != group.whole:
            site = structure[group.center]
            raise StructureError(
                f"{where}: cut polyanion: {site.specie.symbol} (site {group.center}) "
                f"at {at(site.coords)} Å has {len(group.ligands)} ligands instead of "
                f"the {group.whole} of a whole {group.kind}; a cut must pass between "
                "whole groups, so complete the group or leave it out"
            )
    counts = Counter(group.kind for group in groups)
    for kind, number in (expected or {}).items():
        if counts[kind] != number:
            raise StructureError(
                f"{where}: {counts[kind]} {kind} groups instead of {number}; cut "
                "between whole groups, or widen the gap if two groups merged"
            )


def check_overlaps(structure: Structure, where: str, factor: float = OVERLAP) -> None:
    """Refuse a structure in which two atoms are closer than any bond.

    Args:
        structure: periodic images count.
        where: named in the message.
        factor: of the sum of covalent radii, below which atoms overlap.
    """
    radii = covalent_radii([site.specie.symbol for site in structure])
    centers, neighbors, _, distances = structure.get_neighbor_list(
        2 * factor * float(radii.max())
    )
    limits = factor * (radii[centers] + radii[neighbors])
    if not (bad := np.flatnonzero(distances < limits)).size:
        return
    worst = bad[np.argmin(distances[bad] / limits[bad])]
    first, second = structure[int(centers[worst])], structure[int(neighbors[worst])]
    raise StructureError(
        f"{where}: overlap: {first.specie.symbol} (site {centers[worst]}) at "
        f"{at(first.coords)} Å and {second.specie.symbol} (site {neighbors[worst]}) "
        f"are {distances[worst]:.2f} Å apart, closer than {limits[worst]:.2f} Å; "
        "widen the gap or drop one of the atoms"
    )


def check_neutral(
    structure: Structure,
    oxidation: Mapping[str, float],
    where: str,
    expected: float = 0.0,
) -> None:
    """Refuse a charged cell.

    Args:
        structure: ordered.
        oxidation: charge of each element; metals have none, or zero.
        where: named in the message.
        expected: formal charge that the cell was made with, e: that of a symmetric
            slab whose excess of ions is stated; 0 for all others.
    """
    counts = Counter(site.specie.symbol for site in structure)
    charges = {s: n * oxidation.get(s, 0.0) for s, n in counts.items()}
    total = sum(charges.values())
    if abs(total - expected) > 1e-3:
        shown = ", ".join(f"{k} {v:+.0f}" for k, v in sorted(charges.items()))
        raise StructureError(
            f"{where}: charged cell: {total:+.2f} e in all"
            f"{f' instead of {expected:+.2f} e' if expected else ''} ({shown}); add or "
            "remove counter-ions, or change the doping"
        )


def covalent_radii(symbols: list[str]) -> Array:
    """Return covalent radii, Å, shape (n,) (Cordero et al., doi:10.1039/b801115j)."""
    from ase.data import atomic_numbers
    from ase.data import covalent_radii as radii

    return np.array([radii[atomic_numbers[symbol]] for symbol in symbols])


def at(coords: Array) -> str:
    """Return a position as messages show it."""
    return "(" + ", ".join(f"{x:.2f}" for x in coords) + ")"
