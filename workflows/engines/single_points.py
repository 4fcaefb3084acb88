"""Energies and forces of many structures by one engine, whatever kind it is.

An engine that computes in process is asked in a loop; of any other, each structure is
one of its own single-point jobs.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.potential import default_dtype_restored
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.durable import RUNS
from ionface.workflows.engines.records import RunRecord


@dataclass(frozen=True, eq=False)
class SinglePoint:
    """What an engine says of one structure.

    Attributes:
        energy: eV.
        forces: eV/Å, shape (n_atoms, 3).
    """

    energy: float
    forces: NDArray[np.float64]


def single_points(
    engine: Engine,
    structures: Sequence[Atoms],
    folder: Path,
    announce: Callable[[int], None] = lambda _: None,
) -> list[SinglePoint]:
    """Return energy and forces of every structure.

    Args:
        engine: any.
        structures: with elements that it knows.
        folder: where jobs of an engine that does not compute in process have theirs.
        announce: called with the number of structures that are done since.

    Raises:
        IonfaceError: an element that the engine was not made for, a job that failed, or
            an engine that gives no forces.
    """
    for atoms in structures:
        engine.check_elements(
            set(atoms.get_chemical_symbols()), atoms.get_chemical_formula()
        )
    points = _in_process if engine.in_process else _by_jobs
    found = []
    for point in points(engine, structures, folder):
        found.append(point)
        announce(1)
    return found


def _in_process(
    engine: Engine, structures: Sequence[Atoms], folder: Path
) -> Iterator[SinglePoint]:
    del folder
    with default_dtype_restored():
        calculator = engine.calculator()
        for one in structures:
            atoms = one.copy()
            atoms.calc = calculator
            yield SinglePoint(float(atoms.get_potential_energy()), atoms.get_forces())


def _by_jobs(
    engine: Engine, structures: Sequence[Atoms], folder: Path
) -> Iterator[SinglePoint]:
    engine.check_start(engine.static(), here=True)
    folder.mkdir(parents=True, exist_ok=True)
    for number, atoms in enumerate(structures, start=1):
        try:
            record = _computed(engine, atoms, folder)
        except Exception as error:
            raise IonfaceError(
                f"{engine.name} failed at structure {number} of {len(structures)} "
                f"({atoms.get_chemical_formula()}): {error}; its files are in "
                f"{folder}, and what is done there is not computed again"
            ) from error
        yield of_record(record)


def _computed(engine: Engine, atoms: Atoms, folder: Path) -> RunRecord:
    """Run a single-point job of its own in a folder that the next try finds again."""
    from jobflow import JobStore, run_locally
    from maggma.stores import MemoryStore

    structure = of_unknown_phases(atoms)
    made = engine.static().make(structure)
    level = engine.level_of_theory().as_dict()
    told = json.dumps([level, structure.as_dict()], sort_keys=True, default=str)
    made.set_uuid(str(uuid.uuid5(uuid.NAMESPACE_OID, told)))
    made.metadata[RUNS] = str(folder)
    before, store = Path.cwd(), JobStore(MemoryStore())
    try:
        done = run_locally(
            made, store=store, root_dir=folder, log=False, raise_immediately=True
        )
    finally:
        os.chdir(before)
    record = max(done[made.output.uuid].items())[1].output
    if not isinstance(record, RunRecord):
        raise IonfaceError("it gave no record of a run")
    return record


def of_unknown_phases(atoms: Atoms) -> Structure:
    """Return a structure whose metallic elements count as metals.

    Nobody told of which phases it consists, so that each may be one: it needs the
    denser mesh of a metal then, and its electrons may be odd in number.
    """
    structure = AseAtomsAdaptor.get_structure(atoms)
    elements = [site.specie for site in structure]
    phases = [each.symbol if each.is_metal else "rest" for each in elements]
    structure.add_site_property("phase", phases)
    return structure


def of_record(record: RunRecord) -> SinglePoint:
    """Return energy and forces of a single point that an engine has recorded.

    Raises:
        IonfaceError: it has no forces.
    """
    if record.forces is None:
        raise IonfaceError(
            f"the single point in {record.directory} came without forces, which an "
            "engine must give to judge or to teach a potential; take gpaw or vasp"
        )
    return SinglePoint(record.energy, np.array(record.forces, dtype=np.float64))
