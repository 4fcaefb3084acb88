"""A slab, the value that matching and stacking work on, and the turning over of it.

`terminations.terminations` cuts all slabs of a facet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.structures.slabs.tasker import POLAR
from ionface.structures.specs import Miller

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
VACUUM = 20.0  # Å, above a slab in its own cell
MAX_LAYERS = 500
TRIVIAL = np.eye(2, dtype=int)[None]


@dataclass(frozen=True)
class Slab:
    """A free slab, its normal along z, its lowest atom at z = 0.

    Attributes:
        structure: a along x, b in the xy plane, c along z with vacuum above the
            highest atom. Site property "layer" counts the repeats from the bottom.
        phase: name for tables.
        miller: of the facet, in the axes that `setting` names.
        setting: as in "I4/mmm axes".
        label: unique name of the termination, "top/bottom".
        top: formula of the outermost plane of the side that meets a partner.
        bottom: formula of the outermost plane of the other side.
        termination: index among `terminations`.
        repeat: height of one layer, Å.
        layers: number of repeats, a part of one included.
        dipole: of formal charges, per layer and area, e/Å; grows with every layer.
        candidates: free positions that doping may fill, Å, shape (n, 3).
        tasker: class of this termination: 1, 2, or 3 if it has a dipole.
        facet_class: Tasker's class of the facet, the lowest of its terminations.
        gap: distance between the planes that the cut passes between, Å.
        moved: polyanions per repeat that went to the other side than their center.
        plain: nothing was moved and the gap is wide.
        operation: that makes both sides equivalent; None if none was asked for.
        excess: atoms beyond whole formula units, per surface cell.
        charge: formal charge of the excess, e per surface cell.
        point_group: in-plane parts of the operations that keep the slab, acting on rows
            of coefficients of a and b, shape (n, 2, 2).
        hexagonal: Miller indices may be given by four numbers.
    """

    structure: Structure
    phase: str
    miller: Miller
    setting: str
    label: str
    top: str
    bottom: str
    termination: int
    repeat: float
    layers: int
    dipole: float
    candidates: Array
    tasker: int = 1
    facet_class: int = 1
    gap: float = 0.0
    moved: int = 0
    plain: bool = True
    operation: str | None = None
    excess: dict[str, int] = field(default_factory=dict)
    charge: float = 0.0
    point_group: Integers = field(default_factory=TRIVIAL.copy)
    hexagonal: bool = False

    @property
    def in_plane(self) -> Array:
        """Return the two lattice vectors in the plane, Å, shape (2, 2)."""
        return np.asarray(self.structure.lattice.matrix[:2, :2])

    @property
    def area(self) -> float:
        """Return the area of the surface cell, Å²."""
        return abs(float(np.linalg.det(self.in_plane)))

    @property
    def thickness(self) -> float:
        """Return the distance between the outermost atoms, Å."""
        return float(np.ptp(self.structure.cart_coords[:, 2]))

    @property
    def polar(self) -> bool:
        """Return whether the dipole grows with thickness (a Tasker type 3 surface)."""
        return abs(self.dipole) > POLAR

    @property
    def facet(self) -> str:
        """Return the facet, as in "In(001)"."""
        indices = "".join(str(i) if i >= 0 else f"-{-i}" for i in self.miller)
        return f"{self.phase}({indices})"

    @property
    def stoichiometric(self) -> bool:
        """Return whether the slab holds whole formula units."""
        return not self.excess

    @property
    def dipole_moment(self) -> float:
        """Return the dipole of formal charges per surface cell, e Å."""
        return self.dipole * self.layers * self.area

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what the slab is, as plain data."""
        h, k, l = self.miller  # noqa: E741
        return {
            "facet": self.facet,
            "miller": list(self.miller),
            "miller_bravais": [h, k, -h - k, l] if self.hexagonal else None,
            "setting": self.setting,
            "termination": self.label,
            "termination_index": self.termination,
            "layers": self.layers,
            "repeat": self.repeat,
            "thickness": self.thickness,
            "polar": self.polar,
            "dipole_e_per_angstrom": self.dipole,
            "dipole_e_angstrom": self.dipole_moment,
            "tasker": self.tasker,
            "tasker_facet": self.facet_class,
            "moved_polyanions": self.moved,
            "symmetric": self.operation,
            "stoichiometric": self.stoichiometric,
            "excess_per_surface_cell": dict(self.excess),
            "formal_charge": self.charge,
        }


def turned_plane(in_plane: Array) -> Array:
    """Return the in-plane vectors of a slab turned about the x axis, (a, -b mirrored).

    Args:
        in_plane: vectors, Å, shape (2, 2).
    """
    turned = in_plane * np.array([1.0, -1.0])
    turned[1] *= -1  # -b instead of b keeps the cell right-handed
    return np.asarray(turned + 0.0)


def turned_over(structure: Structure) -> Structure:
    """Return a slab turned about the x axis: its top faces down, lowest atom at z = 0.

    A rotation, so that a chiral crystal stays what it is. Layers count from below.
    """
    matrix = structure.lattice.matrix.copy()
    matrix[:2, :2] = turned_plane(matrix[:2, :2])
    coords = structure.cart_coords * np.array([1.0, -1.0, -1.0])
    coords[:, 2] -= coords[:, 2].min()
    layers = np.array(structure.site_properties["layer"], dtype=int)
    return Structure(
        Lattice(matrix + 0.0),
        structure.species,
        coords,
        coords_are_cartesian=True,
        site_properties={"layer": (layers.max() - layers).tolist()},
    )
