"""The new frames of a file that a run is still writing, and whether the run is over.

Only bytes that were never read are read, and only whole frames are given: one whose
last line has no end yet waits for the next look. A file that is replaced, cut or
removed ends the following with an error that says so, because its frames would not
continue those given before.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.blocks import sane
from ionface.analysis.readers.opening import (
    PathLike,
    check_timestep,
    refuse_learned_forces,
)
from ionface.analysis.readers.run_metadata import Clock, Neighbors, clock_of
from ionface.analysis.readers.text import READ, TextBuffer, is_compressed
from ionface.analysis.readers.time_axis import Labels, time_axis
from ionface.analysis.readers.vasp_level import level_beside, vasp_level
from ionface.analysis.readers.vasprun import ENDING, OPENING, VasprunStream
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.store import (
    MAGIC,
    PAGE,
    Header,
    read_header,
    records_segment,
    valid_records,
)
from ionface.errors import AnalysisError, UnknownTimeError

LAST_BYTES = 1 << 14
"""Bytes at the end of a file in which its closing words are looked for."""

STATISTICS = b"General timing and accounting"
"""What VASP prints into OUTCAR when it ends by itself."""


class Follower:
    """Looks at a growing file again and again.

    Times and steps count from the file's first frame, as in `open_trajectory`.

    Attributes:
        frames: how many were given so far.
    """

    def __init__(self, path: PathLike, timestep_fs: float | None = None) -> None:
        """Remember what to follow; the file is opened when it is there.

        Args:
            path: an XDATCAR, a vasprun.xml or a file of our own store; it may not
                exist yet.
            timestep_fs: time between stored frames, fs, where the files do not tell.

        Raises:
            AnalysisError: the file is compressed, or the time step not positive.
        """
        self.path = Path(path)
        self.frames = 0
        if is_compressed(self.path):
            raise AnalysisError(
                f"{self.path} is compressed and cannot grow; open it instead"
            )
        check_timestep(timestep_fs)
        self._given = timestep_fs
        self._buffer: TextBuffer | None = None
        self._reader: _GrowingText | _GrowingStore | None = None
        self._identity = (0, 0)

    @property
    def bytes_read(self) -> int:
        """Return how many bytes of the file were read so far."""
        return 0 if self._buffer is None else self._buffer.bytes_read

    @property
    def species(self) -> tuple[str, ...]:
        """Return the chemical symbol of each atom."""
        return () if self._reader is None else self._reader.species

    @property
    def pbc(self) -> tuple[bool, bool, bool]:
        """Return whether the cell is periodic along each of its vectors."""
        return (True, True, True) if self._reader is None else self._reader.pbc

    @property
    def meta(self) -> Mapping[str, Any]:
        """Return the meta that a trajectory of this file has; empty before a look."""
        return {} if self._reader is None else self._reader.meta

    def look(self) -> Iterator[Segment]:
        """Yield what was completed since the last look.

        Raises:
            AnalysisError: the file cannot be followed, is damaged, or was replaced, cut
                or removed meanwhile; or the time between its frames is unknown.
        """
        if not self._still_there():
            return
        buffer = self._open() if self._buffer is None else self._buffer
        if self._reader is None:
            self._reader = self._begin(buffer)
        if self._reader is None:
            return
        for segment in self._reader.new():
            self.frames += len(segment)
            yield segment

    def close(self) -> None:
        """Release the file."""
        if self._buffer is not None:
            self._buffer.close()

    def _open(self) -> TextBuffer:
        self._buffer = TextBuffer(self.path)
        found = self.path.stat()
        self._identity = (found.st_dev, found.st_ino)
        return self._buffer

    def _still_there(self) -> bool:
        """Return whether there is a file to look at, the one that was begun."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            if self._buffer is None:
                return False
            self._lost("removed")
        if self._buffer is not None:
            if (found.st_dev, found.st_ino) != self._identity:
                self._lost("replaced by another file")
            if found.st_size < self._buffer.bytes_read:
                self._lost("cut short")
        return True

    def _lost(self, what: str) -> None:
        raise AnalysisError(
            f"{self.path} was {what} while it was followed, after {self.frames} "
            "frames; follow it again to begin with the frames that it has now"
        )

    def _begin(self, buffer: TextBuffer) -> _GrowingText | _GrowingStore | None:
        """Return the reader of the file, None as long as its header is not whole."""
        buffer.fill(READ)
        start = buffer.get(0, PAGE)
        if not start:
            return None
        if start.startswith(MAGIC[: len(start)]):
            return _begin_store(self.path, buffer)
        if b"<modeling" in start or self.path.name.lower().startswith("vasprun"):
            return self._begin_vasprun(buffer)
        if start.count(b"\n") < 7:  # the lines of a header
            return None
        stream = XdatcarStream(self.path, buffer)
        beside = Neighbors.of(self.path, stream.species)
        clock, level = beside.clock(), level_beside(beside)
        return _GrowingText(self.path, stream, clock, self._given, level)

    def _begin_vasprun(self, buffer: TextBuffer) -> _GrowingText | None:
        if buffer.seek(OPENING) < 0:
            return None
        stream = VasprunStream(self.path, buffer)
        refuse_learned_forces(self.path, stream.settings)
        clock = Clock(clock_of(stream.settings).timestep_fs, 1)
        level = vasp_level(stream.settings)
        return _GrowingText(self.path, stream, clock, self._given, level)


