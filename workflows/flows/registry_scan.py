"""Registry scans: the energy of an interface over film shifts and gaps.

Data flow: built model -> irreducible shifts x gaps -> energies of rigid models, by one
job of a potential or by a static job each -> RegistryEnergies -> the model at its
minimum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ionface.analysis.energies.registry_energies import RegistryEnergies
from ionface.analysis.result import Provenance
from ionface.errors import IonfaceError, StructureError
from ionface.structures.film_registry import (
    RegistryGrid,
    registry_grid,
    shifted,
    touching,
    with_gap,
)
from ionface.structures.model import InterfaceModel
from ionface.structures.specs import RegistryScan
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.flows.jobs import BuiltInterface

ENERGIES = "landscape.jsonl"
LEAST_GAP = 1.0
"""Å; gaps below it are not tried: no two layers bond at such a distance, and potentials
return numbers without meaning there."""


def number_of_points(model: InterfaceModel, scan: RegistryScan) -> int:
    """Return how many energies a scan takes: irreducible shifts times gaps."""
    return len(_points(model, scan)[1])


@durable_job
def scan_in_process(
    model: InterfaceModel, scan: RegistryScan, engine: Engine
) -> dict[str, Any]:
    """Return the landscape by an engine's calculator; finished points are kept."""
    engine.check_elements(model.structure.symbol_set, model.name)
    known = _known_energies(Path(ENERGIES))
    calculator = engine.calculator()
    grid, points = _points(model, scan)
    for number, point in enumerate(points):
        progress.report(number, len(points), "registry scan")
        if number in known:
            continue
        energy = rigid_energy(_at(model, grid, point), calculator)
        with Path(ENERGIES).open("a") as file:
            file.write(json.dumps([number, energy]) + "\n")
        known[number] = energy
    energies = [known[number] for number in range(len(points))]
    level = engine.level_of_theory().as_dict()
    return _landscape(model, scan, energies, level)


@durable_job
def point_structure(model: InterfaceModel, scan: RegistryScan, index: int) -> Any:
    """Return the structure of one point of a scan."""
    grid, points = _points(model, scan)
    if index >= len(points):
        raise _other_points(model, len(points))
    return _at(model, grid, points[index]).structure


@durable_job
def gather(
    model: InterfaceModel, scan: RegistryScan, records: list[RunRecord]
) -> dict[str, Any]:
    """Return the landscape from the single points of any engine."""
    energies = [record.energy for record in records]
    if len(energies) != number_of_points(model, scan):
        raise _other_points(model, number_of_points(model, scan))
    return _landscape(model, scan, energies, records[0].level)


def _other_points(model: InterfaceModel, number: int) -> StructureError:
    return StructureError(
        f"{model.name}: with its relaxed lattices the scan has {number} points, not as "
        "many as were planned with published ones; give its layers the relaxed "
        "numbers (lattice: {a: ...}), or scan with a potential (scan: {engine: ...})"
    )


@durable_job
def place(model: InterfaceModel, landscape: Mapping[str, Any]) -> BuiltInterface:
    """Return the model at the lowest point of its registry energies (plain data)."""
    return BuiltInterface.of(at_best(model, RegistryEnergies.from_dict(landscape)))


def at_best(model: InterfaceModel, energies: RegistryEnergies) -> InterfaceModel:
    """Return the model at the lowest point of its registry energies."""
    shift, gap = energies.best
    dx, dy = energies.shifts[shift]
    moved = shifted(model, (float(dx), float(dy)))
    return with_gap(moved, float(energies.gaps[shift, gap]), "lowest of the scan")


def _points(
    model: InterfaceModel, scan: RegistryScan
) -> tuple[RegistryGrid, list[tuple[int, float]]]:
    """Return the grid and (irreducible point, gap in Å) of each calculation."""
    if not scan.gaps or not np.isfinite(scan.gaps).all():
        raise StructureError(
            f"{model.name}: scan gaps={list(scan.gaps)} must be one or more numbers, Å "
            "from the gap at which atoms touch"
        )
    grid = registry_grid(model, scan.spacing)
    points = []
    for index, registry in enumerate(grid.points):
        contact = touching(shifted(model, registry.shift))
        points += [(index, max(LEAST_GAP, contact + change)) for change in scan.gaps]
    return grid, points


def _at(
    model: InterfaceModel, grid: RegistryGrid, point: tuple[int, float]
) -> InterfaceModel:
    index, gap = point
    return with_gap(shifted(model, grid.points[index].shift), gap)


def rigid_energy(model: InterfaceModel, calculator: Any) -> float:
    """Return the energy of a model as it is, eV.

    Raises:
        IonfaceError: it is not a number.
    """
    atoms = atoms_of(model.structure)
    atoms.calc = calculator
    energy = float(atoms.get_potential_energy())
    if not np.isfinite(energy):
        raise IonfaceError(
            f"{model.name}: the energy at gap {model.gap:.2f} Å is {energy}; widen the "
            "gaps of the scan"
        )
    return energy


def _known_energies(path: Path) -> dict[int, float]:
    """Return what an interrupted scan had finished; a torn last line is dropped."""
    return dict(_lines(path)) if path.is_file() else {}


def _lines(path: Path) -> Iterator[tuple[int, float]]:
    whole, _, torn = path.read_text().rpartition("\n")
    if torn:
        path.write_text(whole + "\n" if whole else "")
    for line in whole.splitlines():
        number, energy = json.loads(line)
        yield int(number), float(energy)


def _landscape(
    model: InterfaceModel,
    scan: RegistryScan,
    energies: list[float],
    level: dict[str, Any],
) -> dict[str, Any]:
    grid, points = _points(model, scan)
    shape = (len(grid.points), len(scan.gaps))
    plane = model.structure.lattice.matrix[:2, :2]
    return RegistryEnergies(
        name=model.name,
        cell=grid.cell @ plane,
        images=np.asarray(grid.images),
        shifts=np.array([point.shift for point in grid.points]),
        gaps=np.reshape([gap for _, gap in points], shape),
        energies=np.reshape(energies, shape),
        area=model.area,
        n_interfaces=model.n_interfaces,
        provenance=Provenance(
            level,
            emulated=bool(level.get("emulated")),
            quick=bool(model.provenance.get("quick")),
        ),
    ).as_dict()
