"""The time of every frame: from what the files tell, cross-checked, or unknown.

XDATCAR is written every NBLOCK steps and vasprun.xml every step; labels count steps,
unless somebody renumbered them, they outgrew their field or a file holds two runs.
POTIM is a time only in a molecular dynamics.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.blocks import UNKNOWN
from ionface.analysis.readers.run_metadata import Clock
from ionface.analysis.trajectory.frames import FloatArray

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class SegmentTimes:
    """Frames of one unbroken count.

    Attributes:
        start: first frame.
        stop: behind the last one.
        steps: MD step of each, from 0.
        times_fs: fs, from 0; NaN where the time between frames is unknown.
    """

    start: int
    stop: int
    steps: Labels
    times_fs: FloatArray


@dataclass(frozen=True)
class TimeAxis:
    """All frames of a source in time.

    Attributes:
        segments: in the order of the file; more than one where the count restarts.
        notes: what one should know.
        untimed: why the times are unknown, and so NaN; empty if they are known.
    """

    segments: tuple[SegmentTimes, ...]
    notes: tuple[str, ...]
    untimed: str = ""


def time_axis(
    path: Path, labels: Labels, clock: Clock, given: float | None
) -> TimeAxis:
    """Return the time axis of frames.

    Args:
        path: of their file, for messages.
        labels: step of each frame, UNKNOWN where there is none, shape (n,).
        clock: what the files tell. `clock.block` is the number of steps between the
            frames of this very file, None where that is not known.
        given: time between stored frames by the user, fs.
    """
    name = path.name
    labels, notes = _mended(name, labels)
    stride = _stride(labels, clock)
    untimed = "" if given else _unknown(path, labels, stride, clock)
    told = clock.timestep_fs * stride if clock.timestep_fs else None
    if given is not None and told is not None and not np.isclose(given, told):
        notes += (f"{name}: {given:g} fs between frames as given; files say {told:g}",)
    interval = np.nan if untimed else given or told or 0.0
    if not untimed and clock.block and stride > clock.block and not given:
        notes += (
            f"{name}: its labels advance by {stride} steps, it was written every "
            f"{clock.block}; took {stride} x {clock.timestep_fs:g} fs between frames",
        )
    # A label that does not advance begins another run, written into the same file.
    edges = [0, *(np.flatnonzero(np.diff(labels) <= 0) + 1).tolist(), len(labels)]
    if labels.size and labels[0] == UNKNOWN:
        edges = [0, len(labels)]
    segments, gaps = [], 0
    for start, stop in pairwise(edges):
        steps = _steps(labels[start:stop], stride)
        gaps += int((np.diff(steps) > stride).sum())
        segments.append(SegmentTimes(start, stop, steps, steps / stride * interval))
    if gaps:
        notes += (f"{name}: frames are missing at {gaps} places, by its labels",)
    if len(segments) > 1:
        notes += (f"{name}: its labels restart {len(segments) - 1} times",)
    return TimeAxis(tuple(segments), notes, untimed)


def told_axis(name: str, labels: Labels, times: FloatArray) -> TimeAxis | None:
    """Return the time axis of frames that each tell their time.

    Args:
        name: of their file.
        labels: step of each frame, UNKNOWN where there is none, shape (n,).
        times: fs, shape (n,); NaN where a frame tells none.

    Returns:
        None where a frame tells none, or all tell the same.
    """
    if len(times) < 2 or not np.isfinite(times).all() or not np.diff(times).any():
        return None
    edges = [0, *(np.flatnonzero(np.diff(times) <= 0) + 1).tolist(), len(times)]
    segments = []
    for start, stop in pairwise(edges):
        steps = labels[start:stop]
        if (steps == UNKNOWN).any() or (np.diff(steps) <= 0).any():
            steps = np.arange(stop - start, dtype=np.int64)
        begun = times[start:stop] - times[start]
        segments.append(SegmentTimes(start, stop, steps - steps[0], begun))
    again = f"{name}: its times restart {len(segments) - 1} times"
    return TimeAxis(tuple(segments), (again,) if len(segments) > 1 else ())


def _mended(name: str, labels: Labels) -> tuple[Labels, tuple[str, ...]]:
    """Return labels that are all known or all unknown, one slip put right."""
    known = labels != UNKNOWN
    if known.all() or not known.any():
        return _without_slips(name, labels)
    last = int(np.argmin(known))
    if last < 2 or known[last:].any():
        note = f"{name}: some of its labels are unreadable; frames were counted instead"
        return np.full(len(labels), UNKNOWN), (note,)
    # Fortran prints stars from the first label that outgrew its field to the end.
    stride = int(labels[last - 1] - labels[last - 2])
    further = labels[last - 1] + stride * np.arange(1, len(labels) - last + 1)
    mended = np.concatenate([labels[:last], further])
    note = f"{name}: labels beyond {labels[last - 1]} outgrew their field; counted on"
    return mended, (note,)


def _without_slips(name: str, labels: Labels) -> tuple[Labels, tuple[str, ...]]:
    """Return labels with single ones replaced that both neighbors contradict."""
    if len(labels) < 4 or labels[0] == UNKNOWN:
        return labels, ()
    stride = _commonest(np.diff(labels))
    middle = (labels[:-2] + labels[2:]) // 2
    # Only a single label between two that fit each other is surely a slip of a digit.
    agree = labels[2:] - labels[:-2] == 2 * stride
    slips = np.flatnonzero(agree & (labels[1:-1] != middle))
    if not len(slips):
        return labels, ()
    mended = labels.copy()
    mended[slips + 1] = middle[slips]
    return mended, (
        f"{name}: the label {labels[slips[0] + 1]} of frame {slips[0] + 2} contradicts "
        f"its neighbors; took {mended[slips[0] + 1]}",
    )


def _commonest(jumps: Labels) -> int:
    forward = jumps[jumps > 0]
    if not len(forward):
        return 1
    values, counts = np.unique(forward, return_counts=True)
    return int(values[np.argmax(counts)])


def _stride(labels: Labels, clock: Clock) -> int:
    """Return the steps between stored frames."""
    if len(labels) < 2 or labels[0] == UNKNOWN:
        return clock.block or 1
    forward = np.diff(labels)
    forward = forward[forward > 0]
    if not len(forward):
        return clock.block or 1
    # Where frames were left out, labels jump by a multiple of the true stride; if the
    # commonest jump does not divide them all, the frames were thinned irregularly.
    common = _commonest(forward)
    return common if not (forward % common).any() else int(np.gcd.reduce(forward))


def _unknown(path: Path, labels: Labels, stride: int, clock: Clock) -> str:
    """Return why the time between frames is unknown; empty if it is known."""
    if len(labels) < 2:  # there is no time between frames
        return ""
    if clock.motion is not None:
        return (
            f"{path} is no molecular dynamics (IBRION = {clock.motion}), its POTIM is "
            "no time; for what needs one, give timestep_fs=..., between stored frames"
        )
    if clock.timestep_fs is None:
        return (
            f"the time between the frames of {path} is in no file (POTIM of a "
            "vasprun.xml or INCAR with IBRION = 0 beside it); give timestep_fs=..., "
            "the time step times the steps between stored frames"
        )
    if labels[0] != UNKNOWN and clock.block and stride % clock.block:
        return (
            f"the labels of {path} advance by {stride}, its NBLOCK is {clock.block}: "
            "they may have been renumbered, and the time between frames cannot be "
            f"told ({clock.timestep_fs:g} fs x {stride} or x {clock.block}); give "
            "timestep_fs=..."
        )
    return ""


def _steps(labels: Labels, stride: int) -> Labels:
    if len(labels) and labels[0] != UNKNOWN:
        return labels - labels[0]
    return np.arange(len(labels), dtype=np.int64) * stride
