"""The first velocities of a run, and the degrees of freedom behind its temperature."""

from __future__ import annotations

import numpy as np
from ase import units
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.structures.ledger_cell import movable
from ionface.workflows.engines.contract import DynamicsSettings


def thermal_velocities(
    structure: Structure, settings: DynamicsSettings
) -> NDArray[np.float64]:
    """Return Maxwell-Boltzmann velocities of exactly the temperature, without drift.

    Args:
        structure: sites with `fixed` have none.
        settings: temperature in K and the random seed.

    Returns:
        Å/fs, shape (n_atoms, 3).
    """
    random = np.random.default_rng(settings.seed)
    masses = np.array([float(site.specie.atomic_mass) for site in structure])[:, None]
    free = movable(structure)
    thermal = units.kB * settings.temperature  # eV
    velocities = random.normal(size=(len(masses), 3)) * np.sqrt(thermal / masses)
    velocities[~free] = 0.0
    if free.all():
        velocities -= (masses * velocities).sum(axis=0) / masses.sum()
    freedom = degrees_of_freedom(free)
    kinetic = 0.5 * float((masses * velocities**2).sum())
    if kinetic > 0:
        velocities *= np.sqrt(0.5 * freedom * thermal / kinetic)
    return np.asarray(velocities * units.fs)  # ASE's own unit of time -> fs


def degrees_of_freedom(free: NDArray[np.bool_]) -> int:
    """Return the degrees of freedom of atoms of which some may be fixed."""
    return max(1, 3 * int(free.sum()) - (3 if free.all() else 0))
