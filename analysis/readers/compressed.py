"""Opening files as they are found, plain or compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ionface.errors import AnalysisError

BROKEN_STREAM = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading a compressed file raises where it is cut short or damaged."""

CUT = "the compressed file was cut short"

_OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".gz": lambda path: cast("BinaryIO", gzip.GzipFile(path)),
    ".bz2": lambda path: cast("BinaryIO", bz2.BZ2File(path)),
    ".xz": lambda path: cast("BinaryIO", lzma.LZMAFile(path)),  # noqa: SIM115
}


def open_binary(path: Path, buffered: bool = True) -> BinaryIO:
    """Return the decompressed bytes of a file as a stream.

    Args:
        path: of the file; .gz, .bz2 and .xz are decompressed.
        buffered: False gives the plain file itself, where the caller has a buffer.

    Raises:
        AnalysisError: the file cannot be opened.
    """
    try:
        opener = _OPENERS.get(path.suffix)
        if opener is not None:
            return opener(path)
        plain = path.open("rb") if buffered else path.open("rb", buffering=0)
        return cast("BinaryIO", plain)
    except OSError as error:
        raise AnalysisError(f"cannot open {path}: {error.strerror or error}") from error


def is_compressed(path: Path) -> bool:
    """Return whether the name says that the file is compressed."""
    return path.suffix in _OPENERS


def damaged(path: Path, error: BaseException) -> AnalysisError:
    """Return why nothing of a file can be used whose reading failed.

    Damaged compressed data may decompress to something else long before it fails.
    """
    return AnalysisError(
        f"{path} is damaged ({error}) and none of its content can be trusted; take a "
        "copy or another output of this run"
    )


@dataclass(frozen=True)
class PlainFile:
    """A file that is not compressed.

    Attributes:
        path: where it is.
        failure: why it is not all of the original, in words; empty if it is.
    """

    path: Path
    failure: str = ""


@contextmanager
def plain_file(path: Path) -> Iterator[PlainFile]:
    """Give a file that is not compressed, for readers that need to jump in it.

    A compressed file is decompressed into a temporary one that exists meanwhile; of
    one that is cut short, as much as can be had.

    Raises:
        AnalysisError: the file cannot be opened or is damaged, or there is no room for
            its content.
    """
    if not is_compressed(path):
        open_binary(path).close()
        yield PlainFile(path)
        return
    with tempfile.TemporaryDirectory(prefix="ionface-") as folder:
        plain = Path(folder) / plain_name(path)
        with open_binary(path) as source:
            failure = _decompress(path, source, plain)
        yield PlainFile(plain, failure)


def _decompress(path: Path, source: BinaryIO, plain: Path) -> str:
    try:
        with plain.open("wb") as target:
            while piece := _piece(path, source):
                target.write(piece)
    except EOFError:
        return CUT
    except OSError as error:
        raise AnalysisError(
            f"no room to decompress into {plain.parent}: {error.strerror}; set TMPDIR "
            "to a folder with free space, or decompress the file by hand"
        ) from error
    return ""


def _piece(path: Path, source: BinaryIO) -> bytes:
    try:
        return source.read1(1 << 20)  # type: ignore[attr-defined]
    except EOFError:
        raise
    except BROKEN_STREAM as error:
        raise damaged(path, error) from error


def plain_name(path: Path) -> str:
    """Return the file's name without a compression's suffix."""
    return path.name.removesuffix(path.suffix) if path.suffix in _OPENERS else path.name
