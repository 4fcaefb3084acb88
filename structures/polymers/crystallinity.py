"""Amorphous or crystallized? Order around atoms, and order across the cell.

`averaged_q6` sees close-packed crystals however they lie; `bragg` sees any crystal,
also open ones such as gallium's, if it spans the cell.

q6 of Steinhardt, Nelson and Ronchetti (Phys. Rev. B 28, 784 (1983),
doi:10.1103/PhysRevB.28.784), averaged over each atom and its twelve nearest
neighbors as by Lechner and Dellago (J. Chem. Phys. 129, 114707 (2008),
doi:10.1063/1.2977970).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.periodic import pairs_within

Array = NDArray[np.float64]
NEIGHBORS = 12  # of close packing, for which q6 is made
# both lie between what glasses reach and crystals keep (numbers in `Order`)
Q6_CRYSTAL = 0.30
BRAGG_CRYSTAL = 0.40
WAVES = (1.3, 5.0)  # Å; where metals have their reflections


@dataclass(frozen=True)
class Order:
    """How crystalline a layer is.

    Attributes:
        q6: averaged over the atoms.
        bragg: largest Bragg peak, 1 for a crystal at rest that fits the cell.
        crystallized: whether q6 > 0.30 or bragg > 0.40. Liquid and glassy aluminum (EMT
            potential, 48 to 144 atoms) reaches 0.18 and 0.28; crystals of Al, Li, Mg,
            Zn, In, Sn, Ga and LiZn with 0.3 Å of thermal motion have 0.50 or more of
            the latter.
    """

    q6: float
    bragg: float
    crystallized: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def order_of(coords: Array, cell: Array) -> Order:
    """Return how crystalline a layer is that is periodic in all directions.

    Args:
        coords: Å, shape (n_atoms, 3).
        cell: rows, Å, shape (3, 3).
    """
    q6 = float(averaged_q6(coords, cell).mean())
    peak = bragg(coords, cell)
    return Order(q6, peak, q6 > Q6_CRYSTAL or peak > BRAGG_CRYSTAL)


def bragg(coords: Array, cell: Array) -> float:
    """Return the largest |sum of exp(i k r)|² / N² of all k that fit the cell.

    Wavelengths from 1.3 to 5 Å are tried, where metals have their reflections.

    Args:
        coords: Å, shape (n_atoms, 3).
        cell: rows, Å, shape (3, 3).
    """
    reciprocal = 2 * np.pi * np.linalg.inv(np.asarray(cell)).T
    longest = 2 * np.pi / WAVES[0]
    most = np.ceil(longest * np.linalg.norm(cell, axis=1) / (2 * np.pi)).astype(int)
    ranges = [np.arange(0, most[0] + 1), *(np.arange(-n, n + 1) for n in most[1:])]
    steps = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
    waves = steps @ reciprocal
    sizes = np.linalg.norm(waves, axis=1)
    waves = waves[(sizes <= longest) & (sizes >= 2 * np.pi / WAVES[1])]
    best = 0.0
    # in blocks of a million numbers: the memory does not grow with the cell
    for block in np.array_split(waves, max(1, len(waves) * len(coords) // 1_000_000)):
        amplitudes = np.exp(1j * (block @ coords.T)).mean(axis=1)
        best = max(best, float((np.abs(amplitudes) ** 2).max(initial=0.0)))
    return best


def averaged_q6(coords: Array, cell: Array) -> Array:
    """Return the averaged q6 of each atom, shape (n_atoms,).

    About 0.1 to 0.2 in liquids and glasses; 0.57 in fcc, 0.48 in hcp, 0.4 to 0.5 in bcc
    at rest, less with thermal motion.

    Args:
        coords: Å, shape (n_atoms, 3).
        cell: (3, 3) periodic everywhere; (2, 2) periodic in plane, where atoms at the
            surfaces lack neighbors on one side.
    """
    near, units = _nearest(coords, cell)
    q6 = np.empty(len(coords))
    for i in range(len(coords)):
        # |average of Y6m|² summed over m is a double sum of P6 of angles between bonds
        # (addition theorem), without spherical harmonics
        bonds = units[np.append(near[i], i)].reshape(-1, 3)
        q6[i] = np.sqrt(max(0.0, float(_legendre6(bonds @ bonds.T).mean())))
    return q6


def _legendre6(x: Array) -> Array:
    square = x * x
    return np.asarray(
        (231 * square**3 - 315 * square**2 + 105 * square - 5) / 16, dtype=float
    )


def _nearest(coords: Array, cell: Array) -> tuple[NDArray[np.int_], Array]:
    """Return each atom's nearest neighbors, (n, 12), and unit vectors, (n, 12, 3)."""
    volume = _volume(coords, cell)
    # a sphere that holds twelve atoms at mean density, and half as much again
    reach = 1.5 * (3 * NEIGHBORS * volume / (4 * np.pi * len(coords))) ** (1 / 3)
    for _ in range(8):
        pairs = pairs_within(coords, cell, reach)
        vectors = pairs.vectors(coords)
        first = np.concatenate([pairs.first, pairs.second])
        second = np.concatenate([pairs.second, pairs.first])
        both = np.concatenate([vectors, -vectors])
        if np.bincount(first, minlength=len(coords)).min() >= NEIGHBORS:
            break
        reach *= 1.25
    else:
        raise StructureError(
            f"an atom has fewer than {NEIGHBORS} neighbors within {reach:.1f} Å: order "
            "is defined for dense layers only"
        )
    lengths = np.linalg.norm(both, axis=1)
    order = np.lexsort((lengths, first))
    starts = np.searchsorted(first[order], np.arange(len(coords)))
    nearest = order[starts[:, None] + np.arange(NEIGHBORS)]
    return second[nearest], both[nearest] / lengths[nearest][..., None]


def _volume(coords: Array, cell: Array) -> float:
    cell = np.asarray(cell)
    volume = abs(float(np.linalg.det(cell)))
    if cell.shape == (2, 2):
        volume *= float(np.ptp(coords[:, 2])) + 2.0
    return volume
