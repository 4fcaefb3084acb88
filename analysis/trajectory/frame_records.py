"""Our own trajectory files as segments: checked once, then mapped from the disk."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.file_layout import SCALARS, Header, valid_records
from ionface.analysis.trajectory.frames import Segment

_AT_ONCE = 1 << 22  # bytes of records that are checked at once


def read_segments(
    path: Path, header: Header, offset: int, count: int
) -> tuple[tuple[Segment, ...], list[int]]:
    """Return the whole frames of a file, and which have a wrong checksum.

    Args:
        path: of the file.
        header: of the file.
        offset: of the first record, in bytes.
        count: of records that are complete.

    Raises:
        OSError: the file cannot be read.
    """
    if count == 0:
        return (), []
    dtype = header.record_dtype()
    heads, whole = _heads(path, dtype, offset, count)
    records = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=(count,))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]])))
    segments = tuple(
        _segment(records[low:high], heads[low:high], header)
        for low, high in edges.reshape(-1, 2)
    )
    return segments, [int(index) for index in np.flatnonzero(~whole)]


def _heads(
    path: Path, dtype: np.dtype[np.void], offset: int, count: int
) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """Return step, time and scalars of each record, and which are whole.

    Every byte is read once, in pieces that do not stay in memory.
    """
    names = ["step", "time_fs", *SCALARS]
    kept = np.dtype([(name, dtype[name]) for name in names])
    heads = np.zeros(count, dtype=kept)
    whole = np.zeros(count, dtype=np.bool_)
    size = max(1, _AT_ONCE // dtype.itemsize)
    with path.open("rb") as stream:
        stream.seek(offset)
        for start in range(0, count, size):
            piece = stream.read(min(size, count - start) * dtype.itemsize)
            records = np.frombuffer(piece, dtype, len(piece) // dtype.itemsize)
            stop = start + len(records)
            whole[start:stop] = valid_records(records)
            for name in names:
                heads[name][start:stop] = records[name]
    return heads, whole


def _segment(
    records: NDArray[np.void], heads: NDArray[np.void], header: Header
) -> Segment:
    if header.lattice is None:
        lattices = records["lattice"]
    else:
        lattices = np.asarray(header.lattice)[None]
    return Segment(
        steps=np.array(heads["step"]),
        times_fs=np.array(heads["time_fs"]),
        lattices=lattices,
        positions=records["positions"],
        scalars={name: np.array(heads[name]) for name in SCALARS},
        velocities=records["velocities"] if header.velocities else None,
        thermostat=records["thermostat"] if header.thermostat else None,
    )


def release(array: NDArray[Any]) -> None:
    """Let the pages of a mapped file that an array shows leave memory.

    Only if it is mapped for reading: nothing is lost, they are read again if needed.
    """
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        if isinstance(base, np.memmap) and base.mode != "r":
            return
        base = base.base
    if not isinstance(base, mmap.mmap) or not hasattr(base, "madvise"):
        return
    low, high = np.lib.array_utils.byte_bounds(array)
    origin = np.frombuffer(base, np.uint8).ctypes.data
    start = -(-(low - origin) // mmap.PAGESIZE) * mmap.PAGESIZE
    length = high - origin - start
    if length > 0:
        base.madvise(mmap.MADV_DONTNEED, start, length)
