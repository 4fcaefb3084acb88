"""Text as runs leave it: plain or compressed, whole or cut, a few megabytes at once.

`TextBuffer` slides over a file: readers look for complete frames in it and let go of
what they have taken, so that memory holds a few megabytes whatever the file. A
compressed file that was cut is no exception here but an end with a reason, for the
bytes before it are good.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ionface.errors import AnalysisError
from ionface.files import Closing

READ = 1 << 22
"""Bytes asked for at once; the buffer is as large unless one frame needs more."""

LONGEST_LINE = 1 << 20
"""No line of any output is longer, bytes; a longer one is no text."""

LONGEST_FRAME = 1 << 27
"""No frame is longer that is read line by line, bytes: some two million atoms."""

LARGEST_RATIO = 100
"""Numbers of a run compress two- to tenfold, a file with much unused space more."""

LEAST_BOMB = 1 << 28
"""Bytes that decompress without a question."""

BROKEN_STREAM = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading a compressed file raises where it is cut short or damaged."""

CUT = "the compressed file was cut short"

_OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".gz": lambda path: cast("BinaryIO", gzip.GzipFile(path)),
    ".bz2": lambda path: cast("BinaryIO", bz2.BZ2File(path)),
    ".xz": lambda path: cast("BinaryIO", lzma.LZMAFile(path)),  # noqa: SIM115
}


class LongLineError(Exception):
    """There is no line end where one must be."""


# --- plain or compressed ------------------------------------------------------------


def open_binary(path: Path) -> BinaryIO:
    """Return the bytes of a file as a stream; .gz, .bz2 and .xz are decompressed.

    Raises:
        AnalysisError: the file cannot be opened.
    """
    try:
        opener = _OPENERS.get(path.suffix)
        return cast("BinaryIO", path.open("rb")) if opener is None else opener(path)
    except OSError as error:
        raise AnalysisError(f"cannot open {path}: {error.strerror or error}") from error


def is_compressed(path: Path) -> bool:
    """Return whether the name says that the file is compressed."""
    return path.suffix in _OPENERS


def plain_name(path: Path) -> str:
    """Return the file's name without a compression's suffix."""
    return path.name.removesuffix(path.suffix) if is_compressed(path) else path.name


@contextmanager
def plain_file(path: Path) -> Iterator[tuple[Path, str]]:
    """Give a file that is not compressed, for libraries that need to jump in it.

    A compressed file is decompressed into a temporary one that exists meanwhile; of
    one that is cut short, as much as can be had.

    Yields:
        The file, and why it is not all of the original, in words; empty if it is.

    Raises:
        AnalysisError: the file cannot be opened or is damaged, or there is no room for
            its content.
    """
    with TextBuffer(path) as source:
        if not is_compressed(path):
            yield path, ""
            return
        with tempfile.TemporaryDirectory(prefix="ionface-") as folder:
            plain = Path(folder) / plain_name(path)
            _decompress(source, plain)
            yield plain, source.failure


def _decompress(source: TextBuffer, plain: Path) -> None:
    most = max(LEAST_BOMB, LARGEST_RATIO * source.path.stat().st_size)
    try:
        with plain.open("wb") as target:
            while source.fill(1):
                target.write(source.get(0, len(source)))
                source.advance(len(source))
                if source.bytes_read > most:
                    raise AnalysisError(
                        f"{source.path} decompresses to more than {most >> 20} MiB, "
                        f"{LARGEST_RATIO} times its size, as no trajectory does; if it "
                        "is one, decompress it by hand"
                    )
    except OSError as error:
        raise AnalysisError(
            f"no room to decompress into {plain.parent}: {error.strerror}; set TMPDIR "
            "to a folder with free space, or decompress the file by hand"
        ) from error


# --- a few megabytes at once --------------------------------------------------------


class TextBuffer(Closing):
    """Bytes of a file from where the reader stands to as far as was read.

    Offsets count from where the reader stands.

    Attributes:
        failure: why a compressed file ended early, in words; empty if it did not.
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
        self._stream = open_binary(path)
        self._data = b""
        self._at = 0

    def __len__(self) -> int:
        return len(self._data) - self._at

    def close(self) -> None:
        """Release the file."""
        self._stream.close()

    # --- reading on -----------------------------------------------------------------

    def more(self) -> bool:
        """Read on; return whether that brought anything.

        Raises:
            AnalysisError: the file cannot be read, or its compressed content is
                damaged.
        """
        if self._stream.closed:
            return False
        # At least as much as is here: what a long frame needs is copied few times.
        new = self._read(max(READ, len(self)))
        self._data = self._data[self._at :] + new
        self._at = 0
        self.bytes_read += len(new)
        return bool(new)

    def _read(self, wanted: int) -> bytes:
        read: list[bytes] = []
        try:
            while wanted > 0 and not self.failure:
                new = self._stream.read1(wanted)  # type: ignore[attr-defined]
                if not new:
                    break
                read.append(new)
                wanted -= len(new)
        except EOFError:
            self.failure = CUT
        except BROKEN_STREAM as error:
            # Damaged data may decompress to something else long before that fails.
            self.close()
            raise AnalysisError(
                f"{self.path} is damaged ({error}) and none of its content can be "
                "trusted; take a copy or another output of this run"
            ) from error
        return b"".join(read)

    def fill(self, wanted: int) -> bool:
        """Read until `wanted` bytes are here; return whether they are."""
        while len(self) < wanted and self.more():
            pass
        return len(self) >= wanted

    def advance(self, count: int) -> None:
        """Let go of `count` bytes."""
        self._at = min(self._at + count, len(self._data))

    # --- looking --------------------------------------------------------------------

    def get(self, start: int, stop: int) -> bytes:
        """Return the bytes between two offsets, as far as they are here."""
        return self._data[self._at + start : self._at + stop]

    def find(self, text: bytes, start: int = 0, stop: int | None = None) -> int:
        """Return the offset of a text among the bytes that are here, or -1."""
        last = None if stop is None else self._at + stop
        found = self._data.find(text, self._at + start, last)
        return found - self._at if found >= 0 else -1

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
                rest = self.get(start, len(self))
                return (rest, len(self)) if rest else None
        return self.get(start, found + 1), found + 1

    def lines(self, start: int, count: int) -> tuple[list[bytes], int]:
        """Return up to `count` lines from an offset, and the offset behind them.

        Raises:
            LongLineError: a line, or all of them, is longer than any frame.
        """
        found: list[bytes] = []
        offset = start
        while len(found) < count and (line := self.line(offset)) is not None:
            found.append(line[0])
            offset = line[1]
            if offset - start > LONGEST_FRAME:
                raise LongLineError(f"a frame is longer than {LONGEST_FRAME} bytes")
        return found, offset
