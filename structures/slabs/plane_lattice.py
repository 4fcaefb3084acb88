"""Lattices seen from a facet: primitive vectors, the smallest cell of a plane, layers.

`facet_frame(crystal, miller)` gives two vectors in the plane and one that climbs by a
single spacing. Nothing of it knows atoms, but for the crystal's own translations.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.periodic import short_basis
from ionface.structures.specs import Miller

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


def facet_frame(crystal: Structure, miller: tuple[int, ...]) -> FacetFrame:
    """Return the axes of a facet of a crystal.

    Args:
        crystal: bulk, any cell.
        miller: in the axes of that cell; three indices, or four in hexagonal axes.

    Raises:
        StructureError: (0, 0, 0) is no facet; four indices that do not fit.
    """
    hkl = three_indices(miller, crystal.lattice)
    primitive = primitive_vectors(crystal)
    indices = primitive @ np.linalg.inv(crystal.lattice.matrix) @ np.array(hkl)
    raw = _facet_vectors(_coprime(indices), primitive)
    basis = _turned(raw)
    return FacetFrame(basis=basis, rotation=np.linalg.inv(raw) @ basis)


def three_indices(miller: tuple[int, ...], lattice: Lattice) -> Miller:
    """Return the three-index form (hkl) of a facet given by three or four indices.

    Args:
        miller: hkl, or Miller-Bravais hkil of a cell with hexagonal axes.
        lattice: of the cell that the indices belong to.

    Raises:
        StructureError: (0, 0, 0), four indices of another cell, or h + k + i not 0.
    """
    shown = f"({', '.join(map(repr, miller))})"
    if len(miller) not in (3, 4) or not all(map(_is_whole, miller)):
        raise StructureError(
            f"miller {shown}: a facet has three whole indices h, k, l, or four "
            "h, k, i, l in hexagonal axes"
        )
    if not any(miller):
        raise StructureError(
            f"miller {shown} is no facet; give indices such as 1, 0, 0"
        )
    whole = [int(i) for i in miller]
    if len(whole) == 4:
        _check_four(whole, shown, lattice)
        del whole[2]
    return whole[0], whole[1], whole[2]


def _is_whole(index: object) -> bool:
    return isinstance(index, Real) and float(index).is_integer()


def _check_four(miller: list[int], shown: str, lattice: Lattice) -> None:
    h, k, i, _ = miller
    if not has_hexagonal_axes(lattice):
        a, b, _, alpha, beta, gamma = lattice.parameters
        raise StructureError(
            f"miller {shown}: four indices belong to hexagonal axes (a = b, gamma = "
            f"120°); this cell has a = {a:.3f}, b = {b:.3f} Å and angles "
            f"{alpha:.1f}, {beta:.1f}, {gamma:.1f}°: give three indices"
        )
    if h + k + i:
        raise StructureError(
            f"miller {shown}: h + k + i must be 0, so i is {-h - k} for h = {h} and "
            f"k = {k}"
        )


def has_hexagonal_axes(lattice: Lattice) -> bool:
    """Return whether a = b and the angles are 90, 90 and 120 degrees."""
    a, b, _, *angles = lattice.parameters
    same = abs(a - b) < 1e-3 * a
    return same and bool(np.allclose(angles, [90, 90, 120], atol=0.02))


def primitive_vectors(crystal: Structure) -> Array:
    """Return short primitive vectors of a crystal in its own frame, Å, shape (3, 3)."""
    shifts = pure_translations(crystal) @ crystal.lattice.matrix
    volume = crystal.lattice.volume / len(shifts)
    # in short axes the shortest vectors have small coefficients, however skewed the
    # cell of the file is
    short = np.asarray(crystal.lattice.get_lll_reduced_lattice().matrix)
    shifts -= np.rint(shifts @ np.linalg.inv(short)) @ short
    points = np.concatenate([_grid(2) @ short + shift for shift in shifts])
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
    centering = [
        s for s in shifts if all(_maps_onto_itself(o, s, matrix) for o in orbits)
    ]
    return np.array(centering)


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
    raw = _unimodular(hkl) @ primitive
    plane = short_basis(raw[:2])
    around = _grid(2)[:, :2]
    around = np.unique(around, axis=0)
    flat = _sorted_by_length(around @ plane)[1:]
    normal = np.linalg.solve(primitive, hkl)
    normal /= np.linalg.norm(normal)
    u = flat[0]
    areas = np.cross(u, flat) @ normal
    smallest = areas[areas > 1e-3].min()
    v = flat[np.flatnonzero(np.isclose(areas, smallest, rtol=1e-4))[0]]
    # the lattice point nearest to upright is one of those around the plain rounding
    sideways = raw[2] - (raw[2] @ normal) * normal
    nearest = np.rint(np.linalg.lstsq(plane.T, sideways, rcond=None)[0]) @ plane
    up = _sorted_by_length(raw[2] - nearest + around @ plane)
    lateral = np.linalg.norm(up - np.outer(up @ normal, normal), axis=1)
    return np.array([u, v, up[int(np.argmin(lateral.round(6)))]])


def _unimodular(hkl: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return integer rows of determinant ±1: two in the plane, one that climbs by 1."""
    rows = np.eye(3, dtype=int)
    climbs = hkl.copy()
    while np.count_nonzero(climbs) > 1:
        nonzero = np.flatnonzero(climbs)
        least = nonzero[np.argmin(np.abs(climbs[nonzero]))]
        for other in nonzero:
            if other != least:
                times = climbs[other] // climbs[least]
                rows[other] -= times * rows[least]
                climbs[other] -= times * climbs[least]
    last = int(np.flatnonzero(climbs)[0])
    rows[last] *= climbs[last]  # which is 1 or -1, hkl being coprime
    order = [i for i in range(3) if i != last]
    return rows[[*order, last]]


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
