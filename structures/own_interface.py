"""An interface that was built elsewhere, as a model: which atoms are the film's.

Data flow: file -> its atoms in our frame -> the film's by height, elements or numbers,
or by the widest gap within the atoms -> a model with the substrate at the bottom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import read_structure
from ionface.structures.film_registry import with_gap
from ionface.structures.model import InterfaceModel
from ionface.structures.slabs.slab import in_frame
from ionface.structures.specs import InterfaceSpec, PartLayer

CLEARLY = 0.3  # Å; a gap that is wider than all others by this much is not one of many


def own_interface(spec: InterfaceSpec) -> InterfaceModel:
    """Return the model of an interface whose structure a user has.

    Raises:
        StructureError: no such file, partly occupied sites, overlaps, a side without
            atoms, sides that are not one above the other, or another number of
            interfaces than `vacuum` says.
    """
    assert spec.structure is not None
    where = f"interface {spec.name}"
    structure = read_structure(spec.structure)
    if not structure.is_ordered:
        raise StructureError(f"{where} has partly occupied sites; fill them")
    structure = in_frame(structure)
    phases = np.where(_film(structure, spec), spec.film.phase, spec.substrate.phase)
    structure.add_site_property("phase", phases.tolist())
    model = InterfaceModel.from_structure(
        structure, spec.film.phase, spec.substrate.phase, name=spec.name
    )
    _check_vacuum(spec, model)
    model = _from_the_bottom(model)
    model = replace(model, provenance={**model.provenance, "spec": spec.as_dict()})
    return model if spec.gap is None else with_gap(model, spec.gap, "given")


def _film(structure: Structure, spec: InterfaceSpec) -> NDArray[np.bool_]:
    """Return which atoms are the film's, shape (n_atoms,)."""
    film, substrate = spec.film, spec.substrate
    assert isinstance(film, PartLayer)
    assert isinstance(substrate, PartLayer)
    where = f"interface {spec.name}"
    said = [
        (side, key)
        for side in (film, substrate)
        for key in ("above", "elements", "atoms")
        if getattr(side, key) not in (None, ())
    ]
    if not said:
        return _above_widest_gap(structure, where, sandwich=not spec.vacuum)
    if len(said) > 1:
        raise StructureError(
            f"{where}: {' and '.join(f'{key} of {s.part}' for s, key in said)} both "
            "say which atoms are whose; give one of them"
        )
    ((side, key),) = said
    if key == "above":
        chosen = structure.cart_coords[:, 2] > (side.above or 0.0)
        _check_both(chosen, f"{where}: above: {side.above:g} Å", structure)
        return chosen
    chosen = _named(structure, side, where)
    _check_both(chosen, f"{where}: {key} of {side.part}", structure)
    return chosen if side is film else ~chosen


def _named(structure: Structure, side: PartLayer, where: str) -> NDArray[np.bool_]:
    """Return which atoms a side names by their elements or numbers."""
    symbols = np.array([site.specie.symbol for site in structure])
    if side.elements:
        if absent := [e for e in side.elements if e not in symbols]:
            raise StructureError(
                f"{where}: elements of {side.part}: there is no {absent[0]}, only "
                f"{', '.join(sorted(set(symbols)))}"
            )
        return np.isin(symbols, side.elements)
    chosen = np.zeros(len(structure), dtype=bool)
    for entry in side.atoms:
        first, _, last = str(entry).partition("-")
        numbers = [int(n) if n.isdigit() else 0 for n in (first, last or first)]
        if not 1 <= numbers[0] <= numbers[1] <= len(structure):
            raise StructureError(
                f"{where}: atoms of {side.part}: {entry!r} is no number from 1 to "
                f"{len(structure)} and no range of them as in 65-{len(structure)}"
            )
        chosen[numbers[0] - 1 : numbers[1]] = True
    return chosen


def _check_both(chosen: NDArray[np.bool_], where: str, structure: Structure) -> None:
    """Refuse a side without atoms."""
    if chosen.all() or not chosen.any():
        z = structure.cart_coords[:, 2]
        raise StructureError(
            f"{where} gives one side all {len(structure)} atoms, the other none; "
            f"they lie between {z.min():.2f} and {z.max():.2f} Å along the normal"
        )


def _above_widest_gap(
    structure: Structure, where: str, sandwich: bool
) -> NDArray[np.bool_]:
    """Return which atoms lie above the widest gap but the vacuum.

    Raises:
        StructureError: a sandwich, or several gaps that are nearly as wide.
    """
    height = float(structure.lattice.matrix[2, 2])
    z = structure.frac_coords[:, 2] % 1.0 * height
    levels = np.sort(z)
    gaps = np.diff([*levels, levels[0] + height])
    vacuum, *inside = np.argsort(gaps)[::-1]
    middles = [levels[i] + gaps[i] / 2 for i in inside]
    widths = [*gaps[inside], 0.0]
    if sandwich or widths[0] - widths[1] < CLEARLY:
        shown = " and ".join(f"{middle:.2f}" for middle in middles[:2])
        raise StructureError(
            f"{where}: no gap clearly divides its atoms (the widest but the vacuum are "
            f"at {shown} Å); say which are the film's, by above: HEIGHT, "
            "elements: [Li] or atoms: [65-128]"
        )
    bottom = levels[vacuum] + gaps[vacuum]  # of the atoms above the vacuum
    return np.asarray((z - bottom) % height > (middles[0] - bottom) % height)


def _check_vacuum(spec: InterfaceSpec, model: InterfaceModel) -> None:
    """Refuse a vacuum where the study says that there is none, and the other way."""
    if bool(spec.vacuum) == (model.n_interfaces == 1):
        return
    there = f"{model.vacuum:.1f} Å of" if model.n_interfaces == 1 else "no"
    raise StructureError(
        f"interface {spec.name} has {there} vacuum in its file, but the study says "
        f"vacuum: {spec.vacuum:g}; give vacuum: 0 for a sandwich of two interfaces and "
        "nothing for a single one"
    )


def _from_the_bottom(model: InterfaceModel) -> InterfaceModel:
    """Return the model with its substrate at the bottom and no side cut in two."""
    structure = model.structure.copy()
    mine = [p == model.substrate_phase for p in model.phases]
    height = float(structure.lattice.matrix[2, 2])
    levels = np.sort(structure.cart_coords[mine, 2] % height)
    gaps = np.diff([*levels, levels[0] + height])
    bottom = levels[np.argmax(gaps)] + gaps.max()  # above what is empty of it
    shift = (model.vacuum or model.gap) / 2 - bottom
    structure.translate_sites(
        range(len(structure)), [0.0, 0.0, shift], frac_coords=False, to_unit_cell=True
    )
    return replace(model, structure=structure)
