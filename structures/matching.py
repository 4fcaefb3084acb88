"""Lattice matches of two slabs: found by Zur and McGill's method, then verified.

pymatgen's ZSLGenerator proposes pairs of supercells of the very slabs that are built;
the integer matrices, the handedness and the strain are recomputed here, and what does
not hold is dropped. Source of the method: Zur and McGill, J. Appl. Phys. 55, 378
(1984), doi:10.1063/1.333084.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import StructureError
from .slabs import Slab

Array = NDArray[np.float64]
Side = Literal["film", "substrate", "shared"]


@dataclass(frozen=True)
class Match:
    """Two supercells that meet in one cell.

    Attributes:
        film: integer matrix of the film's supercell, shape (2, 2).
        substrate: integer matrix of the substrate's supercell, shape (2, 2).
        cell: in-plane vectors of the common cell, Å, shape (2, 2), a along x.
        film_strain: symmetric in-plane (Biot) strain of the film, shape (2, 2).
        substrate_strain: likewise of the substrate.
    """

    film: NDArray[np.int_]
    substrate: NDArray[np.int_]
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
        strains = [self.film_strain, self.substrate_strain]
        return float(max(np.abs(np.linalg.eigvalsh(s)).max() for s in strains))

    @property
    def von_mises(self) -> float:
        """Return the larger von Mises strain, as pymatgen prints it."""
        return max(_von_mises(self.film_strain), _von_mises(self.substrate_strain))


def matches(
    film: Slab,
    substrate: Slab,
    max_strain: float,
    max_area: float,
    strained: Side = "film",
) -> list[Match]:
    """Return all verified matches, the least strained first, then the smallest.

    Args:
        film: slab whose vectors are matched as they are built.
        substrate: likewise.
        max_strain: largest principal strain accepted.
        max_area: Å².
        strained: who gives way.

    Raises:
        StructureError: nothing matches; the best that was seen is named.
    """
    film_vectors = np.asarray(film.flipped().lattice.matrix[:2, :2])
    found = _proposals(film_vectors, substrate.in_plane, max_strain, max_area, strained)
    accepted = [m for m in found if m.max_strain <= max_strain]
    if not accepted:
        wider = _proposals(
            film_vectors, substrate.in_plane, 0.15, max_area, strained
        )
        best = min((m.max_strain for m in wider), default=None)
        seen = "none below 15 %" if best is None else f"the best has {100 * best:.1f} %"
        raise StructureError(
            f"no match of {film.facet} and {substrate.facet} within max_strain="
            f"{max_strain} and max_area={max_area} Å² ({seen}); raise one of the two "
            "or choose another facet"
        )
    # rounding: equal strains are ranked by area, not by the last bit
    return sorted(accepted, key=lambda m: (round(m.max_strain, 4), round(m.area, 3)))


def _proposals(
    film: Array, substrate: Array, tolerance: float, max_area: float, strained: Side
) -> list[Match]:
    from pymatgen.analysis.interfaces.zsl import ZSLGenerator

    generator = ZSLGenerator(
        max_area_ratio_tol=2.5 * tolerance,
        max_area=max_area,
        max_length_tol=1.5 * tolerance,
        max_angle_tol=1.5 * tolerance,
        bidirectional=True,
    )
    found: dict[tuple[float, ...], Match] = {}
    proposals = generator(_in_space(film), _in_space(substrate))
    for proposal in proposals:
        pair = _verified(proposal, film, substrate)
        if pair is None:
            continue
        match = _match(*pair, film, substrate, strained)
        if match.area > max_area + 1e-6:
            continue
        signature = (round(match.area, 3), *np.round(_invariants(match), 5))
        found.setdefault(signature, match)
    return list(found.values())


def _verified(
    proposal: object, film: Array, substrate: Array
) -> tuple[NDArray[np.int_], NDArray[np.int_]] | None:
    """Return the integer supercell matrices, or None for a mirrored or broken pair."""
    pairs = []
    for vectors, cell in (
        (proposal.film_sl_vectors, film),  # type: ignore[attr-defined]
        (proposal.substrate_sl_vectors, substrate),  # type: ignore[attr-defined]
    ):
        real = np.asarray(vectors)[:, :2] @ np.linalg.inv(cell)
        whole = np.rint(real)
        if np.abs(real - whole).max() > 1e-4:
            return None
        pairs.append(whole.astype(int))
    film_cell, substrate_cell = pairs[0] @ film, pairs[1] @ substrate
    if np.linalg.det(film_cell) * np.linalg.det(substrate_cell) < 0:
        return None
    if np.linalg.det(substrate_cell) < 0:
        # a left-handed pair: exchange both vectors of both sides
        pairs = [matrix[::-1] for matrix in pairs]
    return pairs[0], pairs[1]


def _match(
    film_matrix: NDArray[np.int_],
    substrate_matrix: NDArray[np.int_],
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
        cell = np.linalg.cholesky(metric)
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


def _von_mises(tensor: Array) -> float:
    full = np.zeros((3, 3))
    full[:2, :2] = tensor
    deviator = full - np.trace(full) / 3 * np.eye(3)
    return float(np.sqrt(2 / 3 * (deviator * deviator).sum()))


def _invariants(match: Match) -> Array:
    film = np.sort(np.linalg.eigvalsh(match.film_strain))
    substrate = np.sort(np.linalg.eigvalsh(match.substrate_strain))
    cell = match.cell
    lengths = np.sort(np.linalg.norm(cell, axis=1))
    angle = abs(cell[0] @ cell[1])
    return np.array([*film, *substrate, *lengths, round(float(angle), 3)])


def _in_space(vectors: Array) -> Array:
    return np.hstack([vectors, np.zeros((2, 1))])


def _along_x(vectors: Array) -> Array:
    """Return the same cell turned so that its first vector lies along x."""
    length = float(np.linalg.norm(vectors[0]))
    cosine, sine = vectors[0] / length
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray(vectors @ turn)
