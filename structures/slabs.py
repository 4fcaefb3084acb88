"""Slabs of any facet, cut between whole groups, all distinct terminations.

Every polyanion is one rigid group that sits where its center sits; every other atom is
a group of its own. Heights of the groups repeat with the spacing d of the facet; a cut
lies in a gap between heights, and a slab is a whole number of repeats above it. So a
slab is stoichiometric and no polyanion is ever cut, whatever the facet. (pymatgen's
SlabGenerator cuts between atoms: with bonds protected it returns nothing for the prism
facet of LiGe2(PO4)3. It serves as the oracle for metals in our tests.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from .checks import check_polyanions, count_polyanions, polyanions
from .errors import StructureError
from .specs import Miller

Array = NDArray[np.float64]
MIN_CUT = 0.3  # Å; groups closer in height than this make one plane
VACUUM = 20.0  # Å above a slab in its own cell


@dataclass(frozen=True)
class Slab:
    """A free slab, its normal along z, its lowest atom at z = 0.

    Attributes:
        structure: lattice a along x, b in the xy plane, c along z with `VACUUM` above.
            Site property "layer" counts the repeats from the bottom, from 0.
        phase: name for tables.
        miller: of the facet, in the conventional cell.
        setting: space group whose axes the Miller indices belong to.
        termination: formula of the plane at the top, the side that meets a partner.
        bottom: formula of the plane at the bottom.
        repeat: height of one layer, Å.
        layers: number of repeats.
    """

    structure: Structure
    phase: str
    miller: Miller
    setting: str
    termination: str
    bottom: str
    repeat: float
    layers: int

    @property
    def label(self) -> str:
        """Return top and bottom plane, as in "Li4S/Li2PS4Cl"."""
        return f"{self.termination}/{self.bottom}"

    @property
    def in_plane(self) -> Array:
        """Return the two lattice vectors in the plane, Å, shape (2, 2)."""
        return np.asarray(self.structure.lattice.matrix[:2, :2])

    @property
    def thickness(self) -> float:
        """Return the distance between the outermost atoms, Å."""
        return float(np.ptp(self.structure.cart_coords[:, 2]))

    @property
    def facet(self) -> str:
        """Return the facet with its setting, as in "In(001) [I4/mmm axes]"."""
        indices = "".join(f"{i}" if i >= 0 else f"-{-i}" for i in self.miller)
        return f"{self.phase}({indices}) [{self.setting} axes]"

    def flipped(self) -> Structure:
        """Return the slab turned upside down about the x axis: its top faces down."""
        matrix = self.structure.lattice.matrix.copy()
        turn = np.diag([1.0, -1.0, -1.0])
        matrix[:2] = matrix[:2] @ turn
        # (a, -b) instead of (a, b) keeps the cell right-handed
        matrix[1] *= -1
        coords = self.structure.cart_coords @ turn
        coords[:, 2] -= coords[:, 2].min()
        return Structure(
            Lattice(matrix),
            self.structure.species,
            coords,
            coords_are_cartesian=True,
            site_properties=self.structure.site_properties,
        )


@dataclass(frozen=True)
class Facet:
    """A crystal seen along the normal of a facet.

    Attributes:
        crystal: bulk, dummy sites allowed.
        miller: of the facet.
    """

    crystal: Structure
    miller: Miller

    @cached_property
    def basis(self) -> Array:
        """Return lattice vectors u, v in the plane and w out of it, Å, shape (3, 3).

        u and v span the smallest cell of the plane; w climbs one spacing d. The frame
        is turned: u along x, v in the xy plane, normal along z.
        """
        primitive = primitive_vectors(self.crystal)
        conventional = self.crystal.lattice.matrix
        # integer indices of the facet on the primitive axes
        hkl = primitive @ np.linalg.inv(conventional) @ np.array(self.miller)
        hkl = np.rint(hkl / _common_divisor(hkl)).astype(int)
        u, v, w = _facet_vectors(hkl, primitive)
        return _turned(np.array([u, v, w]))

    @cached_property
    def _rotation(self) -> Array:
        """Return the matrix that turns crystal coordinates into the facet's frame."""
        primitive = primitive_vectors(self.crystal)
        conventional = self.crystal.lattice.matrix
        hkl = primitive @ np.linalg.inv(conventional) @ np.array(self.miller)
        hkl = np.rint(hkl / _common_divisor(hkl)).astype(int)
        raw = np.array(_facet_vectors(hkl, primitive))
        return np.linalg.inv(raw) @ self.basis

    @property
    def spacing(self) -> float:
        """Return the repeat distance along the normal, Å."""
        return float(self.basis[2, 2])

    @cached_property
    def groups(self) -> list[tuple[Array, list[tuple[str, Array]]]]:
        """Return (center, [(element, offset)]) of each group of one repeat.

        Centers lie in the cell u, v, w; offsets are Cartesian, in Å, from the center.
        """
        taken: set[int] = set()
        members: list[tuple[int, list[tuple[int, Array]]]] = []
        real = _without_dummies(self.crystal)
        for group in polyanions(real):
            origin = real[group.center].coords
            parts = [(group.center, np.zeros(3))]
            for index, image in group.ligands:
                at = real.lattice.get_cartesian_coords(
                    real[index].frac_coords + np.array(image)
                )
                parts.append((index, at - origin))
            overlap = taken.intersection(index for index, _ in parts)
            if overlap:
                raise StructureError(
                    f"{real[group.center].specie.symbol} (site {group.center}) shares "
                    "a ligand with another center: chains and networks of polyanions "
                    "cannot be cut as groups"
                )
            taken |= {index for index, _ in parts}
            members.append((group.center, parts))
        members += [
            (i, [(i, np.zeros(3))]) for i in range(len(self.crystal)) if i not in taken
        ]
        return self._one_repeat(members)

    def _one_repeat(
        self, members: list[tuple[int, list[tuple[int, Array]]]]
    ) -> list[tuple[Array, list[tuple[str, Array]]]]:
        """Keep one image of each group per cell u, v, w."""
        found: list[tuple[Array, list[tuple[str, Array]]]] = []
        seen: dict[str, list[Array]] = {}
        to_cell = np.linalg.inv(self.basis)
        for center, parts in members:
            at = self.crystal[center].coords @ self._rotation @ to_cell
            at = at - np.floor(at + 1e-6)
            symbol = self.crystal[center].specie.symbol
            same = seen.setdefault(symbol, [])
            if any(_equal_modulo_cell(at, other, self.basis) for other in same):
                continue
            same.append(at)
            atoms = [
                (self.crystal[i].specie.symbol, offset @ self._rotation)
                for i, offset in parts
            ]
            found.append((at @ self.basis, atoms))
        expected = len(self.crystal) * abs(
            np.linalg.det(self.basis) / self.crystal.lattice.volume
        )
        if round(expected) != sum(len(atoms) for _, atoms in found):
            raise StructureError(
                f"facet {self.miller}: {sum(len(a) for _, a in found)} atoms per repeat "
                f"instead of {expected:.2f}; the crystal's translations are not exact"
            )
        return found

    @cached_property
    def cuts(self) -> list[float]:
        """Return the heights of all distinct cuts, Å, within one repeat."""
        heights = sorted(
            center[2] % self.spacing for center, atoms in self.groups
            if atoms[0][0] != DUMMY
        )
        gaps = np.diff([*heights, heights[0] + self.spacing])
        wide = [i for i, gap in enumerate(gaps) if gap > MIN_CUT]
        if not wide:
            wide = [int(np.argmax(gaps))]
        middles = [(heights[i] + gaps[i] / 2) % self.spacing for i in wide]
        return self._distinct(sorted(middles))

    def _distinct(self, middles: list[float]) -> list[float]:
        """Drop cuts that a symmetry of the crystal maps onto another, side kept."""
        shifts = _height_shifts(_without_dummies(self.crystal), self)
        kept: list[float] = []
        for middle in middles:
            images = [(middle + shift) % self.spacing for shift in shifts]
            known = any(
                min(abs(a - b), self.spacing - abs(a - b)) < 1e-2
                for a in images
                for b in kept
            )
            if not known:
                kept.append(middle)
        return kept

    def slab(self, cut: float, layers: int, phase: str, setting: str) -> Slab:
        """Return the slab of so many repeats whose lower side is this cut."""
        symbols, coords, labels, planes = [], [], [], []
        for center, atoms in self.groups:
            base = np.floor((center[2] - cut) / self.spacing)
            for layer in range(layers):
                at = center + (layer - base) * self.basis[2]
                at = at - self._floor_in_plane(at)
                planes.append((at[2], [symbol for symbol, _ in atoms]))
                for symbol, offset in atoms:
                    symbols.append(symbol)
                    coords.append(at + offset)
                    labels.append(layer)
        positions = np.array(coords)
        real = np.array([symbol != DUMMY for symbol in symbols])
        positions[:, 2] -= positions[real, 2].min()
        height = float(np.ptp(positions[real, 2])) + VACUUM
        lattice = Lattice([[*self.basis[0, :2], 0], [*self.basis[1, :2], 0], [0, 0, height]])
        order = np.argsort([_order(symbol) for symbol in symbols], kind="stable")
        structure = Structure(
            lattice,
            [_species(symbols[i]) for i in order],
            positions[order],
            coords_are_cartesian=True,
            site_properties={"layer": [labels[i] for i in order]},
        )
        return Slab(
            structure=structure,
            phase=phase,
            miller=self.miller,
            setting=setting,
            termination=_plane_formula(planes, top=True),
            bottom=_plane_formula(planes, top=False),
            repeat=self.spacing,
            layers=layers,
        )

    def _floor_in_plane(self, at: Array) -> Array:
        fractions = np.linalg.solve(self.basis[:2, :2].T, at[:2])
        whole = np.floor(fractions + 1e-6)
        return np.array([*(whole @ self.basis[:2, :2]), 0.0])


