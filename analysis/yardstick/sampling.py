"""Which frames of many differ most: a descriptor, and farthest-point choice.

The descriptor is the number of neighbors of each pair of elements by distance, smeared:
it sees bonds form and break, and does not depend on order, rotation or cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from ionface.errors import AnalysisError

Array = NDArray[np.float64]
REACH = 6.0  # Å: two shells of the solids at hand
BINS = 12
WIDTH = 0.4  # Å; thermal motion is 0.1 to 0.3 Å, a bond that breaks moves further


def radial_descriptor(atoms: Atoms, elements: Sequence[str]) -> Array:
    """Return smeared pair counts per atom, shape (n_pairs * BINS,).

    Args:
        atoms: periodic or not.
        elements: of all structures that are compared; every pair of them has its bins.
    """
    first, second, distances = neighbor_list("ijd", atoms, REACH)
    symbols = np.array(atoms.get_chemical_symbols())
    centers = np.linspace(1.5, REACH, BINS)  # (BINS,)
    parts = []
    for a, b in combinations_with_replacement(sorted(elements), 2):
        mine = distances[(symbols[first] == a) & (symbols[second] == b)]
        smeared = np.exp(-(((mine[:, None] - centers) / WIDTH) ** 2) / 2)
        # 1 / r²: a shell has as many more atoms as it is larger
        parts.append((smeared / mine[:, None] ** 2).sum(axis=0) / len(atoms))
    return np.concatenate(parts)


def farthest(descriptors: Array, count: int, begin: Sequence[int] = (0,)) -> list[int]:
    """Return the rows that lie farthest from one another, those to begin with first.

    Each next one is the farthest from all that are chosen (Gonzalez, Theor. Comput.
    Sci. 38, 293 (1985)); the result does not depend on chance.

    Args:
        descriptors: shape (n, n_features).
        count: of rows; fewer come back where there are fewer distinct ones.
        begin: rows that are taken in any case.

    Raises:
        AnalysisError: there are none.
    """
    if not len(descriptors):
        raise AnalysisError("there is nothing to choose from; let a run finish first")
    chosen = list(begin)
    apart = [np.linalg.norm(descriptors - descriptors[n], axis=1) for n in chosen]
    distances = np.min(apart, axis=0)
    while len(chosen) < count and distances.max() > 0:
        chosen.append(int(distances.argmax()))
        beyond = np.linalg.norm(descriptors - descriptors[chosen[-1]], axis=1)
        distances = np.minimum(distances, beyond)
    return chosen
