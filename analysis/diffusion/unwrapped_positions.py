"""Positions without the jumps at the cell's borders, without drift, along the normal.

Every atom is followed from frame to frame by the smallest change of its coordinates in
units of the cell vectors. That is right as long as no atom moves farther than half the
smallest height of the cell between two stored frames; every jump is checked.

A thermostat, a restart or rounding may set the whole cell in motion; every atom then
seems to diffuse. Where nothing is fixed, the center of mass of all atoms is the
reference. Where layers are fixed, they are the reference, and nothing is subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.pairs import each_species
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import Provenance
from ionface.analysis.trajectory.cells import completed, inverses
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError, TrajectoryError

UNEVEN = 1e-3
"""Relative difference between intervals that still counts as rounding of the times:
files give them with three digits or more, a missing frame differs by 1."""


@dataclass(frozen=True)
class Paths:
    """Where atoms went.

    Attributes:
        positions: Å, continuous and free of drift, shape (n_frames, n_atoms, 3); the
            last axis is along the normal of the a-b plane, the first along a.
        atoms: their indices in the trajectory, shape (n_atoms,).
        species: of these atoms.
        interval_fs: between frames.
        drift: what was subtracted, in words.
        largest_jump: between frames, in units of a cell vector.
        notes: what else one should know.
        provenance: where the positions come from.
    """

    positions: FloatArray
    atoms: NDArray[np.intp]
    species: tuple[str, ...]
    interval_fs: float
    drift: str
    largest_jump: float
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    def of(self, symbol: str) -> FloatArray:
        """Return the positions of one species, shape (n_frames, n, 3)."""
        chosen = np.asarray(self.species) == symbol
        return self.positions[:, chosen]


def paths(
    trajectory: Any,
    atoms: str | Sequence[str] | NDArray[np.intp] | None = None,
    *,
    drift: Drift = "auto",
) -> Paths:
    """Return where atoms went; only the chosen ones are held in memory.

    Args:
        trajectory: whatever `open_trajectory` takes; its frames must be equally spaced
            in time.
        atoms: a symbol or several, or indices; all by default.
        drift: see `drift.reference`.

    Raises:
        TrajectoryError: there are fewer than two frames, times are unknown or uneven,
            a species is missing, or atoms cannot be followed.
    """
    trajectory = open_trajectory(trajectory)
    interval = even_interval(trajectory)
    chosen = _chosen(trajectory, atoms)
    base = reference(trajectory, drift)
    result = np.empty((len(trajectory), len(chosen), 3))
    origin: FloatArray | None = None
    row, jump = 0, 0.0
    turn = interface_frame(completed(trajectory.lattice[None], trajectory.pbc)[0])
    for block in unwrapped_blocks(trajectory):
        center = base.of(block.positions)
        origin = center[0] if origin is None else origin
        count = len(block.positions)
        moved = block.positions[:, chosen] - (center - origin)[:, None]
        result[row : row + count] = moved @ turn.T
        row += count
        jump = max(jump, block.largest_jump)
    return Paths(
        positions=result,
        atoms=chosen,
        species=tuple(trajectory.species[i] for i in chosen),
        interval_fs=interval,
        drift=base.label,
        largest_jump=jump,
        notes=_notes(jump),
        provenance=Provenance.of(trajectory),
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
    trajectory: Trajectory, atoms: str | Sequence[str] | NDArray[np.intp] | None
) -> NDArray[np.intp]:
    if atoms is None:
        return np.arange(trajectory.n_atoms)
    if isinstance(atoms, np.ndarray):
        return np.asarray(atoms, dtype=np.intp)
    found = [trajectory.indices(symbol) for symbol in each_species(atoms)]
    return np.sort(np.concatenate(found))


def _notes(jump: float) -> tuple[str, ...]:
    if jump <= LARGE_JUMP:
        return ()
    return (
        f"an atom moves by {jump:.2f} of a cell vector between stored frames: above "
        f"{LARGE_JUMP} others may have passed half a cell unseen; store frames "
        "more often",
    )


MOTIONLESS = 1e-4
"""Å: an atom that stays within it is fixed; thermal motion exceeds it in one step, and
the last digit of an XDATCAR is a hundred times smaller."""

Drift = str | Sequence[str]
"""'auto', 'all', 'none', or the symbols of a rigid sublattice."""


@dataclass(frozen=True)
class Reference:
    """What the drift is measured on.

    Attributes:
        atoms: whose weighted mean is subtracted; empty: nothing is, shape (k,).
        weights: of these atoms, summing to 1, shape (k,).
        label: in words.
    """

    atoms: NDArray[np.intp]
    weights: FloatArray
    label: str

    def of(self, positions: FloatArray) -> FloatArray:
        """Return where the reference is, (n_frames, 3); zeros if it is nothing."""
        return np.einsum("a,tax->tx", self.weights, positions[:, self.atoms])


def reference(trajectory: Trajectory, drift: Drift = "auto") -> Reference:
    """Return what to subtract.

    Args:
        trajectory: whose fixed atoms are looked for with 'auto'.
        drift: 'auto': the center of mass of all atoms, or nothing where atoms are
            fixed; 'all'; 'none'; or symbols: the mean of these atoms.

    Raises:
        AnalysisError: a species is not in the trajectory.
    """
    number = trajectory.n_atoms
    nothing = Reference(np.zeros(0, dtype=np.intp), np.zeros(0), "")
    if not isinstance(drift, str):
        found = np.concatenate([trajectory.indices(symbol) for symbol in drift])
        label = f"mean of the {len(found)} {', '.join(drift)} atoms subtracted"
        return Reference(found, np.full(len(found), 1 / len(found)), label)
    if drift == "none":
        return Reference(nothing.atoms, nothing.weights, "nothing subtracted")
    if number == 1 and drift == "all":
        raise AnalysisError(
            "a single atom has no motion against its own center of mass; take "
            "drift='none'"
        )
    if number == 1:
        label = "nothing subtracted: a single atom is its own center of mass"
        return Reference(nothing.atoms, nothing.weights, label)
    if drift == "auto" and (held := len(fixed_atoms(trajectory))):
        label = f"nothing subtracted: {held} fixed atoms are the reference"
        return Reference(nothing.atoms, nothing.weights, label)
    if drift in {"auto", "all"}:
        weights = masses(trajectory.species)
        label = f"center of mass of all {number} atoms subtracted"
        return Reference(np.arange(number), weights / weights.sum(), label)
    raise AnalysisError(
        f"{drift!r} is no reference of a drift; choose 'auto', 'all', 'none', or a "
        "list of symbols of a rigid sublattice"
    )


def fixed_atoms(trajectory: Trajectory) -> NDArray[np.intp]:
    """Return the atoms that do not move in the whole run; none if it is one frame.

    In a cell of changing shape an atom is fixed if its place in the cell is.
    """
    first: FloatArray | None = None
    held = np.ones(trajectory.n_atoms, dtype=bool)
    for block in trajectory.blocks(256):
        lattices = np.asarray(block.lattices)
        atoms = np.flatnonzero(held)
        places = block.positions[:, atoms] @ inverses(lattices, trajectory.pbc)
        if first is None:
            first = np.full((trajectory.n_atoms, 3), np.nan)
            first[atoms] = places[0]
        moved = places - first[atoms]
        moved -= np.where(trajectory.pbc, np.rint(moved), 0.0)
        cell = completed(lattices[:1], trajectory.pbc)[0]
        far = np.abs(moved @ cell).max(axis=(0, 2)) > MOTIONLESS
        held[atoms[far]] = False
        if not held.any():
            break
    return np.flatnonzero(held) if len(trajectory) > 1 else np.zeros(0, dtype=np.intp)


def masses(species: Sequence[str]) -> FloatArray:
    """Return atomic masses, u.

    Returns:
        Shape (n_atoms,).

    Raises:
        AnalysisError: a symbol is none of an element.
    """
    from ase.data import atomic_masses, atomic_numbers

    if unknown := sorted(s for s in set(species) if not atomic_numbers.get(s)):
        raise AnalysisError(
            f"{unknown} are no chemical elements, so that they have no mass; give the "
            "trajectory the right symbols, or drift='none'"
        )
    table = {s: float(atomic_masses[atomic_numbers[s]]) for s in set(species)}
    return np.array([table[symbol] for symbol in species])


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


class _Follower:
    """What has to be remembered between one block and the next."""

    def __init__(self, pbc: NDArray[np.bool_]) -> None:
        self.pbc = pbc
        self.last: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None = None
        self.seen = 0

    def follow(self, block: Segment) -> UnwrappedBlock:
        positions = np.asarray(block.positions, dtype=np.float64)
        lattices = completed(block.lattices, self.pbc.tolist())
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
