"""Streaming an XDATCAR: complete frames only, whatever its header does.

Headers may repeat (variable cell), columns may have merged (`0.3333-10.1000`), lines
may end with labels, VASP 4 separated frames by blank lines. A frame that the file's end
cuts is never yielded, not even if only the last digit is missing.

What VASP writes is decoded many frames at a time (see fixed_width); a frame that has
one byte elsewhere is read line by line. Both give the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ionface.analysis.readers.blocks import MOST_ATOMS, UNKNOWN, Block, to_cartesian
from ionface.analysis.readers.fixed_width import (
    RowLayout,
    decode_blocks,
    decode_labels,
    row_layout,
)
from ionface.analysis.readers.species import Names, repeated, species_of
from ionface.analysis.readers.text import LongLineError, TextBuffer
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

_NUMBER = rb"[-+]?\d+\.\d*(?:[eE][-+]\d+)?"
_APART = rb"(?:\s+|(?=[-+]))"
# Numbers may touch where one has a sign; behind them, a symbol but no more numbers.
_ROW = re.compile(
    rb"\s*(%b)%b(%b)%b(%b)(?:\s+([A-Za-z]{1,3}))?\s*"
    % (_NUMBER, _APART, _NUMBER, _APART, _NUMBER)
)
_REST = re.compile(rb"\s*[\d.]+\s*\n")
_CELL_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]\d+)?")
_LABEL = re.compile(r"configuration=\s*(\d+)")
_SEPARATOR = re.compile(rb"(Direct configuration=)(?: *\d+|\*+)\n")


@dataclass(frozen=True)
class XdatcarFrame:
    """One frame.

    Attributes:
        label: number after "Direct configuration="; None where there is none or it
            outgrew its field.
        lattice: Å, shape (3, 3).
        fractional: shape (n_atoms, 3).
    """

    label: int | None
    lattice: FloatArray
    fractional: FloatArray


class XdatcarStream:
    """Reads one file from its start to its end, once.

    Attributes:
        species: chemical symbol of each atom.
        reason: why frames ended early; empty if the file's last frame was complete.
    """

    def __init__(
        self, path: Path, buffer: TextBuffer | None = None, names: Names | None = None
    ) -> None:
        """Read the header.

        Args:
            path: of the file, for messages.
            buffer: at the file's start; one is opened if None.
            names: what the user says that the file's names of species are.

        Raises:
            AnalysisError: the file cannot be opened, this is no XDATCAR, or it has a
                species that is no element.
        """
        self.path, self._names = path, names
        self.reason = ""
        self._promised = False  # a header has come, its frame has not
        self._buffer = TextBuffer(path) if buffer is None else buffer
        try:
            lines, offset = self._buffer.lines(0, 7)
            self._lattice, self.species = self._header(lines)
            self._comment = _text(lines[0])  # repeated where the cell is variable
        except (_NoHeaderError, LongLineError) as error:
            self.close()
            reason = self._buffer.failure or error
            raise AnalysisError(
                f"{path} is no usable XDATCAR ({reason}); its first seven lines are a "
                "comment, a scale, three cell vectors, symbols and numbers of atoms"
            ) from error
        except AnalysisError:
            self.close()
            raise
        self._buffer.advance(offset)

    def blocks(self, final: bool = True) -> Iterator[Block]:
        """Yield every complete frame, many at a time; then `reason` is final.

        Args:
            final: False for a file that grows: what is incomplete now is left for the
                next call, and the file stays open.
        """
        for frame in self._read(final, fast=True):
            if isinstance(frame, Block):
                yield frame
                continue
            lattices, label = frame.lattice[None], frame.label
            yield Block(
                labels=np.array([UNKNOWN if label is None else label]),
                lattices=lattices,
                positions=to_cartesian(frame.fractional[None], lattices),
            )

    def frames(self) -> Iterator[XdatcarFrame]:
        """Yield every complete frame, read line by line; then `reason` is final."""
        for frame in self._read(final=True, fast=False):
            assert isinstance(frame, XdatcarFrame)
            yield frame

    def close(self) -> None:
        """Release the file, where the frames are not wanted."""
        self._buffer.close()

    def _read(self, final: bool, fast: bool) -> Iterator[Block | XdatcarFrame]:
        any_frame = False
        try:
            while True:
                while fast and (block := self._many()) is not None:
                    any_frame = True
                    yield block
                if self._new_cell(final):
                    continue
                if (frame := self._one(final)) is None:
                    break
                any_frame = True
                yield frame
        except _TornError as error:
            self.reason = f"the last frame is incomplete: {error}"
        except (_NoHeaderError, LongLineError) as error:
            self.reason = f"unreadable text between two frames: {error}"
        if final and not any_frame and not self.reason:
            self.reason = "no frame follows its header"
        if final or self.reason:
            self.reason = self._buffer.failure or self.reason
            self.close()

    def _many(self) -> Block | None:
        """Return the frames that stand in VASP's own layout from here on, if any do."""
        layout = self._layout()
        if layout is None:
            return None
        start, row = layout
        stride = start + len(self.species) * row.width
        if not self._buffer.fill(stride):
            return None
        count = len(self._buffer) // stride
        raw = np.frombuffer(self._buffer.get(0, count * stride), np.uint8)
        labels = decode_labels(raw, stride, count, start)
        shape = (len(labels), len(self.species))
        values, good = decode_blocks(raw, start, stride, shape, row)
        if good and self._row_at(good * stride):
            good -= 1  # a frame with more lines than atoms; it is told about next
        if not good:
            return None
        self._taken(good * stride)
        lattices = self._lattice[None]
        return Block(labels[:good], lattices, to_cartesian(values[:good], lattices))

    def _layout(self) -> tuple[int, RowLayout] | None:
        """Return the length of the separator line and the layout of the rows."""
        first = self._buffer.line(0)
        if first is None or not _SEPARATOR.fullmatch(first[0]):
            return None
        second = self._buffer.line(first[1])
        row = row_layout(second[0]) if second else None
        return None if row is None else (first[1], row)

    def _new_cell(self, final: bool) -> bool:
        """Take a repeated header, if one stands here; variable cells have them."""
        first, offset = self._buffer.lines(0, 1)
        words = _text(first[0]).lower() if first else ""
        if not words or "configuration" in words:
            return False
        more, offset = self._buffer.lines(offset, 6)
        if not final and not _finished(more, 6):
            return False
        self._lattice, _ = self._header([*first, *more])
        self._buffer.advance(offset)
        self._promised = True
        return True

    def _one(self, final: bool) -> XdatcarFrame | None:
        """Take one frame line by line; None if no more can be had (now)."""
        first, offset = self._buffer.lines(0, 1)
        separator = _text(first[0]) if first else ""
        if not separator and not self._buffer.lines(offset, 1)[0]:
            if final and self._promised:
                raise _TornError(f"it has 0 of {len(self.species)} lines")
            return None
        rows, offset = self._buffer.lines(offset, len(self.species))
        if not final and not _finished(rows, len(self.species)):
            return None
        if separator.lower().startswith(("c", "k")):
            raise _TornError(
                f"{separator[:30]!r}: only fractional coordinates are read"
            )
        frame = XdatcarFrame(_label(separator), self._lattice, self._positions(rows))
        # A frame with a row too many or too few would shift all that follow.
        if self._row_at(offset):
            raise _TornError("it has more lines than there are atoms")
        if self._rest_at(offset):
            raise _TornError("a number of its last line goes on in a line of its own")
        self._taken(offset)
        return frame

    def _row_at(self, offset: int) -> bool:
        """Return whether another row of coordinates stands at an offset."""
        following = self._buffer.line(offset)
        return following is not None and _ROW.fullmatch(following[0]) is not None

    def _rest_at(self, offset: int) -> bool:
        """Return whether digits stand alone in the line at an offset."""
        following = self._buffer.line(offset)
        if following is None or _text(following[0]) == self._comment:
            return False
        return _REST.fullmatch(following[0]) is not None

    def _taken(self, count: int) -> None:
        self._buffer.advance(count)
        self._promised = False

    def _positions(self, rows: list[bytes]) -> FloatArray:
        count = len(self.species)
        if len(rows) < count:
            raise _TornError(f"it has {len(rows)} of {count} lines")
        numbers = [_ROW.fullmatch(row) for row in rows]
        if not all(numbers):
            raise _TornError("a line has other than three numbers")
        # Without a line end, only the width of the line above tells a whole number.
        whole = count > 1 and _decimals(rows[-1]) >= _decimals(rows[-2])
        if not rows[-1].endswith(b"\n") and not whole:
            raise _TornError("its last number is cut")
        symbols = [row[4].decode() if row and row[4] else "" for row in numbers]
        told = zip(symbols, self.species, strict=True)
        if any(symbol in self.species and symbol != right for symbol, right in told):
            raise _TornError("a line is named after another species")
        values = [float(x) for row in numbers if row for x in row.groups()[:3]]
        return np.array(values).reshape(count, 3)

    def _header(self, rows: Sequence[bytes]) -> tuple[FloatArray, tuple[str, ...]]:
        if not _finished(rows, 7):
            raise _NoHeaderError("it ends inside a header")
        lines = [_text(row) for row in rows]
        if lines[5].replace(" ", "").isdigit():
            raise _NoHeaderError("it names no elements, as files of VASP 4")
        try:
            scale = float(lines[1].split()[0])
            cell = [x for row in rows[2:5] for x in _vector(row)]
            lattice = np.array(cell).reshape(3, 3)
            counts = [int(word) for word in lines[6].split()]
        except (ValueError, IndexError) as error:
            raise _NoHeaderError(str(error)) from error
        symbols = lines[5].split()
        if not all(word.isascii() and word.isdigit() for word in lines[6].split()):
            raise _NoHeaderError(f"numbers of atoms {lines[6][:80]!r}")
        if len(symbols) != len(counts) or not 0 < sum(counts) <= MOST_ATOMS:
            raise _NoHeaderError(f"symbols {symbols[:9]} with numbers {counts[:9]}")
        if min(counts) < 0 or not all(symbol[0].isalpha() for symbol in symbols):
            raise _NoHeaderError(f"symbols {symbols[:9]} with numbers {counts[:9]}")
        species = repeated(species_of(self.path, symbols, self._names), counts)
        if species != getattr(self, "species", species):
            raise _NoHeaderError(f"symbols {symbols[:9]} with numbers {counts[:9]}")
        return _scaled(lattice, scale), species


