"""Documents stay small: sizes are judged before a calculation, and again at its end.

What exceeds the limit goes whole to the job store's additional store `data` (GridFS or
S3); the document then holds jobflow's pointer, and the digest of what was moved.
References to it are followed by jobflow itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.files import digest

if TYPE_CHECKING:
    from jobflow import JobStore

DATA = "data"
BYTES_PER_ATOM = 700  # a site of a Structure with our labels, as BSON; measured 420-610
STRUCTURES = 3  # of a BuiltInterface's seven the largest three hold nearly all atoms
HARD_LIMIT_MB = 15.0


def size_mb(document: Any) -> float:
    """Return what a document takes in the database, MB."""
    from bson import BSON

    return len(BSON.encode({"_": document})) / 1e6


def expected_mb(spec: Any) -> float:
    """Return what the output of a job may take, from the structures that it is given.

    Args:
        spec: plain data; every list of sites counts.
    """
    atoms, stack = 0, [spec]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            sites = item.get("sites")
            if isinstance(sites, list):
                atoms = max(atoms, len(sites))
            stack.extend(v for k, v in item.items() if k != "sites")
        elif isinstance(item, list):
            stack.extend(item)
    return STRUCTURES * atoms * BYTES_PER_ATOM / 1e6


def check_room(name: str, spec: Any, store: JobStore) -> None:
    """Refuse, before it runs, a job whose output the database could not take.

    Raises:
        IonfaceError: it would exceed a document and there is no store for large ones.
    """
    expected = expected_mb(spec)
    if expected > HARD_LIMIT_MB and DATA not in store.additional_stores:
        raise IonfaceError(
            f"job {name!r} may return {expected:.0f} MB, above the {HARD_LIMIT_MB:.0f} "
            "MB of a document, and jobflow.yaml has no additional store 'data'; add "
            "one (GridFSStore, S3Store) as `ionface init-cluster` writes it"
        )


def fitted(
    document: dict[str, Any], save: Any, store: JobStore, limit_mb: float
) -> tuple[dict[str, Any], Any]:
    """Return a document and what of it goes to which additional store.

    Args:
        document: of a job, plain.
        save: what the job itself asked for.
        store: where it goes.
        limit_mb: of one document.

    Raises:
        IonfaceError: it is too large and there is no store for large ones.
    """
    size = size_mb(document)
    if size <= limit_mb or save:
        return document, save
    if DATA not in store.additional_stores:
        if size <= HARD_LIMIT_MB:
            return document, save
        raise IonfaceError(
            f"the output of {document.get('name')!r} is {size:.1f} MB, above the "
            f"{HARD_LIMIT_MB:.0f} MB of a document, and jobflow.yaml has no additional "
            "store 'data'; add one and run `ionface upload`: the result is kept"
        )
    text = json.dumps(document["output"], sort_keys=True, default=str)
    metadata = {
        **document.get("metadata", {}),
        "moved_to": DATA,
        "moved_mb": round(size, 3),
        "output_sha256": digest(text),
    }
    return {**document, "metadata": metadata}, {DATA: [["output"]]}
