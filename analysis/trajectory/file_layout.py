"""The bytes of a trajectory file: a padded header, then records of one fixed size.

    8 bytes   magic "IONFTRJ1"
    16 bytes  four little-endian u4: format version, header size, JSON size, JSON CRC-32
    JSON      species, lattice, pbc, frame interval, fields, sources, meta
    padding   zeros up to the header size, a multiple of 4096
    records   one per frame, see `record_dtype`; each ends with its CRC-32

A record counts only if it is complete and its checksum is right, so that a file killed
at any byte still reads as all frames that were written before.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ionface.errors import TrajectoryError

MAGIC = b"IONFTRJ1"
VERSION = 1
PAGE = 4096
_PREFIX = struct.Struct("<8s4I")
_MARK = 0x454D5246  # "FRME": a record of zeros is never valid
SCALARS = ("potential_energy", "kinetic_energy", "temperature", "conserved")


@dataclass(frozen=True)
class Header:
    """What all frames of a trajectory share.

    Attributes:
        species: chemical symbol of each atom.
        lattice: rows are the cell vectors, Å, shape (3, 3); None where every frame
            carries its own.
        pbc: periodic along each cell vector.
        frame_interval_fs: time between stored frames, fs; None if not regular.
        velocities: frames carry velocities.
        thermostat: number of thermostat variables in each frame.
        sources: where the frames came from.
        meta: anything JSON-able.
    """

    species: tuple[str, ...]
    lattice: tuple[tuple[float, ...], ...] | None
    pbc: tuple[bool, bool, bool] = (True, True, True)
    frame_interval_fs: float | None = None
    velocities: bool = False
    thermostat: int = 0
    sources: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def record_dtype(self) -> np.dtype[np.void]:
        """Return the layout of one frame; every field is aligned to 8 bytes."""
        atoms = (len(self.species), 3)
        layout: list[Any] = [("step", "<i8"), ("time_fs", "<f8")]
        layout += [(name, "<f8") for name in SCALARS]
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
    content = {
        "species": list(header.species),
        "lattice": header.lattice,
        "pbc": list(header.pbc),
        "frame_interval_fs": header.frame_interval_fs,
        "velocities": header.velocities,
        "thermostat": header.thermostat,
        "sources": list(header.sources),
        "meta": dict(header.meta),
    }
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
        frame_interval_fs=content["frame_interval_fs"],
        velocities=content["velocities"],
        thermostat=content["thermostat"],
        sources=tuple(content["sources"]),
        meta=content["meta"],
    )


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
