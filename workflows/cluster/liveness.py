"""Whether a launch lives: what the queue, its heartbeat and its process say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ionface.workflows.cluster import processes, pulse
from ionface.workflows.cluster.context import age_s, here
from ionface.workflows.cluster.queues import QueueJob
from ionface.workflows.cluster.settings import ClusterSettings

Verdict = Literal["alive", "dead", "unknown"]


def judge(
    run: dict[str, Any] | None,
    queue: dict[str, QueueJob] | None,
    queue_id: str | None,
    settings: ClusterSettings,
    host: str | None = None,
) -> Verdict:
    """Return whether a launch lives.

    Args:
        run: its document; None where the worker has not begun.
        queue: what the queue knows; None if it did not answer.
        queue_id: of its batch job, as reserved.
        settings: how long silence may last.
        host: this machine.
    """
    told = run or {}
    number = told.get("queue_id") or queue_id
    host = host or here()
    if number is not None:
        if queue is None:
            return "unknown"
        if number in queue:
            return "alive"
    quiet_s = silence_s(told)
    if told.get("host") == host and told.get("pid"):
        living = processes.lives(told["pid"], told.get("started"))
        return "alive" if living else "dead"
    limit = settings.expiry_s if number is not None else settings.blind_expiry_s
    return "dead" if quiet_s > limit else "alive"


def silence_s(run: dict[str, Any]) -> float:
    """Return for how long a launch gave no sign, in either place, s."""
    quiet = age_s(run.get("beat"))
    if folder := run.get("folder"):
        try:
            touched = (Path(folder) / pulse.FILE).stat().st_mtime
        except OSError:
            return quiet
        from time import time

        quiet = min(quiet, time() - touched)
    return quiet


def reservation(launch: dict[str, Any]) -> str | None:
    """Return the queue's id of a launch, as it was reserved."""
    for state in launch.get("state_history", []):
        if found := state.get("reservation_id"):
            return str(found)
    return None
