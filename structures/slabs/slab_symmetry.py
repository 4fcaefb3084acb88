"""What the symmetry of a crystal does to the groups of a facet.

An operation either keeps the facet's normal or turns it over. In either case it takes
image k of a group (k repeats up) to image s ± k of another one. Two cuts are the same
if and only if such an operation takes what lies below one to what lies below the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.structures.slabs.facets import Facet

Array = NDArray[np.float64]
Integers = NDArray[np.int_]
SYMPREC = 0.02  # Å; how far an atom may be from where symmetry wants it
NEAR = 0.1  # Å; an image is the group that it lies this close to


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
    found = []
    # centering moves whole repeats, so one translation of each rotation is enough
    _, first = np.unique(dataset.rotations.reshape(-1, 9), axis=0, return_index=True)
    for index in first:
        rotation = columns @ dataset.rotations[index] @ np.linalg.inv(columns)
        along = float(normal @ rotation @ normal)
        if abs(abs(along) - 1) < 1e-5:
            translation = columns @ dataset.translations[index]
            action = _action(facet, turn.T @ rotation @ turn, translation @ turn)
            if action is not None:
                found.append(action)
    return found


def _action(facet: Facet, rotation: Array, translation: Array) -> Action | None:
    """Return what an operation in the facet's frame does to the groups."""
    basis = facet.frame.basis
    inverse = np.linalg.inv(basis)
    fractions = facet.centers @ inverse
    taken = (facet.centers @ rotation.T + translation) @ inverse
    difference = taken[:, None] - fractions[None]  # (n, n, 3)
    whole = np.rint(difference)
    apart = np.linalg.norm((difference - whole) @ basis, axis=2)
    kinds = np.array(["".join(sorted(facet.groups[i].symbols)) for i in facet.atoms])
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


def point_group(found: list[Action], *bounds: Integers) -> Integers:
    """Return the in-plane parts of all operations that keep a slab, (n, 2, 2).

    Args:
        found: from `actions`.
        bounds: of the slab's two sides; both must move alike.
    """
    kept: set[tuple[int, ...]] = {(1, 0, 0, 1)}
    for action in found:
        if not action.turns:
            moves = np.concatenate([action.image(b) - b for b in bounds])
            if np.all(moves == moves[0]):
                kept.add(tuple(int(i) for i in action.in_plane.ravel()))
    return np.array(sorted(kept)).reshape(-1, 2, 2)
