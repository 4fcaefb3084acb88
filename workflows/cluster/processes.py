"""Processes of this machine: which belong to a launch, and which still live."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "IONFACE_LAUNCH"
PROC = Path("/proc")


def started(pid: int) -> str | None:
    """Return when a process began, in clock ticks since boot; None if it is gone.

    A process id alone may have been given to another process since.
    """
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def lives(pid: int | None, start: str | None) -> bool:
    """Tell whether a process is still the one that was noted."""
    return pid is not None and start is not None and started(pid) == start


def parents() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for path in PROC.glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(path.name)] = int(fields[1])
    return found


def descendants(pid: int) -> list[int]:
    """Return the living processes below one, nearest first."""
    known = parents()
    found, layer = [], [pid]
    while layer:
        layer = [child for child, parent in known.items() if parent in layer]
        found += layer
    return found


def working_folder(pid: int) -> Path | None:
    """Return where a process works; None if it is gone or somebody else's."""
    try:
        return (PROC / str(pid) / "cwd").resolve(strict=True)
    except OSError:
        return None


def mark_of(launch: int, folder: Path) -> str:
    """Return the mark of a launch; other databases number theirs from 1, too."""
    return f"{launch} in {folder.resolve()}"


def of_launches(marks: set[str]) -> Iterator[int]:
    """Yield processes that carry the mark of one of these launches."""
    for path in PROC.glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes()
        except OSError:
            continue
        for entry in environment.split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name.decode(errors="replace") == MARK and value.decode() in marks:
                yield int(path.name)


def end(pids: list[int], patience_s: float = 2.0) -> list[int]:
    """End processes, kindly first; return those that were there."""
    own = os.getpid()
    found = [pid for pid in pids if pid != own and _send(pid, signal.SIGTERM)]
    limit = time.monotonic() + patience_s
    while any(started(pid) for pid in found) and time.monotonic() < limit:
        time.sleep(0.05)
    for pid in found:
        if started(pid):
            _send(pid, signal.SIGKILL)
    while any(started(pid) for pid in found) and time.monotonic() < limit + 2:
        time.sleep(0.05)
    return found


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True