class _NoHeaderError(Exception):
    """These lines are not a header."""


class _TornError(Exception):
    """The file ends inside a frame, or a frame is damaged."""


def _scaled(lattice: FloatArray, scale: float) -> FloatArray:
    finite = lattice.shape == (3, 3) and bool(np.isfinite(lattice).all())
    volume = abs(np.linalg.det(lattice)) if finite else 0.0
    if not (0 < volume < np.inf and np.isfinite(scale) and scale):
        raise _NoHeaderError("the cell vectors span no volume")
    factor = scale if scale > 0 else (-scale / volume) ** (1 / 3)
    scaled: FloatArray = lattice * factor
    if not (np.isfinite(scaled).all() and np.linalg.det(scaled)):
        raise _NoHeaderError("the cell vectors span no volume")
    return scaled


def _finished(lines: Sequence[bytes], count: int) -> bool:
    """Return whether all lines are there, each with its end."""
    return len(lines) == count and lines[-1].endswith(b"\n")


def _vector(row: bytes) -> list[float]:
    words = row.split()
    if len(words) != 3 or not all(_CELL_NUMBER.fullmatch(word) for word in words):
        raise ValueError(f"no cell vector: {row[:80]!r}")
    return [float(word) for word in words]


def _text(line: bytes) -> str:
    return line.decode("ascii", "replace").strip()


def _label(separator: str) -> int | None:
    found = _LABEL.search(separator)
    return int(found[1]) if found and len(found[1]) < 18 else None


def _decimals(row: bytes) -> int:
    """Return how many decimals the third number of a line has."""
    found = _ROW.fullmatch(row)
    return len(found[3].partition(b".")[2]) if found else 0
