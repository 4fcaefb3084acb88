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
from pymatgen.core import Lattice, Structure

from .checks import check_neutral, check_overlaps, check_polyanions, count_polyanions
from .errors import StructureError
from .layers import CutLayer, boxed, cut_layer
from .matching import Match, matches
from .model import InterfaceModel
from .molecules import lay_flat
from .specs import CrystalLayer, InterfaceSpec, PolymerLayer
from .stacking import touching_gap

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Sides:
    """Film and substrate in their common in-plane cell, each with its lowest z at 0."""

    film: Structure
    substrate: Structure
    strain_film: Array
    strain_substrate: Array
    unstrained: dict[str, Structure]
    provenance: dict[str, Any]


def build_interface(spec: InterfaceSpec) -> InterfaceModel:
    """Return the checked model of an interface.

    Raises:
        StructureError: anything that would make the model wrong, and where.
    """
    spec = _distinct_names(spec)
    _check_numbers(spec)
    substrate = cut_layer(spec.substrate)
    if isinstance(spec.film, PolymerLayer):
        sides = _polymer_sides(spec, spec.film, substrate)
    else:
        sides = _crystal_sides(spec, spec.film, substrate)
    gap = spec.gap if spec.gap is not None else _gap(spec, sides)
    model = _stacked(spec, sides, gap)
    _check(model, sides)
    return model


def _distinct_names(spec: InterfaceSpec) -> InterfaceSpec:
    if spec.film.phase != spec.substrate.phase:
        return spec
    return replace(spec, film=replace(spec.film, name=f"{spec.film.phase} film"))


def _check_numbers(spec: InterfaceSpec) -> None:
    limits = {
        "max_strain": (0.0, 0.15),
        "max_area": (1.0, 5000.0),
        "vacuum": (0.0, 100.0),
        "gap": (0.5, 30.0),
    }
    for key, (low, high) in limits.items():
        value = getattr(spec, key)
        if value is not None and not low <= value <= high:
            raise StructureError(
                f"{spec.name}: {key}={value} must lie between {low:g} and {high:g}"
            )
    if 0 < spec.vacuum < 6:
        raise StructureError(
            f"{spec.name}: vacuum={spec.vacuum} Å is too thin to separate the slabs; "
            "give 0 for a sandwich of two interfaces, or at least 6 (the papers: 20)"
        )


def _crystal_sides(
    spec: InterfaceSpec, layer: CrystalLayer, substrate: CutLayer
) -> _Sides:
    film = cut_layer(layer)
    found = matches(
        film.slab, substrate.slab, spec.max_strain, spec.max_area, spec.strained
    )
    if not 0 <= spec.match < len(found):
        raise StructureError(
            f"{spec.name}: match {spec.match} of {len(found)}; the matches are "
            f"numbered from 0 to {len(found) - 1}"
        )
    match = found[spec.match]
    upper = _repeated(film.slab.flipped(), match.film)
    lower = _repeated(substrate.slab.structure, match.substrate)
    unstrained = {}
    if np.abs(match.film_strain).max() > 1e-6:
        unstrained[layer.phase] = _free(upper, spec)
    if np.abs(match.substrate_strain).max() > 1e-6:
        unstrained[spec.substrate.phase] = _free(lower, spec)
    return _Sides(
        film=_strained(upper, match.cell),
        substrate=_strained(lower, match.cell),
        strain_film=match.film_strain,
        strain_substrate=match.substrate_strain,
        unstrained=unstrained,
        provenance={
            "film": film.provenance,
            "substrate": substrate.provenance,
            "match": _described(match, len(found)),
            "oxidation": [film.oxidation, substrate.oxidation],
        },
    )


def _described(match: Match, number: int) -> dict[str, Any]:
    return {
        "film": match.film.tolist(),
        "substrate": match.substrate.tolist(),
        "matches": number,
        "von_mises": match.von_mises,
    }


def _polymer_sides(
    spec: InterfaceSpec, layer: PolymerLayer, substrate: CutLayer
) -> _Sides:
    laid = lay_flat(layer, substrate.slab.in_plane, spec.max_area)
    lower = _repeated(substrate.slab.structure, np.diag(laid.supercell))
    matrix = lower.lattice.matrix.copy()
    film = Structure(
        Lattice([matrix[0], matrix[1], [0, 0, 60.0]]),
        laid.symbols,
        laid.coords,
        coords_are_cartesian=True,
        site_properties={"layer": [0] * len(laid.symbols)},
    )
    return _Sides(
        film=film,
        substrate=lower,
        strain_film=np.zeros((2, 2)),
        strain_substrate=np.zeros((2, 2)),
        unstrained={},
        provenance={
            "film": laid.provenance,
            "substrate": substrate.provenance,
            "match": {"substrate": np.diag(laid.supercell).tolist()},
            "oxidation": [{}, substrate.oxidation],
        },
    )


