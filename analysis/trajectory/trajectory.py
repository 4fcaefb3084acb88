"""A trajectory as the analysis sees it, whatever file it came from.

`Trajectory.open` reads our own store (see trajectory_format), `Trajectory.join` chains
segments, `readers.open_trajectory` reads everything else. Frames stay on the disk until
they are looked at: our store is memory-mapped, `blocks` walks through it in pieces.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.file_layout import SCALARS, read_header
from ionface.analysis.trajectory.frame_records import read_segments, release
from ionface.analysis.trajectory.frames import FloatArray, Frame, Segment, Skipped
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import TrajectoryError

__all__ = ["Frame", "Segment", "Skipped", "Trajectory", "TrajectoryWriter"]


@dataclass(frozen=True)
class Trajectory:
    """Frames in the order of time.

    Attributes:
        species: chemical symbol of each atom.
        segments: pieces in the order of time; none is empty.
        pbc: periodic along each cell vector.
        sources: the files that the frames came from.
        skipped: what was left out, and why.
        notes: what else one should know: seams, shifted times, torn ends.
        meta: what the writer left.
        fixed: coordinates that the run held fixed, along the cell vectors, shape
            (n_atoms, 3); None where none is, or nothing tells.
    """

    species: tuple[str, ...]
    segments: tuple[Segment, ...]
    pbc: tuple[bool, bool, bool] = (True, True, True)
    sources: tuple[str, ...] = ()
    skipped: Skipped = field(default_factory=Skipped)
    notes: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    fixed: NDArray[np.bool_] | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Trajectory:
        """Return the whole frames of a file of our own format, memory-mapped.

        The file may still be growing; frames that come later are not seen.

        Raises:
            TrajectoryError: there is no such file, or it is not ours, or damaged.
        """
        return _open(Path(path))

    @classmethod
    def join(cls, parts: Sequence[Trajectory | str | os.PathLike[str]]) -> Trajectory:
        """Return one trajectory from segments that continue one another.

        See `joining.join`, which says what happens at the seams.
        """
        from ionface.analysis.trajectory.joining import join

        return join([p if isinstance(p, Trajectory) else cls.open(p) for p in parts])

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments)

    @property
    def n_frames(self) -> int:
        """Return the number of frames."""
        return len(self)

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""
        return len(self.species)

    @property
    def complete(self) -> bool:
        """Return whether everything that the sources hold was usable."""
        return self.skipped.count == 0

    @property
    def lattice(self) -> FloatArray:
        """Return the cell of the first frame, Å, shape (3, 3).

        Raises:
            TrajectoryError: there is no frame.
        """
        return np.array(self._nonempty()[0].lattices[0])

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Return the MD step of each frame, shape (n_frames,)."""
        parts = [segment.steps for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    @cached_property
    def times_fs(self) -> FloatArray:
        """Return the time of each frame, fs, shape (n_frames,)."""
        parts = [segment.times_fs for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0)

    @property
    def positions(self) -> FloatArray:
        """Return all positions, Å, shape (n_frames, n_atoms, 3).

        A view of the file if there is one segment; several are copied into memory, so
        prefer `blocks` for long trajectories.
        """
        if len(self.segments) == 1:
            return self.segments[0].positions
        parts = [segment.positions for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros((0, self.n_atoms, 3))

    @cached_property
    def scalars(self) -> Mapping[str, FloatArray]:
        """Return energies (eV) and temperature (K) by name, each (n_frames,).

        Those of `trajectory_files.layout.SCALARS` are always there, NaN where unknown;
        VASP
        adds e_0_energy (at zero smearing), nosepot and nosekinetic.
        """
        further = [name for segment in self.segments for name in segment.scalars]
        return {
            name: self._scalar(name) for name in dict.fromkeys((*SCALARS, *further))
        }

    @property
    def energies(self) -> FloatArray:
        """Return the potential energy of each frame, eV; NaN where unknown."""
        return self.scalars["potential_energy"]

    def indices(self, symbol: str) -> NDArray[np.intp]:
        """Return the atoms of a species.

        Raises:
            TrajectoryError: the trajectory has no such species.
        """
        found = np.flatnonzero(np.asarray(self.species) == symbol)
        if not len(found):
            raise TrajectoryError(
                f"no {symbol!r} in this trajectory; it has {sorted(set(self.species))}"
            )
        return found

    def frame(self, index: int) -> Frame:
        """Return one frame; negative indices count from the end.

        Raises:
            IndexError: there is no such frame.
        """
        wanted = index + len(self) if index < 0 else index
        for segment in self.segments:
            if 0 <= wanted < len(segment):
                return segment.frame(wanted)
            wanted -= len(segment)
        raise IndexError(f"frame {index} of a trajectory of {len(self)} frames")

    def blocks(self, size: int = 256) -> Iterator[Segment]:
        """Yield all frames in pieces of at most `size`, in the order of time.

        Pages of the file that a piece was read from may leave memory when the next
        one is asked for; they come back if they are looked at again.
        """
        for segment in self.segments:
            for start in range(0, len(segment), size):
                piece = segment[start : start + size]
                yield piece
                release(piece.positions)

    def between(self, start: int, stop: int) -> Trajectory:
        """Return frames start..stop-1 as views."""
        pieces, offset = [], 0
        for segment in self.segments:
            low, high = max(0, start - offset), max(0, stop - offset)
            if len(piece := segment[low:high]):
                pieces.append(piece)
            offset += len(segment)
        return replace(self, segments=tuple(pieces))

    def digest(self) -> str:
        """Return the SHA-256 of species, cells, times and positions.

        It does not depend on how the frames are spread over files.
        """
        total = hashlib.sha256(" ".join(self.species).encode())
        for block in self.blocks():
            for index in range(len(block)):
                frame = block.frame(index)
                total.update(np.float64(frame.time_fs).tobytes())
                total.update(frame.lattice.tobytes() + frame.positions.tobytes())
        return total.hexdigest()

    def _nonempty(self) -> tuple[Segment, ...]:
        if not self.segments:
            raise TrajectoryError(
                f"no complete frame in {', '.join(self.sources) or 'the trajectory'}"
                f"{': ' if self.skipped.reason else ''}{self.skipped.reason}; "
                "let the run finish a step, or give another file"
            )
        return self.segments

    def _scalar(self, name: str) -> FloatArray:
        parts = [
            segment.scalars.get(name, np.full(len(segment), np.nan))
            for segment in self.segments
        ]
        return np.concatenate(parts) if parts else np.zeros(0)


def _open(path: Path) -> Trajectory:
    try:
        with path.open("rb") as stream:
            header, offset = read_header(stream, path)
            size = stream.seek(0, os.SEEK_END)
        count, torn = divmod(max(0, size - offset), header.record_dtype().itemsize)
        segments, bad = read_segments(path, header, offset, count)
    except OSError as error:
        raise TrajectoryError(
            f"cannot read the trajectory {path}: {error.strerror}"
        ) from error
    return Trajectory(
        species=header.species,
        segments=segments,
        pbc=header.pbc,
        sources=header.sources or (str(path),),
        skipped=_skipped(bad, torn),
        meta=header.meta,
    )


def _skipped(bad: list[int], torn: int) -> Skipped:
    reasons = []
    if bad:
        shown = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        reasons.append(f"checksum of frame {shown} is wrong")
    if torn:
        reasons.append(f"the last frame is incomplete ({torn} bytes)")
    return Skipped(len(bad) + bool(torn), "; ".join(reasons))
