"""Lattice matches of two slabs: found by Zur and McGill's method, then verified.

pymatgen's ZSLGenerator proposes pairs of supercells of the very slabs that are built;
the integer matrices, the handedness and the strain are recomputed here, and what does
not hold is dropped. Source of the method: Zur and McGill, J. Appl. Phys. 55, 378
(1984), doi:10.1063/1.333084.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import StructureError
from .slabs import Slab, turned_over

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
Side = Literal["film", "substrate", "shared"]
WIDEST = 0.15  # strain up to which the error message looks for a match
STRAIN_STEP = 1e-3  # strains within one step rank alike; the smaller area wins
# changes of basis that may align two cells better than the reduced ones
RECASTS = np.array(
    [
        [[i, j], [k, m]]
        for i, j, k, m in product((-1, 0, 1), repeat=4)
        if abs(i * m - j * k) == 1
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
    """

    film: Integers
    substrate: Integers
    cell: Array
    film_strain: Array
    substrate_strain: Array

    @property
    def area(self) -> float:
        """Return the area of the common cell, Å²."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def max_strain(self) -> float:
        """Return the largest principal strain of either side."""
        return max(_largest(self.film_strain), _largest(self.substrate_strain))

    @property
    def von_mises(self) -> float:
        """Return the larger von Mises strain; 2/3 of a biaxial strain."""
        return max(von_mises(self.film_strain), von_mises(self.substrate_strain))


def matches(
    film: Slab,
    substrate: Slab,
    max_strain: float,
    max_area: float,
    strained: Side = "film",
) -> list[Match]:
    """Return all verified matches, ranked by strain in steps of 0.1 %, then by area.

    Args:
        film: slab whose vectors are matched as they are built.
        substrate: likewise.
        max_strain: largest principal strain accepted of either side.
        max_area: Å².
        strained: who gives way.

    Raises:
        StructureError: nothing matches; the best that was seen is named.
    """
    film_cell = np.asarray(turned_over(film.structure).lattice.matrix[:2, :2])
    seen = _proposals(film_cell, substrate.in_plane, max_strain, max_area, strained)
    accepted = [m for m in seen if m.max_strain <= max_strain + 1e-9]
    if not accepted:
        wider = _proposals(film_cell, substrate.in_plane, WIDEST, max_area, strained)
        best = min((m.max_strain for m in wider), default=np.inf)
        found = (
            f"the best within this area has {100 * best:.2f} %"
            if best <= WIDEST
            else f"none within this area is below {100 * WIDEST:.0f} %"
        )
        raise StructureError(
            f"no match of {film.facet} ({film.area:.2f} Å²) and {substrate.facet} "
            f"({substrate.area:.2f} Å²) within max_strain={max_strain} and max_area="
            f"{max_area} Å²; {found}: raise one of the two, or choose another facet"
        )
    return sorted(accepted, key=_rank)


def _rank(match: Match) -> tuple[float, ...]:
    lengths = np.linalg.norm(match.cell, axis=1)
    strain = np.floor(match.max_strain / STRAIN_STEP + 1e-6)
    fine = (round(match.max_strain, 6), round(float(lengths.sum()), 3))
    matrices = (*match.film.ravel(), *match.substrate.ravel())
    return (float(strain), round(match.area, 2), *fine, *(float(i) for i in matrices))


def _proposals(
    film: Array, substrate: Array, tolerance: float, max_area: float, strained: Side
) -> list[Match]:
    """Return one match per pair of superlattices, strains not yet limited."""
    found: dict[tuple[int, ...], Match] = {}
    reach = 2 * tolerance if strained == "shared" else tolerance
    for ours, theirs in _pairs(film, substrate, reach, max_area):
        substrate_matrix = _plainest(theirs, substrate)
        film_matrix = _best_recast(ours, substrate_matrix, film, substrate)
        match = _match(film_matrix, substrate_matrix, film, substrate, strained)
        if match.area > max_area + 1e-6:
            continue
        pair = (*_hermite(film_matrix).ravel(), *_hermite(substrate_matrix).ravel())
        known = found.get(pair)
        if known is None or match.max_strain < known.max_strain - 1e-9:
            found[pair] = match
    return list(found.values())


def _pairs(
    film: Array, substrate: Array, tolerance: float, max_area: float
) -> Iterator[tuple[Integers, Integers]]:
    """Yield supercell matrices of both sides, those of the substrate right-handed."""
    from pymatgen.analysis.interfaces.zsl import ZSLGenerator

    room = 1.1 * max(tolerance, 0.005)  # of lengths; the area gives twice as much
    generator = ZSLGenerator(
        max_area_ratio_tol=2.2 * room,
        max_area=max_area * (1 + 2 * tolerance),
        max_length_tol=room,
        max_angle_tol=2 * room,  # of 60 degrees, sheared by the same strain
        bidirectional=True,
    )
    for proposal in generator(_in_space(film), _in_space(substrate)):
        ours = _integers(proposal.film_sl_vectors, film)
        theirs = _integers(proposal.substrate_sl_vectors, substrate)
        if ours is None or theirs is None:
            continue  # not a superlattice of the slab that will be built
        if np.linalg.det(theirs @ substrate) < 0:
            ours, theirs = ours[::-1], theirs[::-1]
        yield ours, theirs


def _integers(vectors: object, cell: Array) -> Integers | None:
    real = np.asarray(vectors)[:, :2] @ np.linalg.inv(cell)
    whole = np.rint(real)
    return whole.astype(int) if np.abs(real - whole).max() < 1e-4 else None


def _plainest(matrix: Integers, cell: Array) -> Integers:
    """Return the basis of a superlattice that is short and closest to plain repeats."""
    options = [r @ matrix for r in RECASTS if round(np.linalg.det(r)) == 1]
    return min(
        options,
        key=lambda m: (
            round(float(np.linalg.norm(m @ cell, axis=1).sum()), 3),
            abs(m[0, 1]) + abs(m[1, 0]),
            -np.trace(m),
            -m[0, 0],
        ),
    )


def _best_recast(
    film_matrix: Integers, substrate_matrix: Integers, film: Array, substrate: Array
) -> Integers:
    """Return the film's superlattice in the right-handed basis strained least."""
    target = substrate_matrix @ substrate
    options = [recast @ film_matrix for recast in RECASTS]
    right = [m for m in options if np.linalg.det(m @ film) > 0]
    return min(right, key=lambda m: _largest(strain(m @ film, target)))


