"""A potential's curvature, by which the steps of a first-principles program are made.

Data flow: structure -> forces of the potential where each coordinate is displaced ->
second derivatives, positive along every direction, kept in `CURVATURE` -> ASE's BFGS,
which so knows at once which motions are stiff and which are soft.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.files import atomic_path
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of, free_atoms

CURVATURE = "curvature.npy"

DISPLACED = 0.015  # Å; a stretched C-H bond is 4 % softer there, noise far below 1 %
SOFTEST = 1.0
"""eV/Å², of the curvature that steps are made by: along a softer motion they would be
long, and a potential's softest motions are those that it knows least. Li|P-DOL, with
SevenNet-0 in PBE's place and a potential that had learnt beside it, needed 4 steps to
0.1 eV/Å so, 5 with 2 eV/Å², 3 with 0.5 (and then wandered), 26 by L-BFGS."""


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
