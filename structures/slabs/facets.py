"""A crystal seen along the normal of a facet, as whole groups of atoms.

Every polyanion is one rigid group that sits where its center sits; every other atom is
a group of its own. One repeat of the facet holds one image of each; what a slab holds
is told by whole images, so that no cut divides a polyanion, whatever the facet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.checks import BondedGroup, bonded_groups
from ionface.structures.slabs.plane_lattice import (
    SAME_POSITION,
    FacetFrame,
    facet_frame,
)
from ionface.structures.specs import Miller

Array = NDArray[np.float64]
MIN_CUT = 0.3  # Å; groups closer in height than this make one plane
CANDIDATE = "X"  # a free position that doping may fill; never cuts, never ends a slab


@dataclass(frozen=True)
class Group:
    """Atoms that stay together.

    Attributes:
        center: mean of the polyanion's centers, Å, in the facet's frame, shape (3,).
        symbols: elements.
        offsets: from the center, Å, shape (n_atoms, 3).
    """

    center: Array
    symbols: tuple[str, ...]
    offsets: Array


@dataclass(frozen=True)
class Facet:
    """A crystal, its facet, and the free positions that travel with it.

    Attributes:
        crystal: ordered bulk.
        miller: in the axes of the crystal's cell.
        candidates: fractional positions that doping may fill, shape (n, 3).
        named: further groups to keep whole, as in "GeO4".
    """

    crystal: Structure
    miller: Miller
    candidates: tuple[tuple[float, float, float], ...] = ()
    named: tuple[str, ...] = ()

    @cached_property
    def frame(self) -> FacetFrame:
        """Return the axes of the facet."""
        return facet_frame(self.crystal, self.miller)

    @property
    def spacing(self) -> float:
        """Return the smallest translational repeat along the normal, Å."""
        return self.frame.spacing

    @cached_property
    def groups(self) -> list[Group]:
        """Return the groups of one repeat; centers lie in the cell u, v, w."""
        matrix = self.crystal.lattice.matrix
        found = []
        for group in self._bonded():
            symbols = tuple(self.crystal[i].specie.symbol for i, _ in group.atoms)
            fractions = [self.crystal[i].frac_coords + n for i, n in group.atoms]
            coords = np.array(fractions) @ matrix
            center = coords[: group.n_centers].mean(axis=0)
            found.append(Group(center, symbols, coords - center))
        for position in self.candidates:
            found.append(
                Group(np.array(position) @ matrix, (CANDIDATE,), np.zeros((1, 3)))
            )
        return self._one_repeat(found)

    def _bonded(self) -> list[BondedGroup]:
        try:
            return bonded_groups(self.crystal, self.named)
        except StructureError as error:
            raise StructureError(
                f"facet {self.miller} cannot be cut without breaking a group: {error}"
            ) from error

    @cached_property
    def atoms(self) -> list[int]:
        """Return the indices of the groups that are no candidates."""
        groups = enumerate(self.groups)
        return [i for i, group in groups if group.symbols[0] != CANDIDATE]

    @cached_property
    def centers(self) -> Array:
        """Return the centers of these groups, Å, shape (n, 3)."""
        return np.array([self.groups[i].center for i in self.atoms])

    def _one_repeat(self, groups: list[Group]) -> list[Group]:
        """Turn groups into the frame and keep one image of each per cell u, v, w."""
        basis, rotation = self.frame.basis, self.frame.rotation
        found: list[Group] = []
        seen: dict[tuple[str, ...], list[Array]] = {}
        for group in groups:
            fractions = group.center @ rotation @ np.linalg.inv(basis)
            fractions -= np.floor(fractions + 1e-6)
            known = seen.setdefault(tuple(sorted(group.symbols)), [])
            if known and _is_image(fractions, np.array(known), basis):
                continue
            known.append(fractions)
            found.append(
                Group(fractions @ basis, group.symbols, group.offsets @ rotation)
            )
        self._check_complete(found)
        return found

    def _check_complete(self, groups: list[Group]) -> None:
        volume = abs(float(np.linalg.det(self.frame.basis)))
        expected = len(self.crystal) * volume / self.crystal.lattice.volume
        atoms = sum(len(g.symbols) for g in groups if g.symbols[0] != CANDIDATE)
        if abs(atoms - expected) > 1e-3:
            raise StructureError(
                f"facet {self.miller}: {atoms} atoms per repeat instead of "
                f"{expected:.2f}; the crystal is almost, but not exactly, periodic in "
                "a smaller cell: symmetrize the file first"
            )


def _is_image(fractions: Array, known: Array, basis: Array) -> bool:
    difference = known - fractions
    difference -= np.rint(difference)
    return bool((np.linalg.norm(difference @ basis, axis=1) < SAME_POSITION).any())
