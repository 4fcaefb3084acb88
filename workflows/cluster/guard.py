"""What a Firework may be, checked before FireWorks decodes it: one job of ours.

FireWorks imports what a document of its database names, and runs it. So a document is
taken only if it holds one jobflow job, and that is one of ours or of an installed
engine. Its values for the queue are held by `batch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ionface.documents import check_names
from ionface.errors import IonfaceError

TASK = "{{jobflow.managers.fireworks.JobFiretask}}"
# FireWorks' own words; _background_tasks and _dupefinder would run code beside the job
KEYS = {
    "_tasks", "_ionface", "_queueadapter", "_launch_dir", "_add_launchpad_and_fw_id",
    "_allow_fizzled_parents", "_fizzled_parents", "_exception_details", "_priority",
    "_category", "_fworker", "_recovery", "_parent_recovery",
}  # fmt: skip


class ForeignJobError(IonfaceError):
    """A Firework that is none of our jobs; it is neither run nor changed."""


def check_firework(document: Mapping[str, Any]) -> None:
    """Refuse a Firework that is more than one of our jobs.

    Args:
        document: as it stands in the database.

    Raises:
        ForeignJobError: names what it would run.
    """
    number, spec = document.get("fw_id"), document.get("spec") or {}
    where = f"Firework {number} ({document.get('name')})"
    tasks = spec.get("_tasks") or []
    named = [name for name in _named_tasks(spec) if name != TASK]
    unknown = [key for key in spec if key.startswith("_") and key not in KEYS]
    if len(tasks) != 1 or named or unknown or "job" not in tasks[0]:
        cause = (named or unknown or [f"{len(tasks)} tasks"])[0]
        raise ForeignJobError(
            f"{where} holds {cause}, which `ionface submit` does not write; it is not "
            f"run here: start it with `rlaunch`, or remove it: lpad delete_wfs -i "
            f"{number}"
        )
    if tasks[0].get("store") is not None:
        raise ForeignJobError(f"{where} brings a store of its own; it is not run here")
    try:
        check_names(spec, where)
    except IonfaceError as error:
        raise ForeignJobError(str(error)) from None


def _named_tasks(data: Any) -> Iterator[str]:
    """Yield every class that FireWorks' own decoding would import, wherever it is."""
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            if "_fw_name" in item:
                yield str(item["_fw_name"])
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
