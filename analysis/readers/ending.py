"""Whether the run that writes a file is over, from what it leaves at its end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ionface.analysis.readers.vasprun_blocks import ENDING
from ionface.analysis.trajectory.store import MAGIC

TAIL = 1 << 14
"""Bytes at the end of a file in which its closing words are looked for."""

STATISTICS = b"General timing and accounting"
"""What VASP prints into OUTCAR when it ends by itself."""


def run_over(path: Path) -> bool:
    """Return whether nothing more will come; False where nothing tells.

    A file of our own store is locked by whoever writes it; vasprun.xml is closed, and
    OUTCAR ends with statistics. A run that was killed leaves neither of the latter.

    Args:
        path: a file of our store, or an XDATCAR or vasprun.xml.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) == MAGIC:
                return _unlocked(stream.fileno())
    except OSError:
        return False
    if path.name.lower().startswith("vasprun"):
        return ENDING in _tail(path)
    return STATISTICS in _tail(path.parent / "OUTCAR") or ENDING in _tail(
        path.parent / "vasprun.xml"
    )


def _unlocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _tail(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL))
            return stream.read(TAIL)
    except OSError:
        return b""