def _match(
    film_matrix: Integers,
    substrate_matrix: Integers,
    film: Array,
    substrate: Array,
    strained: Side,
) -> Match:
    film_cell = _along_x(film_matrix @ film)
    substrate_cell = _along_x(substrate_matrix @ substrate)
    if strained == "film":
        cell = substrate_cell
    elif strained == "substrate":
        cell = film_cell
    else:
        metric = (film_cell @ film_cell.T + substrate_cell @ substrate_cell.T) / 2
        cell = np.asarray(np.linalg.cholesky(metric), dtype=np.float64)
    return Match(
        film=film_matrix,
        substrate=substrate_matrix,
        cell=cell,
        film_strain=strain(film_cell, cell),
        substrate_strain=strain(substrate_cell, cell),
    )


def strain(start: Array, end: Array) -> Array:
    """Return the Biot strain U - 1 that takes one in-plane cell to another.

    Args:
        start: vectors as rows, Å, shape (2, 2).
        end: likewise; a rotation between both is no strain.
    """
    deformation = np.linalg.solve(start, end).T  # column vectors: end = F start
    values, vectors = np.linalg.eigh(deformation.T @ deformation)
    stretch = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    return np.asarray(stretch - np.eye(2))


def von_mises(tensor: Array) -> float:
    """Return the von Mises strain of an in-plane strain tensor, shape (2, 2)."""
    full = np.zeros((3, 3))
    full[:2, :2] = tensor
    deviator = full - np.trace(full) / 3 * np.eye(3)
    return float(np.sqrt(2 / 3 * (deviator * deviator).sum()))


def _largest(tensor: Array) -> float:
    return float(np.abs(np.linalg.eigvalsh(tensor)).max())


def _hermite(matrix: Integers) -> Integers:
    """Return the Hermite normal form: the same for all bases of a superlattice."""
    (a, b), (c, d) = (list(map(int, row)) for row in matrix)
    while c:
        q = a // c
        a, b, c, d = c, d, a - q * c, b - q * d
    if a < 0:
        a, b = -a, -b
    d = abs(d)
    return np.array([[a, b % d], [0, d]])


def _in_space(vectors: Array) -> Array:
    return np.hstack([vectors, np.zeros((2, 1))])


def _along_x(vectors: Array) -> Array:
    """Return the same cell turned so that its first vector lies along x."""
    cosine, sine = vectors[0] / float(np.linalg.norm(vectors[0]))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    turned = vectors @ turn
    turned[0, 1] = 0.0  # exactly, by construction
    return np.asarray(np.where(np.abs(turned) < 1e-10, 0.0, turned))
