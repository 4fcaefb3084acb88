"""The files of the cache of read frames: where, under which names, how many.

The cache may be deleted at any time; what is lost is the time of another reading.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from ionface.errors import AnalysisError

READER_VERSION = 1
"""Raise it whenever a reader gives other arrays than before for the same file."""

LARGEST_CACHE = 20 * 10**9
"""Bytes that the cache folder may hold; the files used longest ago go first."""

OFF = "off"
SUFFIX = ".frames"
_ABANDONED_S = 86400.0


def cache_folder() -> Path | None:
    """Return where read frames are kept, None if the user wants no cache.

    IONFACE_CACHE names it (`off` for none), else ionface/trajectories in the user's
    cache folder.
    """
    named = os.environ.get("IONFACE_CACHE", "")
    if named:
        return None if named == OFF else Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ionface" / "trajectories"


def source_key(path: Path) -> str:
    """Return the name under which a source is kept: another one when it has changed."""
    found = path.stat()
    told = (str(path.resolve()), found.st_size, found.st_mtime_ns, READER_VERSION)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:40]


class SpoolFile:
    """A file being written, moved to the next place when one has no room.

    Attributes:
        size: bytes written so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        cache = cache_folder()
        self._places = [None] if cache is None else [cache, None]  # None: temporary
        self._in_cache: Path | None = None
        self._stream: IO[bytes] = self._next_place()
        self.size = 0

    def write(self, data: memoryview | bytes) -> None:
        """Append bytes.

        Raises:
            AnalysisError: no place is left that has room.
        """
        rest = memoryview(data)
        while rest:
            try:
                written = self._stream.write(rest) or 0
            except OSError:
                self._move()
                continue
            rest, self.size = rest[written:], self.size + written

    def keep(self, key: str) -> np.memmap[Any, np.dtype[np.uint8]]:
        """Return the file's content; from here on the cache knows it."""
        mapped = np.memmap(self._stream, np.uint8, "r", 0, (self.size,))
        kept, part = self._in_cache, self._in_cache and Path(self._stream.name)
        if kept is not None and part is not None:
            with suppress(OSError):  # a failure costs a second reading, no more
                if self.size <= LARGEST_CACHE and source_key(self._path) == key:
                    os.fsync(self._stream.fileno())
                    part.replace(kept / (key + SUFFIX))
                    _make_room(kept)
        self.close()
        return mapped

    def close(self) -> None:
        """Release the file; if it was not kept, it is gone."""
        if self._in_cache is not None:
            Path(self._stream.name).unlink(missing_ok=True)
        self._stream.close()

    def _next_place(self) -> IO[bytes]:
        while self._places:
            folder = self._places.pop(0)
            with suppress(OSError):
                if folder is None:
                    self._in_cache = None
                    return tempfile.TemporaryFile(prefix="ionface-", buffering=0)
                folder.mkdir(parents=True, exist_ok=True)
                part = tempfile.NamedTemporaryFile(  # noqa: SIM115 - likewise
                    dir=folder, prefix=".part-", buffering=0, delete=False
                )
                self._in_cache = folder
                return part
        raise AnalysisError(
            f"the frames of {self._path} are too many to hold in memory and no folder "
            "has room for them; set IONFACE_CACHE or TMPDIR to one with free space"
        )

    def _move(self) -> None:
        old, cached = self._stream, self._in_cache
        try:
            self._stream = self._next_place()
            old.seek(0)
            moved, self.size = self.size, 0
            while moved:
                piece = old.read(min(moved, 1 << 22))
                moved -= len(piece)
                self.write(piece)
        finally:
            if cached is not None:
                Path(old.name).unlink(missing_ok=True)
            old.close()


def _make_room(folder: Path) -> None:
    """Remove what was used longest ago, and what killed readers left."""
    for part in folder.glob(".part-*"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink()
    files = [(f.stat().st_mtime_ns, f.stat().st_size, f) for f in _files(folder)]
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if total <= LARGEST_CACHE:
            return
        file.unlink(missing_ok=True)
        total -= size


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.glob("*" + SUFFIX) if file.is_file()]
