"""Slabs of any facet, stoichiometric, with whole polyanions; all distinct terminations.

A slab is a whole number of repeats between two equal cuts of a `Facet`. pymatgen's
SlabGenerator cuts between atoms instead (with its bonds protected it returns nothing
for the prism facet of LiGe2(PO4)3); it is the oracle for metals in our tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Element, Lattice, Structure

from .checks import check_overlaps, check_polyanions, count_polyanions
from .errors import StructureError
from .facets import CANDIDATE, MIN_CUT, Facet
from .specs import Miller

Array = NDArray[np.float64]
VACUUM = 20.0  # Å, above a slab in its own cell
MAX_LAYERS = 500
POLAR = 0.01  # e/Å; a larger dipole density per layer makes a slab polar


@dataclass(frozen=True)
class Slab:
    """A free slab, its normal along z, its lowest atom at z = 0.

    Attributes:
        structure: a along x, b in the xy plane, c along z with 20 Å of vacuum above the
            highest atom. Site property "layer" counts the repeats from the bottom.
        phase: name for tables.
        miller: of the facet, in the axes that `setting` names.
        setting: as in "I4/mmm axes".
        label: unique name of the termination, "top/bottom".
        top: formula of the outermost plane of the side that meets a partner.
        bottom: formula of the outermost plane of the other side.
        termination: index among `terminations`.
        repeat: height of one layer, Å.
        layers: number of repeats.
        dipole: of formal charges, per layer and area, e/Å; grows with every layer.
        candidates: free positions that doping may fill, Å, shape (n, 3).
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
    def provenance(self) -> dict[str, Any]:
        """Return what the slab is, as plain data."""
        return {
            "facet": self.facet,
            "miller": list(self.miller),
            "setting": self.setting,
            "termination": self.label,
            "termination_index": self.termination,
            "layers": self.layers,
            "repeat": self.repeat,
            "thickness": self.thickness,
            "polar": self.polar,
            "dipole_e_per_angstrom": self.dipole,
        }


def turned_over(structure: Structure) -> Structure:
    """Return a slab turned about the x axis: its top faces down, lowest atom at z = 0.

    A rotation, so that a chiral crystal stays what it is. Layers count from below.
    """
    matrix = structure.lattice.matrix * np.array([1.0, -1.0, 1.0])
    matrix[1] *= -1  # -b instead of b keeps the cell right-handed
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


def terminations(
    crystal: Structure,
    miller: Miller,
    layers: int = 1,
    phase: str = "slab",
    setting: str = "the cell's own axes",
    oxidation: Mapping[str, float] | None = None,
    candidates: tuple[tuple[float, float, float], ...] = (),
) -> list[Slab]:
    """Return one slab per distinct termination, the least polar and widest cut first.

    Args:
        crystal: ordered bulk.
        miller: in the axes of the crystal's cell.
        layers: number of repeats of each slab.
        phase: name for tables.
        setting: named beside the Miller indices.
        oxidation: formal charges, for the dipole; without them it counts as zero.
        candidates: fractional positions that doping may fill.

    Raises:
        StructureError: no facet, no layer, disorder, or polyanions without end.
    """
    if not crystal.is_ordered:
        raise StructureError(
            f"{phase} has partly occupied sites: no slab can be cut; take an ordered "
            "crystal and dope it"
        )
    if not 1 <= layers <= MAX_LAYERS:
        raise StructureError(f"{phase}: layers must be 1 to {MAX_LAYERS}, not {layers}")
    facet = Facet(crystal, miller, candidates)
    charges = oxidation or {}
    expected = _whole_groups(crystal, facet)
    slabs = []
    for height, gap in facet.cuts:
        slab = _between_cuts(facet, height, layers, charges, phase, setting)
        wanted = {kind: number * layers for kind, number in expected.items()}
        where = f"slab {slab.facet} {slab.top}/{slab.bottom}"
        check_polyanions(slab.structure, where, wanted)
        check_overlaps(slab.structure, where)
        slabs.append((round(abs(slab.dipole), 3), -round(gap, 2), slab))
    slabs.sort(key=lambda entry: entry[:2])
    return _numbered([slab for _, _, slab in slabs])


