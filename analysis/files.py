"""Opening files as they are found (plain or compressed) and writing them atomically."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from .errors import AnalysisError

BROKEN_STREAM = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading a compressed file raises where it is cut short or damaged."""

_OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".gz": lambda path: cast("BinaryIO", gzip.GzipFile(path)),
    ".bz2": lambda path: cast("BinaryIO", bz2.BZ2File(path)),
    ".xz": lambda path: cast("BinaryIO", lzma.LZMAFile(path)),  # noqa: SIM115
}


def open_binary(path: Path) -> BinaryIO:
    """Return the decompressed bytes of a file as a stream.

    Raises:
        AnalysisError: the file cannot be opened.
    """
    try:
        opener = _OPENERS.get(path.suffix)
        return path.open("rb") if opener is None else opener(path)
    except OSError as error:
        raise AnalysisError(f"cannot open {path}: {error.strerror or error}") from error


def plain_name(path: Path) -> str:
    """Return the file's name without a compression's suffix."""
    return path.name.removesuffix(path.suffix) if path.suffix in _OPENERS else path.name


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file in one piece: readers see the old one or the new one.

    Raises:
        AnalysisError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    try:
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{path.name}.", dir=path.parent
        )
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                os.fchmod(stream.fileno(), 0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AnalysisError(
            f"cannot write {path}: {error.strerror}; choose a folder that can be "
            "written, with free space"
        ) from error
    return path
