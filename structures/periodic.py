"""Distances under periodic boundaries, in a plane or in all directions; covalent radii.

A cell of shape (2, 2) repeats in the plane and has walls or vacuum along z; one of
shape (3, 3) repeats everywhere. Angles may be any, coordinates need not be wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from ase.data import atomic_numbers
from ase.data import covalent_radii as ase_radii
from ase.neighborlist import primitive_neighbor_list
from numpy.typing import NDArray
from pymatgen.core import Lattice

from ionface.errors import StructureError

Array = NDArray[np.float64]
Ints = NDArray[np.int_]


@dataclass(frozen=True)
class Pairs:
    """Pairs of atoms, each once, the nearest images and farther ones alike.

    Attributes:
        first: shape (n_pairs,).
        second: shape (n_pairs,); may equal `first` for an atom and its own image.
        shifts: added to the second atom's coordinates, Å, shape (n_pairs, 3).
    """

    first: Ints
    second: Ints
    shifts: Array

    def vectors(self, coords: Array) -> Array:
        """Return the vectors from first to second, Å, shape (n_pairs, 3)."""
        return np.asarray(coords[self.second] + self.shifts - coords[self.first])

    def distances(self, coords: Array) -> Array:
        """Return the distances, Å, shape (n_pairs,)."""
        return np.asarray(np.linalg.norm(self.vectors(coords), axis=1))

    def chosen(self, mask: NDArray[np.bool_]) -> Pairs:
        """Return some of the pairs."""
        return Pairs(self.first[mask], self.second[mask], self.shifts[mask])


def box(cell: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return a (3, 3) cell and the directions in which it repeats.

    Args:
        cell: shape (2, 2), periodic in plane, or (3, 3), periodic everywhere; rows, Å.
            The third vector of a (2, 2) cell is 1 Å long, and does not repeat.
    """
    cell = np.asarray(cell, dtype=float)
    if cell.shape == (3, 3):
        return cell, np.array([True, True, True])
    if cell.shape != (2, 2):
        raise StructureError(
            f"cell of shape {cell.shape}: give two in-plane vectors, shape (2, 2), or "
            "three vectors, shape (3, 3), in Å"
        )
    matrix = np.diag([0.0, 0.0, 1.0])
    matrix[:2, :2] = cell
    return matrix, np.array([True, True, False])


def pairs_within(coords: Array, cell: Array, reach: float | Array) -> Pairs:
    """Return all pairs of atoms closer than a distance.

    Args:
        coords: Å, shape (n_atoms, 3).
        cell: shape (2, 2) or (3, 3), as in `box`.
        reach: Å; or a radius of each atom, whose sums are the distances, (n_atoms,).
    """
    matrix, periodic = box(cell)
    first, second, images = primitive_neighbor_list(
        "ijS", periodic, matrix, coords, reach
    )
    once = (first < second) | ((first == second) & _positive(images))
    first, second, images = first[once], second[once], images[once]
    return Pairs(first, second, images @ matrix)


def _positive(images: Ints) -> NDArray[np.bool_]:
    """Return which of an image and its opposite is the one that counts."""
    a, b, c = images.T
    return np.asarray((a > 0) | ((a == 0) & ((b > 0) | ((b == 0) & (c > 0)))))


def shortest(vectors: Array, cell: Array) -> Array:
    """Return the shortest periodic images of vectors, Å, shape (..., 3)."""
    matrix, periodic = _reduced(*box(cell))
    fractions = vectors @ np.linalg.inv(matrix)
    rounded = vectors - np.where(periodic, np.rint(fractions), 0.0) @ matrix
    steps = [(-1, 0, 1) if repeats else (0,) for repeats in periodic]
    images = np.array(list(product(*steps))) @ matrix
    # in a skewed cell the nearest image may be a neighbor of the rounded one
    candidates = rounded[..., None, :] + images
    best = np.argmin((candidates**2).sum(axis=-1), axis=-1)
    return np.asarray(
        np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    )


def _reduced(
    matrix: Array, periodic: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.bool_]]:
    """Return short vectors of the same lattice, of which 27 images are enough."""
    if periodic.all():
        return np.asarray(Lattice(matrix).get_lll_reduced_lattice().matrix), periodic
    short = matrix.copy()
    short[:2, :2] = short_basis(matrix[:2, :2])
    return short, periodic


def whole(coords: Array, bonds: tuple[tuple[int, int], ...], cell: Array) -> Array:
    """Return coordinates in which bonded atoms are neighbors, not images of neighbors.

    Args:
        coords: wrapped or not, Å, shape (n_atoms, 3).
        bonds: pairs of atom indices; a molecule bonded to its own image stays cut once.
        cell: shape (2, 2) or (3, 3).
    """
    links: dict[int, list[int]] = {}
    for i, j in bonds:
        links.setdefault(i, []).append(j)
        links.setdefault(j, []).append(i)
    unwrapped = np.array(coords, dtype=float)
    seen: set[int] = set()
    for start in sorted(links):
        waiting = [] if start in seen else [start]
        seen.add(start)
        for atom in waiting:  # grows while it is walked
            fresh = [other for other in links[atom] if other not in seen]
            for other in fresh:
                step = shortest(coords[other] - coords[atom], cell)
                unwrapped[other] = unwrapped[atom] + step
            seen.update(fresh)
            waiting.extend(fresh)
    return unwrapped


def widest_gap(heights: Array, period: float) -> tuple[float, float]:
    """Return the lowest height above the widest empty layer, and that layer's width.

    A slab that may cross the border of its cell begins at the first and is whole from
    there on; the second is its vacuum.

    Args:
        heights: along one direction, wrapped or not, shape (n_atoms,).
        period: of that direction, in the unit of the heights.
    """
    ordered = np.sort(heights % period)
    gaps = np.diff([*ordered, ordered[0] + period])
    widest = int(np.argmax(gaps))
    return float(ordered[(widest + 1) % len(ordered)]), float(gaps[widest])


def perpendicular_widths(cell: Array) -> Array:
    """Return the distances between opposite sides of an in-plane cell, Å, (2,)."""
    area = abs(float(np.linalg.det(cell)))
    return np.asarray(area / np.linalg.norm(cell, axis=1)[::-1])


def covalent_radii(symbols: Sequence[str]) -> Array:
    """Return covalent radii, Å, shape (n,) (Cordero et al., doi:10.1039/b801115j)."""
    return np.array([ase_radii[atomic_numbers[symbol]] for symbol in symbols])


def position_text(coords: Array) -> str:
    """Return a position as messages show it."""
    return "(" + ", ".join(f"{x:.2f}" for x in coords) + ")"


def short_basis(vectors: Array) -> Array:
    """Return a Gauss-reduced basis of a plane lattice: |a| <= |b|, 2|a·b| <= a².

    Args:
        vectors: rows, Å, shape (2, 2) or (2, 3).
    """
    a, b = vectors
    while True:
        if b @ b < (a @ a) * (1 - 1e-12):
            a, b = b, a
        times = np.rint((a @ b) / (a @ a))
        if abs(a @ b) <= (a @ a) / 2 * (1 + 1e-9) or not times:
            return np.array([a, b])
        b = b - times * a
