"""Joining the segments of a run by comparing their frames, never silently.

A restart usually repeats the last frame of the run before it, a killed run may be ahead
of its restart by several steps, and each restart may count its time from zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray, Segment, Skipped
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

SAME_FRAME = 1e-7
"""Two frames are the same within this difference of fractional coordinates."""

LOOK_BACK = 1000
"""So many frames before a seam are searched for an overlap."""

JUMP = 1.0
"""An atom that moves farther than this across a seam, Å, is reported as a gap."""


@dataclass(frozen=True)
class Seam:
    """How one segment continues the one before.

    Attributes:
        dropped: frames of the earlier segment that the later one computes again.
        repeated: the later segment starts with the frame where the earlier one ends.
        jump: largest displacement of an atom across the seam, Å.
    """

    dropped: int
    repeated: bool
    jump: float


def join(parts: Sequence[Trajectory]) -> Trajectory:
    """Return one trajectory from segments in the order of time.

    A repeated first frame is dropped once. Where a segment starts from an earlier
    frame of the one before, the frames after that are dropped: the later run is the
    one that goes on. A segment whose time does not advance is shifted behind the one
    before. All of this, and every gap, is told in `notes`.

    Raises:
        TrajectoryError: there is nothing to join, or the atoms differ.
    """
    if not parts:
        raise TrajectoryError("no segments to join; give at least one trajectory")
    joined = parts[0]
    for number, part in enumerate(parts[1:], start=2):
        joined = _append(joined, part, number)
    return joined


def _append(joined: Trajectory, part: Trajectory, number: int) -> Trajectory:
    if part.species != joined.species:
        raise TrajectoryError(
            f"segment {number} ({', '.join(part.sources)}) has other atoms than the "
            f"ones before: {_formula(part)} against {_formula(joined)}; "
            "join only segments of one run, with its atoms in one order"
        )
    notes, kept = joined.notes + part.notes, joined
    if not _same_flags(joined, part):
        notes += (f"segment {number} holds other atoms fixed than the ones before",)
    added = part.segments
    if len(joined) and len(part):
        seam = find_seam(joined, part)
        kept = joined.between(0, len(joined) - seam.dropped)
        rest = part.between(1, len(part)) if seam.repeated else part
        added, shift = _behind(kept, part, rest, seam)
        notes += _notes(seam, shift, number)
    return replace(
        kept,
        segments=kept.segments + added,
        sources=tuple(dict.fromkeys(joined.sources + part.sources)),
        skipped=Skipped(
            joined.skipped.count + part.skipped.count,
            "; ".join(filter(None, (joined.skipped.reason, part.skipped.reason))),
        ),
        notes=notes,
        fixed=joined.fixed if _same_flags(joined, part) else None,
    )


def _same_flags(joined: Trajectory, part: Trajectory) -> bool:
    if joined.fixed is None or part.fixed is None:
        return joined.fixed is part.fixed
    return np.array_equal(joined.fixed, part.fixed)


def find_seam(before: Trajectory, after: Trajectory) -> Seam:
    """Return how `after` continues `before`, from comparing their frames."""
    first = after.frame(0)
    inverse = np.linalg.inv(first.lattice).astype(np.float64)
    earliest = max(0, len(before) - LOOK_BACK)
    window = before.between(earliest, len(before))
    offset, same = 0, []
    for block in window.blocks():
        distances = _largest_difference(block, first.positions, inverse)
        same += [offset + int(i) for i in np.flatnonzero(distances < SAME_FRAME)]
        offset += len(block)
    last = before.frame(-1).positions
    fractional = (first.positions - last) @ inverse
    steps = (fractional - np.round(fractional)) @ first.lattice
    jump = float(np.linalg.norm(steps, axis=1).max())
    if not same:
        return Seam(dropped=0, repeated=False, jump=jump)
    return Seam(dropped=offset - 1 - same[-1], repeated=True, jump=0.0)


def _largest_difference(
    block: Segment, positions: FloatArray, inverse: FloatArray
) -> FloatArray:
    """Return the largest difference in fractional coordinates, per frame."""
    fractional = (block.positions - positions) @ inverse
    fractional -= np.round(fractional)
    largest: FloatArray = np.abs(fractional).max(axis=(1, 2))
    return largest


def _behind(
    kept: Trajectory, part: Trajectory, rest: Trajectory, seam: Seam
) -> tuple[tuple[Segment, ...], float]:
    """Return the new segments, shifted in time and step where they restart."""
    time, step = kept.times_fs[-1], kept.steps[-1]
    interval_fs, interval = _interval(part if len(part) > 1 else kept)
    target = (time, step) if seam.repeated else (time + interval_fs, step + interval)
    found = (part.times_fs[0], part.steps[0])
    # Without a repeated frame any later start is a gap that its own clock knows best.
    advances = found[0] > time and found[1] > step
    if found == target or (not seam.repeated and advances):
        return rest.segments, 0.0
    shift = target[0] - found[0]
    moved = tuple(
        replace(
            segment,
            times_fs=segment.times_fs + shift,
            steps=segment.steps + (target[1] - found[1]),
        )
        for segment in rest.segments
    )
    return moved, float(shift)


def _interval(part: Trajectory) -> tuple[float, int]:
    if len(part) < 2:
        return 0.0, 1
    return (
        float(part.times_fs[1] - part.times_fs[0]),
        int(part.steps[1] - part.steps[0]),
    )


def _notes(seam: Seam, shift: float, number: int) -> tuple[str, ...]:
    notes = []
    if seam.dropped:
        notes.append(
            f"segment {number} starts {seam.dropped} frames before the end of the one "
            "before, whose last frames were dropped"
        )
    if not seam.repeated and seam.jump > JUMP:
        notes.append(
            f"gap before segment {number}: an atom moves {seam.jump:.2f} Å across it"
        )
    if abs(shift) > 1e-6:
        notes.append(f"the time of segment {number} was shifted by {shift:g} fs")
    return tuple(notes)


def _formula(trajectory: Trajectory) -> str:
    symbols = dict.fromkeys(trajectory.species)
    return "".join(f"{s}{trajectory.species.count(s)}" for s in symbols)
