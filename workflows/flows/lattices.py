"""Lattices by the study's own engine, so that no model is under a hidden pressure.

Data flow: bulk crystal as published -> relaxed with its cell by the engine that
computes the model -> its numbers replace the published ones -> cut, matched, built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from jobflow import Flow, Job

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.structures.crystals.relaxed_lattice import gained_symmetry, relaxed_lengths
from ionface.structures.disorder.decoration import bulk
from ionface.structures.specs import SIDES, Cell, CrystalLayer, InterfaceSpec, Lengths
from ionface.workflows.engines.contract import Engine, RelaxSettings
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.flows.naming import named

LatticeSource = Literal["engine", "literature"]


def with_source(spec: InterfaceSpec, source: LatticeSource) -> InterfaceSpec:
    """Return the interface with a study's choice where its layers have none."""
    chosen = {
        side: replace(layer, lattice=source)
        for side, layer in crystal_layers(spec).items()
        if layer.lattice is None
    }
    return _with_layers(spec, chosen)


def published(spec: InterfaceSpec) -> InterfaceSpec:
    """Return the interface with published lattices where an engine's were asked for."""
    chosen = {
        side: replace(layer, lattice="literature")
        for side, layer in crystal_layers(spec).items()
        if layer.lattice in (None, "engine")
    }
    return _with_layers(spec, chosen)


def _with_layers(
    spec: InterfaceSpec, layers: Mapping[str, CrystalLayer]
) -> InterfaceSpec:
    """Return the interface with other layers, by side."""
    film = layers.get("film", spec.film)
    return replace(spec, film=film, substrate=layers.get("substrate", spec.substrate))


def crystal_layers(spec: InterfaceSpec) -> dict[str, CrystalLayer]:
    """Return the layers that are cut from a crystal, by side."""
    layers = {side: getattr(spec, side) for side in SIDES}
    return {s: layer for s, layer in layers.items() if isinstance(layer, CrystalLayer)}


def relaxed_sides(spec: InterfaceSpec) -> dict[str, CrystalLayer]:
    """Return the layers whose bulk is relaxed before the cut, by side."""
    layers = crystal_layers(spec).items()
    return {side: layer for side, layer in layers if layer.lattice == "engine"}


def bulk_job(
    layer: CrystalLayer, engine: Engine, settings: RelaxSettings, role: str
) -> Job | Flow:
    """Return the relaxation of the crystal that a layer is cut from.

    Its cell moves too if the engine's lattice is asked for.
    """
    cell: Cell = "full" if layer.lattice == "engine" else "fixed"
    step = engine.relax(replace(settings, cell=cell, shared=True)).make(bulk(layer))
    tells = {"kind": "relax", "role": role, "part": "bulk"}
    return named(step, layer.phase, "relax bulk", most_steps=settings.steps, **tells)


def with_lattices(
    spec: InterfaceSpec, relaxed: Mapping[str, RunRecord]
) -> InterfaceSpec:
    """Return an interface with the numbers of its relaxed crystals.

    Args:
        spec: of the interface.
        relaxed: bulk crystals, by side.

    Raises:
        StructureError: as `relaxed_lengths`.
    """
    numbers = {}
    for side, layer in relaxed_sides(spec).items():
        if side in relaxed:
            lengths = lengths_of(layer, relaxed[side])
            numbers[side] = replace(layer, lattice=lengths)
    return _with_layers(spec, numbers)


def lengths_of(layer: CrystalLayer, relaxed: RunRecord) -> Lengths:
    """Return the numbers of a layer's relaxed crystal.

    Raises:
        StructureError: as `relaxed_lengths`.
    """
    cells = layer.ordering.supercell if layer.ordering else (1, 1, 1)
    where = f"{layer.phase} ({lattice_from(relaxed)})"
    return relaxed_lengths(bulk(layer), relaxed.structure, where, cells)


def lattice_told(spec: InterfaceSpec, side: str, record: RunRecord) -> dict[str, str]:
    """Return where a side's lattice is from, and the symmetry that it has gained."""
    told = {"lattice_from": lattice_from(record)}
    if layer := relaxed_sides(spec).get(side):
        told["gained_symmetry"] = gained_symmetry(bulk(layer), record.structure)
    return told


def lattice_from(record: RunRecord) -> str:
    """Return whose lattice it is, in words; a plan has no level yet."""
    if not record.level:
        return "published, to be relaxed"
    return f"relaxed with {LevelOfTheory.label_of(record.level)}"
