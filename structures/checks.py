"""What must hold for every structure: whole polyanions, no overlaps, no net charge.

Each check raises a StructureError that says where: site, element, position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from pymatgen.core import Structure

from .errors import StructureError

# center -> ligand -> (largest bond length in Å, ligands of a whole group)
POLYANIONS: dict[str, dict[str, tuple[float, int]]] = {
    "P": {"O": (1.90, 4), "S": (2.45, 4)},
    "Ge": {"S": (2.55, 4)},
    "Si": {"O": (1.95, 4), "S": (2.45, 4)},
    "Sn": {"S": (2.70, 4)},
    "As": {"S": (2.50, 4)},
    "Sb": {"S": (2.65, 4)},
    "S": {"O": (1.75, 4)},
    "B": {"H": (1.45, 4)},
    "C": {"O": (1.36, 3)},  # carbonate; ether C-O (1.42) makes no group
    "N": {"O": (1.36, 3)},
    "Cl": {"O": (1.70, 4)},
}
OVERLAP = 0.62  # of the sum of covalent radii: below the shortest real bonds (P-O 0.87)


@dataclass(frozen=True)
class Polyanion:
    """A center and its ligands.

    Attributes:
        center: site index.
        ligands: site index and image of each ligand, relative to the center's cell.
        kind: as in "PO4".
    """

    center: int
    ligands: tuple[tuple[int, tuple[int, int, int]], ...]
    kind: str


def polyanions(structure: Structure) -> list[Polyanion]:
    """Return all polyanions by connectivity, whole or not, in site order.

    A center with bonds to several kinds of ligand counts the kind it has most of. A
    center without any ligand (P in InP, S in Li2S) makes no polyanion.
    """
    symbols = [site.specie.symbol for site in structure]
    if not set(symbols) & set(POLYANIONS):
        return []
    found: list[Polyanion] = []
    centers, neighbors, images, distances = structure.get_neighbor_list(2.8)
    bonded: dict[tuple[int, str], list[tuple[int, tuple[int, int, int]]]] = {}
    for i, j, image, distance in zip(
        centers, neighbors, images, distances, strict=True
    ):
        limit = POLYANIONS.get(symbols[i], {}).get(symbols[j])
        if limit is not None and distance <= limit[0]:
            at = (int(image[0]), int(image[1]), int(image[2]))
            bonded.setdefault((int(i), symbols[j]), []).append((int(j), at))
    for i in range(len(structure)):
        options = {s: v for (c, s), v in bonded.items() if c == i}
        if options:
            ligand = max(options, key=lambda s: len(options[s]))
            ligands = tuple(sorted(options[ligand]))
            kind = f"{symbols[i]}{ligand}{POLYANIONS[symbols[i]][ligand][1]}"
            found.append(Polyanion(i, ligands, kind))
    return found


def check_polyanions(
    structure: Structure, where: str, expected: Mapping[str, int] | None = None
) -> None:
    """Refuse a structure with a cut polyanion.

    Args:
        structure: ordered.
        where: named in the message.
        expected: number of polyanions of each kind; none may have vanished.

    Raises:
        StructureError: naming the first cut group and its position.
    """
    counts: dict[str, int] = {}
    for group in polyanions(structure):
        counts[group.kind] = counts.get(group.kind, 0) + 1
        whole = int(group.kind[-1])
        if len(group.ligands) != whole:
            site = structure[group.center]
            raise StructureError(
                f"{where}: cut polyanion: {site.specie.symbol} (site {group.center}) "
                f"at {_at(site.coords)} Å has {len(group.ligands)} of the {whole} "
                f"ligands of a {group.kind}; a cut must pass between whole groups"
            )
    for kind, number in (expected or {}).items():
        if counts.get(kind, 0) != number:
            raise StructureError(
                f"{where}: {counts.get(kind, 0)} {kind} groups instead of {number}; "
                "some were broken up"
            )


def count_polyanions(structure: Structure) -> dict[str, int]:
    """Return how many polyanions of each kind there are."""
    counts: dict[str, int] = {}
    for group in polyanions(structure):
        counts[group.kind] = counts.get(group.kind, 0) + 1
    return counts


def check_overlaps(structure: Structure, where: str, factor: float = OVERLAP) -> None:
    """Refuse a structure in which two atoms are closer than any bond.

    Args:
        structure: periodic images count.
        where: named in the message.
        factor: of the sum of covalent radii (Cordero 2008), below which atoms overlap.
    """
    radii = site_radii(structure)
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
        f"{_at(first.coords)} and {second.specie.symbol} (site {neighbors[worst]}) are "
        f"{distances[worst]:.2f} Å apart, closer than {limits[worst]:.2f} Å; "
        "widen the gap or drop one of the atoms"
    )


def check_neutral(
    structure: Structure, oxidation: Mapping[str, float], where: str
) -> None:
    """Refuse a charged cell.

    Args:
        structure: ordered.
        oxidation: charge of each element; all zero for metals.
        where: named in the message.
    """
    charges: dict[str, float] = {}
    for site in structure:
        symbol = site.specie.symbol
        charges[symbol] = charges.get(symbol, 0.0) + oxidation.get(symbol, 0.0)
    total = sum(charges.values())
    if abs(total) > 1e-3:
        shown = ", ".join(f"{k} {v:+.0f}" for k, v in sorted(charges.items()))
        raise StructureError(
            f"{where}: charged cell: {total:+.2f} e in all ({shown}); add or remove "
            "counter-ions, or change the doping"
        )


def site_radii(structure: Structure) -> np.ndarray:
    """Return the covalent radius of each site, Å, shape (n_sites,)."""
    return np.array(
        [covalent_radii[atomic_numbers[site.specie.symbol]] for site in structure]
    )


def _at(coords: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:.2f}" for x in coords) + ")"