DUMMY = "X"


def terminations(
    crystal: Structure,
    miller: Miller,
    layers: int = 1,
    phase: str = "slab",
    setting: str = "conventional",
) -> list[Slab]:
    """Return one slab per distinct termination, in order of the cut's height.

    Raises:
        StructureError: (0, 0, 0) as a facet, or a crystal that cannot be cut.
    """
    if not any(miller):
        raise StructureError("(0, 0, 0) is no facet; give Miller indices such as 1, 0, 0")
    if layers < 1:
        raise StructureError(f"a slab needs at least 1 layer, not {layers}")
    facet = Facet(crystal, miller)
    slabs = [facet.slab(cut, layers, phase, setting) for cut in facet.cuts]
    per_repeat = count_polyanions(_without_dummies(slabs[0].structure))
    for slab in slabs:
        check_polyanions(
            _without_dummies(slab.structure), f"slab {slab.facet}", per_repeat
        )
    return slabs


# --- lattices ---------------------------------------------------------------------


def primitive_vectors(crystal: Structure) -> Array:
    """Return a primitive basis of the crystal in its own frame, Å, shape (3, 3)."""
    shifts = _pure_translations(_without_dummies(crystal))
    volume = crystal.lattice.volume / len(shifts)
    cells = np.array(np.meshgrid(*[range(-1, 2)] * 3)).reshape(3, -1).T
    points = np.concatenate([(cells + s) @ crystal.lattice.matrix for s in shifts])
    points = points[np.argsort(np.linalg.norm(points, axis=1).round(6), kind="stable")]
    points = points[1:]  # without the origin
    first = points[0]
    crossing = np.linalg.norm(np.cross(first, points), axis=1)
    second = points[np.flatnonzero(crossing > 1e-3)[0]]
    volumes = points @ np.cross(first, second)
    third = points[np.flatnonzero(np.isclose(volumes, volume, rtol=1e-3))[0]]
    return np.array([first, second, third])


