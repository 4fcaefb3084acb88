"""Files that exist only with their whole header and that only one process writes."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from pathlib import Path

from ionface.errors import TrajectoryError


def create_locked(path: Path, header: bytes) -> int:
    """Return the locked descriptor of a new file that has its header from birth.

    Args:
        path: must not exist yet.
        header: the first bytes of the file.

    Raises:
        TrajectoryError: the file exists, or its folder cannot be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{path.name}.", dir=path.parent
        )
    except OSError as error:
        raise TrajectoryError(
            f"cannot create {path}: {error.strerror}; choose a folder that can be "
            "written"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
        os.fchmod(descriptor, 0o644)
        if os.write(descriptor, header) != len(header):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
        os.link(temporary, path)  # atomic, and never over an existing file
    except OSError as error:
        os.close(descriptor)
        way_out = "resume it or remove it" if path.exists() else "free some space"
        raise TrajectoryError(
            f"cannot create {path}: {error.strerror}; {way_out}"
        ) from error
    finally:
        Path(temporary).unlink()
    return descriptor


def lock(descriptor: int, path: Path) -> None:
    """Lock an open file against other writers, until it is closed or we die.

    Raises:
        TrajectoryError: another process has it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrajectoryError(
            f"another process is writing {path}; wait for it or stop it"
        ) from error
