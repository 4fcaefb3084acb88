"""What must hold for every structure: no overlaps, no net charge.

Each check raises a StructureError that says where: site, element, position. `groups`
looks after whole groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.periodic import covalent_radii, position_text

Array = NDArray[np.float64]

FULL = 0.99  # occupancies are given with two digits at least
OVERLAP = 0.62  # of the sum of covalent radii; the shortest real bond, P-O, is at 0.87


def check_overlaps(
    structure: Structure, where: str, remedy: str = "correct its cell or coordinates"
) -> None:
    """Refuse a structure in which two atoms are closer than any bond.

    Args:
        structure: periodic images count.
        where: named in the message.
        remedy: what may be done about it.
    """
    if (worst := overlap(structure)) is not None:
        raise StructureError(f"{where}: {worst}; {remedy}")


def overlap(structure: Structure, factor: float = OVERLAP) -> str | None:
    """Return which two atoms are closest for their radii, if they overlap.

    Args:
        structure: sites that are not full are left out: of two that are near, one is
            empty.
        factor: of the sum of covalent radii, below which atoms overlap.
    """
    full = [i for i, site in enumerate(structure) if site.species.num_atoms > FULL]
    symbols = [max(site.species.items(), key=_share)[0].symbol for site in structure]
    radii = covalent_radii(symbols)
    centers, neighbors, _, distances = structure.get_neighbor_list(
        2 * factor * float(radii.max())
    )
    limits = factor * (radii[centers] + radii[neighbors])
    both = np.isin(centers, full) & np.isin(neighbors, full)
    if not (bad := np.flatnonzero((distances < limits) & both)).size:
        return None
    worst = bad[np.argmin(distances[bad] / limits[bad])]
    i, j = int(centers[worst]), int(neighbors[worst])
    return (
        f"overlap: {symbols[i]} (site {i}) at {position_text(structure[i].coords)} Å "
        f"and {symbols[j]} (site {j}) are {distances[worst]:.2f} Å apart, closer than "
        f"{limits[worst]:.2f} Å"
    )


def _share(item: tuple[Any, float]) -> float:
    return item[1]


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