def _pure_translations(crystal: Structure) -> Array:
    """Return the centering vectors, fractional, the zero vector included."""
    symbols = [site.species_string for site in crystal]
    rarest = min(set(symbols), key=symbols.count)
    at = [i for i, symbol in enumerate(symbols) if symbol == rarest]
    fractions = crystal.frac_coords
    candidates = (fractions[at] - fractions[at[0]]) % 1.0
    return np.array([s for s in candidates if _maps_onto_itself(crystal, symbols, s)])


def _maps_onto_itself(crystal: Structure, symbols: list[str], shift: Array) -> bool:
    species = np.array(symbols)
    for symbol in set(symbols):
        mine = crystal.frac_coords[species == symbol]
        difference = (mine[:, None] + shift - mine[None]) % 1.0
        difference = np.minimum(difference, 1 - difference) @ crystal.lattice.matrix
        if (np.abs(difference).max(axis=2).min(axis=1) > 2e-2).any():
            return False
    return True


def _facet_vectors(hkl: NDArray[np.int_], primitive: Array) -> tuple[Array, Array, Array]:
    """Return the shortest u, v in the plane and the most upright w one spacing up."""
    reach = int(max(4, np.abs(hkl).max() * 2))
    grid = np.array(np.meshgrid(*[range(-reach, reach + 1)] * 3)).reshape(3, -1).T
    climbs = grid @ hkl
    normal = np.linalg.inv(primitive) @ hkl
    normal /= np.linalg.norm(normal)
    flat = _sorted_by_length(grid[climbs == 0] @ primitive)[1:]
    u = flat[0]
    areas = np.cross(u, flat) @ normal
    # smallest area first, then the shortest; a right angle is preferred by length
    smallest = areas[areas > 1e-3].min()
    v = flat[np.flatnonzero(np.isclose(areas, smallest, rtol=1e-4))[0]]
    up = grid[climbs == 1] @ primitive
    lateral = np.linalg.norm(up - np.outer(up @ normal, normal), axis=1)
    return u, v, up[int(np.argmin(lateral.round(6)))]


