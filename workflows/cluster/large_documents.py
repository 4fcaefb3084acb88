"""A store of jobs' documents that moves large outputs to where they have room.

A document of MongoDB holds 16 MB. What exceeds the limit goes as a whole to the
additional store `data` (GridFS or S3); the document then holds jobflow's pointer, which
jobflow itself follows when a later job refers to the output.
"""

from __future__ import annotations

from typing import Any

from bson import BSON
from monty.json import jsanitize

from ionface.errors import IonfaceError
from ionface.workflows.projects.checked_store import CheckedStore

DATA = "data"
HARD_LIMIT_MB = 15.0  # of MongoDB's 16: what FireWorks and jobflow add needs room


class FittingStore(CheckedStore):
    """A JobStore whose documents fit into the database.

    Attributes:
        limit_mb: larger outputs go to the additional store `data`, MB.
    """

    limit_mb = 4.0

    def update(self, docs: Any, key: Any = None, save: Any = None) -> None:
        """Insert or replace documents; see JobStore.

        Raises:
            IonfaceError: one is too large and there is no store for large ones.
        """
        for document in docs if isinstance(docs, list) else [docs]:
            plain = jsanitize(document, strict=True, allow_bson=True)
            super().update(plain, key=key, save=save or self._where(plain))

    def _where(self, document: dict[str, Any]) -> Any:
        """Return what goes to the store of large documents, as JobStore's `save`."""
        size = len(BSON.encode({"_": document})) / 1e6
        if size <= self.limit_mb:
            return None
        stores: dict[str, Any] = self.additional_stores  # type: ignore[has-type]
        if DATA in stores:
            return {DATA: [["output"]]}
        if size <= HARD_LIMIT_MB:
            return None
        raise IonfaceError(
            f"the output of {document.get('name')!r} is {size:.1f} MB, above the "
            f"{HARD_LIMIT_MB:.0f} MB of a document, and jobflow.yaml has no additional "
            "store 'data'; add one (GridFSStore, S3Store) as `ionface init-cluster` "
            "writes it, and run `ionface recover --failed`: the result is kept"
        )
