"""The temperature of each frame, and the degrees of freedom that carry it."""

from __future__ import annotations

import numpy as np

from ionface.analysis.diffusion.unwrapped_positions import (
    Reference,
    fixed_atoms,
    masses,
    unwrapped_blocks,
)
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory

KB = 8.617333262e-5
"""Boltzmann's constant, eV/K (CODATA 2018)."""

ACCELERATION = 0.009648533212331
"""Å²/fs² in one eV/u: a mass of 1 u with an energy of 1 eV."""

RESTS = 0.05
"""Of its thermal speed sqrt(3 kB T / M): slower, the center of mass rests; thermostats
that let it move give it all of that, rounding and drift far less."""

LOOKED = 256
"""Frames at the start from which the motion of the center of mass is seen."""


def degrees_of_freedom(trajectory: Trajectory, temperature: float = np.nan) -> int:
    """Return how many degrees of freedom carry the kinetic energy.

    Those of the atoms that are not fixed; three fewer where the center of mass rests.

    Args:
        trajectory: two frames at least.
        temperature: K, to tell a center of mass that rests from one that moves as atoms
            do; taken to rest if unknown.
    """
    held = len(fixed_atoms(trajectory))
    free = 3 * (trajectory.n_atoms - held)
    if held or free <= 3:
        return max(1, free)
    return free - 3 if _center_rests(trajectory, temperature) else free


def _center_rests(trajectory: Trajectory, temperature: float) -> bool:
    part = trajectory.between(0, min(len(trajectory), LOOKED))
    times = part.times_or_nan_fs
    steps = np.diff(times)
    if not (temperature > 0 and len(times) > 1 and (steps > 0).all()):
        return True
    weights = masses(part.species)
    base = Reference(np.arange(part.n_atoms), weights / weights.sum(), "")
    center = np.concatenate([base.of(b.positions) for b in unwrapped_blocks(part)])
    speed = np.linalg.norm(np.diff(center, axis=0), axis=1) / steps  # Å/fs
    thermal = np.sqrt(3 * KB * temperature / weights.sum() * ACCELERATION)
    return bool(np.sqrt(np.mean(speed**2)) < RESTS * thermal)


def temperatures(trajectory: Trajectory) -> FloatArray:
    """Return the temperature of each frame, K; NaN where nothing tells it.

    Of the kinetic energies where they are stored, T = 2 E_kin / (N_freedom kB): what a
    program calls temperature may count a center of mass that rests. Else as stored.

    Returns:
        Shape (n_frames,).
    """
    stored = trajectory.scalars["temperature"]
    kinetic = trajectory.scalars["kinetic_energy"]
    known = np.isfinite(kinetic)
    if not known.any():
        return stored
    rough = 2 * float(kinetic[known].mean()) / (3 * trajectory.n_atoms * KB)
    freedom = degrees_of_freedom(trajectory, rough)
    return np.asarray(2 * kinetic / (freedom * KB), dtype=np.float64)
