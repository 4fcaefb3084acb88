"""Registry scans: the energy of an interface over film shifts and gaps.

Data flow: built model -> irreducible shifts x gaps -> energies of rigid models, by one
job of a potential or by a static job each -> Landscape -> the model at its minimum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jobflow import Job
from monty.json import MSONable
from numpy.typing import NDArray

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
ROOM = 1.0  # Å; gaps below it are not tried


@dataclass(frozen=True)
class Landscape(MSONable):
    """Energies of the rigid interface over shifts and gaps.

    Attributes:
        name: of the interface.
        cell: in-plane vectors of the registry cell, Å, shape (2, 2).
        divisions: of the grid along both vectors.
        images: index of the irreducible point at each grid point, shape divisions.
        shifts: of the irreducible points, fractions of the interface's cell, (n, 2).
        gaps: of each point, Å, shape (n, n_gaps).
        energies: eV, shape (n, n_gaps).
        area: of the interface, Å².
        n_interfaces: 1 or 2.
        level: of theory.
    """

    name: str
    cell: list[list[float]]
    divisions: list[int]
    images: list[list[int]]
    shifts: list[list[float]]
    gaps: list[list[float]]
    energies: list[list[float]]
    area: float
    n_interfaces: int
    level: dict[str, Any]

    @property
    def best(self) -> tuple[int, int]:
        """Return the indices (point, gap) of the lowest energy."""
        lowest = int(np.argmin(self.energies))
        point, gap = np.unravel_index(lowest, np.shape(self.energies))
        return int(point), int(gap)

    @property
    def corrugation(self) -> float:
        """Return the highest minus the lowest energy over shifts, eV/Å².

        Each shift stands at its best gap.
        """
        return float(np.ptp(np.min(self.energies, axis=1)) / self.area)

    def map(self) -> NDArray[np.float64]:
        """Return the energy at each grid point over the lowest one, eV/Å²."""
        lowest = np.min(self.energies, axis=1)
        return np.asarray((lowest - lowest.min())[np.array(self.images)] / self.area)


def scan_jobs(
    engine: Engine, model: InterfaceModel | None, built: Job, scan: RegistryScan
) -> list[Job]:
    """Return the jobs of a scan; the last two give the Landscape and the placed model.

    Args:
        engine: whose energies count. One that computes in process does the scan in
            one job; of others, each point is a static job.
        model: the same interface, built here; needed for engines with a job a point.
        built: job whose output is a BuiltInterface.
        scan: spacing and gaps.
    """
    jobs: list[Job] = []
    if engine.in_process:
        scanned = scan_in_process(built.output.model, asdict(scan), engine)
    else:
        if model is None:
            raise IonfaceError("a scan by static jobs needs the model to count them")
        records = []
        for index in range(len(_points(model, scan)[1])):
            point = point_structure(built.output.model, asdict(scan), index)
            static = engine.static().make(point.output)
            jobs += [point, static]
            records.append(static.output)
        scanned = gather(built.output.model, asdict(scan), records)
    placed = place(built.output.model, scanned.output)
    return [*jobs, scanned, placed]


@durable_job
def scan_in_process(
    model: InterfaceModel, scan: Mapping[str, Any], engine: Engine
) -> Landscape:
    """Return the landscape by an engine's calculator; finished points are kept."""
    engine.check_elements(model.structure)
    known = _known_energies(Path(ENERGIES))
    calculator = engine.calculator()
    grid, points = _points(model, RegistryScan(**scan))
    for number, point in enumerate(points):
        progress.report(number, len(points), "registry scan")
        if number in known:
            continue
        energy = _energy(_at(model, grid, point), calculator)
        with Path(ENERGIES).open("a") as file:
            file.write(json.dumps([number, energy]) + "\n")
        known[number] = energy
    energies = [known[number] for number in range(len(points))]
    level = engine.level_of_theory().as_dict()
    return _landscape(model, RegistryScan(**scan), energies, level)


@durable_job
def point_structure(model: InterfaceModel, scan: Mapping[str, Any], index: int) -> Any:
    """Return the structure of one point of a scan."""
    grid, points = _points(model, RegistryScan(**scan))
    return _at(model, grid, points[index]).structure


@durable_job
def gather(
    model: InterfaceModel, scan: Mapping[str, Any], records: list[RunRecord]
) -> Landscape:
    """Return the landscape from the single points of any engine."""
    energies = [record.energy for record in records]
    return _landscape(model, RegistryScan(**scan), energies, records[0].level)


@durable_job
def place(model: InterfaceModel, landscape: Landscape) -> BuiltInterface:
    """Return the model at the lowest point of its landscape."""
    return BuiltInterface.of(at_best(model, landscape))


def at_best(model: InterfaceModel, landscape: Landscape) -> InterfaceModel:
    """Return the model at the lowest point of its landscape."""
    point, gap = landscape.best
    dx, dy = landscape.shifts[point]
    return with_gap(shifted(model, (dx, dy)), landscape.gaps[point][gap])


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
        points += [(index, max(ROOM, contact + change)) for change in scan.gaps]
    return grid, points


def _at(
    model: InterfaceModel, grid: RegistryGrid, point: tuple[int, float]
) -> InterfaceModel:
    index, gap = point
    return with_gap(shifted(model, grid.points[index].shift), gap)


def _energy(model: InterfaceModel, calculator: Any) -> float:
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
) -> Landscape:
    grid, points = _points(model, scan)
    shape = (len(grid.points), len(scan.gaps))
    plane = model.structure.lattice.matrix[:2, :2]
    return Landscape(
        name=model.name,
        cell=(grid.cell @ plane).tolist(),
        divisions=list(grid.divisions),
        images=grid.images.tolist(),
        shifts=[list(point.shift) for point in grid.points],
        gaps=np.reshape([gap for _, gap in points], shape).tolist(),
        energies=np.reshape(energies, shape).tolist(),
        area=model.area,
        n_interfaces=model.n_interfaces,
        level=level,
    )
