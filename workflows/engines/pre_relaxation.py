"""What a potential does before a relaxation from first principles.

Data flow: the structure of a job -> a potential's relaxation in a folder of its own,
kept in `FILE` -> the structure where it ended, and what a record tells of it -> the
potential's curvature there, kept in `CURVATURE`, by which an optimizer knows at once
which motions are stiff and which are soft.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator
from jobflow import Maker
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.documents import decode
from ionface.errors import IonfaceError
from ionface.files import atomic_path, write_atomically
from ionface.structures.ledger_cell import movable
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of, free_atoms
from ionface.workflows.engines.contract import Engine, RelaxSettings
from ionface.workflows.engines.records import RunRecord

SETTINGS = RelaxSettings(fmax=0.1, steps=200, must_converge=False)
"""Takes out the worst forces of a built model; first principles do the rest."""

FILE = "pre-relaxed.json"
CURVATURE = "curvature.npy"

DISPLACED = 0.015  # Å; a stretched C-H bond is 4 % softer there, noise far below 1 %
SOFTEST = 1.0
"""eV/Å², of the curvature that steps are made by: along a softer motion they would be
long, and a potential's softest motions are those that it knows least. Li|P-DOL needed 4
steps to 0.1 eV/Å with it, 5 with 2, 26 with none (docs/first-principles.md)."""


def prerelaxed(
    structure: Structure, maker: Maker, folder: Path
) -> tuple[Structure, dict[str, Any]]:
    """Return a structure where a potential relaxed it, once for each job.

    Args:
        structure: fixed sites stay where they are.
        maker: of relaxations, by a potential.
        folder: of the job; a relaxation that was killed goes on in it.

    Returns:
        The structure, with its own labels and periodic images, and the provenance of
        a RunRecord: {"prerelaxed": {"level", "steps", "max_force" in eV/Å}}.
    """
    path = folder / FILE
    if not path.is_file():
        record = _relaxed(structure, maker, folder / "pre-relax")
        write_atomically(path, record.to_json())
    record = decode(path.read_text(), str(path))
    moved = structure.copy()
    for index, coords in enumerate(record.structure.frac_coords):
        moved.translate_sites(
            [index], coords - moved[index].frac_coords, to_unit_cell=False
        )
    told = {
        "level": record.level,
        "steps": record.steps,
        "max_force": record.max_force,
    }
    return moved, {"prerelaxed": told}


def curvature(
    structure: Structure, potential: Callable[[], Calculator], folder: Path
) -> NDArray[np.float64]:
    """Return a potential's second derivatives of the energy, once for each job.

    Forward differences of its forces, 3 n + 1 evaluations, made positive along every
    direction.

    Args:
        structure: about which; fixed sites have no curvature but `SOFTEST`.
        potential: gives its calculator, if it is needed.
        folder: of the job.

    Returns:
        Shape (3 n_atoms, 3 n_atoms), eV/Å², no eigenvalue below `SOFTEST`.
    """
    path = folder / CURVATURE
    if path.is_file():
        known: NDArray[np.float64] = np.load(path)
        return known
    atoms = atoms_of(structure)
    free = free_atoms(atoms)
    atoms.calc = potential()
    start, forces = atoms.positions.copy(), atoms.get_forces()
    columns = [3 * int(atom) + axis for atom in free for axis in range(3)]
    slopes = np.zeros((len(columns), len(columns)))
    done = progress.counter(len(columns), "curvature by the potential")
    for row, column in enumerate(columns):
        moved = start.copy()
        moved.flat[column] += DISPLACED
        atoms.set_positions(moved)
        change = forces - atoms.get_forces()
        slopes[row] = change.ravel()[columns] / DISPLACED
        done(1)
    values, vectors = np.linalg.eigh((slopes + slopes.T) / 2)
    found = SOFTEST * np.eye(start.size)
    stiff = np.maximum(np.abs(values), SOFTEST)
    found[np.ix_(columns, columns)] = (vectors * stiff) @ vectors.T
    with atomic_path(path) as part, part.open("wb") as file:
        np.save(file, found)
    return found


def check_potential(engine: Engine, *, here: bool) -> None:
    """Refuse a pre-relaxation that could not start.

    Raises:
        IonfaceError: the engine is unknown, not installed, or no potential.
    """
    try:
        engine.check_start(engine.relax(SETTINGS), here=here)
        if not engine.in_process:
            raise IonfaceError(f"{engine.name} is no potential")
    except IonfaceError as error:
        raise IonfaceError(
            f"relaxations start from a pre-relaxation by {engine.name}: {error}; or "
            "switch it off in the study: vasp: {prerelax: 'off'}"
        ) from error


def _relaxed(structure: Structure, maker: Maker, folder: Path) -> RunRecord:
    free = [[bool(m)] * 3 for m in movable(structure)]
    held = Structure(
        structure.lattice,
        [site.specie for site in structure],
        structure.frac_coords,
        site_properties={
            "fixed": [not any(moves) for moves in free],
            "selective_dynamics": free,
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)  # Makers work where they are started
    try:
        job: Any = maker.make(held)
        record: RunRecord = job.function.original(job.maker, *job.function_args)
    finally:
        os.chdir(before)
    return record
