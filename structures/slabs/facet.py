"""A crystal seen along the normal of a facet: whole groups, and what symmetry does.

Every molecule or ion is one rigid group that sits where its center sits; every other
atom is a group of its own. One repeat of the facet holds one image of each; what a slab
holds is told by whole images, so that no cut divides an ion, whatever the facet. A
chain or layer parallel to the facet has no center: each of its atoms is a group, all of
one height.

An operation of the crystal either keeps the facet's normal or turns it over. In either
case it takes image k of a group (k repeats up) to image s ± k of another one. Two cuts
are the same if and only if such an operation takes what lies below one to what lies
below the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.groups import (
    BondedGroup,
    Environment,
    GroupedCrystal,
    formula,
    whole_groups,
)
from ionface.structures.slabs.plane_lattice import (
    SAME_POSITION,
    FacetFrame,
    facet_frame,
)
from ionface.structures.specs import Miller

Array = NDArray[np.float64]
MIN_CUT = 0.3  # Å; groups closer in height than this make one plane
CANDIDATE = "X"  # a free position that doping may fill; never cuts, never ends a slab
Integers = NDArray[np.int_]
SYMPREC = 0.02  # Å; how far an atom may be from where symmetry wants it
NEAR = 0.1  # Å; an image is the group that it lies this close to


@dataclass(frozen=True)
class Group:
    """Atoms that stay together.

    Attributes:
        center: mean of the ion's centers, Å, in the facet's frame, shape (3,).
        symbols: elements.
        offsets: from the center, Å, shape (n_atoms, 3).
        kind: formula of all that stays together with it.
        extent: lowest and highest height of all that, from the center, Å.
        environments: what each atom is bonded to in the crystal.
    """

    center: Array
    symbols: tuple[str, ...]
    offsets: Array
    kind: str
    extent: tuple[float, float]
    environments: tuple[Environment, ...] = ()

    @property
    def position(self) -> Array:
        """Return the center, or where a single atom is, Å, shape (3,)."""
        lone = len(self.symbols) == 1
        return np.asarray(self.center + self.offsets[0] if lone else self.center)


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
    def bonded(self) -> GroupedCrystal:
        """Return what is bonded together in the crystal."""
        try:
            return whole_groups(self.crystal, self.named, self.miller)
        except StructureError as error:
            raise StructureError(
                f"facet {self.miller} cannot be cut without breaking a group: {error}"
            ) from error

    @cached_property
    def groups(self) -> list[Group]:
        """Return the groups of one repeat; centers lie in the cell u, v, w."""
        groups = [own for group in self.bonded.groups for own in self._turned(group)]
        for position in self.candidates:
            center = np.array(position) @ self.crystal.lattice.matrix
            groups.append(
                Group(
                    center @ self.frame.rotation,
                    (CANDIDATE,),
                    np.zeros((1, 3)),
                    CANDIDATE,
                    (0.0, 0.0),
                )
            )
        return self._one_repeat(groups)

    def _turned(self, group: BondedGroup) -> list[Group]:
        """Return a group in the facet's frame; the atoms of an endless one apart."""
        sites = [i for i, _ in group.atoms]
        symbols = tuple(self.crystal[i].specie.symbol for i in sites)
        kind = formula(symbols)
        fractions = [self.crystal[i].frac_coords + n for i, n in group.atoms]
        coords = np.array(fractions) @ self.crystal.lattice.matrix @ self.frame.rotation
        center = coords[: group.n_centers].mean(axis=0)
        around = tuple(self.bonded.environments[i] for i in sites)
        heights = coords[:, 2] - center[2]
        extent = (float(heights.min()), float(heights.max()))
        if not group.periods:
            return [Group(center, symbols, coords - center, kind, extent, around)]
        return [
            Group(
                np.array([x, y, center[2]]),
                (symbol,),
                np.array([[0.0, 0.0, z - center[2]]]),
                kind,
                extent,
                (own,),
            )
            for (x, y, z), symbol, own in zip(coords, symbols, around, strict=True)
        ]

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
        """Return one image of each group per cell u, v, w."""
        basis = self.frame.basis
        distinct: list[Group] = []
        seen: dict[tuple[str, ...], list[Array]] = {}
        for group in groups:
            fractions = group.position @ np.linalg.inv(basis)
            fractions -= np.floor(fractions + 1e-6)
            known = seen.setdefault((group.kind, *sorted(group.symbols)), [])
            if known and _is_image(fractions, np.array(known), basis):
                continue
            known.append(fractions)
            moved = fractions @ basis - group.position
            distinct.append(replace(group, center=group.center + moved))
        self._check_complete(distinct)
        return distinct

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


