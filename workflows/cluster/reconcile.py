"""What the database says runs, compared with what the queue and the disks say.

A launch is given up only if the queue answers, does not know its batch job, and the
launch gave no sign for longer than a heartbeat; or if its process, on this machine, is
gone. Then its result, if it left one, is delivered; else the job runs again in the same
folder, where the engines go on from the last whole step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.context import Cluster, age_s, here, library_silence, now
from ionface.workflows.cluster.delivery import Delivered, upload_all
from ionface.workflows.cluster.launching import launch_of
from ionface.workflows.cluster.liveness import judge, reservation, silence_s
from ionface.workflows.cluster.mending import mend
from ionface.workflows.cluster.queues import QueueJob

SETTLE_S = 30.0  # what has just been submitted may not be listed yet
RESERVE_S = 120.0  # a reservation without a batch job is left alone for so long
LEASE_S = 120.0


@dataclass
class Recovered:
    """What a reconciliation did.

    Attributes:
        delivered: results that had waited in the spool.
        lost: Firework and why it was given up.
        rerun: Fireworks that run again.
        exhausted: Firework and cause, of those that were tried too often.
        freed: Fireworks whose batch job never began.
        mended: workflows whose bookkeeping was put right.
        unknown: launches of which nothing can be said now.
    """

    delivered: Delivered = field(default_factory=Delivered)
    lost: dict[int, str] = field(default_factory=dict)
    rerun: list[int] = field(default_factory=list)
    exhausted: dict[int, str] = field(default_factory=dict)
    freed: list[int] = field(default_factory=list)
    mended: list[int] = field(default_factory=list)
    unknown: int = 0

    @property
    def quiet(self) -> bool:
        """Tell whether there was nothing to do."""
        return not any(
            (self.delivered.sent, self.lost, self.rerun, self.freed, self.mended)
        )


def recover(cluster: Cluster, *, failed: bool = False) -> Recovered:
    """Deliver what waits, give up what is dead, and let it run again.

    Args:
        cluster: whose.
        failed: run jobs again that failed by themselves, too.

    Raises:
        IonfaceError: another one is at it.
    """
    told = Recovered()
    with _Lease(cluster) as lease:
        told.delivered = upload_all(cluster, _unfinished_folders(cluster))
        queue = cluster.queue.jobs()
        _free_reservations(cluster, queue, told)
        lease.renew()
        _give_up_dead(cluster, queue, told)
        lease.renew()
        _run_again(cluster, told, failed=failed)
        lease.renew()
        told.mended += mend(cluster)
    return told


class _Lease:
    """One reconciliation at a time; the right ends by itself with who holds it."""

    def __init__(self, cluster: Cluster) -> None:
        self.locks = cluster.launchpad.db["ionface_locks"]

    def __enter__(self) -> _Lease:
        import os
        import time

        from pymongo.errors import DuplicateKeyError

        self.mine = f"{here()}:{os.getpid()}:{time.monotonic_ns()}"
        free = {"_id": "recover", "until": {"$lt": time.time()}}
        try:
            self.locks.find_one_and_update(free, {"$set": self._held()}, upsert=True)
        except DuplicateKeyError:
            other = self.locks.find_one({"_id": "recover"}) or {}
            raise IonfaceError(
                f"another `ionface recover` is at work ({other.get('owner')}); it does "
                "what this one would do"
            ) from None
        return self

    def _held(self) -> dict[str, Any]:
        import time

        return {"owner": self.mine, "until": time.time() + LEASE_S}

    def renew(self) -> None:
        """Hold on.

        Raises:
            IonfaceError: it took too long, and another one has begun.
        """
        kept = self.locks.find_one_and_update(
            {"_id": "recover", "owner": self.mine}, {"$set": self._held()}
        )
        if kept is None:
            raise IonfaceError("another `ionface recover` has taken over")

    def __exit__(self, *error: object) -> None:
        self.locks.delete_one({"_id": "recover", "owner": self.mine})


def _unfinished_folders(cluster: Cluster) -> list[Path]:
    query = {"delivered": {"$ne": True}, "folder": {"$exists": True}}
    return [Path(run["folder"]) for run in cluster.runs.find(query, {"folder": 1})]


def _free_reservations(
    cluster: Cluster, queue: dict[str, QueueJob] | None, told: Recovered
) -> None:
    """Give back jobs whose batch job ended, or was never submitted."""
    pad = cluster.launchpad
    by_launch = {launch_of(job.name): job for job in (queue or {}).values()}
    fields = {"fw_id": 1, "launches": 1, "updated_on": 1}
    for job in list(cluster.fireworks.find({"state": "RESERVED"}, fields)):
        age = age_s(job.get("updated_on"))
        if not job["launches"]:
            if age > RESERVE_S and cluster.fireworks.find_one_and_update(
                {"fw_id": job["fw_id"], "state": "RESERVED", "launches": []},
                {"$set": {"state": "READY"}},
            ):
                told.freed.append(job["fw_id"])
            continue
        launch = pad.launches.find_one({"launch_id": job["launches"][-1]}) or {}
        number = launch.get("launch_id")
        run = cluster.runs.find_one({"_id": number})
        booked = reservation(launch)
        if queue is None and cluster.queue:
            told.unknown += 1
        elif booked is None and number in by_launch:
            pad.set_reservation_id(number, by_launch[number].number)
        elif booked in (queue or {}) or age < (SETTLE_S if booked else RESERVE_S):
            continue
        elif run is None or judge(run, queue, booked, cluster.settings) == "dead":
            # whoever comes now finds the launch taken
            if run is None and not _close(cluster, number, job["fw_id"]):
                continue
            with library_silence():
                pad.cancel_reservation(number)
            cluster.runs.update_one(
                {"_id": number, "ended": None}, {"$set": {"ended": "lost"}}
            )
            told.freed.append(job["fw_id"])


def _close(cluster: Cluster, launch: int | None, firework: int) -> bool:
    """Take a launch for nobody, so that a late batch job cannot begin it."""
    from pymongo.errors import DuplicateKeyError

    closed = {"_id": launch, "fw_id": firework, "ended": "cancelled", "delivered": True}
    try:
        cluster.runs.insert_one(closed)
    except DuplicateKeyError:
        return False
    return True


def _give_up_dead(
    cluster: Cluster, queue: dict[str, QueueJob] | None, told: Recovered
) -> None:
    fields = {"fw_id": 1, "launches": 1, "name": 1, "state": 1}
    # FireWorks calls a job FIZZLED, too, when the database went away while it counted
    open_ = {"state": {"$in": ["RUNNING", "FIZZLED"]}}
    for job in list(cluster.fireworks.find(open_, fields)):
        if not job["launches"]:
            continue
        number = job["launches"][-1]
        launch = cluster.launchpad.launches.find_one({"launch_id": number}) or {}
        if launch.get("state") in ("COMPLETED", "FIZZLED"):
            if job["state"] == "RUNNING" and not _is_leased(cluster, number):
                _refresh(cluster, job["fw_id"])
                told.mended.append(job["fw_id"])
            continue
        run = cluster.runs.find_one({"_id": number})
        if run is None and age_s(_running_since(launch)) < RESERVE_S:
            continue
        verdict = judge(run, queue, reservation(launch), cluster.settings)
        if verdict == "unknown":
            told.unknown += 1
        elif verdict == "dead":
            _give_up(cluster, job, number, run, told)


def _is_leased(cluster: Cluster, launch: int) -> bool:
    """Tell whether the end of a launch is being delivered at this moment."""
    import time

    held = (cluster.runs.find_one({"_id": launch}) or {}).get("lease")
    return held is not None and bool(held["until"] > time.time())


def _running_since(launch: dict[str, Any]) -> Any:
    times = [s.get("created_on") for s in launch.get("state_history", [])]
    return times[-1] if times else None


def _give_up(
    cluster: Cluster,
    job: dict[str, Any],
    launch: int,
    run: dict[str, Any] | None,
    told: Recovered,
) -> None:
    """Mark a launch as lost, unless it ends in this very moment."""
    cluster.runs.update_one(
        {"_id": launch}, {"$setOnInsert": {"fw_id": job["fw_id"], "ended": None}}, True
    )
    import time

    free = [{"lease": None}, {"lease.until": {"$lt": time.time()}}]
    taken = cluster.runs.find_one_and_update(
        {"_id": launch, "ended": {"$in": [None, "lost"]}, "$or": free},
        {"$set": {"ended": "lost", "ended_on": now(), "again": "lost"}},
    )
    if taken is None:
        return
    known = run or {}
    cause = (
        f"lost: no sign for {silence_s(known):.0f} s"
        + (f", batch job {known['queue_id']} is gone" if known.get("queue_id") else "")
        + (f", last on {known['host']}" if known.get("host") else "")
    )
    cluster.runs.update_one({"_id": launch}, {"$set": {"cause": cause}})
    with library_silence():
        from fireworks import FWAction

        action = FWAction(stored_data={"cause": cause, "again": "lost"}, exit=True)
        cluster.launchpad.complete_launch(launch, action, "FIZZLED")
    told.lost[job["fw_id"]] = cause


def _run_again(cluster: Cluster, told: Recovered, *, failed: bool) -> None:
    """Let jobs run again that did not end by their own fault."""
    fields = {"fw_id": 1, "launches": 1, "archived_launches": 1, "name": 1}
    for job in list(cluster.fireworks.find({"state": "FIZZLED"}, fields)):
        if not job["launches"]:
            continue
        number = job["launches"][-1]
        launch = cluster.launchpad.launches.find_one(
            {"launch_id": number}, {"state": 1}
        )
        if _is_leased(cluster, number):
            continue
        if launch and launch["state"] == "COMPLETED":
            _refresh(cluster, job["fw_id"])
            told.mended.append(job["fw_id"])
            continue
        run = cluster.runs.find_one({"_id": number}) or {}
        if not run.get("again") and not failed:
            continue
        tries = len(job.get("archived_launches") or [])
        if tries >= cluster.settings.reruns and not failed:
            told.exhausted[job["fw_id"]] = str(run.get("cause"))
            continue
        with library_silence():
            cluster.launchpad.rerun_fw(job["fw_id"], rerun_duplicates=False)
        told.rerun.append(job["fw_id"])


def _refresh(cluster: Cluster, number: int) -> None:
    with library_silence():
        cluster.launchpad._refresh_wf(number)
