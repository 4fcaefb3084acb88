"""Which atoms a layer has beyond its library cell: ordered, doped, exchanged."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import (
    in_library,
    material_name,
    materials,
    oxidation_states,
    read_crystal,
)
from ionface.structures.disorder.disorder import exchanged, ordered_crystals
from ionface.structures.disorder.doping import dopant_charge, dope
from ionface.structures.disorder.lattice_gas import OrderedStructure, pick
from ionface.structures.groups import check_complete
from ionface.structures.materials import plain_material
from ionface.structures.specs import CrystalLayer, Exchange, Ordering

Array = NDArray[np.float64]


def bulk(layer: CrystalLayer) -> Structure:
    """Return the crystal that a layer is cut from, every site full.

    Raises:
        StructureError: partly occupied sites and no `ordering`, or the reverse.
    """
    if layer.ordering is not None:
        return _ordering(layer)[0].structure.copy()
    crystal = read_crystal(layer.material, layer.lengths)
    if crystal.is_ordered:
        if not in_library(layer.material):
            check_complete(crystal, material_name(layer.material), layer.groups)
        return crystal
    ordered = ", ".join(sorted(n for n, m in materials().items() if m.ordered))
    known = f" ({ordered})" if in_library(layer.material) else ""
    raise StructureError(
        f"{material_name(layer.material)} has partly occupied sites, so it cannot be "
        "cut; give its layer `ordering: {supercell: [1, 1, 1]}`, which fills them with "
        f"whole atoms, or take an ordered crystal{known}"
    )


def filled(
    layer: CrystalLayer,
    sheet: Structure,
    candidates: Array,
    oxidation: dict[str, float],
    period: Array | None = None,
) -> tuple[Structure, dict[str, Any]]:
    """Return a sheet with its doping or exchange, and what to say about its atoms.

    Args:
        layer: tells the doping and the ordering.
        sheet: undoped, in the interface's supercell.
        candidates: free positions for added Li, Å, shape (n, 3).
        oxidation: charge of each element; the dopant's is added to it.
        period: translation of the crystal from the lower cut to the upper one, Å: with
            it, the sheet is the bulk that it was cut from. None if that is not known.
    """
    details: dict[str, Any] = {}
    if layer.ordering is not None:
        ordered, orderings = _ordering(layer)
        details["ordering"] = _described(ordered, orderings)
    if layer.doping is None:
        return sheet, details
    if not oxidation:
        raise StructureError(_unranked(material_name(layer.material), sheet))
    host, where = sheet, "slab"
    if layer.doping.where == "bulk" and period is not None:
        host, where = with_third(sheet, period), "bulk"
    if isinstance(layer.doping, Exchange):
        orderings = exchanged(host, layer.doping, oxidation)
    else:
        orderings = dope(host, layer.doping, candidates, oxidation)
        oxidation[layer.doping.dopant] = dopant_charge(layer.doping, oxidation)
    picked = pick(orderings, layer.doping.rank)
    details["doping"] = {
        **_described(picked, orderings),
        "where": where,
    }
    return with_third(picked.structure, sheet.lattice.matrix[2]), details


def with_third(structure: Structure, vector: Array) -> Structure:
    """Return the same atoms at the same places in a cell with another third vector."""
    matrix = structure.lattice.matrix.copy()
    matrix[2] = vector
    return Structure(
        Lattice(matrix),
        structure.species,
        structure.cart_coords,
        coords_are_cartesian=True,
        site_properties=structure.site_properties,
    )


def _described(
    picked: OrderedStructure, orderings: list[OrderedStructure]
) -> dict[str, Any]:
    energies = [ordering.ewald_energy for ordering in orderings]
    return {**picked.as_dict(), "ewald_energies": energies}


def _ordering(layer: CrystalLayer) -> tuple[OrderedStructure, list[OrderedStructure]]:
    assert layer.ordering is not None
    lattice = tuple(sorted((layer.lengths or {}).items()))
    material = plain_material(layer.material)
    orderings = _orderings(json.dumps(material), lattice, layer.ordering)
    return pick(orderings, layer.ordering.rank), orderings


@lru_cache(maxsize=16)
def _orderings(
    material: str, lattice: tuple[tuple[str, float], ...], ordering: Ordering
) -> list[OrderedStructure]:
    """Return the orderings of a material, which is given as JSON to be hashable."""
    named = json.loads(material)
    crystal = read_crystal(named, dict(lattice) or None)
    if crystal.is_ordered:
        raise StructureError(
            f"{material_name(named)}: every site is full, so there is nothing to "
            "order; leave out `ordering`"
        )
    charges = oxidation_states(named, crystal)
    if not charges:
        raise StructureError(_unranked(material_name(named), crystal))
    return ordered_crystals(crystal, ordering, charges)


def _unranked(name: str, structure: Structure) -> str:
    elements = ", ".join(element.symbol for element in structure.composition.elements)
    return (
        f"{name}: orderings are ranked by formal charges, but no usual oxidation "
        f"states of {elements} make {structure.composition.reduced_formula} neutral; "
        "correct the occupancies, or give an ordered cell"
    )
