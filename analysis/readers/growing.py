"""Reading on in a file that grows: what is new since the last look, as segments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.buffered_file import ByteWindow
from ionface.analysis.readers.chunks import UNKNOWN, Chunk
from ionface.analysis.readers.run_metadata import Clock
from ionface.analysis.readers.time_axis import Labels
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.store import (
    PAGE,
    SCALARS,
    Header,
    read_header,
    valid_records,
)
from ionface.errors import AnalysisError, UnknownTimeError


class Growing(ABC):
    """What reads on in a file.

    Attributes:
        species: chemical symbol of each atom.
        pbc: periodic along each cell vector.
    """

    species: tuple[str, ...]
    pbc: tuple[bool, bool, bool] = (True, True, True)

    @abstractmethod
    def new(self) -> Iterator[Segment]:
        """Yield what has become complete."""


class GrowingText(Growing):
    """An XDATCAR or vasprun.xml."""

    def __init__(
        self,
        path: Path,
        stream: XdatcarStream | VasprunStream,
        clock: Clock,
        given: float | None,
    ) -> None:
        self._path, self._stream = path, stream
        self.species = tuple(stream.species)
        self._given, self._clock = given, clock
        self._count = 0
        self._first = self._last = UNKNOWN
        self._stride = clock.block or 1

    def new(self) -> Iterator[Segment]:
        """Yield what has become complete.

        Raises:
            AnalysisError: the file is damaged, or its time unknown.
        """
        for chunk in self._stream.chunks(final=False):
            yield self._segment(chunk)
        if self._stream.reason:
            raise AnalysisError(
                f"{self._path} cannot be followed beyond its {self._count} complete "
                f"frames: {self._stream.reason}"
            )

    def _segment(self, chunk: Chunk) -> Segment:
        steps = self._steps(chunk)
        self._count += len(chunk)
        return Segment(
            steps=steps,
            times_fs=self._times(steps),
            lattices=chunk.lattices,
            positions=chunk.positions,
            scalars=chunk.scalars,
        )

    def _steps(self, chunk: Chunk) -> Labels:
        """Return the steps by the labels, or counted where there are none."""
        labels, known = chunk.labels, (chunk.labels != UNKNOWN).all()
        if self._count == 0 and known:
            self._first = self._last = int(labels[0])
        if self._first == UNKNOWN or not known:
            return np.arange(self._count, self._count + len(chunk)) * self._stride
        jumps = np.diff(np.concatenate([[self._last], labels]))
        if (jumps[self._count == 0 :] <= 0).any():
            raise AnalysisError(
                f"the labels of {self._path} restart after {self._last}: another run "
                "goes on in this file; open it when it is finished"
            )
        forward = jumps[jumps > 0]
        if self._count < 2 and len(forward):
            self._stride = int(forward[0])
        self._last = int(labels[-1])
        steps: Labels = labels - self._first
        return steps

    def _times(self, steps: Labels) -> FloatArray:
        if self._given is not None:
            return np.asarray(steps / self._stride * self._given, dtype=np.float64)
        told = self._clock.timestep_fs
        if self._clock.motion is not None and steps.any():
            raise UnknownTimeError(
                f"{self._path} is no molecular dynamics (IBRION = "
                f"{self._clock.motion}), its POTIM is no time; give timestep_fs=..."
            )
        if told is None and steps.any():
            raise UnknownTimeError(
                f"the time between the frames of {self._path} is in no file; give "
                "timestep_fs=..."
            )
        if told and self._clock.block and self._stride % self._clock.block:
            raise UnknownTimeError(
                f"the labels of {self._path} advance by {self._stride}, its NBLOCK is "
                f"{self._clock.block}; give timestep_fs=..., the time between frames"
            )
        return np.asarray(steps * (told or 0.0), dtype=np.float64)


class GrowingStore(Growing):
    """A file of our own format."""

    def __init__(self, path: Path, window: ByteWindow, header: Header) -> None:
        self._path, self._window, self._header = path, window, header
        self.species, self.pbc = header.species, header.pbc
        self._dtype = header.record_dtype()
        self._damaged = False

    def new(self) -> Iterator[Segment]:
        """Yield what has become complete.

        Raises:
            AnalysisError: a frame is damaged.
        """
        size = self._dtype.itemsize
        while self._window.fill(size):
            count = len(self._window) // size
            data = self._window.piece(0, count * size)
            records = np.frombuffer(data, self._dtype)
            whole = valid_records(records)
            good = count if whole.all() else int(np.argmin(whole))
            self._window.advance(good * size)
            if good:
                self._damaged = False
                yield self._segment(records[:good])
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

    def _segment(self, records: NDArray[np.void]) -> Segment:
        lattice = self._header.lattice
        return Segment(
            steps=records["step"],
            times_fs=records["time_fs"],
            lattices=records["lattice"] if lattice is None else np.array([lattice]),
            positions=records["positions"],
            scalars={name: records[name] for name in SCALARS},
            velocities=records["velocities"] if self._header.velocities else None,
            thermostat=records["thermostat"] if self._header.thermostat else None,
        )


def begin_store(path: Path, window: ByteWindow) -> Growing | None:
    """Return the reader of a file of our own, None as long as its header is not whole.

    Raises:
        TrajectoryError: its header is damaged.
    """
    if not window.fill(PAGE):
        return None
    header, offset = read_header(BytesIO(window.piece(0, len(window))), path)
    window.advance(offset)
    return GrowingStore(path, window, header)
