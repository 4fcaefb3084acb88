"""Frames that were read once, kept on the disk and mapped into memory.

Reading text is slow and its frames may be more than memory holds, so they are written
down while they are read: few into memory, many into a file of the cache folder, where
the next opening finds them. Its name is a hash of the source's path, size and time of
change and of the readers' version: a source that grew is another source.

    positions   float64, shape (n, n_atoms, 3), from the file's start
    tail        labels, lattices, scalars: float64 or int64, one after another
    JSON        species, shapes, reason
    trailer     magic, offset of the tail, sizes, CRC-32 of tail and JSON
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.cache_files import (
    SUFFIX,
    SpoolFile,
    cache_folder,
    source_key,
)
from ionface.analysis.readers.chunks import Chunk, FrameStream
from ionface.analysis.trajectory.frames import FloatArray

IN_MEMORY = 8 << 20
"""Bytes of positions up to which frames stay in memory and leave no file."""

TOGETHER = 256
"""So many chunks are made one: each has arrays of its own, which may be short."""

_MAGIC = b"IONFSPL1"
_TRAILER = struct.Struct("<8sQQQI4x")


@dataclass(frozen=True)
class Stored:
    """All frames of one source.

    Attributes:
        species: chemical symbol of each atom.
        labels: as in `Chunk`, shape (n,).
        lattices: Å, shape (n, 3, 3) or (1, 3, 3).
        positions: Cartesian, Å, shape (n, n_atoms, 3); may be mapped from a file.
        scalars: by name, each of shape (n,).
        reason: why frames ended early; empty if they did not.
    """

    species: tuple[str, ...]
    labels: NDArray[np.int64]
    lattices: FloatArray
    positions: FloatArray
    scalars: Mapping[str, FloatArray]
    reason: str

    def __len__(self) -> int:
        return len(self.positions)


def recall(path: Path) -> Stored | None:
    """Return the frames of a source that was read before, None if it was not."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        kept = folder / (source_key(path) + SUFFIX)
        stored = _open(kept)
        os.utime(kept)  # used just now: the last to go
    except (OSError, ValueError, KeyError, struct.error):
        return None
    return stored


def spool(path: Path, stream: FrameStream) -> Stored:
    """Read all frames of a source and keep them.

    Raises:
        AnalysisError: there are more frames than memory should hold, and nowhere can
            they be written.
    """
    key = source_key(path)
    taken = _Taken(path)
    try:
        for chunk in stream.chunks():
            taken.add(chunk)
        return taken.finish(stream, key)
    except BaseException:
        taken.discard()
        stream.close()
        raise


