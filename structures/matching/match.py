"""A match of two slabs as a value: its cell, its strains, the check that it holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.errors import StructureError
from ionface.structures.slabs.slab import Slab, turned_plane

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
RESIDUAL = 1e-5  # Å; of the cells that meet
# changes of basis among which the plainest is sought, handedness kept
RECASTS = np.array(
    [
        [[i, j], [k, m]]
        for i, j, k, m in product((-1, 0, 1), repeat=4)
        if i * m - j * k == 1
    ]
)


@dataclass(frozen=True)
class Match:
    """Two supercells that meet in one cell.

    Attributes:
        film: integer matrix of the film's supercell, shape (2, 2); it applies to the
            film as it lies on the substrate, turned over.
        substrate: integer matrix of the substrate's supercell, shape (2, 2).
        cell: in-plane vectors of the common cell, Å, shape (2, 2), a along x.
        film_strain: symmetric in-plane (Biot) strain of the film, shape (2, 2).
        substrate_strain: likewise of the substrate.
        atoms: number of atoms of both slabs in the cell, undoped.
        same_as: index of the first match of the list that a symmetry of the slabs takes
            to this one, up to an in-plane shift of the film; None if this is the first.
        images: number of matches in this one's class, itself included.
        supercell: how many times the smallest cell of this very alignment is repeated.
    """

    film: Integers
    substrate: Integers
    cell: Array
    film_strain: Array
    substrate_strain: Array
    atoms: int = 0
    same_as: int | None = None
    images: int = 1
    supercell: int = 1

    def __repr__(self) -> str:
        strain = f"strain {100 * self.max_strain:.1f} %"
        return f"Match({self.area:.1f} Å², {strain}, {self.atoms} atoms)"

    @property
    def area(self) -> float:
        """Return the area of the common cell, Å²."""
        return abs(_area(self.cell))

    @property
    def max_strain(self) -> float:
        """Return the largest principal strain of either side."""
        return max(largest(self.film_strain), largest(self.substrate_strain))

    @property
    def von_mises(self) -> float:
        """Return the larger von Mises strain; 2/3 of a biaxial strain."""
        return max(von_mises(self.film_strain), von_mises(self.substrate_strain))


def _area(vectors: NDArray[Any]) -> float:
    return float(vectors[0, 0] * vectors[1, 1] - vectors[0, 1] * vectors[1, 0])


def verify(match: Match, film: Slab, substrate: Slab) -> None:
    """Refuse a match that does not hold for the slabs that are built.

    Both supercells must have full rank, be right-handed, and meet in the common cell
    under the stated strains; both normals must be perpendicular to the cell.

    Args:
        match: from `matches`.
        film: as it was cut, its top up.
        substrate: likewise.

    Raises:
        StructureError: naming the side, what is wrong and by how much.
    """
    for slab, plane, matrix, tensor in (
        (film, turned_plane(film.in_plane), match.film, match.film_strain),
        (substrate, substrate.in_plane, match.substrate, match.substrate_strain),
    ):
        where = f"match of {film.facet} and {substrate.facet}: {slab.facet}"
        a, b, c = slab.structure.lattice.matrix
        own = along_x((matrix @ plane)[None])[0]
        rank = round(float(_area(matrix)))
        if rank < 1 or _area(own) <= 0:
            raise StructureError(
                f"{where} has the supercell {matrix.tolist()} of determinant {rank}; "
                "its vectors are dependent or left-handed"
            )
        lean = max(abs(a[2]), abs(b[2]), abs(c[0]), abs(c[1]))
        if lean > RESIDUAL or c[2] <= 0 or _area(slab.in_plane) <= 0:
            raise StructureError(
                f"{where}: its normal is not along z (c leans by {lean:.4f} Å); cut "
                "the slab with this library"
            )
        met = own @ (np.eye(2) + tensor)
        missed = np.abs(met @ met.T - match.cell @ match.cell.T).max()
        residual = float(missed) / float(np.abs(match.cell).max())
        if residual > RESIDUAL:
            raise StructureError(
                f"{where} misses the common cell by {residual:.4f} Å under the stated "
                "strain; match the slabs that are built"
            )


def strain(start: Array, end: Array) -> Array:
    """Return the Biot strain U - 1 that takes in-plane cells to others.

    Args:
        start: vectors as rows, Å, shape (..., 2, 2).
        end: likewise; a rotation between both is no strain.
    """
    deformation = np.linalg.solve(start, end)  # rows: end = start F
    values, vectors = np.linalg.eigh(deformation @ np.swapaxes(deformation, -1, -2))
    stretch = (vectors * np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.asarray(stretch - np.eye(2))


def von_mises(tensor: Array) -> float:
    """Return the von Mises strain of an in-plane strain tensor, shape (2, 2)."""
    full = np.zeros((3, 3))
    full[:2, :2] = tensor
    deviator = full - np.trace(full) / 3 * np.eye(3)
    return float(np.sqrt(2 / 3 * (deviator * deviator).sum()))


def largest(tensor: Array) -> float:
    """Return the largest principal strain of a tensor, shape (2, 2)."""
    middle, shear = (tensor[0, 0] + tensor[1, 1]) / 2, tensor[0, 1]
    split = np.hypot((tensor[0, 0] - tensor[1, 1]) / 2, shear)
    return float(abs(middle) + split)


def along_x(vectors: Array) -> Array:
    """Return the same cells turned so that a lies along x, shape (n, 2, 2)."""
    cosine, sine = (vectors[:, 0] / np.linalg.norm(vectors[:, 0], axis=1)[:, None]).T
    turn = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    turned = vectors @ turn
    turned[:, 0, 1] = 0.0  # exactly, by construction
    return np.asarray(np.where(np.abs(turned) < 1e-10, 0.0, turned))


def shared_cell(film: Array, substrate: Array, share: float) -> Array:
    """Return the cells that two sides meet in, shape (n, 2, 2).

    Their metric tensors are averaged: to first order, the film's strain is `share` of
    the misfit.

    Args:
        film: cells, a along x, Å, shape (n, 2, 2).
        substrate: likewise.
        share: part of the misfit that the film takes, 0 to 1.
    """
    if share == 1:
        return substrate
    if share == 0:
        return film
    first, second = (c @ np.swapaxes(c, -1, -2) for c in (film, substrate))
    return np.asarray(np.linalg.cholesky((1 - share) * first + share * second))


def plainest(matrices: Integers, cell: Array) -> Integers:
    """Return what recasts superlattices in bases short and close to plain repeats.

    Args:
        matrices: bases of the superlattices, shape (n, 2, 2).
        cell: vectors, Å, shape (2, 2).

    Returns:
        Matrices of determinant 1, shape (n, 2, 2); recast @ matrices are the bases.
    """
    options = RECASTS[None] @ matrices[:, None]  # (n, n_recasts, 2, 2)
    length = np.linalg.norm(options @ cell, axis=3).sum(axis=2).round(3)
    crossed = np.abs(options[..., 0, 1]) + np.abs(options[..., 1, 0])
    trace = np.trace(options, axis1=2, axis2=3)
    keys = (-options[..., 0, 1], -options[..., 0, 0], -trace, crossed, length)
    ranked = np.lexsort(keys, axis=1)
    return np.asarray(RECASTS[ranked[:, 0]])