def _whole_groups(crystal: Structure, facet: Facet) -> dict[str, int]:
    """Return how many polyanions of each kind one repeat must hold."""
    atoms = sum(len(g.symbols) for g in facet.groups if g.symbols[0] != CANDIDATE)
    counts = count_polyanions(crystal)
    return {kind: n * atoms // len(crystal) for kind, n in counts.items()}


def _between_cuts(
    facet: Facet,
    cut: float,
    layers: int,
    charges: Mapping[str, float],
    phase: str,
    setting: str,
) -> Slab:
    """Return the slab of so many repeats whose lower side is this cut."""
    basis = facet.frame.basis
    symbols: list[str] = []
    coords: list[Array] = []
    labels: list[int] = []
    planes: list[tuple[float, tuple[str, ...]]] = []
    for group in facet.groups:
        below = np.floor((group.center[2] - cut) / facet.spacing)
        for layer in range(layers):
            center = _in_cell(group.center + (layer - below) * basis[2], basis)
            coords.extend(center + group.offsets)
            symbols.extend(group.symbols)
            labels.extend([layer] * len(group.symbols))
            planes.append((float(center[2]), group.symbols))
    positions = np.array(coords)
    real = np.array([symbol != CANDIDATE for symbol in symbols])
    positions[:, 2] -= positions[real, 2].min()
    order = sorted(
        np.flatnonzero(real), key=lambda i: (Element(symbols[i]).X, symbols[i])
    )
    structure = _free_standing(basis, [symbols[i] for i in order], positions[order])
    structure.add_site_property("layer", [labels[i] for i in order])
    real_planes = [plane for plane in planes if plane[1][0] != CANDIDATE]
    return Slab(
        structure=structure,
        phase=phase,
        miller=facet.miller,
        setting=setting,
        label="",
        top=_outer_plane(real_planes, top=True),
        bottom=_outer_plane(real_planes, top=False),
        termination=0,
        repeat=facet.spacing,
        layers=layers,
        dipole=_dipole(structure, charges) / layers,
        candidates=_inside(positions[~real], structure),
    )


def _by_element(symbol: str) -> tuple[float, str]:
    return Element(symbol).X, symbol


def _in_cell(position: Array, basis: Array) -> Array:
    fractions = np.linalg.solve(basis[:2, :2].T, position[:2])
    moved = position.copy()
    moved[:2] -= np.floor(fractions + 1e-6) @ basis[:2, :2]
    return moved


def _free_standing(basis: Array, symbols: list[str], positions: Array) -> Structure:
    height = float(np.ptp(positions[:, 2])) + VACUUM
    flat = basis[:2, :2] + 0.0  # no negative zeros in files
    lattice = Lattice([[*flat[0], 0], [*flat[1], 0], [0, 0, height]])
    return Structure(lattice, symbols, positions, coords_are_cartesian=True)


def _inside(candidates: Array, structure: Structure) -> Array:
    """Return the free positions between the outermost atoms."""
    top = structure.cart_coords[:, 2].max()
    return candidates[(candidates[:, 2] >= 0) & (candidates[:, 2] <= top)]


def _dipole(structure: Structure, charges: Mapping[str, float]) -> float:
    """Return the dipole of formal charges along z per area, e/Å."""
    charge = np.array([charges.get(site.specie.symbol, 0.0) for site in structure])
    area = structure.lattice.volume / structure.lattice.c
    return float(charge @ structure.cart_coords[:, 2] / area)


def _outer_plane(planes: list[tuple[float, tuple[str, ...]]], top: bool) -> str:
    """Return the reduced formula of the groups within one plane of the surface."""
    ordered = sorted(planes, key=lambda plane: -plane[0] if top else plane[0])
    last = ordered[0][0]
    counts: Counter[str] = Counter()
    for height, symbols in ordered:
        if abs(height - last) > MIN_CUT:
            break
        counts.update(symbols)
        last = height
    return str(Composition(counts).reduced_formula)


def _numbered(slabs: list[Slab]) -> list[Slab]:
    """Give each termination its index and a label that no other has."""
    names = [f"{slab.top}/{slab.bottom}" for slab in slabs]
    seen: Counter[str] = Counter()
    numbered = []
    for index, (slab, name) in enumerate(zip(slabs, names, strict=True)):
        seen[name] += 1
        suffix = f" #{seen[name]}" if names.count(name) > 1 else ""
        numbered.append(replace(slab, termination=index, label=name + suffix))
    return numbered
