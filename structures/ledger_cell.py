"""What a job must know of its cell: the ledger's common cell, vacuum, center of mass.

A structure may say in `properties["ionface"]` to which interface it belongs: its part
("interface", "film", ...), the interface's cell and its vacuum. All terms of one ledger
then get one k-mesh and one dipole rule. A structure that says nothing stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

if TYPE_CHECKING:
    from ionface.structures.model import InterfaceModel

VACUUM = 6.0  # Å; a thinner gap is no vacuum: slabs on both sides feel each other
KEY = "ionface"


@dataclass(frozen=True)
class CellContext:
    """A structure's place in a ledger.

    Attributes:
        part: "interface", "film", "substrate", "film_unstrained", ...; "alone" for a
            structure that belongs to no interface.
        cell: whose in-plane vectors fix the k-mesh, Å, shape (3, 3).
        vacuum: along the third vector, Å; 0 in a sandwich and in a crystal.
        slab: the third direction is the normal of an interface or a slab.
    """

    part: str
    cell: NDArray[np.float64]
    vacuum: float
    slab: bool


def context(structure: Structure) -> CellContext:
    """Return what a structure says of itself, else what its cell shows."""
    told = (structure.properties or {}).get(KEY)
    if told:
        return CellContext(
            part=str(told["part"]),
            cell=np.asarray(told["cell"], dtype=np.float64),
            vacuum=float(told["vacuum"]),
            slab=True,
        )
    vacuum = gap_along(structure, 2)
    slab = vacuum >= VACUUM
    cell = np.asarray(structure.lattice.matrix, dtype=np.float64)
    return CellContext("alone", cell, vacuum if slab else 0.0, slab)


def with_context(structure: Structure, told: dict[str, Any]) -> Structure:
    """Return a copy that says to which interface it belongs.

    Args:
        structure: any.
        told: "part", "cell" (3 rows, Å), "vacuum" (Å).
    """
    copy = structure.copy()
    copy.properties = {**(structure.properties or {}), KEY: told}
    return copy


def in_ledger(structure: Structure, model: InterfaceModel, part: str) -> Structure:
    """Return one part of an interface model that knows the ledger's common cell.

    Args:
        structure: of the part.
        model: of the interface.
        part: "interface", "film", "substrate", "film_unstrained", ...
    """
    told = {
        "part": part,
        "cell": model.structure.lattice.matrix.tolist(),
        "vacuum": model.vacuum if model.n_interfaces == 1 else 0.0,
    }
    return with_context(structure, told)


def gap_along(structure: Structure, axis: int) -> float:
    """Return the widest layer without atoms between planes of a cell vector, Å."""
    fractional = np.sort(structure.frac_coords[:, axis] % 1.0)
    gaps = np.diff([*fractional, fractional[0] + 1.0])
    height = 1.0 / np.linalg.norm(structure.lattice.inv_matrix[:, axis])
    return float(gaps.max() * height)


def center_of_mass(structure: Structure) -> list[float]:
    """Return the center of mass of a slab that may cross the border, fractional.

    Each direction is cut at its widest gap, so that the slab is whole.

    Returns:
        Three numbers in [0, 1), rounded to four decimals as for DIPOL.
    """
    fractional = structure.frac_coords % 1.0
    masses = np.array([float(site.specie.atomic_mass) for site in structure])
    center = []
    for axis in range(3):
        ordered = np.sort(fractional[:, axis])
        gaps = np.diff([*ordered, ordered[0] + 1.0])
        start = ordered[(int(gaps.argmax()) + 1) % len(ordered)]
        whole = (fractional[:, axis] - start + 1e-9) % 1.0 + start
        center.append(float(round(np.average(whole, weights=masses) % 1.0, 4) % 1.0))
    return center


def poscar_order(structure: Structure) -> NDArray[np.intp]:
    """Return the sites in POSCAR's order: by species, by electronegativity.

    `structure[order[i]]` is site i of the POSCAR; the order within a species is kept.
    """
    keys = [(site.specie.X, site.specie.Z) for site in structure]
    return np.array(sorted(range(len(keys)), key=lambda i: (keys[i], i)), dtype=np.intp)


def movable(structure: Structure) -> NDArray[np.bool_]:
    """Return which sites may move: all but those whose property `fixed` is true."""
    fixed = structure.site_properties.get("fixed", [False] * len(structure))
    return np.array([not bool(value) for value in fixed])
