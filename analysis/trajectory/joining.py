"""Joining the segments of a run by comparing their frames, never silently.

A restart usually repeats the last frame of the run before it, a killed run may be ahead
of its restart by several steps, and each restart may count its time from zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.cells import completed
from ionface.analysis.trajectory.frames import FloatArray, Segment, Skipped
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

SAME_FRAME = 2e-7
"""Two frames are the same within this difference of fractional coordinates: VASP prints
eight decimals, and the atoms of a running system move a thousand times more."""

LOOK_BACK = 1000
"""So many frames before a segment's start are searched for an overlap."""

JUMP = 1.0
"""An atom that moves farther than this from the last frame of one segment to the first
of the next, Å, is reported as a gap. Stored frames may lie many steps apart."""


ALIKE, UNLIKE = 0.9, 0.5
"""Cosines between the displacements of all atoms from one stored frame to the next. A
run whose frames are close in time keeps its directions (1), and velocities that were
drawn anew have none in common with those before (0)."""


@dataclass(frozen=True)
class Continuation:
    """How one segment continues the one before.

    Attributes:
        dropped: frames of the earlier segment that the later one computes again.
        repeated: the later segment starts with the frame where the earlier one ends.
        jump: largest displacement of an atom from one to the other, Å.
        turned: the directions in which atoms move change abruptly, as where velocities
            were lost.
    """

    dropped: int
    repeated: bool
    jump: float
    turned: bool = False


def join(trajectories: Sequence[Trajectory]) -> Trajectory:
    """Return one trajectory from segments in the order of time.

    A repeated first frame is dropped once. Where a segment starts from an earlier
    frame of the one before, the frames after that are dropped: the later run is the
    one that goes on. A segment whose time does not advance is shifted behind the one
    before. All of this, and every gap, is told in `notes`.

    Raises:
        TrajectoryError: there is nothing to join, or the atoms differ.
    """
    if not trajectories:
        raise TrajectoryError("no segments to join; give at least one trajectory")
    joined = trajectories[0]
    for number, segment in enumerate(trajectories[1:], start=2):
        joined = _append(joined, segment, number)
    return joined


def _append(joined: Trajectory, segment: Trajectory, number: int) -> Trajectory:
    if segment.species != joined.species:
        raise TrajectoryError(
            f"segment {number} ({', '.join(segment.sources)}) has other atoms than the "
            f"ones before: {segment.formula} against {joined.formula}; "
            "join only segments of one run, with its atoms in one order"
        )
    notes, kept, added = joined.notes + segment.notes, joined, segment.segments
    same_flags = _same_flags(joined, segment)
    if not same_flags:
        notes += (f"segment {number} holds other atoms fixed than the ones before",)
    if len(joined) and len(segment):
        how = continuation(joined, segment)
        kept = joined.between(0, len(joined) - how.dropped)
        added, shift = _behind(kept, segment, how)
        notes += _notes(how, shift, number)
    return replace(
        kept,
        segments=kept.segments + added,
        sources=tuple(dict.fromkeys(joined.sources + segment.sources)),
        skipped=Skipped(
            joined.skipped.count + segment.skipped.count,
            "; ".join(filter(None, (joined.skipped.reason, segment.skipped.reason))),
        ),
        notes=notes,
        meta=_joined_meta(joined.meta, segment.meta),
        fixed=joined.fixed if same_flags else None,
        untimed=joined.untimed or segment.untimed,
    )


def _same_flags(joined: Trajectory, segment: Trajectory) -> bool:
    if joined.fixed is None or segment.fixed is None:
        return joined.fixed is segment.fixed
    return np.array_equal(joined.fixed, segment.fixed)


