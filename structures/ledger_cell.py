"""What a job must know of its cell: the ledger's common cell, its vacuum, its metals.

The ledger is E = (E_interface - sum of E_slab) / A: its errors cancel only if all terms
get one k-mesh and one dipole rule, whatever their own cells. So a structure carries the
interface's cell with it (`in_ledger`), and an engine asks for it (`context`). A
structure that carries none stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Structure

from ionface.structures.model import THIN_VACUUM, InterfaceModel
from ionface.structures.periodic import widest_gap

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
        metal: a phase of the interface is a metal.
        isolated: there is vacuum along all three vectors: a molecule, a cluster.
    """

    part: str
    cell: NDArray[np.float64]
    vacuum: float
    slab: bool
    metal: bool = False
    isolated: bool = False


def context(structure: Structure) -> CellContext:
    """Return what a structure says of itself, else what its cell shows."""
    stored = (structure.properties or {}).get(KEY)
    if stored:
        return CellContext(
            part=str(stored["part"]),
            cell=np.asarray(stored["cell"], dtype=np.float64),
            vacuum=float(stored["vacuum"]),
            slab=True,
            metal=bool(stored.get("metal", False)),
        )
    gaps = [gap_along(structure, axis) for axis in range(3)]
    isolated, slab = min(gaps) >= THIN_VACUUM, gaps[2] >= THIN_VACUUM
    cell = np.asarray(structure.lattice.matrix, dtype=np.float64)
    return CellContext(
        "alone", cell, gaps[2] if slab else 0.0, slab, has_metal(structure), isolated
    )


def with_context(
    structure: Structure,
    part: str,
    cell: ArrayLike,
    vacuum: float,
    *,
    metal: bool = False,
) -> Structure:
    """Return a copy that says to which interface it belongs.

    It says so in its properties, which survive JSON and job stores; read them with
    `context` only.

    Args:
        structure: any.
        part: as in `CellContext`.
        cell: of the interface, rows, Å, shape (3, 3).
        vacuum: of the interface, Å.
        metal: a phase of the interface is a metal.
    """
    copy = structure.copy()
    rows = np.asarray(cell, dtype=np.float64).tolist()
    stored = {"part": part, "cell": rows, "vacuum": float(vacuum), "metal": metal}
    copy.properties = {**(structure.properties or {}), KEY: stored}
    return copy


def in_ledger(structure: Structure, model: InterfaceModel, part: str) -> Structure:
    """Return one part of an interface model that knows the ledger's common cell.

    Args:
        structure: of the part.
        model: of the interface.
        part: "interface", "film", "substrate", "film_unstrained", ...
    """
    vacuum = model.vacuum if model.n_interfaces == 1 else 0.0
    whole = model.structure
    metal = has_metal(whole)
    return with_context(structure, part, whole.lattice.matrix, vacuum, metal=metal)


def has_metal(structure: Structure) -> bool:
    """Tell whether a phase, as sites are labelled, consists of metals alone."""
    phases = structure.site_properties.get("phase", [""] * len(structure))
    metals = dict.fromkeys(phases, True)
    for phase, site in zip(phases, structure, strict=True):
        metals[phase] &= all(element.is_metal for element in site.species.elements)
    return any(metals.values())


def gap_along(structure: Structure, axis: int) -> float:
    """Return the widest layer without atoms between planes of a cell vector, Å."""
    _, gap = widest_gap(structure.frac_coords[:, axis], 1.0)
    return gap / float(np.linalg.norm(structure.lattice.inv_matrix[:, axis]))


def dipole_center(structure: Structure) -> list[float]:
    """Return where the dipole of a slab is measured from, fractional, as for DIPOL.

    Half a cell away VASP puts the sheet that compensates the dipole: of the middle
    between the outermost atoms, that is the middle of the vacuum, whatever weighs most.
    Only the third direction counts.

    Returns:
        Three numbers in [0, 1), rounded to four decimals.
    """
    start, gap = widest_gap(structure.frac_coords[:, 2] % 1.0, 1.0)
    return [0.5, 0.5, float(round(start + (1.0 - gap) / 2, 4) % 1.0)]


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
