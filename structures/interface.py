"""Interface models from specifications: cut, match, stack, check.

Data flow: spec -> two slabs (or a slab and a molecule) -> a common in-plane cell ->
the film above the substrate at the gap where the closest pair of atoms just touches ->
an InterfaceModel that has passed every check.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_neutral, check_overlaps
from ionface.structures.choices import chosen_match
from ionface.structures.groups import check_apart
from ionface.structures.labels import (
    CRYSTAL,
    nearer_interface,
    with_fixed_layers,
    with_mobile,
)
from ionface.structures.limits import check_numbers
from ionface.structures.matching.search import matches
from ionface.structures.model import InterfaceModel
from ionface.structures.own_interface import own_interface
from ionface.structures.polymers.film_layer import (
    SoftLayer,
    open_layer,
    pack_layer,
    resting,
)
from ionface.structures.polymers.oligomers import lay_flat
from ionface.structures.sandwich import alike_lean, leaned
from ionface.structures.slabs.crystal_layer import Sheet, cut_slab, in_supercell
from ionface.structures.slabs.slab import Slab
from ionface.structures.specs import (
    CrystalLayer,
    FilmLayer,
    InterfaceSpec,
    Mobile,
    PartLayer,
    PolymerLayer,
    SlabLayer,
)
from ionface.structures.stacking import boxed, stretched, touching_gap

Array = NDArray[np.float64]
UNSTRAINED = np.zeros((2, 2))


@dataclass(frozen=True)
class _Sides:
    """Film and substrate as they are made, and the in-plane cell that they share."""

    film: Sheet
    substrate: Sheet
    cell: Array
    film_strain: Array
    substrate_strain: Array
    match: dict[str, Any]


def build_interface(
    spec: InterfaceSpec, film: SoftLayer | None = None
) -> InterfaceModel:
    """Return the checked model of an interface.

    >>> from ase.build import bulk
    >>> from ionface.structures.specs import CrystalLayer, InterfaceSpec
    >>> aluminum = CrystalLayer("Al", (1, 0, 0), layers=4)
    >>> silver = CrystalLayer(bulk("Ag", cubic=True), (1, 0, 0), layers=4)
    >>> model = build_interface(InterfaceSpec("Al|Ag", aluminum, silver))
    >>> model
    InterfaceModel('Al|Ag', 8 atoms, 8.4 Å², strain 1.0 %)

    Args:
        spec: what is wanted.
        film: a film or an amorphous layer as an engine left it; packed at random if
            not given, which is a picture and no start for a calculation.

    Raises:
        StructureError: anything that would make the model wrong, and where.
    """
    if not isinstance(spec, InterfaceSpec):
        raise StructureError(
            f"build_interface takes an InterfaceSpec, got {spec!r:.60}; those of a "
            "study are load_study(path).interfaces"
        )
    spec = _distinct_names(spec.checked())
    check_numbers(spec)
    if spec.structure is not None:
        return held(own_interface(spec), spec.mobile)
    slab = cut_slab(spec.lower)
    if isinstance(spec.film, CrystalLayer | SlabLayer):
        sides = _crystal_sides(spec, spec.film, slab)
    elif isinstance(spec.film, PolymerLayer):
        sides = _polymer_sides(spec, spec.film, slab)
    else:
        sides = _soft_sides(spec, slab, film or pack_layer(spec))
    model = _stacked(spec, sides)
    _check(model, sides)
    # sides that are relaxed alone first are held where they come to rest
    return model if spec.start == "joined" else held(model, spec.mobile)


def held(model: InterfaceModel, mobile: Mobile) -> InterfaceModel:
    """Return a model of which only a region moves, as `InterfaceSpec.mobile` says.

    Raises:
        StructureError: no atom lies in the region, or a sandwich has two of them.
    """
    if mobile == "all":
        return model
    if model.n_interfaces == 2 and mobile != "film":
        raise StructureError(
            f"{model.name}: mobile: {mobile} means the surface of one interface, but a "
            "sandwich has two; give a vacuum, or mobile: film"
        )
    where = f"interface {model.name}"
    structure = with_mobile(model.structure, model.substrate_phase, mobile, where)
    return replace(model, structure=structure)


def _distinct_names(spec: InterfaceSpec) -> InterfaceSpec:
    if spec.film.phase != spec.substrate.phase:
        return spec
    name = f"{spec.film.phase} film"
    if isinstance(spec.film, PartLayer):
        return replace(spec, film=replace(spec.film, part=name))
    return replace(spec, film=replace(spec.film, name=name))


def _crystal_sides(
    spec: InterfaceSpec, layer: CrystalLayer | SlabLayer, lower: Slab
) -> _Sides:
    upper = cut_slab(layer)
    options = matches(
        upper,
        lower,
        spec.max_strain,
        spec.max_area,
        spec.strained,
        spec.stiffness,
        min_area=spec.min_area,
    )
    index = chosen_match(options, spec.match, spec.name)
    match = options[index]
    return _Sides(
        film=in_supercell(layer, upper, match.film, film=True),
        substrate=in_supercell(spec.lower, lower, match.substrate, film=False),
        cell=match.cell,
        film_strain=match.film_strain,
        substrate_strain=match.substrate_strain,
        match={
            "film": match.film.tolist(),
            "substrate": match.substrate.tolist(),
            "index": index,
            "found": len(options),
            "von_mises": match.von_mises,
        },
    )


def _polymer_sides(spec: InterfaceSpec, layer: PolymerLayer, lower: Slab) -> _Sides:
    laid = lay_flat(layer, lower.in_plane, spec.max_area)
    matrix = np.diag(laid.supercell)
    substrate = in_supercell(spec.lower, lower, matrix, film=False)
    cell = substrate.structure.lattice.matrix[:2, :2]
    film = Structure(
        substrate.structure.lattice,
        laid.symbols,
        laid.coords,
        coords_are_cartesian=True,
        site_properties={
            "layer": [0] * len(laid.symbols),
            "molecule": [0] * len(laid.symbols),
        },
    )
    return _Sides(
        film=Sheet(film, {}, laid.provenance),
        substrate=substrate,
        cell=cell,
        film_strain=UNSTRAINED,
        substrate_strain=UNSTRAINED,
        match={"substrate": matrix.tolist()},
    )


def _soft_sides(spec: InterfaceSpec, lower: Slab, layer: SoftLayer) -> _Sides:
    layer = layer if layer.opened else open_layer(layer, layer.structure)
    matrix = np.diag(layer.supercell)
    substrate = in_supercell(spec.lower, lower, matrix, film=False)
    return _Sides(
        film=Sheet(resting(layer), {}, layer.provenance),
        substrate=substrate,
        cell=substrate.structure.lattice.matrix[:2, :2],
        film_strain=UNSTRAINED,
        substrate_strain=UNSTRAINED,
        match={"substrate": matrix.tolist()},
    )


def _stacked(spec: InterfaceSpec, sides: _Sides) -> InterfaceModel:
    lower = stretched(sides.substrate.structure, sides.cell)
    upper = stretched(sides.film.structure, sides.cell, shift=spec.registry)
    lean = _lean(spec, upper, lower)
    gap = spec.gap
    if gap is None:
        molecular = isinstance(spec.film, PolymerLayer | FilmLayer)
        gap = touching_gap(upper, lower, molecular, not spec.vacuum, lean)
    above = spec.vacuum or gap
    thickness = float(np.ptp(lower.cart_coords[:, 2]))
    height = thickness + gap + float(np.ptp(upper.cart_coords[:, 2])) + above
    # half of what is above lies below, so that no atom sits on the cell's border
    parts = [
        boxed(lower, height, base=above / 2),
        boxed(upper, height, base=above / 2 + thickness + gap),
    ]
    phases = (spec.substrate.phase, spec.film.phase)
    for part, phase in zip(parts, phases, strict=True):
        part.add_site_property("phase", [phase] * len(part))
    _label(spec, parts)
    both = Structure.from_sites([*parts[0], *parts[1]], to_unit_cell=True)
    return InterfaceModel(
        name=spec.name,
        structure=leaned(both, lean) if lean.any() else both,
        film_phase=spec.film.phase,
        substrate_phase=spec.substrate.phase,
        n_interfaces=1 if spec.vacuum else 2,
        gap=gap,
        registry=spec.registry,
        vacuum=spec.vacuum,
        strain_film=sides.film_strain.tolist(),
        strain_substrate=sides.substrate_strain.tolist(),
        unstrained=_unstrained(sides, phases, parts),
        provenance={
            "film": sides.film.provenance,
            "substrate": sides.substrate.provenance,
            "match": sides.match,
            "gap_from": "atomic radii" if spec.gap is None else "given",
            "spec": asdict(spec),
        },
    )


def _lean(spec: InterfaceSpec, upper: Structure, lower: Structure) -> Array:
    """Return how far the third vector leans, Å: 0 but in sandwiches, see `sandwich`."""
    crystals = isinstance(spec.film, CrystalLayer | SlabLayer)
    lean = alike_lean(upper, lower) if crystals and not spec.vacuum else None
    return np.zeros(2) if lean is None else lean


def _label(spec: InterfaceSpec, parts: list[Structure]) -> None:
    """Say which atoms belong to which molecule and interface, and which do not move."""
    if not spec.vacuum:
        for part, film in zip(parts, (False, True), strict=True):
            part.add_site_property("interface", nearer_interface(part, film))
    if any("molecule" in part.site_properties for part in parts):
        for part in parts:
            if "molecule" not in part.site_properties:
                part.add_site_property("molecule", [CRYSTAL] * len(part))
    fixed = [getattr(side, "fixed_layers", 0) for side in (spec.substrate, spec.film)]
    if not any(fixed):
        return
    if not spec.vacuum:
        raise StructureError(
            f"{spec.name}: fixed_layers need a free side, but vacuum=0 makes a "
            "sandwich, in which both sides of each slab meet the other; give a vacuum"
        )
    for part, number, top in zip(parts, fixed, (False, True), strict=True):
        part.add_site_property("fixed", with_fixed_layers(part, number, top))


def _unstrained(
    sides: _Sides, phases: tuple[str, str], parts: list[Structure]
) -> dict[str, Structure]:
    """Return the strained sides in their own lattices: same atoms, heights and c."""
    slabs = {}
    strains = (sides.substrate_strain, sides.film_strain)
    sheets = (sides.substrate, sides.film)
    for phase, part, sheet, strain in zip(phases, parts, sheets, strains, strict=True):
        if np.abs(strain).max() > 1e-6:
            slabs[phase] = stretched(part, sheet.structure.lattice.matrix[:2, :2])
    return slabs


def _check(model: InterfaceModel, sides: _Sides) -> None:
    """Refuse a model in which stacking has joined, overlapped or charged anything."""
    where = f"interface {model.name}"
    check_overlaps(model.structure, where, "widen the gap, or give another match")
    check_apart(model.structure, model.phases, where)
    parts = model.separated()
    for phase, sheet in (
        (model.film_phase, sides.film),
        (model.substrate_phase, sides.substrate),
    ):
        check_neutral(parts[phase], sheet.oxidation, f"{where}, {phase}", sheet.charge)
        if parts[phase].composition != sheet.structure.composition:
            raise StructureError(
                f"{where}: stacking changed the composition of {phase}"
            )
