"""Lattices seen from a facet: primitive vectors, the smallest cell of a plane, layers.

`facet_frame(crystal, miller)` gives two vectors in the plane and one that climbs by a
single spacing. Nothing of it knows atoms, but for the crystal's own translations.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from .errors import StructureError
from .specs import Miller

Array = NDArray[np.float64]
SAME_POSITION = 0.05  # Å; sites closer than this are one site


@dataclass(frozen=True)
class FacetFrame:
    """The axes of a facet.

    Attributes:
        basis: u along x, v in the xy plane (the smallest cell of the plane) and w,
            which climbs one spacing along z; rows, Å, shape (3, 3), right-handed.
        rotation: turns row vectors of the crystal into this frame, shape (3, 3).
    """

    basis: Array
    rotation: Array

    @property
    def spacing(self) -> float:
        """Return the smallest translational repeat along the normal, Å."""
        return float(self.basis[2, 2])

    @property
    def normal(self) -> Array:
        """Return the facet's unit normal in the crystal's frame, shape (3,)."""
        return np.asarray(self.rotation[:, 2])


def facet_frame(crystal: Structure, miller: Miller) -> FacetFrame:
    """Return the axes of a facet of a crystal.

    Args:
        crystal: bulk, any cell.
        miller: in the axes of that cell.

    Raises:
        StructureError: (0, 0, 0) is no facet.
    """
    if not any(miller):
        raise StructureError(
            "miller (0, 0, 0) is no facet; give indices such as 1, 0, 0"
        )
    primitive = primitive_vectors(crystal)
    indices = primitive @ np.linalg.inv(crystal.lattice.matrix) @ np.array(miller)
    raw = _facet_vectors(_coprime(indices), primitive)
    basis = _turned(raw)
    return FacetFrame(basis=basis, rotation=np.linalg.inv(raw) @ basis)


def primitive_vectors(crystal: Structure) -> Array:
    """Return short primitive vectors of a crystal in its own frame, Å, shape (3, 3)."""
    shifts = pure_translations(crystal)
    volume = crystal.lattice.volume / len(shifts)
    points = np.concatenate([(_grid(1) + s) @ crystal.lattice.matrix for s in shifts])
    points = _sorted_by_length(points)[1:]  # without the origin
    first = points[0]
    crossing = np.linalg.norm(np.cross(first, points), axis=1)
    second = points[np.flatnonzero(crossing > 1e-3)[0]]
    volumes = points @ np.cross(first, second)
    third = points[np.flatnonzero(np.isclose(volumes, volume, rtol=1e-3))[0]]
    return np.array([first, second, third])


def pure_translations(crystal: Structure) -> Array:
    """Return the centering vectors, fractional, zero included, shape (n, 3)."""
    symbols = np.array([site.species_string for site in crystal])
    names, counts = np.unique(symbols, return_counts=True)
    rarest = crystal.frac_coords[symbols == names[np.argmin(counts)]]
    orbits = [crystal.frac_coords[symbols == name] for name in names]
    matrix = crystal.lattice.matrix
    shifts = (rarest - rarest[0]) % 1.0
    kept = [s for s in shifts if all(_maps_onto_itself(o, s, matrix) for o in orbits)]
    return np.array(kept)


def _maps_onto_itself(orbit: Array, shift: Array, matrix: Array) -> bool:
    difference = orbit[:, None] + shift - orbit[None]
    difference -= np.rint(difference)
    apart = np.linalg.norm(difference @ matrix, axis=2)
    return bool((apart.min(axis=1) < SAME_POSITION).all())


def _coprime(values: Array) -> NDArray[np.int_]:
    """Return the smallest integers in the same proportion."""
    parts = [Fraction(float(v)).limit_denominator(48) for v in values]
    common = lcm(*(p.denominator for p in parts))
    whole = [int(p * common) for p in parts]
    return np.array(whole) // gcd(*whole)


def _facet_vectors(hkl: NDArray[np.int_], primitive: Array) -> Array:
    """Return the shortest u, v in the plane and the most upright w one spacing up."""
    grid = _grid(int(max(4, 2 * np.abs(hkl).max())))
    climbs = grid @ hkl
    normal = np.linalg.solve(primitive, hkl)
    normal /= np.linalg.norm(normal)
    flat = _sorted_by_length(grid[climbs == 0] @ primitive)[1:]
    u = flat[0]
    areas = np.cross(u, flat) @ normal
    smallest = areas[areas > 1e-3].min()
    v = flat[np.flatnonzero(np.isclose(areas, smallest, rtol=1e-4))[0]]
    up = _sorted_by_length(grid[climbs == 1] @ primitive)
    lateral = np.linalg.norm(up - np.outer(up @ normal, normal), axis=1)
    return np.array([u, v, up[int(np.argmin(lateral.round(6)))]])


def _grid(reach: int) -> NDArray[np.int_]:
    axis = range(-reach, reach + 1)
    return np.array(np.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, -1).T


def _sorted_by_length(vectors: Array) -> Array:
    # ties are broken by direction, so that the choice is the same on every machine
    keys = (*(-vectors.round(6).T), np.linalg.norm(vectors, axis=1).round(6))
    return np.asarray(vectors[np.lexsort(keys)])


def _turned(vectors: Array) -> Array:
    """Return the vectors in the frame with the first along x, the second in xy."""
    _, r = np.linalg.qr(vectors.T)
    signs = np.sign(np.diag(r))
    return np.asarray((r * signs[:, None]).T)
