"""What a picture of an interface model shows: which balls and half bonds, and where.

The side view looks along the shorter in-plane vector; z points to the right. Atoms on
the border of the cell are shown on both sides of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.structures.checks import covalent_radii
from ionface.structures.model import InterfaceModel

Array = NDArray[np.float64]
METALS = {"Li", "Na", "K", "Mg", "Al", "Zn", "Ga", "In", "Sn", "Ti", "Ge"}
BORDER = 0.03  # of the cell: atoms this close to an edge are drawn on both edges
MARGIN = 3.0  # Å of vacuum that is drawn
NEAR = 4.5  # Å on either side of the interface that the view from above shows


@dataclass(frozen=True)
class Scene:
    """Balls and sticks of one view; the last coordinate is depth, near is large.

    Attributes:
        points: (right, up, depth) of each ball, Å, shape (n, 3).
        symbols: elements.
        sticks: ball and end (right, up) of each half bond, Å.
    """

    points: Array
    symbols: list[str]
    sticks: list[tuple[int, Array]]


class View:
    """A model seen along its shorter in-plane vector.

    Attributes:
        height: of one cell in the side view, Å.
        copies: of the cell that the side view shows above each other.
        left: lowest z that is shown, Å.
        right: highest z that is shown, Å.
        cell_c: length of the cell along z, Å.
    """

    def __init__(self, model: InterfaceModel) -> None:
        self.model = model
        vectors = model.structure.lattice.matrix[:2, :2]
        lengths = np.linalg.norm(vectors, axis=1)
        self.short, self.long = np.argsort(lengths, kind="stable")
        self.along = vectors[self.short] / lengths[self.short]
        self.up = np.array([-self.along[1], self.along[0]])
        self.up *= np.sign(self.up @ vectors[self.long])
        self.vectors = vectors
        self.height = float(vectors[self.long] @ self.up)
        self.cell_c = float(model.structure.lattice.matrix[2, 2])
        z = model.structure.cart_coords[:, 2]
        empty = model.vacuum > 0
        self.left = float(z.min() - MARGIN) if empty else 0.0
        self.right = float(z.max() + MARGIN) if empty else self.cell_c
        self.copies = int(np.clip(np.ceil(0.3 * self.width / self.height), 1, 3))

    @property
    def width(self) -> float:
        """Return how much of z is shown, Å."""
        return self.right - self.left

    def side_size(self) -> Array:
        """Return width and height of the side view with its margins, Å."""
        return np.array([self.width + 3.0, self.height * self.copies + 6.4])

    def top_size(self) -> Array:
        """Return width and height of the view from above with its margins, Å."""
        corners = self._plane(_ring(self.vectors))
        return np.asarray(np.ptp(corners, axis=0) + np.array([4.0, 6.4]))

    def _plane(self, points: Array) -> Array:
        """Return in-plane points as (along the line of sight, up)."""
        return np.asarray(points @ np.column_stack([self.along, self.up]))

    def outline(self) -> Array:
        """Return the closed border of the cell from above, Å, shape (5, 2)."""
        return self._plane(_ring(self.vectors))

    def side(self) -> Scene:
        """Return all atoms, repeated upwards."""
        return self._scene(self.copies, only=None, top=False)

    def top(self) -> Scene:
        """Return the atoms near the first interface."""
        z = self.model.structure.cart_coords[:, 2]
        away = z - self.model.interface_heights[0]
        away -= self.cell_c * np.rint(away / self.cell_c)
        return self._scene(1, only=np.abs(away) < NEAR, top=True)

    def _scene(self, copies: int, only: NDArray[np.bool_] | None, top: bool) -> Scene:
        structure = self.model.structure
        chosen = np.arange(len(structure)) if only is None else np.flatnonzero(only)
        home = structure.frac_coords[chosen]
        home = home - np.floor(home + 1e-6)
        points: list[Array] = []
        atoms: list[int] = []
        for i in (-1, 0, 1):
            for j in range(-1, copies + 1):
                shift = np.zeros(3)
                shift[self.short], shift[self.long] = i, j
                moved = home + shift
                rows, depth = moved[:, self.long], moved[:, self.short]
                edge = BORDER if top else -1e-6  # depth is drawn once from the side
                inside = (rows > -BORDER) & (rows < copies + BORDER)
                inside &= (depth > -abs(edge)) & (depth < 1 + edge)
                points.append(moved[inside] @ structure.lattice.matrix)
                atoms += chosen[inside].tolist()
        coords = self._seen(np.concatenate(points), top)
        bonds = self._half_bonds(top)
        return Scene(
            points=coords,
            symbols=[structure[atom].specie.symbol for atom in atoms],
            sticks=[
                (ball, coords[ball, :2] + half)
                for ball, atom in enumerate(atoms)
                for half in bonds.get(atom, [])
            ],
        )

    def _seen(self, coords: Array, top: bool) -> Array:
        """Return Cartesian vectors as (right, up, depth)."""
        flat, z = self._plane(coords[:, :2]), coords[:, 2]
        if top:
            return np.column_stack([flat, z])
        return np.column_stack([z, flat[:, 1], -flat[:, 0]])

    def _half_bonds(self, top: bool) -> dict[int, list[Array]]:
        """Return the vectors to the middle of the bonds of each nonmetal atom."""
        structure = self.model.structure
        symbols = [site.specie.symbol for site in structure]
        radii = covalent_radii(symbols)
        first, second, images, lengths = structure.get_neighbor_list(2.6)
        metal = np.array([symbol in METALS for symbol in symbols])
        bonded = ~metal[first] & ~metal[second]
        bonded &= lengths < 1.2 * (radii[first] + radii[second])
        fractions = structure.frac_coords
        vectors = fractions[second] + images - fractions[first]
        halves = self._seen(vectors @ structure.lattice.matrix / 2, top)[:, :2]
        found: dict[int, list[Array]] = {}
        for k in np.flatnonzero(bonded):
            found.setdefault(int(first[k]), []).append(halves[k])
        return found


def _ring(vectors: Array) -> Array:
    return np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ vectors