def _joined_meta(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the meta of both: the whole is worth no more than its worst segment."""
    meta = {**after, **before}
    if (after.get("level_of_theory") or {}).get("emulated"):
        meta["level_of_theory"] = after["level_of_theory"]
    if before.get("quick") or after.get("quick"):
        meta["quick"] = True
    return meta


def continuation(before: Trajectory, after: Trajectory) -> Continuation:
    """Return how `after` continues `before`, from comparing their frames."""
    first = after.frame(0)
    cell = completed(first.lattice[None], after.pbc)[0]
    inverse, periodic = np.linalg.inv(cell), np.array(after.pbc, dtype=bool)
    searched = before.between(max(0, len(before) - LOOK_BACK), len(before))
    offset, same = 0, []
    for block in searched.blocks():
        fractional = wrapped((block.positions - first.positions) @ inverse, periodic)
        largest = np.abs(fractional).max(axis=(1, 2))
        same += [offset + int(i) for i in np.flatnonzero(largest < SAME_FRAME)]
        offset += len(block)
    dropped = offset - 1 - same[-1] if same else 0
    kept = range(max(0, len(before) - dropped - 3), len(before) - dropped)
    seam = [before.frame(i).positions for i in kept]
    seam += [after.frame(i).positions for i in range(len(after))[bool(same) :][:1]]
    steps = wrapped(np.diff(seam, axis=0) @ inverse, periodic) @ cell  # (n - 1, atoms)
    moved = np.linalg.norm(steps[-1], axis=1) if not same else np.zeros(1)
    return Continuation(dropped, bool(same), float(moved.max()), _turned(steps))


def _turned(steps: FloatArray) -> bool:
    """Return whether the last of three displacements of all atoms turns abruptly."""
    if len(steps) < 3:
        return False
    lengths = np.linalg.norm(steps.reshape(3, -1), axis=1)
    if not (lengths > SAME_FRAME).all():
        return False
    before, across = (
        float(np.sum(steps[i] * steps[i + 1]) / (lengths[i] * lengths[i + 1]))
        for i in (0, 1)
    )
    return before > ALIKE and across < UNLIKE


def wrapped(fractional: FloatArray, periodic: NDArray[np.bool_]) -> FloatArray:
    """Return differences of fractional coordinates, periodic ones in [-1/2, 1/2]."""
    return fractional - np.where(periodic, np.round(fractional), 0.0)


def _behind(
    kept: Trajectory, segment: Trajectory, how: Continuation
) -> tuple[tuple[Segment, ...], float]:
    """Return the new frames, shifted in time and step where their count restarts.

    Times may be NaN, where they are unknown; steps go on all the same.
    """
    rest = segment.between(1, len(segment)) if how.repeated else segment
    time, step = kept.times_or_nan_fs[-1], kept.steps[-1]
    begin = (segment.times_or_nan_fs[0], segment.steps[0])
    interval_fs, interval = _interval(segment if len(segment) > 1 else kept)
    target = (time, step) if how.repeated else (time + interval_fs, step + interval)
    # Without a repeated frame any later start is a gap that its own clock knows best.
    advances = begin[0] > time and begin[1] > step
    if begin == target or (not how.repeated and advances):
        return rest.segments, 0.0
    shift, steps = target[0] - begin[0], target[1] - begin[1]
    moved = tuple(
        replace(run, times_fs=run.times_fs + shift, steps=run.steps + steps)
        for run in rest.segments
    )
    return moved, float(shift)


def _interval(trajectory: Trajectory) -> tuple[float, int]:
    """Return the time, fs, and the steps between the first two frames."""
    if len(trajectory) < 2:
        return 0.0, 1
    times, steps = trajectory.times_or_nan_fs, trajectory.steps
    return float(times[1] - times[0]), int(steps[1] - steps[0])


def _notes(how: Continuation, shift: float, number: int) -> tuple[str, ...]:
    notes = []
    if how.dropped:
        notes.append(
            f"segment {number} starts {how.dropped} frames before the end of the one "
            "before, whose last frames were dropped"
        )
    if not how.repeated and how.jump > JUMP:
        notes.append(
            f"gap before segment {number}: an atom moves {how.jump:.2f} Å across it"
        )
    if how.turned:
        notes.append(
            f"atoms turn abruptly where segment {number} begins: its velocities were "
            "not those of the one before, which disturbs diffusion and energies"
        )
    if abs(shift) > 1e-6:
        notes.append(f"the time of segment {number} was shifted by {shift:g} fs")
    return tuple(notes)
