"""Workflows whose bookkeeping an interruption left half done."""

from __future__ import annotations

from ionface.workflows.cluster.context import Cluster, library_silence


def mend(cluster: Cluster) -> list[int]:
    """Put right what an update of FireWorks left half done; return which jobs.

    A workflow's own table of states must agree with its jobs, and a job all of whose
    parents are done must not wait.
    """
    pad = cluster.launchpad
    waiting = {
        job["fw_id"]
        for job in cluster.fireworks.find({"state": "WAITING"}, {"fw_id": 1})
    }
    mended: list[int] = []
    if not waiting:
        return mended
    open_marks = cluster.submissions.find({"state": "adding"}, {"_id": 1})
    skipped = [mark["_id"] for mark in open_marks]
    query = {"nodes": {"$in": list(waiting)}, "metadata.submission": {"$nin": skipped}}
    for flow in list(pad.workflows.find(query, {"nodes": 1, "links": 1})):
        parents: dict[int, list[int]] = {}
        for parent, children in flow["links"].items():
            for child in children:
                parents.setdefault(int(child), []).append(int(parent))
        states = {
            job["fw_id"]: job["state"]
            for job in cluster.fireworks.find(
                {"fw_id": {"$in": flow["nodes"]}}, {"fw_id": 1, "state": 1}
            )
        }
        stuck = [
            number
            for number in flow["nodes"]
            if number in waiting
            and all(states.get(p) == "COMPLETED" for p in parents.get(number, []))
        ]
        for number in stuck:
            _mend_one(cluster, number, parents.get(number, []))
            mended.append(number)
    return mended


def _mend_one(cluster: Cluster, number: int, parents: list[int]) -> None:
    from fireworks.core.launchpad import WFLock

    pad = cluster.launchpad
    with library_silence(), WFLock(pad, number):
        flow = pad.get_wf_by_fw_id_lzyfw(number)
        for parent in parents:
            flow.fw_states[parent] = "COMPLETED"
        updated = flow.refresh(number)
        pad._update_wf(flow, updated | {number})
