"""What must hold for every structure: whole polyanions, no overlaps, no net charge.

Each check raises a StructureError that says where: site, element, position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.periodic import covalent_radii, position_text
from ionface.structures.polyanions import polyanions

Array = NDArray[np.float64]
Image = tuple[int, int, int]

OVERLAP = 0.62  # of the sum of covalent radii; the shortest real bond, P-O, is at 0.87


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
        expected: centers of each kind, as counted by `count_polyanions`; none may have
            vanished.
        named: further groups, as in `polyanions`.

    Raises:
        StructureError: naming the first cut group and its position.
    """
    groups = polyanions(structure, named)
    for group in groups:
        if group.fault:
            site = structure[group.center]
            raise StructureError(
                f"{where}: cut polyanion: {site.specie.symbol} (site {group.center}) "
                f"at {position_text(site.coords)} Å {group.fault}; a cut must pass "
                "between whole groups, so complete the group or leave it out"
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
        f"{position_text(first.coords)} Å and {second.specie.symbol} (site "
        f"{neighbors[worst]}) are {distances[worst]:.2f} Å apart, closer than "
        f"{limits[worst]:.2f} Å; widen the gap or drop one of the atoms"
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
