"""Trajectories without the jumps at the cell's borders, block by block.

Every atom is followed from frame to frame by the smallest change of its coordinates in
units of the cell vectors. That is right as long as no atom moves farther than half the
smallest height of the cell between two stored frames; every jump is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

LARGE_JUMP = 0.3
"""Of a cell vector between stored frames: legal, but worth a note."""

AMBIGUOUS_JUMP = 0.45
"""Beyond it the direction of a jump is a guess: 0.5 is as far one way as the other, and
where some atoms come this close to it, others have passed it unseen."""

_BLOCK = 256


@dataclass(frozen=True)
class UnwrappedBlock:
    """A few frames in the order of time.

    Attributes:
        times_fs: fs, shape (n,).
        lattices: Å, shape (n, 3, 3) or (1, 3, 3).
        positions: Å, continuous in time, shape (n, n_atoms, 3).
        largest_jump: between neighboring frames, in units of a cell vector; without
            those along directions that are not periodic.
    """

    times_fs: FloatArray
    lattices: FloatArray
    positions: FloatArray
    largest_jump: float


def unwrapped_blocks(
    trajectory: Trajectory, size: int = _BLOCK
) -> Iterator[UnwrappedBlock]:
    """Yield all frames with positions that are continuous in time.

    The first frame stays as it is stored. In a cell of changing shape the steps are
    jumps in units of the cell vectors times the mean of both cells: what the cell does
    to all atoms alike is no motion of theirs, and the spurious growth of other schemes
    at constant pressure (von Bülow et al., J. Chem. Phys. 153, 021101 (2020),
    doi:10.1063/5.0008316) does not arise.

    Raises:
        TrajectoryError: an atom jumps by more than AMBIGUOUS_JUMP of a cell vector, or
            a position is not finite.
    """
    follower = _Follower(np.array(trajectory.pbc, dtype=bool))
    for block in trajectory.blocks(size):
        yield follower.follow(block)


def unwrap(
    positions: FloatArray,
    lattices: FloatArray,
    pbc: tuple[bool, bool, bool] = (True, True, True),
) -> FloatArray:
    """Return positions that are continuous in time, Å.

    Args:
        positions: wrapped or not, Å, shape (n_frames, n_atoms, 3).
        lattices: rows are the cell vectors, Å, shape (3, 3), (1, 3, 3) or
            (n_frames, 3, 3).
        pbc: periodic along each cell vector.

    Returns:
        Shape (n_frames, n_atoms, 3).

    Raises:
        TrajectoryError: as in `unwrapped_blocks`.
    """
    steps = np.arange(len(positions))
    segment = Segment(
        steps=steps,
        times_fs=steps.astype(np.float64),
        lattices=np.asarray(lattices, dtype=np.float64).reshape(-1, 3, 3),
        positions=positions,
    )
    return _Follower(np.array(pbc, dtype=bool)).follow(segment).positions


class _Follower:
    """What has to be remembered between one block and the next."""

    def __init__(self, pbc: NDArray[np.bool_]) -> None:
        self.pbc = pbc
        self.last: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None = None
        self.seen = 0

    def follow(self, block: Segment) -> UnwrappedBlock:
        positions = np.asarray(block.positions, dtype=np.float64)
        lattices = np.asarray(block.lattices, dtype=np.float64)
        fractions = _fractions(positions, lattices)
        if self.last is None:
            start = (
                fractions[0],
                positions[0],
                lattices[0],
                np.zeros_like(positions[0]),
            )
        else:
            start = self.last
        jumps = np.diff(fractions, axis=0, prepend=start[0][None])
        images = np.where(self.pbc, -np.rint(jumps), 0.0)
        jumps += images
        largest = self._check(jumps)
        constant = len(lattices) == 1 and np.array_equal(lattices[0], start[2])
        if constant:
            # whole cells only, so that rounding does not pile up over the frames
            offsets = start[3] + np.cumsum(images, axis=0) @ lattices[0]
        else:
            means = (lattices + np.concatenate([start[2][None], lattices[:-1]])) / 2
            if len(lattices) == 1:  # a new cell begins with this block and stays
                means = np.concatenate(
                    [means, np.broadcast_to(lattices, (len(positions) - 1, 3, 3))]
                )
            moved = np.diff(positions, axis=0, prepend=start[1][None])
            offsets = start[3] + np.cumsum(jumps @ means - moved, axis=0)
        self.last = (fractions[-1], positions[-1], lattices[-1], offsets[-1])
        self.seen += len(positions)
        return UnwrappedBlock(block.times_fs, lattices, positions + offsets, largest)

    def _check(self, jumps: FloatArray) -> float:
        sizes = np.where(self.pbc, np.abs(jumps), 0.0)
        largest = float(sizes.max(initial=0.0))
        if largest <= AMBIGUOUS_JUMP:
            return largest
        frame, atom, _ = np.unravel_index(np.argmax(sizes), sizes.shape)
        raise TrajectoryError(
            f"atom {atom} moves by {largest:.2f} of a cell vector between frames "
            f"{self.seen + frame - 1} and {self.seen + frame}; beyond {AMBIGUOUS_JUMP} "
            "its direction is a guess. Store frames more often, or analyze a part "
            "without the seam"
        )


def _fractions(positions: FloatArray, lattices: FloatArray) -> FloatArray:
    inverse = np.linalg.inv(lattices)
    if len(inverse) == 1:
        flat = positions.reshape(-1, 3) @ inverse[0]
        fractions: FloatArray = flat.reshape(positions.shape)
    else:
        fractions = positions @ inverse
    if not np.isfinite(fractions).all():
        raise TrajectoryError(
            "a position is not finite (NaN or infinite), so atoms cannot be followed; "
            "read the run again, or leave the damaged frames out"
        )
    return fractions
