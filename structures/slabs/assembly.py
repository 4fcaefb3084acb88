"""Atoms of a slab from the images of groups that it holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Element, Lattice, Structure

from ionface.structures.checks import count_polyanions
from ionface.structures.slabs.facets import CANDIDATE, MIN_CUT, Facet
from ionface.structures.slabs.symmetric import Bounds

Array = NDArray[np.float64]
Plane = tuple[float, tuple[str, ...]]


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
    found = []
    for group in facet.groups:
        if group.symbols[0] != CANDIDATE:
            continue
        first = -np.floor((group.center[2] - start) / spacing)
        for layer in range(int((high - start) // spacing) + 2):
            center = in_cell(group.center + (first + layer) * basis[2], basis)
            if low <= center[2] <= high:
                found.append(center)
    return np.array(found).reshape(-1, 3)


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


def whole_polyanions(facet: Facet, bounds: Bounds) -> dict[str, int]:
    """Return how many polyanions of each kind a slab must hold."""
    found: Counter[str] = Counter()
    alone: dict[tuple[str, ...], dict[str, int]] = {}
    for index, number in zip(facet.atoms, bounds.upper - bounds.lower, strict=True):
        group = facet.groups[index]
        if len(group.symbols) == 1:
            continue
        kind = tuple(sorted(group.symbols))
        if kind not in alone:
            edge = 10.0 + 2 * float(np.abs(group.offsets).max())
            box = Structure(
                Lattice.cubic(edge),
                group.symbols,
                group.offsets,
                coords_are_cartesian=True,
            )
            alone[kind] = count_polyanions(box, facet.named)
        for name, per_group in alone[kind].items():
            found[name] += per_group * int(number)
    return dict(found)
