"""Clusters cut out of large cells, small enough for first principles.

Of a cluster, only the atoms of its core have all the neighbors that they have in the
cell; the others hold them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.structures.groups import bond_rule, bonded_groups
from ionface.structures.periodic import shortest

CORE = "core"
"""Site property: the atom's neighbors are all there."""

RIM = 3.0  # Å; bonds to the next atom are 2 to 3 Å, what lies beyond moves forces less
VACUUM = 6.0  # Å on each side, so that images do not feel each other's charge


def cut_cluster(structure: Structure, center: int, most_atoms: int) -> Structure:
    """Return the atoms around one as a cluster in vacuum, bonded groups kept whole.

    Args:
        structure: periodic; one with few enough atoms comes back as it is.
        center: index of a site.
        most_atoms: at most so many.

    Returns:
        The cluster, with the site property `core`.

    Raises:
        IonfaceError: a bonded group is larger than half of that: a cluster that has no
            room for it may end with a few atoms beside it.
    """
    if len(structure) <= most_atoms:
        whole = structure.copy()
        whole.add_site_property(CORE, [True] * len(whole))
        return whole
    pieces = _pieces(structure, center)
    largest = max(len(atoms) for _, atoms in pieces)
    if 2 * largest > most_atoms:
        raise IonfaceError(
            f"molecules are not cut, and of clusters of most_atoms: {most_atoms} too "
            f"little is left where one of {largest} atoms has no room: allow at least "
            f"{2 * largest}"
        )
    count, taken = 0, list[tuple[int, NDArray[np.float64]]]()
    reach = pieces[-1][0]
    for distance, atoms in pieces:
        if taken and count + len(atoms) > most_atoms:
            reach = distance
            break
        taken += atoms
        count += len(atoms)
    vectors = np.array([vector for _, vector in taken])
    distances = np.linalg.norm(vectors, axis=1)
    low, high = vectors.min(axis=0), vectors.max(axis=0)
    return Structure(
        Lattice(np.diag(high - low + 2 * VACUUM)),
        [structure[i].specie.symbol for i, _ in taken],
        vectors - low + VACUUM,
        coords_are_cartesian=True,
        site_properties={CORE: [bool(d <= max(reach - RIM, 0.0)) for d in distances]},
    )


def _pieces(
    structure: Structure, center: int
) -> list[tuple[float, list[tuple[int, NDArray[np.float64]]]]]:
    """Return what is cut as a whole, the nearest first.

    Returns:
        Distance of its nearest atom, Å, and its atoms: index, and vector from the
        center, Å.
    """
    cell, fractional = structure.lattice.matrix, structure.frac_coords
    rule = bond_rule([site.specie.symbol for site in structure])
    found = []
    for group in bonded_groups(structure, rule):
        # an endless group has no end that would fit
        alone = [((i, (0, 0, 0)),) for i, _ in group.atoms]
        for part in alone if group.periods else [group.atoms]:
            places = np.array([fractional[i] + image for i, image in part])
            vectors = (places - fractional[center]) @ cell
            near = shortest(vectors, cell)
            lengths = np.linalg.norm(near, axis=1)
            k = int(lengths.argmin())
            vectors += near[k] - vectors[k]
            atoms = [(i, v) for (i, _), v in zip(part, vectors, strict=True)]
            found.append((float(lengths[k]), atoms))
    return sorted(found, key=lambda piece: piece[0])
