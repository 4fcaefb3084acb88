"""The conventional cell of a crystal, in whatever cell a file has it.

Miller indices belong to the conventional cell. A primitive cell, a supercell or skewed
axes are replaced by the standard cell of the space group (spglib's); a file that has a
conventional cell in other axes (Pbnm for Pnma) keeps them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

SYMPREC = 0.02  # Å; how far an atom may be from where symmetry wants it
SAME = 1e-3  # relative; of lengths, and radians of angles
FILE_AXES = "axes of the file"
OWN_AXES = "its own axes"


def conventional(structure: Structure, own: str = FILE_AXES) -> tuple[Structure, str]:
    """Return the crystal in its conventional cell, and whose axes these are.

    Args:
        structure: any cell, partly occupied sites too.
        own: how the axes are called if the cell is kept and no standard one.

    Returns:
        The same crystal, the structure itself if its cell is conventional already; and
        the setting, as in "Fm-3m axes".
    """
    import spglib

    kinds = sorted({site.species for site in structure}, key=str)
    numbers = [kinds.index(site.species) for site in structure]
    cell = (structure.lattice.matrix, structure.frac_coords, numbers)
    dataset = spglib.get_symmetry_dataset(cell, symprec=SYMPREC)
    standard = spglib.standardize_cell(
        cell, to_primitive=False, no_idealize=True, symprec=SYMPREC
    )
    if dataset is None or standard is None or dataset.number < 3:
        return structure, own  # triclinic: every cell is as good
    lattice, fractions, order = standard
    setting = f"{dataset.international} axes"
    if _same(structure.lattice.parameters, Lattice(lattice).parameters):
        return structure, setting
    if len(fractions) == len(structure) and _is_conventional(
        structure.lattice, dataset.number
    ):
        return structure, own
    return Structure(lattice, [kinds[i] for i in order], fractions), setting


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return bool(np.allclose(one[:3], other[:3], rtol=SAME, atol=0)) and bool(
        np.allclose(one[3:], other[3:], rtol=0, atol=np.rad2deg(SAME))
    )


def _is_conventional(lattice: Lattice, number: int) -> bool:
    """Return whether a cell has the shape of its crystal system, in any order of axes.

    Args:
        lattice: with as many atoms as the standard cell.
        number: of the space group.
    """
    lengths, angles = np.array(lattice.abc), np.array(lattice.angles)
    right = np.isclose(angles, 90, atol=np.rad2deg(SAME))
    if number < 16:  # monoclinic
        return int(right.sum()) >= 2
    if number < 143:  # orthorhombic, tetragonal
        return bool(right.all())
    if number < 195:  # trigonal, hexagonal
        return int(right.sum()) == 2 and bool(np.isclose(angles[~right], 120, atol=0.1))
    return bool(right.all()) and _equal(lengths)


def _equal(lengths: NDArray[np.float64]) -> bool:
    return bool(np.ptp(lengths) < SAME * lengths.mean())
