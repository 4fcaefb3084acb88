"""Lattice matches of pymatgen and of ours, and which of them are the same."""

from __future__ import annotations

import numpy as np
from pymatgen.analysis.interfaces.zsl import ZSLGenerator, ZSLMatch

from ionface.errors import StructureError
from ionface.structures.matching.match import Match, strain
from ionface.structures.matching.search import matches
from ionface.structures.matching.superlattices import hermite
from ionface.structures.slabs.slab import Slab, turned_over

Array = np.ndarray


def zsl_matches(
    generator: ZSLGenerator, film: Array, substrate: Array
) -> list[ZSLMatch]:
    return list(generator(film, substrate))


def own_matches(
    film: Slab, substrate: Slab, max_strain: float, max_area: float
) -> list[Match]:
    try:
        return matches(film, substrate, max_strain, max_area, equivalents=True)
    except StructureError:
        return []


def largest_strain(zsl: ZSLMatch) -> float:
    cells = [
        _flat(np.asarray(v)) for v in (zsl.film_sl_vectors, zsl.substrate_sl_vectors)
    ]
    return float(np.abs(np.linalg.eigvalsh(strain(*cells))).max())


def _flat(vectors: Array) -> Array:
    return np.linalg.cholesky(vectors @ vectors.T)


def lacking_pairs(
    raw: list[ZSLMatch], film: Slab, substrate: Slab, max_area: float
) -> int:
    """Return how many of pymatgen's pairs of superlattices ours does not have.

    Pairs that only a mirror image of the film can reach are left out: no rotation lays
    such a film on the substrate.
    """
    if not raw:
        return 0
    widest = max(map(largest_strain, raw)) + 1e-6
    found = own_matches(film, substrate, widest, 1.1 * max_area)
    own = {_cells(match.film, match.substrate) for match in found}
    plane = np.asarray(turned_over(film.structure).lattice.matrix[:2, :2])
    lacking = 0
    for zsl in raw:
        first = np.asarray(zsl.film_sl_vectors)[:, :2] @ np.linalg.inv(plane)
        second = np.asarray(zsl.substrate_sl_vectors)[:, :2]
        second = second @ np.linalg.inv(substrate.in_plane)
        one, two = np.rint(first).astype(int), np.rint(second).astype(int)
        proper = np.linalg.det(one) * np.linalg.det(two) > 0
        lacking += proper and _cells(one, two) not in own
    return lacking


def _cells(first: Array, second: Array) -> tuple[int, ...]:
    return (*hermite(first[None]).ravel(), *hermite(second[None]).ravel())
