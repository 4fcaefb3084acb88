"""Streaming an XDATCAR: one complete frame at a time, whatever its header does.

Headers may repeat (variable cell), columns may have merged (`0.3333-10.1000`), lines
may end with labels, VASP 4 separated frames by blank lines. A frame that the file's end
cuts is never yielded, not even if only the last digit is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import AnalysisError
from .files import BROKEN_STREAM, open_binary
from .frames import FloatArray

_NUMBER = re.compile(r"[-+]?\d+\.\d*(?:[eEdD][-+]?\d+)?")
_LABEL = re.compile(r"configuration=\s*(\d+)")


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

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            AnalysisError: the file cannot be opened, or this is no XDATCAR.
        """
        self.path = path
        self.reason = ""
        self._lines = _Lines(path)
        try:
            self._lattice, self.species = self._header(self._lines.take(7))
        except (*BROKEN_STREAM, _NoHeaderError) as error:
            self._lines.close()
            raise AnalysisError(
                f"{path} is no usable XDATCAR ({error}); its first seven lines are a "
                "comment, a scale, three cell vectors, symbols and numbers of atoms"
            ) from error

    def frames(self) -> Iterator[XdatcarFrame]:
        """Yield every complete frame; then `reason` is final."""
        try:
            while (separator := self._lines.next()) is not None:
                text = separator.strip()
                if not text and not self._lines.peek():
                    return
                if text and "configuration" not in text.lower():
                    self._lattice, _ = self._header([separator, *self._lines.take(6)])
                    separator = self._lines.next() or ""
                rows = self._lines.take(len(self.species))
                fractional = self._positions(rows)
                yield XdatcarFrame(_label(separator), self._lattice, fractional)
        except _TornError as error:
            self.reason = f"the last frame is incomplete: {error}"
        except _NoHeaderError as error:
            self.reason = f"unreadable text between two frames: {error}"
        except BROKEN_STREAM as error:
            self.reason = f"the file is damaged or cut short: {error}"
        finally:
            self._lines.close()

    def _positions(self, rows: list[str]) -> FloatArray:
        count = len(self.species)
        if len(rows) < count:
            raise _TornError(f"it has {len(rows)} of {count} lines")
        values = _numbers(rows)
        if values.shape != (count, 3) or not np.isfinite(values).all():
            raise _TornError("numbers are missing")
        # Without a line end, only the width of the line above tells a whole number.
        whole = count > 1 and _decimals(rows[-1]) >= _decimals(rows[-2])
        if self._lines.ended_inside and not whole:
            raise _TornError("its last number is cut")
        return values

    def _header(self, lines: Sequence[str]) -> tuple[FloatArray, tuple[str, ...]]:
        if len(lines) < 7:
            raise _NoHeaderError("it ends inside a header")
        try:
            scale = float(lines[1].split()[0])
            lattice = np.array([line.split()[:3] for line in lines[2:5]], dtype=float)
            counts = [int(word) for word in lines[6].split()]
        except (ValueError, IndexError) as error:
            raise _NoHeaderError(str(error)) from error
        symbols = [re.sub(r"[^A-Za-z].*", "", word) for word in lines[5].split()]
        species = tuple(
            s for s, n in zip(symbols, counts, strict=False) for _ in range(n)
        )
        known = getattr(self, "species", species)
        if len(symbols) != len(counts) or not species or species != known:
            raise _NoHeaderError(f"symbols {symbols} with numbers {counts}")
        volume = abs(np.linalg.det(lattice))
        if lattice.shape != (3, 3) or not volume > 0:
            raise _NoHeaderError("the cell vectors span no volume")
        factor = scale if scale > 0 else (-scale / volume) ** (1 / 3)
        return lattice * factor, species


class _NoHeaderError(Exception):
    """These lines are not a header."""


class _TornError(Exception):
    """The file ends inside a frame."""


class _Lines:
    """Lines of a file, with one line of look-ahead."""

    def __init__(self, path: Path) -> None:
        self._stream = open_binary(path)
        self._waiting: str | None = None
        self.ended_inside = False
        """The last line that was handed out has no line end."""

    def next(self) -> str | None:
        """Return the next line without its end, or None behind the last one."""
        line, self._waiting = self._waiting, None
        if line is None:
            line = self._stream.readline().decode("utf-8", "replace")
        if not line:
            return None
        self.ended_inside = not line.endswith("\n")
        return line.rstrip("\r\n")

    def peek(self) -> str:
        """Return the next line without taking it; empty behind the last one."""
        if self._waiting is None:
            self._waiting = self._stream.readline().decode("utf-8", "replace") or None
        return self._waiting or ""

    def take(self, count: int) -> list[str]:
        """Return up to `count` lines."""
        lines = []
        for _ in range(count):
            if (line := self.next()) is None:
                break
            lines.append(line)
        return lines

    def close(self) -> None:
        """Release the file."""
        self._stream.close()


def _label(separator: str) -> int | None:
    found = _LABEL.search(separator)
    return int(found[1]) if found else None


def _numbers(rows: list[str]) -> FloatArray:
    """Return the first three numbers of each line, shape (n, 3)."""
    try:
        return np.array([row.split()[:3] for row in rows], dtype=np.float64)
    except ValueError:  # merged columns, or torn
        numbers = [_NUMBER.findall(row)[:3] for row in rows]
        if any(len(row) != 3 for row in numbers):
            raise _TornError("a line has fewer than three numbers") from None
        return np.array([[float(x) for x in row] for row in numbers])


def _decimals(row: str) -> int:
    """Return how many decimals the third number of a line has."""
    numbers = _NUMBER.findall(row)
    return len(numbers[2].partition(".")[2]) if len(numbers) > 2 else 0
