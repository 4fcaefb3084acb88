"""Our own trajectory files: what a kill, a full disk or a second writer cannot harm.

    8 bytes   magic "IONFTRJ1"
    16 bytes  four little-endian u4: format version, header size, JSON size, JSON CRC-32
    JSON      species, lattice, pbc, fields, sources, meta
    padding   zeros up to the header size, a multiple of 4096
    records   one per frame, see `record_dtype`; each ends with its CRC-32

One frame is one write of one record, and a record counts only if it is complete and its
checksum is right: a file killed at any byte still reads as all frames written before.
A file exists only with its whole header, and only one process writes it.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import Segment
from ionface.errors import TrajectoryError

MAGIC = b"IONFTRJ1"
VERSION = 1
PAGE = 4096
SCALARS = ("potential_energy", "kinetic_energy", "temperature", "conserved")
STRESSES = tuple(f"stress_{axes}" for axes in ("xx", "yy", "zz", "yz", "xz", "xy"))
"""GPa, above zero under tension, without the part of the motion; in Voigt's order."""

_PREFIX = struct.Struct("<8s4I")
_MARK = 0x454D5246  # "FRME": a record of zeros is never valid
_AT_ONCE = 1 << 22  # bytes of records that are checked at once


# --- what a file begins with --------------------------------------------------------


@dataclass(frozen=True)
class Header:
    """What all frames of a trajectory share.

    Attributes:
        species: chemical symbol of each atom.
        lattice: rows are the cell vectors, Å, shape (3, 3); None where every frame
            carries its own.
        pbc: periodic along each cell vector.
        velocities: frames carry velocities.
        thermostat: number of thermostat variables in each frame.
        sources: where the frames came from.
        meta: anything JSON-able.
        stress: frames carry the stress.
    """

    species: tuple[str, ...]
    lattice: tuple[tuple[float, ...], ...] | None
    pbc: tuple[bool, bool, bool] = (True, True, True)
    velocities: bool = False
    thermostat: int = 0
    sources: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    stress: bool = False

    @property
    def scalars(self) -> tuple[str, ...]:
        """Return the names of what a frame has one number of."""
        return (*SCALARS, *STRESSES) if self.stress else SCALARS

    def record_dtype(self) -> np.dtype[np.void]:
        """Return the layout of one frame; every field is aligned to 8 bytes."""
        atoms = (len(self.species), 3)
        layout: list[Any] = [("step", "<i8"), ("time_fs", "<f8")]
        layout += [(name, "<f8") for name in self.scalars]
        layout += [("positions", "<f8", atoms)]
        if self.lattice is None:
            layout += [("lattice", "<f8", (3, 3))]
        if self.velocities:
            layout += [("velocities", "<f8", atoms)]
        if self.thermostat:
            layout += [("thermostat", "<f8", (self.thermostat,))]
        return np.dtype([*layout, ("mark", "<u4"), ("crc", "<u4")])