def _repeated(slab: Structure, matrix: NDArray[np.int_]) -> Structure:
    """Return an in-plane supercell, turned so that its first vector lies along x."""
    full = np.eye(3, dtype=int)
    full[:2, :2] = matrix
    larger = slab.make_supercell(full, to_unit_cell=False, in_place=False)
    vectors = larger.lattice.matrix
    length = np.linalg.norm(vectors[0, :2])
    cosine, sine = vectors[0, :2] / length
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    z = larger.cart_coords[:, 2]
    return Structure(
        Lattice(vectors @ turn),
        larger.species,
        larger.cart_coords @ turn - np.array([0, 0, z.min()]),
        coords_are_cartesian=True,
        site_properties=larger.site_properties,
    )


def _strained(slab: Structure, cell: Array) -> Structure:
    """Return the slab with its in-plane vectors replaced; heights stay."""
    matrix = slab.lattice.matrix.copy()
    matrix[:2] = np.hstack([cell, np.zeros((2, 1))])
    # group by group would keep bonds exact; at a few per cent a relaxation does it
    return Structure(
        Lattice(matrix),
        slab.species,
        slab.frac_coords,
        site_properties=slab.site_properties,
    )


def _free(slab: Structure, spec: InterfaceSpec) -> Structure:
    """Return the slab in its own lattice with vacuum, for its strain energy."""
    height = float(np.ptp(slab.cart_coords[:, 2])) + max(spec.vacuum, 15.0)
    return boxed(slab, height)


def _gap(spec: InterfaceSpec, sides: _Sides) -> float:
    shifted = _shifted(sides.film, spec.registry)
    molecular = isinstance(spec.film, PolymerLayer)
    return touching_gap(shifted, sides.substrate, molecular)


def _shifted(film: Structure, registry: tuple[float, float]) -> Structure:
    moved = film.copy()
    moved.translate_sites(list(range(len(moved))), [*registry, 0.0], to_unit_cell=False)
    return moved


def _stacked(spec: InterfaceSpec, sides: _Sides, gap: float) -> InterfaceModel:
    film = _shifted(sides.film, spec.registry)
    lower, upper = sides.substrate.cart_coords, film.cart_coords
    thickness = float(np.ptp(lower[:, 2]))
    film_thickness = float(np.ptp(upper[:, 2]))
    above = spec.vacuum if spec.vacuum else gap
    height = thickness + gap + film_thickness + above
    # half of what is above lies below, so that no atom sits on the cell's border
    base = above / 2
    upper = upper + np.array([0, 0, base + thickness + gap - upper[:, 2].min()])
    lower = lower + np.array([0, 0, base - lower[:, 2].min()])
    matrix = sides.substrate.lattice.matrix.copy()
    matrix[2] = [0.0, 0.0, height]
    phases = [spec.substrate.phase] * len(lower) + [spec.film.phase] * len(upper)
    structure = Structure(
        Lattice(matrix),
        [*sides.substrate.species, *film.species],
        np.vstack([lower, upper]),
        coords_are_cartesian=True,
        to_unit_cell=True,
        site_properties={
            "phase": phases,
            "layer": [
                int(site.properties["layer"]) for site in (*sides.substrate, *film)
            ],
        },
    )
    return InterfaceModel(
        name=spec.name,
        structure=structure,
        film_phase=spec.film.phase,
        substrate_phase=spec.substrate.phase,
        n_interfaces=1 if spec.vacuum else 2,
        gap=gap,
        registry=spec.registry,
        vacuum=spec.vacuum,
        strain_film=sides.strain_film.tolist(),
        strain_substrate=sides.strain_substrate.tolist(),
        unstrained=sides.unstrained,
        provenance={**sides.provenance, "spec": asdict(spec)},
    )


def _check(model: InterfaceModel, sides: _Sides) -> None:
    """Refuse a model in which stacking has cut, overlapped or charged anything."""
    where = f"interface {model.name}"
    check_overlaps(model.structure, where)
    for part, before in (
        (model.film_phase, sides.film),
        (model.substrate_phase, sides.substrate),
    ):
        alone = model.separated()[part]
        if alone.composition != before.composition:
            raise StructureError(f"{where}: stacking changed the composition of {part}")
        check_polyanions(alone, f"{where}, {part}", count_polyanions(before))
    for phase, charges in zip(
        (model.film_phase, model.substrate_phase),
        model.provenance["oxidation"],
        strict=True,
    ):
        if any(charges.values()):
            check_neutral(model.separated()[phase], charges, f"{where}, {phase}")
