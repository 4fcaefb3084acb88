"""Frames as they stand in a file, some at a time: what every reader hands on.

Reading text is slow and its frames may be more than memory holds, so `gather` writes
the positions down while they are read: few into memory, many into a temporary file that
is mapped and vanishes with the last array that shows it.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

UNKNOWN = -1
"""The label of a frame that has none, or one that outgrew its field."""

MOST_ATOMS = 10_000_000
"""A file that tells more atoms is damaged."""

LARGEST = 1e4
"""Å; no atom is so far away, and no cell so long: a decimal point was lost."""

LEAST_VOLUME = 1.0
"""Å³ per atom; solid hydrogen under a million atmospheres has more."""

IN_MEMORY = 8 << 20
"""Bytes of positions up to which frames stay in memory and need no file."""


@dataclass(frozen=True)
class Block:
    """Some frames in the order of the file.

    Attributes:
        labels: the step that the file gives each frame, shape (n,); UNKNOWN where it
            gives none.
        lattices: Å, shape (n, 3, 3), or (1, 3, 3) where the cell is constant.
        positions: Cartesian, Å, shape (n, n_atoms, 3).
        scalars: energies in eV, temperature in K, each of shape (n,).
    """

    labels: NDArray[np.int64]
    lattices: FloatArray
    positions: FloatArray
    scalars: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    def first(self, count: int) -> Block:
        """Return the first frames."""
        constant = len(self.lattices) == 1
        return Block(
            self.labels[:count],
            self.lattices if constant else self.lattices[:count],
            self.positions[:count],
            {name: values[:count] for name, values in self.scalars.items()},
        )


class FrameReader(Protocol):
    """What reads one file from its start to its end, once.

    Attributes:
        species: chemical symbol of each atom.
        reason: why frames ended early; empty if the file ends as it should. Final when
            the last block has been taken.
    """

    species: tuple[str, ...]
    reason: str

    def blocks(self) -> Iterator[Block]:
        """Yield every complete frame."""
        ...

    def close(self) -> None:
        """Release the file, where the frames are not wanted."""
        ...


def to_cartesian(fractional: FloatArray, lattices: FloatArray) -> FloatArray:
    """Return Cartesian positions, Å, shape (n, n_atoms, 3).

    Each coordinate is summed by itself in one order, so that a frame gives the same
    bits however many are converted at once; a matrix product does not promise that.

    Args:
        fractional: shape (n, n_atoms, 3).
        lattices: rows are the cell vectors, Å, shape (n, 3, 3) or (1, 3, 3).
    """
    cells = np.asarray(lattices, dtype=np.float64)
    positions = np.empty(fractional.shape)
    for axis in range(3):
        along = cells[:, None, :, axis]
        total = positions[..., axis]
        np.multiply(fractional[..., 0], along[..., 0], out=total)
        for vector in (1, 2):
            if along[..., vector].any():
                total += fractional[..., vector] * along[..., vector]
    return positions


def sane(blocks: Iterator[Block], reader: FrameReader) -> Iterator[Block]:
    """Yield frames before the first that cannot be, and note it in `reader.reason`.

    Many formats have no checksum: a digit too many or a flipped bit shows, if at all,
    in atoms far away, or in a cell too small for its atoms.
    """
    for block in blocks:
        if not len(block):
            continue
        cells, atoms = block.lattices, block.positions
        wrong = {
            f"an atom is farther than {LARGEST:g} Å away, or nowhere": ~(
                np.maximum(atoms.max(axis=(1, 2)), -atoms.min(axis=(1, 2))) < LARGEST
            ),
            f"its cell is longer than {LARGEST:g} Å": ~(
                np.abs(cells).max(axis=(1, 2)) < LARGEST
            ),
            f"its cell has less than {LEAST_VOLUME:g} Å³ for each atom": _dense(
                cells, atoms.shape[1]
            ),
        }
        first = {why: int(np.argmax(w)) for why, w in wrong.items() if w.any()}
        if not first:
            yield block
            continue
        why, count = min(first.items(), key=lambda item: item[1])
        if count:
            yield block.first(count)
        reader.reason = f"the next frame is damaged: {why}"
        return


def _dense(cells: FloatArray, n_atoms: int) -> NDArray[np.bool_]:
    """Return which cells are too small for their atoms; open ones have no volume."""
    volumes = np.abs(np.linalg.det(np.where(np.isfinite(cells), cells, 0.0)))
    small: NDArray[np.bool_] = (volumes > 0) & (volumes < LEAST_VOLUME * n_atoms)
    return small & np.all(np.any(cells, axis=2), axis=1)


def gather(path: Path, reader: FrameReader) -> Block:
    """Return all frames of a reader as one block; the reader is closed.

    Memory holds the labels, cells (if they change) and scalars of each frame; the
    positions only where they are few.

    Raises:
        AnalysisError: the file cannot be read, or there are more frames than memory
            should hold and no room on the disk for them.
    """
    positions, columns = _Positions(path, len(reader.species)), _Columns()
    with closing(reader):
        for block in sane(reader.blocks(), reader):
            columns.add(block)
            positions.add(block.positions)
    labels, lattices, scalars = columns.arrays()
    return Block(labels, lattices, positions.array(), scalars)


class _Positions:
    """Positions so far: in memory, or in a file from where they are too many."""

    def __init__(self, path: Path, n_atoms: int) -> None:
        self._path, self._n_atoms = path, n_atoms
        self._waiting: list[FloatArray] = []
        self._count = 0
        self._file: IO[bytes] | None = None

    def add(self, positions: FloatArray) -> None:
        self._waiting.append(np.ascontiguousarray(positions, dtype=np.float64))
        self._count += len(positions)
        if self._count * self._n_atoms * 24 > IN_MEMORY:
            self._write()

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="ionface-")  # noqa: SIM115 - stays
            for positions in self._waiting:
                self._file.write(positions.data)
            self._file.flush()
        except OSError as error:
            raise AnalysisError(
                f"the frames of {self._path} are too many to hold in memory and there "
                f"is no room for them in {tempfile.gettempdir()}: {error.strerror}; "
                "set TMPDIR to a folder with free space"
            ) from error
        self._waiting.clear()

    def array(self) -> FloatArray:
        shape = (self._count, self._n_atoms, 3)
        if self._file is None:
            return np.concatenate([np.zeros((0, *shape[1:])), *self._waiting])
        with self._file:
            return np.memmap(self._file, np.float64, "r", 0, shape)


class _Columns:
    """All but the positions, in arrays that grow: blocks may be of one frame each."""

    def __init__(self) -> None:
        self._labels = array("q")
        self._scalars: dict[str, array[float]] = {}
        self._lattices = array("d")  # one cell as long as it does not change
        self._constant = True

    def add(self, block: Block) -> None:
        before = len(self._labels)
        for name in block.scalars.keys() - self._scalars.keys():
            self._scalars[name] = array("d", [np.nan]) * before
        self._labels.frombytes(np.asarray(block.labels, np.int64).tobytes())
        for name, column in self._scalars.items():
            unknown = np.full(len(block), np.nan)
            values = np.asarray(block.scalars.get(name, unknown), np.float64)
            column.frombytes(values.tobytes())
        self._add_lattices(block.lattices, before, len(block))

    def _add_lattices(self, lattices: FloatArray, before: int, count: int) -> None:
        if not self._lattices:
            self._lattices.frombytes(lattices[0].tobytes())
        first = np.frombuffer(self._lattices[:9].tobytes()).reshape(3, 3)
        if self._constant and (lattices == first).all():
            return
        if self._constant:
            self._constant = False
            self._lattices *= before
        each: NDArray[Any] = np.broadcast_to(lattices, (count, 3, 3))
        self._lattices.frombytes(np.ascontiguousarray(each, np.float64).tobytes())

    def arrays(self) -> tuple[NDArray[np.int64], FloatArray, dict[str, FloatArray]]:
        """Return labels, lattices and scalars."""
        scalars = {
            name: np.frombuffer(column, np.float64)
            for name, column in self._scalars.items()
        }
        lattices = np.frombuffer(self._lattices, np.float64).reshape(-1, 3, 3)
        return np.frombuffer(self._labels, np.int64), lattices, scalars
