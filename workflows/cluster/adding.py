"""Workflows into the database: in bulk, hidden at first, then visible in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.context import Cluster

if TYPE_CHECKING:
    from fireworks import Workflow

SPEC_LIMIT = 12_000_000  # bytes; FireWorks adds launches to it, the limit is 16 MB
BATCH = 1000


def add(cluster: Cluster, found: Sequence[Workflow]) -> None:
    """Insert workflows in bulk; no worker sees their jobs yet.

    Raises:
        IonfaceError: a job is too large for the database, or known to it.
    """
    from bson import BSON
    from pymongo.errors import BulkWriteError, DuplicateKeyError

    total = sum(len(wf.fws) for wf in found)
    counter = cluster.launchpad.fw_id_assigner.find_one_and_update(
        {}, {"$inc": {"next_fw_id": total}}
    )
    number = int(counter["next_fw_id"])
    documents: list[dict[str, Any]] = []
    for wf in found:
        new = dict(zip(wf.id_fw, range(number, number + len(wf.fws)), strict=True))
        for fw in wf.fws:
            fw.fw_id = new[fw.fw_id]
        wf._reassign_ids(new)
        number += len(wf.fws)
        for root in wf.root_fw_ids:
            wf.fw_states[root] = "READY"
        for fw in wf.fws:
            document = {**fw.to_db_dict(), "state": "WAITING"}
            if (size := len(BSON.encode(document))) > SPEC_LIMIT:
                raise IonfaceError(
                    f"job {fw.name!r} is {size / 1e6:.1f} MB, above the "
                    f"{SPEC_LIMIT / 1e6:.0f} MB that a document may have before it "
                    "runs; make the model smaller, or give it as a file"
                )
            documents.append(document)
    try:
        for start in range(0, len(documents), BATCH):
            cluster.fireworks.insert_many(documents[start : start + BATCH])
        cluster.launchpad.workflows.insert_many([wf.to_db_dict() for wf in found])
    except (BulkWriteError, DuplicateKeyError) as error:
        raise IonfaceError(
            "a job of this study is in the database already; a job is never computed "
            "twice: see `ionface status`"
        ) from error


def make_visible(cluster: Cluster, mark: str) -> None:
    """Let workers see the first jobs of a submission: the step that submits."""
    roots: list[int] = []
    query = {"metadata.submission": mark}
    for wf in cluster.launchpad.workflows.find(query, {"nodes": 1, "links": 1}):
        children = {child for each in wf["links"].values() for child in each}
        roots += [number for number in wf["nodes"] if number not in children]
    for start in range(0, len(roots), BATCH):
        cluster.fireworks.update_many(
            {"fw_id": {"$in": roots[start : start + BATCH]}, "state": "WAITING"},
            {"$set": {"state": "READY"}},
        )
    cluster.submissions.update_one({"_id": mark}, {"$set": {"state": "done"}})


def remove_hidden(cluster: Cluster, mark: str) -> None:
    """Remove what an interrupted submission left: nothing of it can have started."""
    cluster.fireworks.delete_many(
        {"spec._ionface.submission": mark, "state": "WAITING", "launches": []}
    )
    cluster.launchpad.workflows.delete_many({"metadata.submission": mark})
