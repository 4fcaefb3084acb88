"""Sandwiches whose two interfaces are one and the same, seen from either side.

The film of a sandwich meets the substrate with its lower face and, with its upper one,
the substrate of the next cell. The registry says how the first two lie on each other;
the third cell vector says it of the other two, by how far it leans. Where an operation
turns film and substrate over, one lean makes both interfaces images of each other, and
the energy of the sandwich twice that of one interface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

Array = NDArray[np.float64]
Operations = list[tuple[Array, Array]]
"""(rotation, translation) pairs of the plane, in fractions of the in-plane cell."""

SYMPREC = 0.02  # Å; sites this near are images of each other
WHOLE = 1e-4  # fractions of the in-plane cell; two shifts this near are the same
AT_REST = 1e-3  # Å; a lean below it is rounding


def leaned(structure: Structure, lean: Array) -> Structure:
    """Return the same atoms in a cell whose third vector leans.

    Args:
        structure: in-plane vectors across z.
        lean: in-plane part of the third vector, Å, shape (2,).
    """
    matrix = structure.lattice.matrix.copy()
    matrix[2, :2] = lean
    return Structure(
        Lattice(matrix),
        structure.species,
        structure.cart_coords,
        coords_are_cartesian=True,
        to_unit_cell=True,
        site_properties=structure.site_properties,
    )


def alike_lean(film: Structure, substrate: Structure) -> Array | None:
    """Return the lean at which both interfaces are images of each other, Å, shape (2,).

    If x -> R x + t turns the film over and x -> R x + u the substrate, with one R, then
    one after the other they move the substrate by t - u, to where its lower face meets
    the film's upper one as its upper face meets the film's lower one. Of several such
    leans, the shortest.

    Args:
        film: at its registry.
        substrate: with the same in-plane cell.

    Returns:
        None where no operation turns both over: the interfaces are two different ones.
    """
    turns = plane_operations(substrate, turned=True)
    leans = [
        t - u
        for rotation, t in plane_operations(film, turned=True)
        for other, u in turns
        if (rotation == other).all()
    ]
    if not leans:
        return None
    plane = substrate.lattice.matrix[:2, :2]
    vectors = [_shortest(lean, plane) for lean in leans]
    best = min(vectors, key=_length)
    return np.zeros(2) if _length(best) < AT_REST else best


def _shortest(shift: Array, plane: Array) -> Array:
    """Return a shift (fractions) as the shortest of its images, Å."""
    shift = shift - np.rint(shift)
    images = [shift + np.array([i, j]) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.asarray(min((image @ plane for image in images), key=_length))


def _length(vector: Array) -> float:
    """Return a length; rounded, so that rounding does not choose among equals."""
    return round(float(np.linalg.norm(vector)), 6)


def plane_operations(part: Structure, turned: bool = False) -> Operations:
    """Return the operations of a slab that map its plane onto itself.

    Args:
        part: a slab.
        turned: those that exchange its two faces, instead of those that do not.
    """
    import spglib

    upright = leaned(part, np.zeros(2))
    # the empty space keeps c from being mistaken for a period
    numbers = [site.specie.Z for site in upright]
    cell = (upright.lattice.matrix, upright.frac_coords, numbers)
    symmetry = spglib.get_symmetry(cell, symprec=SYMPREC)
    if symmetry is None:
        return [] if turned else [(np.eye(2), np.zeros(2))]
    operations = []
    for rotation, translation in zip(
        symmetry["rotations"], symmetry["translations"], strict=True
    ):
        faces = rotation[2, 2] == (-1 if turned else 1) and not rotation[2, :2].any()
        level = turned or abs(translation[2]) < WHOLE  # turning has a height of its own
        if faces and level and not rotation[:2, 2].any():
            operations.append((rotation[:2, :2].astype(float), translation[:2]))
    return operations