def encode_header(header: Header) -> bytes:
    """Return the padded header block.

    Raises:
        TrajectoryError: `meta` holds something that JSON has no form for.
    """
    content = asdict(header)
    if not header.stress:
        del content["stress"]  # as it was before there was any: digests must not change
    try:
        text = json.dumps(content).encode()
    except (TypeError, ValueError) as error:
        raise TrajectoryError(
            f"the trajectory's meta must be JSON (text, numbers, lists): {error}"
        ) from error
    size = -(-(_PREFIX.size + len(text)) // PAGE) * PAGE
    prefix = _PREFIX.pack(MAGIC, VERSION, size, len(text), zlib.crc32(text))
    return (prefix + text).ljust(size, b"\0")


def read_header(stream: BinaryIO, path: Path) -> tuple[Header, int]:
    """Return the header and its size in bytes, the offset of the first record.

    Raises:
        TrajectoryError: this is no trajectory of ours, or its header is damaged.
    """
    prefix = stream.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size or prefix[: len(MAGIC)] != MAGIC:
        raise TrajectoryError(
            f"{path} is not an ionface trajectory (it does not start with "
            f"{MAGIC.decode()}); read other formats with open_trajectory"
        )
    _, version, size, length, checksum = _PREFIX.unpack(prefix)
    if version != VERSION:
        raise TrajectoryError(
            f"{path} has trajectory format {version}, this ionface reads {VERSION}; "
            "use the version that wrote it"
        )
    # The sizes are not under the checksum: believe them only within the file.
    length_of_file = path.stat().st_size
    text = stream.read(length) if length <= size <= length_of_file else b""
    if not text or zlib.crc32(text) != checksum:
        raise TrajectoryError(
            f"the header of {path} is damaged or cut short, and without it no frame "
            "can be read; restore the file from a copy or run again"
        )
    return _header(json.loads(text)), size


def _header(content: dict[str, Any]) -> Header:
    lattice = content["lattice"]
    return Header(
        species=tuple(content["species"]),
        lattice=None if lattice is None else tuple(tuple(row) for row in lattice),
        pbc=tuple(content["pbc"]),
        velocities=content["velocities"],
        thermostat=content["thermostat"],
        sources=tuple(content["sources"]),
        meta=content["meta"],
        stress=content.get("stress", False),
    )


# --- frames as records --------------------------------------------------------------


def seal(record: NDArray[np.void]) -> bytes:
    """Return the bytes of a filled record with its checksum set, shape ()."""
    record["mark"] = _MARK
    data = record.tobytes()[:-4]
    return data + struct.pack("<I", zlib.crc32(data))


def valid_records(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return which records are whole: marked, and with the right checksum.

    Args:
        records: any number of records, shape (n,).
    """
    raw = memoryview(records.tobytes())
    size = records.dtype.itemsize
    sums = [
        zlib.crc32(raw[start : start + size - 4]) for start in range(0, len(raw), size)
    ]
    right: NDArray[np.bool_] = np.asarray(sums, dtype=np.uint32) == records["crc"]
    return right & (records["mark"] == _MARK)


@dataclass(frozen=True)
class StoredFrames:
    """What a file of ours holds.

    Attributes:
        header: of the file.
        segments: its whole frames, mapped from the disk.
        damaged: numbers of the records with a wrong checksum.
        torn: bytes of an incomplete record at the end.
        digest: SHA-256 of the header and of the checksums of all whole frames. Each
            record was just checked against its own checksum, so this stands for every
            byte of the frames at no further cost.
    """

    header: Header
    segments: tuple[Segment, ...]
    damaged: list[int]
    torn: int
    digest: str


def read_store(path: Path) -> StoredFrames:
    """Return the frames of a file, each checked once and mapped from then on.

    Raises:
        TrajectoryError: there is no such file, it is not ours, or its header is
            damaged.
    """
    try:
        with path.open("rb") as stream:
            header, offset = read_header(stream, path)
            size = stream.seek(0, os.SEEK_END)
        dtype = header.record_dtype()
        count, torn = divmod(max(0, size - offset), dtype.itemsize)
        heads, whole = _heads(path, header, offset, count)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]])))
        segments = tuple(
            records_segment(
                np.memmap(path, dtype, "r", offset + low * dtype.itemsize, high - low),
                header,
                heads[low:high],
            )
            for low, high in edges.reshape(-1, 2).tolist()
        )
    except OSError as error:
        raise TrajectoryError(
            f"cannot read the trajectory {path}: {error.strerror}"
        ) from error
    damaged = [int(index) for index in np.flatnonzero(~whole)]
    total = hashlib.sha256(encode_header(header) + heads["crc"][whole].tobytes())
    return StoredFrames(header, segments, damaged, torn, total.hexdigest())


def store_digest(path: str | os.PathLike[str]) -> str:
    """Return what proves that a file is still the one that was recorded.

    See `StoredFrames.digest`; `Trajectory.open` checks it.

    Raises:
        TrajectoryError: as `read_store`.
    """
    return read_store(Path(path)).digest


def _heads(
    path: Path, header: Header, offset: int, count: int
) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """Return all but the arrays of each record, and which records are whole.

    Every byte is read once, in blocks that do not stay in memory.
    """
    dtype = header.record_dtype()
    names = ["step", "time_fs", *header.scalars, "crc"]
    heads = np.zeros(count, dtype=[(name, dtype[name]) for name in names])
    whole = np.zeros(count, dtype=np.bool_)
    size = max(1, _AT_ONCE // dtype.itemsize)
    with path.open("rb") as stream:
        stream.seek(offset)
        for start in range(0, count, size):
            block = stream.read(min(size, count - start) * dtype.itemsize)
            records = np.frombuffer(block, dtype, len(block) // dtype.itemsize)
            stop = start + len(records)
            whole[start:stop] = valid_records(records)
            for name in names:
                heads[name][start:stop] = records[name]
    return heads, whole


def records_segment(
    records: NDArray[np.void], header: Header, heads: NDArray[np.void] | None = None
) -> Segment:
    """Return records that were checked as a segment of frames.

    Args:
        records: may be mapped from the disk.
        header: of their file.
        heads: all but their arrays in memory, where that is not in `records`.
    """
    heads = records if heads is None else heads
    constant = header.lattice is not None
    return Segment(
        steps=np.array(heads["step"]),
        times_fs=np.array(heads["time_fs"]),
        lattices=np.array([header.lattice]) if constant else records["lattice"],
        positions=records["positions"],
        scalars={name: np.array(heads[name]) for name in header.scalars},
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
