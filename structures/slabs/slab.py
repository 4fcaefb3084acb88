"""A slab, the value that matching and stacking work on, made of whole images of groups.

`terminations.FacetSlabs` cuts all slabs of a facet; here are the atoms of one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Element, Lattice, Structure

from ionface.structures.groups import Environment
from ionface.structures.slabs.cuts import Bounds
from ionface.structures.slabs.facet import CANDIDATE, MIN_CUT, Facet
from ionface.structures.specs import Miller

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
VACUUM = 20.0  # Å, above a slab in its own cell
MAX_LAYERS = 500  # thicker slabs are a typing error: 500 layers of Li are 88 nm
POLAR = 0.01  # e/Å; a larger dipole per layer and area makes a slab polar
TRIVIAL = np.eye(2, dtype=int)[None]  # the point group of a slab without symmetry
Plane = tuple[float, tuple[str, ...]]


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
        period: translation of the crystal from the lower cut to the upper one, Å,
            shape (3,); None where both are not the same cut.
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
    period: Array | None = None

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


def turned_and_repeated(
    vector: Array, in_plane: Array, matrix: Integers, film: bool
) -> Array:
    """Return a vector of a slab as it lies in the supercell of an interface.

    Args:
        vector: Å, shape (3,).
        in_plane: vectors of the slab as it was cut, Å, shape (2, 2).
        matrix: of the supercell, shape (2, 2).
        film: the slab is turned over, so that the vector is counted from below again.
    """
    turned = vector * np.array([-1.0, 1.0, 1.0]) if film else vector
    plane = turned_plane(in_plane) if film else in_plane
    full = np.zeros((3, 3))
    full[:2, :2], full[2, 2] = matrix @ plane, 1.0
    return np.asarray(turned @ frame_of(full))


def frame_of(vectors: Array) -> Array:
    """Return the rotation after which a lies along x and b in the upper xy plane.

    Args:
        vectors: rows, Å, shape (3, 3), right-handed.

    Returns:
        Shape (3, 3); vectors @ rotation are the turned ones.
    """
    x = vectors[0] / np.linalg.norm(vectors[0])
    z = np.cross(vectors[0], vectors[1])
    z /= np.linalg.norm(z)
    return np.array([x, np.cross(z, x), z]).T


def in_frame(structure: Structure) -> Structure:
    """Return the same structure with a along x and b in the upper xy plane."""
    matrix = structure.lattice.matrix
    turned = matrix @ frame_of(matrix)
    return Structure(
        Lattice(np.where(np.abs(turned) < 1e-10, 0.0, turned)),  # no noise in files
        structure.species,
        structure.frac_coords,
        site_properties=structure.site_properties,
    )


def planes_of(heights: Array) -> list[int]:
    """Return the plane of each atom, counted from the lowest, by height in Å."""
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order]) > MIN_CUT
    planes = np.empty(len(heights), dtype=int)
    planes[order] = np.concatenate([[0], np.cumsum(steps)])
    return [int(plane) for plane in planes]


@dataclass(frozen=True)
class Assembly:
    """The atoms of a slab in the facet's frame.

    Attributes:
        symbols: sorted by electronegativity.
        coords: Å, shape (n, 3), not shifted to z = 0.
        layers: repeat that each atom belongs to, counted from the bottom, shape (n,).
        planes: (height, symbols) of each group.
    """

    symbols: list[str]
    coords: Array
    layers: NDArray[np.int_]
    planes: list[Plane]

    @property
    def thickness(self) -> float:
        """Return the distance between the outermost atoms, Å."""
        return float(np.ptp(self.coords[:, 2]))


def assemble(facet: Facet, bounds: Bounds) -> Assembly:
    """Return the atoms of the images that a slab holds."""
    basis = facet.frame.basis
    symbols: list[str] = []
    coords: list[Array] = []
    layers: list[int] = []
    planes: list[Plane] = []
    for index, low, high in zip(facet.atoms, bounds.lower, bounds.upper, strict=True):
        group = facet.groups[index]
        for layer in range(high - low):
            center = in_cell(group.center + (low + 1 + layer) * basis[2], basis)
            coords.extend(center + group.offsets)
            symbols.extend(group.symbols)
            layers.extend([layer] * len(group.symbols))
            planes.append((float(center[2]), group.symbols))
    order = sorted(range(len(symbols)), key=lambda i: _by_element(symbols[i]))
    return Assembly(
        symbols=[symbols[i] for i in order],
        coords=np.array(coords)[order],
        layers=np.array(layers)[order],
        planes=planes,
    )


def _by_element(symbol: str) -> tuple[float, str]:
    return Element(symbol).X, symbol


def in_cell(position: Array, basis: Array) -> Array:
    """Return a position moved by vectors of the plane into the cell u, v."""
    fractions = np.linalg.solve(basis[:2, :2].T, position[:2])
    moved = position.copy()
    moved[:2] -= np.floor(fractions + 1e-6) @ basis[:2, :2]
    return moved


def free_positions(facet: Facet, start: float, atoms: Assembly) -> Array:
    """Return the positions that doping may fill between the outermost atoms, Å.

    Args:
        facet: its groups include the candidates.
        start: height of the slab's lower cut, Å; those of each repeat count from it.
        atoms: of the slab.
    """
    basis, spacing = facet.frame.basis, facet.spacing
    low, high = atoms.coords[:, 2].min(), atoms.coords[:, 2].max()
    positions = []
    for group in facet.groups:
        if group.symbols[0] != CANDIDATE:
            continue
        first = -np.floor((group.center[2] - start) / spacing)
        for layer in range(int((high - start) // spacing) + 2):
            center = in_cell(group.center + (first + layer) * basis[2], basis)
            if low <= center[2] <= high:
                positions.append(center)
    return np.array(positions).reshape(-1, 3)


def free_standing(basis: Array, atoms: Assembly, vacuum: float) -> Structure:
    """Return the slab in a cell of its own, lowest atom at z = 0, vacuum above."""
    flat = basis[:2, :2] + 0.0  # no negative zeros in files
    coords = atoms.coords - np.array([0.0, 0.0, atoms.coords[:, 2].min()])
    height = atoms.thickness + vacuum
    return Structure(
        Lattice([[*flat[0], 0], [*flat[1], 0], [0, 0, height]]),
        atoms.symbols,
        coords,
        coords_are_cartesian=True,
        site_properties={"layer": [int(layer) for layer in atoms.layers]},
    )


def outer_plane(planes: list[Plane], top: bool) -> str:
    """Return the reduced formula of the groups within one plane of the surface."""
    ordered = sorted(planes, key=lambda plane: -plane[0] if top else plane[0])
    last = ordered[0][0]
    counts: Counter[str] = Counter()
    for height, symbols in ordered:
        if abs(height - last) > MIN_CUT:
            break
        counts.update(symbols)
        last = height
    if len(counts) == 1:
        return next(iter(counts))  # F, where a gas would be F2
    return str(Composition(counts).reduced_formula)


def whole_environments(facet: Facet, bounds: Bounds) -> dict[Environment, int]:
    """Return how many atoms of a slab must be bonded to what: as in the crystal."""
    counts: Counter[Environment] = Counter()
    for index, number in zip(facet.atoms, bounds.upper - bounds.lower, strict=True):
        for environment in facet.groups[index].environments:
            counts[environment] += int(number)
    return dict(counts)