def _sorted_by_length(vectors: Array) -> Array:
    # ties are broken by direction, so that the choice is the same on every machine
    keys = (*(-vectors.round(6).T), np.linalg.norm(vectors, axis=1).round(6))
    return np.asarray(vectors[np.lexsort(keys)])


def _turned(vectors: Array) -> Array:
    """Return the vectors in the frame with the first along x, the second in xy."""
    q, r = np.linalg.qr(vectors.T)
    signs = np.sign(np.diag(r))
    return np.asarray((r * signs[:, None]).T)


def _common_divisor(values: Array) -> float:
    whole = np.rint(values * 6).astype(int)
    return gcd(*[abs(int(i)) for i in whole]) / 6


def _equal_modulo_cell(a: Array, b: Array, basis: Array) -> bool:
    difference = a - b
    difference -= np.rint(difference)
    return bool(np.linalg.norm(difference @ basis) < 0.05)


def _height_shifts(crystal: Structure, facet: Facet) -> list[float]:
    """Return the heights by which symmetries that keep the normal move the crystal."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    operations = SpacegroupAnalyzer(crystal, symprec=0.02).get_symmetry_operations(
        cartesian=True
    )
    normal = np.linalg.inv(facet._rotation) @ np.array([0.0, 0.0, 1.0])  # noqa: SLF001
    shifts = {
        round(float(op.translation_vector @ normal) % facet.spacing, 4)
        for op in operations
        if np.allclose(op.rotation_matrix @ normal, normal, atol=1e-4)
    }
    return sorted(shifts | {0.0})


# --- species ----------------------------------------------------------------------


def _without_dummies(structure: Structure) -> Structure:
    real = structure.copy()
    real.remove_sites([i for i, s in enumerate(real) if s.specie.symbol == DUMMY])
    return real


def _species(symbol: str) -> object:
    from pymatgen.core import DummySpecies, Element

    return DummySpecies(DUMMY, 0) if symbol == DUMMY else Element(symbol)


def _order(symbol: str) -> float:
    from pymatgen.core import Element

    return 99.0 if symbol == DUMMY else float(Element(symbol).X)


def _plane_formula(planes: list[tuple[float, list[str]]], top: bool) -> str:
    """Return the reduced formula of the groups within one plane of the surface."""
    from pymatgen.core import Composition

    real = [(height, atoms) for height, atoms in planes if atoms[0] != DUMMY]
    real.sort(key=lambda plane: -plane[0] if top else plane[0])
    chosen, last = [], real[0][0]
    for height, atoms in real:
        if abs(height - last) > MIN_CUT:
            break
        chosen, last = chosen + atoms, height
    counts = {symbol: chosen.count(symbol) for symbol in chosen}
    return Composition(counts).reduced_formula