@dataclass(frozen=True)
class Action:
    """An operation of the crystal that keeps the plane of a facet.

    Attributes:
        goes_to: index of the group that each group is taken to, shape (n,).
        climb: repeats by which it lands higher, shape (n,).
        turns: the normal is turned over: image k goes to climb - k.
        in_plane: what it does to row vectors of coefficients of u and v, (2, 2).
        name: of the operation, as in "inversion".
    """

    goes_to: Integers
    climb: Integers
    turns: bool
    in_plane: Integers
    name: str

    def image(self, below: Integers) -> Integers:
        """Return the bounds of the half crystal that another one is taken to.

        Args:
            below: highest image of each group below a cut, shape (n,).

        Returns:
            The same for the image; if the operation turns the normal over, the highest
            image of each group that does not belong to it (it lies above a cut).
        """
        taken = np.empty_like(below)
        bounds = self.climb - below - 1 if self.turns else self.climb + below
        taken[self.goes_to] = bounds
        return taken


def actions(facet: Facet) -> list[Action]:
    """Return all operations of the crystal that keep a facet's plane."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    dataset = SpacegroupAnalyzer(facet.crystal, symprec=SYMPREC).get_symmetry_dataset()
    columns = facet.crystal.lattice.matrix.T
    turn, normal = facet.frame.rotation, facet.frame.normal
    operations = []
    # centering moves whole repeats, so one translation of each rotation is enough
    _, first = np.unique(dataset.rotations.reshape(-1, 9), axis=0, return_index=True)
    for index in first:
        rotation = columns @ dataset.rotations[index] @ np.linalg.inv(columns)
        along = float(normal @ rotation @ normal)
        # it keeps or reverses the normal exactly, but for rounding
        if abs(abs(along) - 1) < 1e-5:
            translation = columns @ dataset.translations[index]
            action = _action(facet, turn.T @ rotation @ turn, translation @ turn)
            if action is not None:
                operations.append(action)
    return operations


def _action(facet: Facet, rotation: Array, translation: Array) -> Action | None:
    """Return what an operation in the facet's frame does to the groups."""
    basis = facet.frame.basis
    inverse = np.linalg.inv(basis)
    groups = [facet.groups[i] for i in facet.atoms]
    positions = np.array([group.position for group in groups])
    fractions = positions @ inverse
    taken = (positions @ rotation.T + translation) @ inverse
    difference = taken[:, None] - fractions[None]  # (n, n, 3)
    whole = np.rint(difference)
    apart = np.linalg.norm((difference - whole) @ basis, axis=2)
    kinds = np.array([g.kind + "".join(sorted(g.symbols)) for g in groups])
    apart[kinds[:, None] != kinds[None]] = np.inf
    goes_to = apart.argmin(axis=1)
    rows = np.arange(len(goes_to))
    if apart[rows, goes_to].max() > NEAR or len(set(goes_to)) < len(goes_to):
        return None
    plane = basis[:2, :2]
    in_plane = plane @ rotation[:2, :2].T @ np.linalg.inv(plane)
    return Action(
        goes_to=goes_to,
        climb=whole[rows, goes_to, 2].astype(int),
        turns=bool(rotation[2, 2] < 0),
        in_plane=np.rint(in_plane).astype(int),
        name=_name(rotation, in_plane, translation @ inverse),
    )


def _name(rotation: Array, in_plane: Array, translation: Array) -> str:
    """Return what an operation that turns the normal over is called."""
    trace = round(float(np.trace(rotation)))
    if np.linalg.det(rotation) > 0:
        # the part of the translation along the axis cannot be undone by an origin
        along = translation[:2] + translation[:2] @ in_plane
        return "two-fold rotation" if _is_whole(along / 2) else "two-fold screw"
    if trace == 1:
        return "mirror" if _is_whole(translation[:2]) else "glide"
    return "inversion" if trace == -3 else "rotoinversion"


def _is_whole(values: Array) -> bool:
    return bool(np.abs(values - np.rint(values)).max() < 1e-2)


def point_group(operations: list[Action], *bounds: Integers) -> Integers:
    """Return the in-plane parts of all operations that keep a slab, (n, 2, 2).

    Args:
        operations: from `actions`.
        bounds: of the slab's two sides; both must move alike.
    """
    in_plane: set[tuple[int, ...]] = {(1, 0, 0, 1)}
    for action in operations:
        if not action.turns:
            moves = np.concatenate([action.image(b) - b for b in bounds])
            if np.all(moves == moves[0]):
                in_plane.add(tuple(int(i) for i in action.in_plane.ravel()))
    return np.array(sorted(in_plane)).reshape(-1, 2, 2)
