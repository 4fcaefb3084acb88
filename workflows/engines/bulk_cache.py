"""Relaxed crystals, kept for a user once for all studies that ask for the same ones.

Data flow: level of theory, settings and crystal -> digest -> the record in the user's
cache; else the relaxation, whose record is put there. Whoever asks while another
process relaxes the same crystal waits for it. A lock ends with its process, and a file
is whole or not there, so that a kill costs nothing but the work it stopped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from monty.json import MontyEncoder, jsanitize

from ionface.documents import decode
from ionface.errors import IonfaceError
from ionface.files import digest, write_atomically
from ionface.workflows.engines import progress
from ionface.workflows.engines.records import RunRecord

ENVIRONMENT = "IONFACE_BULK_CACHE"
"""Variable with the folder of the cache, or "off"; else ~/.cache/ionface/bulk."""


def relaxed_once(what: Any, relax: Callable[[], RunRecord]) -> RunRecord:
    """Return the record of a relaxation that any study of this user has done.

    A cache that cannot be read or written is as good as none.

    Args:
        what: all that the result depends on, as JSON or MSONable.
        relax: does it.
    """
    folder = cache_folder()
    if folder is None:
        return relax()
    path = folder / f"{digest(_plain(what))}.json"
    with _held(path.with_suffix(".lock")):
        if (known := _read(path)) is not None:
            came = {"relaxed_in": known.directory}
            return replace(known, provenance={**known.provenance, **came})
        record = relax()
        with suppress(IonfaceError):
            body = _plain(record)
            write_atomically(path, f"{digest(body)}\n{body}\n")
        return record


def cache_folder() -> Path | None:
    """Return the folder of the cache; None if it is switched off or cannot be made."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen == "off":
        return None
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(chosen).expanduser() if chosen else base / "ionface" / "bulk"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder.resolve()


def _plain(value: Any) -> str:
    data = jsanitize(value, strict=True, enum_values=True)
    return json.dumps(data, cls=MontyEncoder, sort_keys=True)


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Hold a lock, or go on without where a file system has none."""
    with ExitStack() as stack:
        with suppress(OSError):
            handle = stack.enter_context(lock.open("a"))
            _wait_for(handle)
        yield


def _wait_for(handle: IO[str]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.report(0, None, "another study relaxes this crystal")
        fcntl.flock(handle, fcntl.LOCK_EX)


def _read(path: Path) -> RunRecord | None:
    """Return a record that is there and whole."""
    try:
        told, _, body = path.read_text().removesuffix("\n").partition("\n")
        record = decode(body, str(path)) if told == digest(body) else None
    except (OSError, ValueError, IonfaceError):
        return None
    return record if isinstance(record, RunRecord) else None
