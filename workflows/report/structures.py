"""Relaxed structures of a project as files: what one starts the next calculation from.

Interfaces, and slabs in the interface's cell, as POSCAR (with labels), CIF and extended
XYZ (with the energy of the relaxation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pymatgen.core import Structure

from ionface.documents import revive
from ionface.files import atomic_path
from ionface.structures.labels import write_poscar
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.projects.project import Project
from ionface.workflows.study.file_names import slug

FOLDER = "structures"


def relaxed(project: Project) -> Iterator[tuple[str, RunRecord]]:
    """Yield every relaxed interface and slab: "LAGP-Li-interface" and its record."""
    for job, _ in project.jobs():
        tells = job.metadata
        if tells.get("kind") != "relax" or tells.get("role") != "formation":
            continue
        # trial orderings are no results
        if str(tells.get("task")) != f"relax {tells.get('part')}":
            continue
        query = {"uuid": job.uuid, "index": job.index}
        document = project.store.query_one(query, ["output"], load=True)
        if document is not None:
            record = revive(document["output"], f"the result of {job.name!r}")
            yield f"{slug(tells['subject'])}-{slug(tells['part'])}", record


def write_structures(
    project: Project, folder: Path | None = None, suffixes: Iterable[str] = ()
) -> list[Path]:
    """Write every relaxed structure and return the paths.

    Args:
        project: finished or not.
        folder: results/structures/ if not given.
        suffixes: of `WRITERS`; all if not given.
    """
    folder = folder or project.results / FOLDER
    written: list[Path] = []
    for stem, record in relaxed(project):
        folder.mkdir(exist_ok=True, parents=True)
        for suffix in suffixes or WRITERS:
            written.append(folder / f"{stem}{suffix}")
            with atomic_path(written[-1]) as part:
                WRITERS[suffix](record, part, stem)
    return written


def _poscar(record: RunRecord, path: Path, name: str) -> None:
    title = f"{name}, relaxed until forces were {record.max_force:.3f} eV/Å"
    write_poscar(record.structure, path, title)


def _cif(record: RunRecord, path: Path, name: str) -> None:
    del name
    path.write_text(_plain(record.structure).to(fmt="cif"), "utf-8")


def _extxyz(record: RunRecord, path: Path, name: str) -> None:
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    atoms = _plain(record.structure).to_ase_atoms(msonable=False)
    atoms.calc = SinglePointCalculator(atoms, energy=record.energy)
    atoms.info["name"] = name
    write(path, atoms, format="extxyz")


def _plain(structure: Structure) -> Structure:
    """Return the atoms alone, in the cell."""
    return Structure(
        structure.lattice,
        structure.species,
        structure.frac_coords,
        to_unit_cell=True,
    )


WRITERS: dict[str, Callable[[RunRecord, Path, str], None]] = {
    ".vasp": _poscar,
    ".cif": _cif,
    ".extxyz": _extxyz,
}

SUFFIXES = {"poscar": ".vasp", "cif": ".cif"}
"""Of what programs call a form."""
