"""Files that are whole or not there, their digests, and what a refusing disk means.

Everything that must survive a kill, a full disk or a power cut is written here: to a
temporary name, flushed to the disk, and renamed. Readers see the old file or the new
one, never half of one.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from ionface.errors import IonfaceError

PART = ".part"
"""The suffix of temporary names: what carries it was never finished."""

DISK_REFUSES = {
    errno.ENOSPC: "the disk is full; free space and run the same command again",
    errno.EDQUOT: "your disk quota is used up; free space and run again",
    errno.EFBIG: "files may not grow further; raise the limit (ulimit -f), run again",
    errno.EROFS: "the file system is read-only; choose a place you can write",
}
"""Errors after which the next file will not be written either."""

OTHER_REFUSALS = {
    errno.EACCES: "no permission to write there; choose another place",
    errno.EPERM: "no permission to write there; choose another place",
    errno.ENOTDIR: "a part of this path is a file, not a directory",
    errno.ENOENT: "its folder does not exist; make it first",
}


def write_atomically(
    path: str | os.PathLike[str], data: bytes | str, *, mode: int = 0o666
) -> Path:
    """Write a file in one piece, durably, and return its path.

    Args:
        path: of the file; one that is there is replaced.
        data: its whole content; text is written as UTF-8.
        mode: permissions of the new file, less what the umask takes away.

    Raises:
        IonfaceError: the folder cannot be written or the disk is full; the OSError
            behind it is its cause. What stood at `path` still does.
    """
    with atomic_path(path, mode=mode) as part:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
    return Path(path)


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, mode: int = 0o666) -> Iterator[Path]:
    """Give an empty temporary file that becomes `path` if the block ends well.

    For what streams into a file, or is written by a library that wants a name. It lies
    beside `path`: a rename is atomic within one file system only.

    Raises:
        IonfaceError: as `write_atomically`; other errors of the block pass through.
    """
    path = Path(path)
    # Named at random, so that two who write the same file do not write into one.
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}{PART}")
    try:
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
            yield part
            _sync(part)
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        if not error.errno:  # not the disk: gzip and others borrow this class
            raise
        error.filename = str(path)  # nobody knows the temporary one
        raise IonfaceError(disk_message(error, path)) from error
    with suppress(OSError):  # some network file systems cannot flush a folder
        _sync(path.parent)  # else the new name may not survive a power cut


def disk_message(error: OSError, where: Path) -> str:
    """Return what to tell a user about a disk that refuses to be written."""
    reasons = DISK_REFUSES | OTHER_REFUSALS
    reason = reasons.get(error.errno or 0, error.strerror or str(error))
    return f"cannot write {error.filename or where}: {reason}. Nothing finished is lost"


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock of a file, as far as one can see.

    Locks of other machines are seen where the file system carries them (NFS version 4,
    Lustre with `-o flock`, GPFS).
    """
    try:
        with path.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def digest(data: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of text as UTF-8, in hexadecimal."""
    raw = data.encode() if isinstance(data, str) else data
    return hashlib.sha256(raw).hexdigest()


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, read in blocks, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Closing:
    """What is closed at the end of a `with`, however that ends."""

    def close(self) -> None:
        """Release what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
