"""Unwrapped, drift-free positions of chosen atoms, in the frame of the interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.diffusion.drift import Drift, reference
from ionface.analysis.diffusion.unwrap import LARGE_JUMP, unwrapped_blocks
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

UNEVEN = 1e-3
"""Relative difference between intervals that still counts as rounding of the times."""


@dataclass(frozen=True)
class Paths:
    """Where atoms went.

    Attributes:
        positions: Å, continuous and free of drift, shape (n_frames, n_atoms, 3); the
            last axis is along the normal of the a-b plane, the first along a.
        atoms: their indices in the trajectory, shape (n_atoms,).
        species: of these atoms.
        interval_fs: between frames.
        volume: of the cell, Å³, mean over the frames.
        drift: what was subtracted, in words.
        largest_jump: between frames, in units of a cell vector.
        notes: what else one should know.
        sources: the files.
    """

    positions: FloatArray
    atoms: NDArray[np.intp]
    species: tuple[str, ...]
    interval_fs: float
    volume: float
    drift: str
    largest_jump: float
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def of(self, symbol: str) -> FloatArray:
        """Return the positions of one species, shape (n_frames, n, 3)."""
        chosen = np.asarray(self.species) == symbol
        return self.positions[:, chosen]


def paths(
    trajectory: Trajectory,
    atoms: Sequence[str] | NDArray[np.intp] | None = None,
    *,
    drift: Drift = "auto",
) -> Paths:
    """Return where atoms went; only the chosen ones are held in memory.

    Args:
        trajectory: its frames must be equally spaced in time.
        atoms: symbols, or indices; all by default.
        drift: see `drift.reference`.

    Raises:
        TrajectoryError: there are fewer than two frames, times are unknown or uneven,
            a species is missing, or atoms cannot be followed.
    """
    interval = even_interval(trajectory)
    chosen = _chosen(trajectory, atoms)
    base = reference(trajectory, drift)
    result = np.empty((len(trajectory), len(chosen), 3))
    origin: FloatArray | None = None
    row, jump, volume = 0, 0.0, 0.0
    turn = interface_frame(trajectory.lattice)
    for block in unwrapped_blocks(trajectory):
        center = base.of(block.positions)
        origin = center[0] if origin is None else origin
        count = len(block.positions)
        moved = block.positions[:, chosen] - (center - origin)[:, None]
        result[row : row + count] = moved @ turn.T
        row += count
        jump = max(jump, block.largest_jump)
        volume += count * float(np.mean(np.abs(np.linalg.det(block.lattices))))
    return Paths(
        positions=result,
        atoms=chosen,
        species=tuple(trajectory.species[i] for i in chosen),
        interval_fs=interval,
        volume=volume / row,
        drift=base.label,
        largest_jump=jump,
        notes=_notes(jump),
        sources=trajectory.sources,
    )


def interface_frame(lattice: FloatArray) -> FloatArray:
    """Return three orthonormal rows: along a, in the a-b plane, and the normal."""
    first = lattice[0] / np.linalg.norm(lattice[0])
    normal = np.cross(lattice[0], lattice[1])
    normal = normal / np.linalg.norm(normal)
    return np.array([first, np.cross(normal, first), normal])


def even_interval(trajectory: Trajectory) -> float:
    """Return the time between frames, fs.

    Raises:
        TrajectoryError: there are fewer than two frames, times are unknown, do not
            grow, or are uneven.
    """
    times = trajectory.times_fs
    if len(times) < 2:
        raise TrajectoryError(
            f"motion needs two frames at least, this trajectory has {len(times)}"
        )
    steps = np.diff(times)
    usual = float(np.median(steps))
    if not np.isfinite(times).all() or not usual > 0:
        raise TrajectoryError(
            "the times of the frames are unknown or do not grow; say how many fs lie "
            "between stored frames when the trajectory is opened"
        )
    uneven = np.flatnonzero(np.abs(steps - usual) > UNEVEN * usual)
    if len(uneven):
        at = int(uneven[0])
        raise TrajectoryError(
            f"frames {at} and {at + 1} are {steps[at]:g} fs apart, others {usual:g} "
            "fs; lags need equal spacing: use the part before or after, "
            f"trajectory.between(0, {at + 1}) or between({at + 1}, {len(times)})"
        )
    return float((times[-1] - times[0]) / (len(times) - 1))


def _chosen(
    trajectory: Trajectory, atoms: Sequence[str] | NDArray[np.intp] | None
) -> NDArray[np.intp]:
    if atoms is None:
        return np.arange(trajectory.n_atoms)
    if isinstance(atoms, np.ndarray):
        return np.asarray(atoms, dtype=np.intp)
    return np.sort(np.concatenate([trajectory.indices(symbol) for symbol in atoms]))


def _notes(jump: float) -> tuple[str, ...]:
    if jump <= LARGE_JUMP:
        return ()
    return (
        f"an atom moves by {jump:.2f} of a cell vector between stored frames: above "
        f"{LARGE_JUMP} others may have passed half a cell unseen; store frames "
        "more often",
    )
