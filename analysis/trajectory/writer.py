"""Writing our own trajectory files: one writer each, frame by frame, never torn.

The form of the file is in `store`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.store import (
    SCALARS,
    STRESSES,
    Header,
    encode_header,
    read_header,
    seal,
    valid_records,
)
from ionface.errors import TrajectoryError
from ionface.files import PART, Closing

SYNC_INTERVAL_S = 5.0
"""At most this much finished dynamics, in seconds, is lost when the power fails."""


class TrajectoryWriter(Closing):
    """Appends frames to a trajectory file that nobody else is writing.

    Use `create` or `resume`, and close it (or use it in a `with` statement).
    """

    def __init__(
        self,
        path: Path,
        descriptor: int,
        header: Header,
        n_frames: int,
        clock: Callable[[], float],
    ) -> None:
        self.path = path
        self.header = header
        self.n_frames = n_frames
        self._descriptor: int | None = descriptor
        self._dtype = header.record_dtype()
        self._size = os.fstat(descriptor).st_size
        self._clock = clock
        self._synced = clock()
        self.last = self._read_last() if n_frames else None
        """The last frame: record with step, time_fs, positions, velocities, ..."""

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        species: Sequence[str],
        lattice: ArrayLike | None,
        *,
        pbc: Sequence[bool] = (True, True, True),
        velocities: bool = False,
        thermostat: int = 0,
        stress: bool = False,
        sources: Sequence[str] = (),
        meta: dict[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Return the writer of a new trajectory; its header appears at once.

        Args:
            path: must not exist yet.
            species: chemical symbol of each atom.
            lattice: Å, shape (3, 3); None where every frame brings its own.
            pbc: periodic along each cell vector.
            velocities: every frame brings velocities.
            thermostat: number of thermostat variables that every frame brings.
            stress: every frame brings the stress.
            sources: where the frames come from.
            meta: anything JSON-able.
            clock: seconds; decides when to flush to the disk.

        Raises:
            TrajectoryError: the file exists, the folder cannot be written, or the
                header is not usable.
        """
        path = Path(path)
        header = Header(
            species=tuple(species),
            lattice=None if lattice is None else _rows(lattice),
            pbc=(bool(pbc[0]), bool(pbc[1]), bool(pbc[2])),
            velocities=velocities,
            thermostat=thermostat,
            sources=tuple(sources),
            meta=meta or {},
            stress=stress,
        )
        if not header.species:
            raise TrajectoryError("a trajectory needs at least one atom")
        return cls(path, _create_locked(path, encode_header(header)), header, 0, clock)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Return the writer that continues a trajectory after its last whole frame.

        A torn or damaged end is cut off; `last` is the frame to continue from.

        Raises:
            TrajectoryError: no such file, not ours, or another writer has it open.
        """
        path = Path(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise TrajectoryError(
                f"cannot resume {path}: {error.strerror}; create the trajectory first"
            ) from error
        try:
            _lock(descriptor, path)
            with path.open("rb") as stream:
                header, offset = read_header(stream, path)
            size = header.record_dtype().itemsize
            n_frames = _last_whole_frame(path, header, offset)
            os.ftruncate(descriptor, offset + n_frames * size)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, header, n_frames, clock)

    def append(
        self,
        *,
        step: int,
        time_fs: float,
        positions: ArrayLike,
        potential_energy: float = np.nan,
        kinetic_energy: float = np.nan,
        temperature: float = np.nan,
        conserved: float = np.nan,
        velocities: ArrayLike | None = None,
        thermostat: ArrayLike | None = None,
        lattice: ArrayLike | None = None,
        stress: ArrayLike | None = None,
    ) -> None:
        """Write one frame.

        Args:
            step: number of the MD step; larger than that of the frame before.
            time_fs: time, fs.
            positions: Cartesian and unwrapped, Å, shape (n_atoms, 3).
            potential_energy: eV.
            kinetic_energy: eV.
            temperature: K.
            conserved: the quantity that the equations of motion conserve, eV.
            velocities: Å/fs, shape (n_atoms, 3); as promised in the header.
            thermostat: state to restart from; as promised in the header.
            lattice: Å, shape (3, 3); if and only if the header has none.
            stress: in the order of `STRESSES`, GPa, shape (6,); as promised.

        Raises:
            TrajectoryError: a field is missing, of the wrong shape or not finite, the
                step does not advance, or the disk is full.
        """
        if self.last is not None and step <= (before := int(self.last["step"])):
            raise TrajectoryError(
                f"step {step} of {self.path} does not advance from step {before}; "
                "append every step once, in order"
            )
        record = np.zeros((), dtype=self._dtype)
        self._fill(record, "positions", positions)
        self._fill(record, "velocities", velocities)
        self._fill(record, "thermostat", thermostat)
        self._fill(record, "lattice", lattice)
        energies = (potential_energy, kinetic_energy, temperature, conserved)
        for name, scalar in zip(SCALARS, energies, strict=True):
            record[name] = scalar
        self._fill_stress(record, stress)
        record["step"], record["time_fs"] = step, time_fs
        self._write(seal(record), step)
        self.last = record
        self.n_frames += 1
        if self._clock() - self._synced >= SYNC_INTERVAL_S:
            self.flush()

    def append_segment(self, segment: Segment) -> None:
        """Write the frames of a segment, without velocities and thermostats.

        Raises:
            TrajectoryError: as `append`.
        """
        names = [name for name in SCALARS if name in segment.scalars]
        for index in range(len(segment)):
            frame = segment.frame(index)
            told = [frame.scalars.get(name, np.nan) for name in STRESSES]
            self.append(
                step=frame.step,
                time_fs=frame.time_fs,
                positions=frame.positions,
                lattice=frame.lattice if self.header.lattice is None else None,
                stress=told if self.header.stress else None,
                **{name: frame.scalars[name] for name in names},
            )

    def flush(self) -> None:
        """Wait until all frames are on the disk."""
        os.fsync(self._open())
        self._synced = self._clock()

    def close(self) -> None:
        """Flush, release the file; a second close does nothing."""
        if self._descriptor is not None:
            try:
                self.flush()
            finally:
                os.close(self._descriptor)
                self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            raise TrajectoryError(f"{self.path} is closed; resume it to append more")
        return self._descriptor

    def _fill(
        self, record: NDArray[np.void], name: str, value: ArrayLike | None
    ) -> None:
        promised = name in (self._dtype.names or ())
        if promised != (value is not None):
            raise TrajectoryError(
                f"the header of {self.path} says {name}: {promised}, this frame brings "
                f"{'some' if value is not None else 'none'}; give all frames the same"
            )
        if value is None:
            return
        array = np.asarray(value, dtype=np.float64)
        if array.shape != record[name].shape or not np.isfinite(array).all():
            raise TrajectoryError(
                f"{name} must be finite numbers of shape {record[name].shape}, got "
                f"shape {array.shape}"
                f"{'' if np.isfinite(array).all() else ' with NaN or infinity'}; "
                "stop the run: its forces may have exploded"
            )
        record[name] = array

    def _fill_stress(self, record: NDArray[np.void], stress: ArrayLike | None) -> None:
        if self.header.stress != (stress is not None):
            raise TrajectoryError(
                f"the header of {self.path} says stress: {self.header.stress}; give "
                "all frames the same"
            )
        if stress is not None:
            for name, value in zip(STRESSES, np.asarray(stress), strict=True):
                record[name] = value

    def _write(self, data: bytes, step: int) -> None:
        descriptor = self._open()
        try:
            written = os.write(descriptor, data)
            reason = "the disk is full"
        except OSError as error:
            written, reason = 0, error.strerror or str(error)
        if written != len(data):
            os.ftruncate(descriptor, self._size)
            raise TrajectoryError(
                f"cannot write step {step} to {self.path}: {reason}; its "
                f"{self.n_frames} frames are safe, free some space and resume"
            )
        self._size += written

    def _read_last(self) -> NDArray[np.void]:
        size = self._dtype.itemsize
        data = os.pread(self._open(), size, self._size - size)
        return np.frombuffer(data, dtype=self._dtype).reshape(()).copy()


def _rows(lattice: ArrayLike) -> tuple[tuple[float, ...], ...]:
    array = np.asarray(lattice, dtype=np.float64)
    if array.shape != (3, 3) or not abs(np.linalg.det(array)) > 0:
        raise TrajectoryError(
            f"a lattice is three independent vectors in Å, shape (3, 3); got "
            f"{array.tolist()}"
        )
    return tuple(tuple(float(x) for x in row) for row in array)


def _last_whole_frame(path: Path, header: Header, offset: int) -> int:
    dtype = header.record_dtype()
    count = (path.stat().st_size - offset) // dtype.itemsize
    if not count:
        return 0
    records = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=(count,))
    while count and not valid_records(records[count - 1 : count])[0]:
        count -= 1
    return count


def _create_locked(path: Path, header: bytes) -> int:
    """Return the locked descriptor of a new file that has its header from birth.

    Raises:
        TrajectoryError: the file exists, or its folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}{PART}")
    way_out = "choose a folder that can be written"
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
        descriptor = os.open(temporary, flags, 0o666)
        try:
            way_out = "free some space"
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.write(descriptor, header) != len(header):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            os.link(temporary, path)  # atomic, and never over an existing file
        except OSError:
            os.close(descriptor)
            raise
        finally:
            temporary.unlink()
    except OSError as error:
        if path.exists():
            way_out = "resume it or remove it"
        raise TrajectoryError(
            f"cannot create {path}: {error.strerror}; {way_out}"
        ) from error
    return descriptor


def _lock(descriptor: int, path: Path) -> None:
    """Lock an open file against other writers, until it is closed or we die.

    Raises:
        TrajectoryError: another process has it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrajectoryError(
            f"another process is writing {path}; wait for it or stop it"
        ) from error
