"""Results on local disk before they go anywhere: whole, flushed, with their digest.

One file per launch. It is written to a temporary name, flushed to the disk and renamed;
the first place that has room takes it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.files import DISK_REFUSES, digest, write_atomically

if TYPE_CHECKING:
    from jobflow import JobStore

SUFFIX = ".result"
NAME = "ionface" + SUFFIX  # in a job's own folder, where the spool has no room


@dataclass(frozen=True)
class Entry:
    """What a launch ended with.

    Attributes:
        launch: id.
        firework: id.
        state: COMPLETED or FIZZLED.
        documents: for the store, each with what of it goes to which additional store.
        action: FireWorks' FWAction as a dict.
        path: where it lies.
    """

    launch: int
    firework: int
    state: str
    documents: tuple[dict[str, Any], ...]
    action: dict[str, Any]
    path: Path | None = None


def write_entry(entry: Entry, places: Sequence[Path]) -> Path:
    """Write an entry to the first place that takes it.

    Args:
        entry: is left without path.
        places: files, in the order of preference.

    Raises:
        IonfaceError: none of them takes it, with the reason of each.
    """
    data = _packed(entry)
    refused = []
    for path in places:
        try:
            _write(path, data)
        except (OSError, IonfaceError) as error:
            refused.append(f"{path}: {error}")
        else:
            return path
    raise IonfaceError("the result cannot be written: " + "; ".join(refused))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, data, mode=0o600)


def _packed(entry: Entry) -> bytes:
    from bson import json_util

    body = json_util.dumps(
        {
            "launch": entry.launch,
            "firework": entry.firework,
            "state": entry.state,
            "documents": list(entry.documents),
            "action": entry.action,
        },
        json_options=json_util.CANONICAL_JSON_OPTIONS,
    ).encode()
    return digest(body).encode() + b"\n" + body


def read_entry(path: Path) -> Entry:
    """Return an entry.

    Raises:
        IonfaceError: it is damaged.
    """
    from bson import json_util

    expected, _, body = path.read_bytes().partition(b"\n")
    if digest(body).encode() != expected:
        raise IonfaceError(
            f"{path} is damaged (its digest does not fit); it is left there, and the "
            "job goes on from its folder when it runs again"
        )
    found = json_util.loads(
        body, json_options=json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True)
    )
    return Entry(
        int(found["launch"]),
        int(found["firework"]),
        str(found["state"]),
        tuple(found["documents"]),
        dict(found["action"]),
        path,
    )


def entries(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the files of all entries in folders, oldest first."""
    found = {
        path for place in places if place.is_dir() for path in place.glob(f"*{SUFFIX}")
    }
    yield from sorted(found, key=lambda path: path.stat().st_mtime_ns)


def is_disk_refusal(error: BaseException | None) -> bool:
    """Tell whether a disk that is full or not writable is behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in DISK_REFUSES:
            return True
        if f"[Errno {errno.ENOSPC}]" in str(error):
            return True
        error = error.__cause__
    return False


def spooling(store: JobStore) -> tuple[JobStore, list[dict[str, Any]]]:
    """Return a store that answers as the given one and keeps what it is to write."""
    from jobflow import JobStore
    from monty.json import jsanitize

    kept: list[dict[str, Any]] = []

    class SpoolingStore(JobStore):
        """Reads from the database; what is written waits in memory for the spool."""

        def connect(self, force_reset: bool = False) -> None:
            """Have nothing to do: the store behind it is connected."""

        def update(self, docs: Any, key: Any = None, save: Any = None) -> None:
            """Keep documents."""
            del key
            for doc in docs if isinstance(docs, list) else [docs]:
                plain = jsanitize(doc, strict=True, allow_bson=True)
                kept.append({"document": plain, "save": save})

    made = SpoolingStore(
        store.docs_store, store.additional_stores, store.save, store.load
    )
    return made, kept