class _Taken:
    """Frames so far: their positions in memory or in a file, the rest in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: SpoolFile | None = None
        self._positions: list[FloatArray] = []
        self._rest: list[Chunk] = []
        self._size = self._count = self._merged = 0
        self._constant = True

    def add(self, chunk: Chunk) -> None:
        positions = np.ascontiguousarray(chunk.positions, dtype="<f8")
        self._size += positions.nbytes
        self._count += len(chunk)
        if self._rest and self._constant:
            first = self._rest[0].lattices[0]
            self._constant = bool((chunk.lattices == first).all())
        elif not self._rest:
            self._constant = bool((chunk.lattices == chunk.lattices[0]).all())
        none = np.zeros((len(chunk), 0, 3))  # it tells how many frames there are
        self._rest.append(Chunk(chunk.labels, chunk.lattices, none, chunk.scalars))
        if len(self._rest) - self._merged >= TOGETHER:
            few = self._rest[self._merged :]
            self._rest[self._merged :] = [_one(few, self._constant)]
            self._merged += 1
        self._positions.append(positions)
        if self._size > IN_MEMORY:
            self._file = self._file or SpoolFile(self._path)
            for part in self._positions:
                self._file.write(part.data.cast("B"))
            self._positions.clear()

    def finish(self, stream: FrameStream, key: str) -> Stored:
        arrays = self._arrays()
        species, reason = tuple(stream.species), stream.reason
        shape = (self._count, len(species), 3)
        if self._file is None:
            parts = self._positions or [np.zeros(shape)]
            positions = np.concatenate(parts).reshape(shape)
        else:
            self._file.write(_tail(arrays, species, reason, self._size))
            mapped = self._file.keep(key)
            positions = np.ndarray(shape, "<f8", mapped)
        return _stored(species, reason, positions, arrays)

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        if not self._rest:
            none = np.zeros(0, dtype="<i8")
            return {"labels": none, "lattices": np.zeros((0, 3, 3))}
        whole = _one(self._rest, self._constant)
        return {"labels": whole.labels, "lattices": whole.lattices, **whole.scalars}


def _one(chunks: list[Chunk], constant: bool) -> Chunk:
    """Return all but the positions of some chunks as one.

    Args:
        chunks: in their order.
        constant: all have one cell.
    """
    names = dict.fromkeys(name for chunk in chunks for name in chunk.scalars)
    lattices = chunks[0].lattices[:1]
    if not constant:
        lattices = np.concatenate(list(_per_frame(chunks)))
    labels = np.concatenate([chunk.labels for chunk in chunks])
    scalars = {
        name: np.concatenate([_scalar(chunk, name) for chunk in chunks])
        for name in names
    }
    return Chunk(labels, lattices, np.zeros((len(labels), 0, 3)), scalars)


def _per_frame(chunks: list[Chunk]) -> Iterator[FloatArray]:
    for chunk in chunks:
        yield np.broadcast_to(chunk.lattices, (len(chunk), 3, 3))


def _scalar(chunk: Chunk, name: str) -> FloatArray:
    found = chunk.scalars.get(name)
    return np.full(len(chunk), np.nan) if found is None else found


def _stored(
    species: tuple[str, ...],
    reason: str,
    positions: FloatArray,
    arrays: Mapping[str, NDArray[Any]],
) -> Stored:
    scalars = {k: v for k, v in arrays.items() if k not in ("labels", "lattices")}
    labels, lattices = arrays["labels"], arrays["lattices"]
    return Stored(species, labels, lattices, positions, scalars, reason)


def _tail(
    arrays: Mapping[str, NDArray[Any]],
    species: tuple[str, ...],
    reason: str,
    size: int,
) -> bytes:
    plain = {
        name: np.ascontiguousarray(array, "<i8" if array.dtype.kind == "i" else "<f8")
        for name, array in arrays.items()
    }
    told = {
        "species": species,
        "reason": reason,
        "arrays": [(name, a.dtype.str, a.shape) for name, a in plain.items()],
    }
    data = b"".join(array.tobytes() for array in plain.values())
    text = json.dumps(told).encode()
    checksum = zlib.crc32(text, zlib.crc32(data))
    return data + text + _TRAILER.pack(_MAGIC, size, len(data), len(text), checksum)


def _open(kept: Path) -> Stored:
    """Return the frames of a file of the cache.

    Raises:
        OSError, ValueError, KeyError, struct.error: it is no such file, or damaged.
    """
    with kept.open("rb") as stream:
        end = stream.seek(-_TRAILER.size, os.SEEK_END)
        magic, size, n_data, n_text, checksum = _TRAILER.unpack(stream.read())
        if magic != _MAGIC or size + n_data + n_text != end:
            raise ValueError("not a file of this cache")
        stream.seek(size)
        data, text = stream.read(n_data), stream.read(n_text)
        if zlib.crc32(text, zlib.crc32(data)) != checksum:
            raise ValueError("damaged")
        told = json.loads(text)
        species = tuple(told["species"])
        mapped = np.memmap(stream, np.uint8, "r", 0, (size,))
    arrays, offset = {}, 0
    for name, kind, shape in told["arrays"]:
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(data, kind, count, offset).reshape(shape)
        offset += arrays[name].nbytes
    shape = (len(arrays["labels"]), len(species), 3)
    positions = np.ndarray(shape, "<f8", mapped)
    return _stored(species, told["reason"], positions, arrays)
