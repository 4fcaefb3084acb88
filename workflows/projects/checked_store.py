"""A store of jobs' documents that hands out nothing that decoding would run.

jobflow decodes what a job refers to, whatever it names. So documents are looked through
as they leave the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobflow import JobStore

from ionface.documents import check_names


class CheckedStore(JobStore):
    """A JobStore whose documents name nothing but our own classes and plain data."""

    def query(self, *args: Any, **kwargs: Any) -> Iterator[dict[str, Any]]:
        """Yield documents; see JobStore.

        Raises:
            IonfaceError: one names what is none of ours.
        """
        for document in super().query(*args, **kwargs):
            which = document.get("name") or document.get("uuid")
            check_names(document, f"the stored result of {which!r}")
            yield document
