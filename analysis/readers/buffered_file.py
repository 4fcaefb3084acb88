"""A window that slides over the bytes of a file, plain or compressed.

Readers look for complete frames in it and let go of what they have taken, so that
memory holds a few megabytes whatever the file. A compressed file that was cut is no
exception here but an end with a reason, for the bytes before it are good.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.compressed import (
    BROKEN_STREAM,
    CUT,
    damaged,
    is_compressed,
    open_binary,
)

READ = 1 << 22
"""Bytes asked for at once; a window is as large unless one frame needs more."""

LONGEST_LINE = 1 << 20
"""No line of any output is longer; a longer one is no text."""


class LongLineError(Exception):
    """There is no line end where one must be."""


class ByteWindow:
    """Bytes of a file from where the reader stands to as far as was read.

    Offsets count from where the reader stands.

    Attributes:
        failure: why a compressed stream ended early, in words; empty if it did not.
        bytes_read: decompressed bytes taken from the file so far.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            AnalysisError: the file cannot be opened.
        """
        self.path = path
        self.failure = ""
        self.bytes_read = 0
        # Without Python's own buffer, bytes are copied once.
        self._compressed = is_compressed(path)
        self._stream = open_binary(path, buffered=self._compressed)
        self._data = bytearray(READ + 4096)
        self._start = self._stop = 0

    def __len__(self) -> int:
        return self._stop - self._start

    def more(self) -> bool:
        """Read on; return whether that brought anything.

        Raises:
            AnalysisError: the file cannot be read, or its compressed content is
                damaged.
        """
        if self._stream.closed:
            return False
        self._make_room()
        with memoryview(self._data) as whole, whole[self._stop :] as room:
            count = self._read_into(room)
        self._stop += count
        self.bytes_read += count
        return count > 0

    def _read_into(self, room: memoryview) -> int:
        try:
            if not self._compressed:
                return self._stream.readinto(room) or 0  # type: ignore[attr-defined]
            piece = self._stream.read1(len(room))  # type: ignore[attr-defined]
        except EOFError:
            self.failure = CUT
            return 0
        except BROKEN_STREAM as error:
            self.close()
            raise damaged(self.path, error) from error
        room[: len(piece)] = piece
        return len(piece)

    def _make_room(self) -> None:
        """Move what is left to the front; take a larger buffer if it is still full."""
        if self._start:
            kept = len(self)
            with memoryview(self._data) as whole:
                whole[:kept] = whole[self._start : self._stop]
            self._start, self._stop = 0, kept
        if self._stop + 4096 > len(self._data):
            larger = bytearray(2 * len(self._data))
            larger[: self._stop] = memoryview(self._data)[: self._stop]
            self._data = larger

    def fill(self, wanted: int) -> bool:
        """Read until `wanted` bytes are here; return whether they are."""
        while len(self) < wanted and self.more():
            pass
        return len(self) >= wanted

    def top_up(self) -> None:
        """Read on until the window is about full, for work on much at once."""
        if len(self) < READ // 2:
            self.fill(READ)

    def advance(self, count: int) -> None:
        """Let go of `count` bytes."""
        self._start += min(count, len(self))

    def find(self, text: bytes, start: int = 0, stop: int | None = None) -> int:
        """Return the offset of a text among the bytes that are here, or -1."""
        last = self._stop if stop is None else self._start + stop
        found = self._data.find(text, self._start + start, last)
        return found - self._start if found >= 0 else -1

    def rfind(self, text: bytes, start: int, stop: int) -> int:
        """Return the offset of the last occurrence between two offsets, or -1."""
        found = self._data.rfind(text, self._start + start, self._start + stop)
        return found - self._start if found >= 0 else -1

    def seek(self, text: bytes, start: int = 0, limit: int | None = None) -> int:
        """Return the offset of a text, reading on until it comes, or -1.

        Args:
            text: to look for.
            start: where to begin.
            limit: give up when so many bytes are here without it.
        """
        while (found := self.find(text, start)) < 0:
            start = max(start, len(self) - len(text) + 1)
            if (limit is not None and len(self) > limit) or not self.more():
                break
        return found

    def starts_with(self, text: bytes, at: int = 0) -> bool:
        """Return whether a text stands at an offset."""
        return self._data.startswith(text, self._start + at, self._stop)

    def search(
        self, pattern: re.Pattern[bytes], start: int, stop: int
    ) -> re.Match[bytes] | None:
        """Return where a pattern matches exactly the bytes between two offsets."""
        return pattern.fullmatch(self._data, self._start + start, self._start + stop)

    def piece(self, start: int, stop: int) -> bytes:
        """Return a copy of the bytes between two offsets."""
        return bytes(self._data[self._start + start : self._start + stop])

    def array(self) -> NDArray[np.uint8]:
        """Return the bytes that are here, as a view that the next read overwrites."""
        return np.frombuffer(self._data, np.uint8, len(self), self._start)

    def line(self, start: int) -> tuple[bytes, int] | None:
        """Return the line at an offset, its end included, and the offset behind it.

        The last line of a file may have no end. None behind the last line.

        Raises:
            LongLineError: there is no line end for longer than any line.
        """
        searched = start
        while (found := self.find(b"\n", searched)) < 0:
            searched = max(start, len(self))
            if len(self) - start > LONGEST_LINE:
                raise LongLineError(f"a line is longer than {LONGEST_LINE} bytes")
            if not self.more():
                return (
                    (self.piece(start, len(self)), len(self))
                    if (len(self) > start)
                    else None
                )
        return self.piece(start, found + 1), found + 1

    def close(self) -> None:
        """Release the file."""
        self._stream.close()
