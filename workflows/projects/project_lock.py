"""The lock of a project: one process at a time runs it.

It is the operating system's and ends with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ionface.errors import BusyError, IonfaceError
from ionface.files import disk_message, is_locked

LOCK = ".lock"
LOCK_S = 1.0  # whoever asks whether a project runs holds its lock for a moment


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold a project's directory.

    Raises:
        IonfaceError: another process holds it, or nothing can be written there.
    """
    try:
        handle = (root / LOCK).open("a+")
    except OSError as error:
        raise IonfaceError(disk_message(error, root)) from error
    with handle:
        if not _taken_within(handle.fileno(), LOCK_S):
            handle.seek(0)
            raise BusyError(
                f"project {root} is being run by process "
                f"{handle.read().strip() or 'unknown'}; wait for it, or stop it"
            )
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def is_held(root: Path) -> bool:
    """Tell whether a process holds a project's directory now."""
    return is_locked(root / LOCK)


def _taken_within(descriptor: int, seconds: float) -> bool:
    """Take a lock as soon as it is free; tell whether it was in time."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        else:
            return True
