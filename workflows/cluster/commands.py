"""What the commands worker, recover and upload do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.console import messages
from ionface.workflows.cluster.context import (
    Cluster,
    database_errors,
    open_cluster,
    reachable,
    unreachable_message,
)

if TYPE_CHECKING:
    from ionface.workflows.cluster.delivery import Delivered
    from ionface.workflows.cluster.launching import Launched
    from ionface.workflows.cluster.reconcile import Recovered


def opened(folder: Path | None = None, *, wait: bool = False) -> Cluster:
    """Return the cluster, with a database that answers.

    Args:
        folder: of the configuration.
        wait: return it in any case; a worker waits by itself.

    Raises:
        IonfaceError: no configuration, or no answer.
    """
    cluster = open_cluster(folder)
    if not wait:
        if not reachable(cluster):
            raise IonfaceError(unreachable_message(cluster))
        cluster.store.connect()
    return cluster


def tell_launched(launched: Launched) -> None:
    """Say what went into the queue."""
    if launched.jobs:
        typer.echo(f"{len(launched.jobs)} batch jobs put into the queue")
    for number, cause in launched.refused.items():
        messages.print(f"not queued: {number}: {cause}", markup=False, style="red")


def run_worker(
    number: int | None,
    limit: int | None,
    walltime_h: float | None,
    idle_s: float,
    as_json: bool,
) -> int:
    """Run jobs; return the exit status: 1 if one failed or waits in the spool."""
    from ionface.workflows.cluster.worker import work

    cluster = opened(wait=True)
    walltime_s = 3600 * walltime_h if walltime_h else _batch_walltime_s()
    shift = work(cluster, number, limit, walltime_s, idle_s, messages.print)
    if as_json:
        typer.echo(json.dumps(shift.__dict__, indent=2))
    for name in shift.completed:
        messages.print(f"done: {name}", markup=False)
    for name, cause in shift.failed.items():
        messages.print(f"failed: {name}: {cause}", markup=False, style="red")
    for line in shift.kept:
        messages.print(f"kept: {line}", markup=False)
    return 1 if shift.failed or shift.kept else 0


def _batch_walltime_s() -> float | None:
    """Return what is left of the batch job that this process runs in, s."""
    import os

    if end := os.environ.get("SLURM_JOB_END_TIME"):
        return max(1.0, float(end) - time.time())
    if (seconds := os.environ.get("IONFACE_WALLTIME_S")) and seconds.isdigit():
        return float(seconds)
    return float(os.environ["PBS_WALLTIME"]) if "PBS_WALLTIME" in os.environ else None


def upload_left(places: list[Path], as_json: bool) -> int:
    """Deliver what lies in the spool; return 1 if something is left."""
    from ionface.workflows.cluster.delivery import upload_all

    told = upload_all(opened(), places)
    if as_json:
        typer.echo(json.dumps(told.__dict__, indent=2))
    else:
        tell_delivered(told)
        if not told.sent and not told.left:
            typer.echo("nothing waits in the spool")
    return 1 if told.left else 0


def tell_delivered(told: Delivered) -> None:
    """Say what left the spool."""
    if told.sent:
        typer.echo(f"{len(told.sent)} results delivered from the spool")
    if told.superseded:
        typer.echo(
            f"{len(told.superseded)} results came after another run had begun; they "
            "are kept in the spool's folder `superseded`"
        )
    for path, cause in told.left.items():
        messages.print(f"left: {path}: {cause}", markup=False, style="red")


def recover_jobs(
    *, failed: bool, launch: bool, watch: bool, every_s: float, most: int | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Reconcile once, or until everything is done; return the exit status."""
    cluster = opened()
    while True:
        try:
            told, launched = _recover_once(cluster, failed, launch, most)
        except database_errors():
            messages.print(unreachable_message(cluster), markup=False, style="red")
            if not watch:
                return 1
        except IonfaceError as error:
            if not watch:
                raise
            messages.print(str(error), markup=False)
        else:
            if as_json:
                typer.echo(json.dumps(_as_dict(told, launched)))
            elif not watch or not told.quiet or launched.jobs:
                _tell_recovered(told, launched)
            if not watch or _all_over(cluster):
                return 1 if told.exhausted else 0
        time.sleep(every_s)


def _recover_once(
    cluster: Cluster, failed: bool, launch: bool, most: int | None
) -> tuple[Recovered, Launched]:
    from ionface.workflows.cluster.launching import Launched, launch_ready
    from ionface.workflows.cluster.reconcile import recover

    told = recover(cluster, failed=failed)
    return told, launch_ready(cluster, most) if launch else Launched()


def _all_over(cluster: Cluster) -> bool:
    """Tell whether no job runs, waits in the queue or can start."""
    going = {"state": {"$in": ["READY", "RESERVED", "RUNNING"]}}
    return cluster.fireworks.find_one(going, {"_id": 1}) is None


def _as_dict(told: Recovered, launched: Launched) -> dict[str, Any]:
    return {
        **told.__dict__,
        "delivered": told.delivered.__dict__,
        "queued": launched.jobs,
        "refused": launched.refused,
    }


def _tell_recovered(told: Recovered, launched: Launched) -> None:
    tell_delivered(told.delivered)
    for number, cause in told.lost.items():
        typer.echo(f"{number}: {cause}")
    for what, numbers in (
        ("run again from their folders", told.rerun),
        ("given back, since their batch jobs are gone", told.freed),
        ("put right in the bookkeeping", told.mended),
    ):
        if numbers:
            typer.echo(f"{len(numbers)} jobs {what}")
    for number, cause in told.exhausted.items():
        messages.print(
            f"{number} was tried too often: {cause}; see its folder, then "
            "ionface recover --failed",
            markup=False,
            style="red",
        )
    if told.unknown:
        typer.echo(f"{told.unknown} launches unknown: the queue does not answer")
    tell_launched(launched)
    if told.quiet and not launched.jobs:
        typer.echo("nothing to recover")