# --- what reads on in a file --------------------------------------------------------


class _GrowingText:
    """An XDATCAR or vasprun.xml."""

    pbc = (True, True, True)

    def __init__(
        self,
        path: Path,
        stream: XdatcarStream | VasprunStream,
        clock: Clock,
        given: float | None,
        level: LevelOfTheory | None,
    ) -> None:
        self._path, self._stream = path, stream
        self.species = tuple(stream.species)
        self.meta = {"level_of_theory": level.as_dict()} if level else {}
        self._given, self._clock = given, clock
        self._labels = np.zeros(0, dtype=np.int64)

    def new(self) -> Iterator[Segment]:
        """Yield what has become complete.

        Raises:
            AnalysisError: the file is damaged, or its time unknown.
        """
        for block in sane(self._stream.blocks(final=False), self._stream):
            steps, times = self._time(block.labels)
            yield Segment(steps, times, block.lattices, block.positions, block.scalars)
        if self._stream.reason:
            raise AnalysisError(
                f"{self._path} cannot be followed beyond its {len(self._labels)} "
                f"complete frames: {self._stream.reason}"
            )

    def _time(self, labels: Labels) -> tuple[Labels, FloatArray]:
        """Return steps and times of new frames: those that opening the file gives."""
        before = len(self._labels)
        self._labels = np.concatenate([self._labels, labels])
        axis = time_axis(self._path, self._labels, self._clock, self._given)
        if axis.untimed:
            raise UnknownTimeError(axis.untimed)
        if len(axis.segments) > 1:
            raise AnalysisError(
                f"the labels of {self._path} restart: another run goes on in this "
                "file; open it when it is finished"
            )
        return axis.segments[0].steps[before:], axis.segments[0].times_fs[before:]


class _GrowingStore:
    """A file of our own format."""

    def __init__(self, path: Path, buffer: TextBuffer, header: Header) -> None:
        self._path, self._buffer, self._header = path, buffer, header
        self.species, self.pbc, self.meta = header.species, header.pbc, header.meta
        self._dtype = header.record_dtype()
        self._damaged = False

    def new(self) -> Iterator[Segment]:
        """Yield what has become complete.

        Raises:
            AnalysisError: a frame is damaged.
        """
        size = self._dtype.itemsize
        while self._buffer.fill(size):
            count = len(self._buffer) // size
            records = np.frombuffer(self._buffer.get(0, count * size), self._dtype)
            whole = valid_records(records)
            good = count if whole.all() else int(np.argmin(whole))
            self._buffer.advance(good * size)
            if good:
                self._damaged = False
                yield records_segment(records[:good], self._header)
            if good < count:
                break
        else:
            return
        # A record may be seen while it is being written; twice, it is damaged.
        if self._damaged:
            raise AnalysisError(
                f"a frame of {self._path} is damaged (its checksum is wrong); stop the "
                "run that writes it and resume it, which cuts the damage off"
            )
        self._damaged = True


def _begin_store(path: Path, buffer: TextBuffer) -> _GrowingStore | None:
    """Return the reader of a file of our own, None as long as its header is not whole.

    Raises:
        TrajectoryError: its header is damaged.
    """
    if not buffer.fill(PAGE):
        return None
    header, offset = read_header(BytesIO(buffer.get(0, len(buffer))), path)
    buffer.advance(offset)
    return _GrowingStore(path, buffer, header)


# --- whether the run is over --------------------------------------------------------


def run_over(path: Path) -> bool:
    """Return whether nothing more will come; False where nothing tells.

    A file of our own store is locked by whoever writes it; vasprun.xml is closed, and
    OUTCAR ends with statistics. A run that was killed leaves neither of the latter.

    Args:
        path: a file of our store, or an XDATCAR or vasprun.xml.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) == MAGIC:
                return _unlocked(stream.fileno())
    except OSError:
        return False
    if path.name.lower().startswith("vasprun"):
        return ENDING in _last_bytes(path)
    folder = path.parent
    closed = ENDING in _last_bytes(folder / "vasprun.xml")
    return closed or STATISTICS in _last_bytes(folder / "OUTCAR")


def _unlocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _last_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - LAST_BYTES))
            return stream.read(LAST_BYTES)
    except OSError:
        return b""
