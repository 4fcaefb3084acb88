"""From what a user says about a layer to its slab: material, facet, thickness, doping.

`cut_slab` cuts it; `in_supercell` repeats it in the cell of an interface, turns it over
if it is the film, and dopes it there, so that x is met as closely as the cell allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import DummySpecies, Lattice, Structure

from .crystals import free_sites, material, materials, oxidation_states, read_crystal
from .crystals import setting as setting_of
from .doping import dopant_charge, dope, select
from .errors import StructureError
from .facets import CANDIDATE
from .slabs import MAX_LAYERS, Slab, terminations, turned_over
from .specs import CrystalLayer

Array = NDArray[np.float64]
DUMMY = DummySpecies(CANDIDATE, 0)


@dataclass(frozen=True)
class Sheet:
    """One side of an interface before it is strained.

    Attributes:
        structure: a along x, b in the xy plane, lowest atom at z = 0.
        oxidation: formal charge of each element; zero in metals and molecules.
        provenance: how it was made, as plain data.
    """

    structure: Structure
    oxidation: dict[str, float]
    provenance: dict[str, Any]


def cut_slab(layer: CrystalLayer) -> Slab:
    """Return the slab that a layer asks for, undoped; it brings free positions for Li.

    Raises:
        StructureError: unknown material, facet or termination; both or neither of
            layers and thickness; disorder; polyanions that cannot be kept whole.
    """
    slabs = _terminations(layer, 1)
    single = slabs[_index(layer, slabs)]
    layers = _layers(layer, single)
    return _terminations(layer, layers)[single.termination] if layers > 1 else single


def _terminations(layer: CrystalLayer, layers: int) -> list[Slab]:
    crystal = read_crystal(layer.material, layer.lattice)
    if not crystal.is_ordered:
        ordered = ", ".join(sorted(n for n, m in materials().items() if m.ordered))
        raise StructureError(
            f"{layer.material} has partly occupied sites, so it cannot be cut; choose "
            f"an ordered crystal ({ordered}) or dope an ordered host"
        )
    free = free_sites(layer.material, layer.doping.host) if layer.doping else ()
    return terminations(
        crystal,
        layer.miller,
        layers=layers,
        phase=layer.phase,
        setting=setting_of(layer.material),
        oxidation=oxidation_states(layer.material, crystal),
        candidates=free,
    )


def _index(layer: CrystalLayer, slabs: list[Slab]) -> int:
    """Return which termination is meant: its index, its label, or its top's formula."""
    wanted = layer.termination
    if isinstance(wanted, int) and 0 <= wanted < len(slabs):
        return wanted
    exact = [slab.termination for slab in slabs if slab.label == wanted]
    tops = [slab.termination for slab in slabs if slab.top == wanted]
    if len(found := exact or tops) == 1:
        return found[0]
    shown = ", ".join(f"{slab.termination}: {slab.label}" for slab in slabs)
    raise StructureError(
        f"{slabs[0].facet} has no single termination {wanted!r}; choose by index or by "
        f"label (top/bottom): {shown}"
    )


def _layers(layer: CrystalLayer, single: Slab) -> int:
    if (layer.layers is None) == (layer.thickness is None):
        given = "neither" if layer.layers is None else "both"
        raise StructureError(
            f"{layer.phase}: give either layers or thickness (Å), not {given}"
        )
    highest = MAX_LAYERS * single.repeat
    if layer.layers is not None:
        if not 1 <= layer.layers <= MAX_LAYERS:
            raise StructureError(
                f"{layer.phase}: layers={layer.layers} must be 1 to {MAX_LAYERS}"
            )
        return layer.layers
    thickness = layer.thickness or 0.0
    if not 0 < thickness <= highest:
        raise StructureError(
            f"{layer.phase}: thickness={thickness} Å must be above 0 and at most "
            f"{highest:.0f}"
        )
    return 1 + max(0, ceil((thickness - single.thickness) / single.repeat - 1e-6))


def in_supercell(
    layer: CrystalLayer, slab: Slab, matrix: NDArray[np.int_], film: bool
) -> Sheet:
    """Return a slab in an in-plane supercell, doped; a film's top faces down.

    Args:
        layer: tells the doping.
        slab: from `cut_slab(layer)`.
        matrix: of the supercell, shape (2, 2), positive determinant; it applies to the
            turned-over slab if that is the film.
        film: turn it over.
    """
    structure = slab.structure.copy()
    for position in slab.candidates:
        structure.append(DUMMY, position, True, properties={"layer": 0})
    sheet = repeated(turned_over(structure) if film else structure, matrix)
    oxidation = oxidation_states(layer.material, slab.structure)
    provenance = {"material": layer.material, **slab.provenance, **_source(layer)}
    if layer.doping is None:
        return Sheet(sheet, oxidation, provenance)
    free = [i for i, site in enumerate(sheet) if site.specie.symbol == CANDIDATE]
    candidates = sheet.cart_coords[free]
    sheet.remove_sites(free)
    found = dope(sheet, layer.doping, candidates, oxidation)
    one = select(found, layer.doping)
    oxidation[layer.doping.dopant] = dopant_charge(layer.doping, oxidation)
    provenance["doping"] = {
        **one.as_dict(),
        "distinct_orderings": len(found),
        "ewald_energies": [other.ewald_energy for other in found],
    }
    return Sheet(one.structure, oxidation, provenance)


def _source(layer: CrystalLayer) -> dict[str, Any]:
    known = layer.material in materials()
    crystal = read_crystal(layer.material, layer.lattice)
    return {
        "lattice": list(crystal.lattice.parameters),
        "source": material(layer.material).source if known else "file",
    }


def repeated(slab: Structure, matrix: NDArray[np.int_]) -> Structure:
    """Return an in-plane supercell, turned so that its first vector lies along x."""
    full = np.eye(3, dtype=int)
    full[:2, :2] = matrix
    larger = slab.make_supercell(full, to_unit_cell=False, in_place=False)
    vectors = larger.lattice.matrix
    cosine, sine = vectors[0, :2] / np.linalg.norm(vectors[0, :2])
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return Structure(
        Lattice(_clean(vectors @ turn)),
        larger.species,
        larger.cart_coords @ turn,
        coords_are_cartesian=True,
        site_properties=larger.site_properties,
    )


def _clean(vectors: Array) -> Array:
    """Return vectors without the rounding noise that files would show."""
    return np.where(np.abs(vectors) < 1e-10, 0.0, vectors)
