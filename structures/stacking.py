"""How two sides are brought into one cell, and how far apart they stand at first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.structures.periodic import covalent_radii

Array = NDArray[np.float64]
# Å on top of the covalent radii. Crystals: near, but not bonded (In-S 3.07, Li-O 2.54).
# Molecules: their hydrogens touch as closed shells do (H-O 2.07, H-Li 2.69).
BEYOND_CONTACT = 0.6
BEYOND_CONTACT_MOLECULE = 1.1
REACH = 6.0  # Å; no pair of atoms touches farther apart
UPRIGHT = np.zeros(2)
CLOSEST = 1.0  # Å; two rough surfaces do not interlock any further


def stretched(
    slab: Structure, cell: Array, shift: tuple[float, float] = (0.0, 0.0)
) -> Structure:
    """Return a slab with its in-plane vectors replaced; heights stay.

    Args:
        slab: c along z.
        cell: new in-plane vectors, Å, shape (2, 2).
        shift: in-plane, fractions of the cell.
    """
    matrix = slab.lattice.matrix.copy()
    matrix[:2, :2] = cell
    return Structure(
        Lattice(matrix),
        slab.species,
        slab.frac_coords + np.array([*shift, 0.0]),
        site_properties=slab.site_properties,
    )


def in_cell(structure: Structure, matrix: Array) -> Structure:
    """Return the atoms in a cell that was relaxed: heights stay, the rest follows.

    Args:
        structure: in-plane vectors across z.
        matrix: new cell vectors, Å, shape (3, 3).
    """
    old, coords = structure.lattice.matrix, structure.cart_coords
    heights = coords[:, 2] / matrix[2, 2]
    leaning = old[2, :2] @ np.linalg.inv(old[:2, :2])
    in_plane = coords[:, :2] @ np.linalg.inv(old[:2, :2])
    # the atoms move with the plane alone, however the third vector leans
    fractions = np.column_stack([in_plane - heights[:, None] * leaning, heights])
    return Structure(
        Lattice(matrix),
        structure.species,
        fractions,
        site_properties=structure.site_properties,
    )


def boxed(slab: Structure, height: float, base: float) -> Structure:
    """Return the same atoms in a cell of another height, the lowest at z = base, Å."""
    matrix = slab.lattice.matrix.copy()
    matrix[2] = [0.0, 0.0, height]
    coords = slab.cart_coords.copy()
    coords[:, 2] += base - coords[:, 2].min()
    return Structure(
        Lattice(matrix),
        slab.species,
        coords,
        coords_are_cartesian=True,
        site_properties=slab.site_properties,
    )


def touching_gap(
    film: Structure,
    substrate: Structure,
    molecular: bool,
    sandwich: bool,
    lean: Array = UPRIGHT,
) -> float:
    """Return the gap at which the closest pair of atoms just touches, Å.

    Touching means the sum of covalent radii plus `BEYOND_CONTACT`: no bond exists at
    the start that the run has not formed.

    Args:
        film: same in-plane lattice as the substrate; z is free.
        substrate: the lower side.
        molecular: the film is a molecule.
        sandwich: the film's top meets the substrate's bottom too; the wider gap counts.
        lean: of the third cell vector, Å: how far that bottom lies from ours, (2,).
    """
    beyond = BEYOND_CONTACT_MOLECULE if molecular else BEYOND_CONTACT
    gaps = [_needed(substrate, film, beyond, UPRIGHT)]
    if sandwich:
        gaps.append(_needed(film, substrate, beyond, lean))
    return max(gaps)


def _needed(lower: Structure, upper: Structure, beyond: float, shift: Array) -> float:
    """Return the gap that the top of one and the bottom of the other need, Å.

    Args:
        lower: one of them.
        upper: the other one, moved by `shift` (Å) in the plane.
        beyond: the sum of covalent radii, Å.
        shift: shape (2,).
    """
    low, low_radii = _skin(lower, top=True)
    high, high_radii = _skin(upper, top=False)
    depth = low[:, 2].max() - low[:, 2]  # below the top atom, (n_low,)
    rise = high[:, 2] - high[:, 2].min()  # above the bottom atom, (n_high,)
    contact = low_radii[:, None] + high_radii[None] + beyond
    lateral = _lateral(low[:, :2], high[:, :2] + shift, lower.lattice.matrix[:2, :2])
    # contact² = lateral² + (gap + depth + rise)²  solved for the gap of each pair
    vertical = np.sqrt(np.clip(contact**2 - lateral**2, 0, None))
    gaps = vertical - depth[:, None] - rise[None]
    return float(max(gaps[lateral < contact].max(initial=0.0), CLOSEST))


def _skin(slab: Structure, top: bool) -> tuple[Array, Array]:
    """Return positions and radii of the atoms that may touch the other side."""
    z = slab.cart_coords[:, 2]
    outer = z > z.max() - REACH if top else z < z.min() + REACH
    radii = covalent_radii([site.specie.symbol for site in slab])
    return np.asarray(slab.cart_coords[outer]), np.asarray(radii[outer])


def _lateral(first: Array, second: Array, cell: Array) -> Array:
    """Return the shortest in-plane distance of each pair within REACH, (n, m)."""
    difference = (first[:, None] - second[None]) @ np.linalg.inv(cell)
    difference -= np.rint(difference)
    heights = abs(np.linalg.det(cell)) / np.linalg.norm(cell[::-1], axis=1)
    most = np.ceil(REACH / heights + 0.5).astype(int)
    ranges = [range(-n, n + 1) for n in most]
    images = np.array([[i, j] for i in ranges[0] for j in ranges[1]])
    vectors = (difference[:, :, None] + images) @ cell  # (n, m, n_images, 2)
    return np.asarray(np.linalg.norm(vectors, axis=-1).min(axis=-1))
