"""Temperatures and degrees of freedom of a run, as far as its records tell."""

from __future__ import annotations

import numpy as np

from ionface.analysis.diffusion.drift import fixed_atoms
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory

KB = 8.617333262e-5
"""Boltzmann's constant, eV/K (CODATA 2018)."""


def degrees_of_freedom(trajectory: Trajectory) -> int:
    """Return how many degrees of freedom carry the kinetic energy.

    Where kinetic energy and temperature are both stored, they tell. Else 3N - 3, as the
    center of mass rests, or 3N of the atoms that are free where others are fixed.
    """
    scalars = trajectory.scalars
    with np.errstate(divide="ignore", invalid="ignore"):
        told = 2 * scalars["kinetic_energy"] / (KB * scalars["temperature"])
    told = told[np.isfinite(told)]
    if len(told) and 0 < np.median(told) <= 3 * trajectory.n_atoms + 0.5:
        return max(1, round(float(np.median(told))))
    held = len(fixed_atoms(trajectory))
    free = 3 * (trajectory.n_atoms - held)
    return max(1, free if held else free - 3)


def temperatures(trajectory: Trajectory) -> FloatArray:
    """Return the temperature of each frame, K; NaN where nothing tells it.

    Where only kinetic energies are stored, as in a vasprun.xml, they give it:
    T = 2 E_kin / (N_freedom kB).

    Returns:
        Shape (n_frames,).
    """
    stored = trajectory.scalars["temperature"]
    kinetic = trajectory.scalars["kinetic_energy"]
    if np.isfinite(stored).any() or not np.isfinite(kinetic).any():
        return stored
    return 2 * kinetic / (degrees_of_freedom(trajectory) * KB)
