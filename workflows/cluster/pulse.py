"""The sign of life of a launch: in the database, and in a file of its folder.

Whichever of the two is younger counts, so that neither an outage of the database nor a
full disk makes a living job look dead. A launch that was given up while it lived (its
node was cut off) learns it here, and ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ionface.workflows.cluster import processes
from ionface.workflows.cluster.context import Cluster, database_errors, here, now
from ionface.workflows.cluster.queues import own_number
from ionface.workflows.cluster.releases import versions

FILE = ".ionface-alive"


def owner(folder: Path) -> dict[str, Any]:
    """Return who runs a launch, as its document says it."""
    return {
        "host": here(),
        "pid": os.getpid(),
        "started": processes.started(os.getpid()),
        "queue_id": own_number(),
        "folder": str(folder),
        "beat": now(),
        "ended": None,
        "versions": versions(),
    }


@contextmanager
def beating(cluster: Cluster, launch: int, folder: Path) -> Iterator[None]:
    """Give signs of life while the enclosed work goes on."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(cluster.settings.heartbeat_s):
            touch(folder)
            with suppress(*database_errors()):
                given_up = sign(cluster, launch)
                if given_up:
                    os.kill(os.getpid(), 15)  # the stopper ends the work in order
                    return

    touch(folder)
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=10)


def touch(folder: Path) -> None:
    """Give a sign in the folder, if the disk lets us."""
    with suppress(OSError):
        (folder / FILE).touch()


def sign(cluster: Cluster, launch: int) -> bool:
    """Give a sign in the database; tell whether the launch was given up meanwhile."""
    found = cluster.runs.find_one_and_update(
        {"_id": launch, "ended": None}, {"$set": {"beat": now()}}
    )
    if found is None:
        return cluster.runs.find_one({"_id": launch, "ended": "lost"}) is not None
    # stock tools (lpad detect_lostruns) look at the launch itself
    cluster.launchpad.launches.update_one(
        {"launch_id": launch, "state_history.state": "RUNNING"},
        {"$set": {"state_history.$.updated_on": now().isoformat()}},
    )
    return False
