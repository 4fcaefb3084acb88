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

from ionface.errors import StructureError
from ionface.structures.crystals.library import (
    free_sites,
    material,
    materials,
    oxidation_states,
    read_crystal,
)
from ionface.structures.crystals.library import setting as setting_of
from ionface.structures.disorder.decoration import bulk, filled
from ionface.structures.slabs.facet import CANDIDATE
from ionface.structures.slabs.slab import MAX_LAYERS, Slab, turned_over
from ionface.structures.slabs.terminations import FacetSlabs, Termination
from ionface.structures.specs import CrystalLayer

Array = NDArray[np.float64]
DUMMY = DummySpecies(CANDIDATE, 0)


@dataclass(frozen=True)
class Sheet:
    """One side of an interface before it is strained.

    Attributes:
        structure: a along x, b in the xy plane, lowest atom at z = 0.
        oxidation: formal charge of each element; zero in metals and molecules.
        provenance: how it was made, as plain data.
        charge: formal charge of the whole sheet, e: that of the stated excess of a
            symmetric slab, 0 of all others.
    """

    structure: Structure
    oxidation: dict[str, float]
    provenance: dict[str, Any]
    charge: float = 0.0


def cut_slab(layer: CrystalLayer) -> Slab:
    """Return the slab that a layer asks for, undoped; it brings free positions for Li.

    Raises:
        StructureError: unknown material, facet or termination; both or neither of
            layers and thickness; disorder; polyanions that cannot be kept whole.
    """
    found = facet_slabs(layer)
    one = _chosen(layer, found.terminations)
    return found.slab(one, _layers(layer, found, one))


def facet_slabs(layer: CrystalLayer) -> FacetSlabs:
    """Return everything that can be cut of a layer's facet."""
    crystal = bulk(layer)
    host = getattr(layer.doping, "host", None)
    return FacetSlabs(
        crystal,
        layer.miller,
        phase=layer.phase,
        setting=setting_of(layer.material),
        oxidation=oxidation_states(layer.material, crystal),
        candidates=free_sites(layer.material, host) if host else (),
        groups=tuple(getattr(layer, "groups", ())),
        symmetric=layer.symmetric,
        supercell=layer.ordering.supercell if layer.ordering else (1, 1, 1),
    )


def _chosen(layer: CrystalLayer, found: list[Termination]) -> Termination:
    """Return the termination meant: by its index, its label, or its top's formula.

    A formula means the plain cut that ends with it, if there is one such.
    """
    wanted = layer.termination
    if isinstance(wanted, int) and 0 <= wanted < len(found):
        return found[wanted]
    exact = [one for one in found if one.label == wanted]
    tops = [one for one in found if one.top == wanted]
    plain = [one for one in tops if one.cut.plain]
    for options in (exact, plain, tops):
        if len(options) == 1:
            return options[0]
    shown = ", ".join(f"{one.index}: {one.label}" for one in found)
    raise StructureError(
        f"{layer.phase}{layer.miller} has no single termination {wanted!r}; choose by "
        f"index or by label (top/bottom): {shown}"
    )


def _layers(layer: CrystalLayer, found: FacetSlabs, one: Termination) -> int:
    if (layer.layers is None) == (layer.thickness is None):
        given = "neither" if layer.layers is None else "both"
        raise StructureError(
            f"{layer.phase}: give either layers or thickness (Å), not {given}"
        )
    repeat = found.facet.spacing
    highest = MAX_LAYERS * repeat
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
    return 1 + max(0, ceil((thickness - found.thickness(one, 1)) / repeat - 1e-6))


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
    _check_supercell(slab, matrix)
    structure = slab.structure.copy()
    for position in slab.candidates:
        structure.append(DUMMY, position, True, properties={"layer": 0})
    sheet = repeated(turned_over(structure) if film else structure, matrix)
    oxidation = oxidation_states(layer.material, slab.structure)
    provenance = {"material": layer.material, **slab.provenance, **_source(layer)}
    charge = slab.charge * round(float(np.linalg.det(matrix)))
    free = [i for i, site in enumerate(sheet) if site.specie.symbol == CANDIDATE]
    candidates = sheet.cart_coords[free]
    sheet.remove_sites(free)
    structure, said = filled(layer, sheet, candidates, oxidation)
    return Sheet(structure, oxidation, {**provenance, **said}, charge)


def _check_supercell(slab: Slab, matrix: NDArray[np.int_]) -> None:
    """Refuse a supercell that is flat, mirrored or no supercell of this slab."""
    whole = np.asarray(matrix)
    if whole.shape != (2, 2) or not np.array_equal(whole, np.rint(whole)):
        raise StructureError(
            f"{slab.facet}: supercell {whole.tolist()} must be a 2 by 2 matrix of "
            "whole numbers"
        )
    if round(float(np.linalg.det(whole))) < 1:
        raise StructureError(
            f"{slab.facet}: supercell {whole.tolist()} has determinant "
            f"{round(float(np.linalg.det(whole)))}: its vectors are dependent or "
            "left-handed; it must be at least 1"
        )


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
