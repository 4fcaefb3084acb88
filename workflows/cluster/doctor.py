"""Every link of a cluster's chain, and what to do about it: `ionface doctor`."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pymongo.errors import PyMongoError

from ionface.errors import IonfaceError
from ionface.workflows.cluster.connection import (
    Cluster,
    clock_ahead_s,
    open_cluster,
    reachable,
    unreachable_message,
)
from ionface.workflows.cluster.findings import Finding
from ionface.workflows.cluster.large_documents import DATA
from ionface.workflows.cluster.settings import read_yaml

SKEW_S = 10.0  # signs of life are compared with the clock of who looks at them


def cluster_findings() -> list[Finding]:
    """Return what was found of each link."""
    try:
        cluster = open_cluster()
    except IonfaceError as error:
        return [Finding("cluster", "broken", str(error), "see the message")]
    try:
        return [
            Finding("cluster", "ok", str(cluster.settings.folder)),
            *_links(cluster),
        ]
    finally:
        cluster.close()


def _links(cluster: Cluster) -> list[Finding]:
    folder = cluster.settings.folder
    found = [
        _private(folder),
        *_foreign_settings(folder),
        *_queue(cluster),
        _vasp_command(folder),
    ]
    if not reachable(cluster):
        return [*found, Finding("database", "broken", unreachable_message(cluster))]
    checks: list[Callable[[Cluster], Finding]] = [
        _database,
        _clock,
        _store,
    ]
    return [*found, *[_safely(check, cluster) for check in checks]]


def _safely(check: Callable[[Cluster], Finding], cluster: Cluster) -> Finding:
    subject = check.__name__.strip("_")
    try:
        return check(cluster)
    except PyMongoError as error:
        return Finding(
            subject,
            "broken",
            f"the database refuses ({type(error).__name__})",
            "ask its keeper for read and write on this database",
        )


def _private(folder: Path) -> Finding:
    open_ = [
        path.name
        for path in folder.iterdir()
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if not open_:
        return Finding("files' modes", "ok", "others can read none")
    return Finding(
        "files' modes",
        "broken",
        f"others can read {', '.join(sorted(open_))}",
        f"chmod 600 {folder}/*",
    )


def _foreign_settings(folder: Path) -> Iterator[Finding]:
    """FireWorks takes the first FW_config.yaml of several places."""
    for place in (Path.cwd(), Path.home() / ".fireworks"):
        path = place / "FW_config.yaml"
        if path.is_file() and path.resolve() != (folder / "FW_config.yaml").resolve():
            yield Finding(
                "FW_config.yaml",
                "broken",
                f"{path} is taken before the one in {folder}",
                f"move it away, or copy {folder}/FW_config.yaml over it",
            )


def _queue(cluster: Cluster) -> Iterator[Finding]:
    queue = cluster.queue
    if not queue:
        yield Finding("queue", "missing", "none", "start `ionface worker` by hand")
        return
    command = "sbatch" if queue.kind == "SLURM" else "qsub"
    if not shutil.which(command):
        yield Finding(
            "queue", "broken", f"{command} is not on the PATH", "use a login node"
        )
        return
    jobs = queue.jobs()
    if jobs is None:
        yield Finding(
            "queue",
            "broken",
            f"{queue.kind} does not answer",
            "wait, or ask its keeper",
        )
    else:
        yield Finding("queue", "ok", f"{queue.kind}, {len(jobs)} of your jobs in it")
    template = Path(str(queue.settings.get("_fw_template_file", "")))
    if not template.is_file():
        yield Finding(
            "queue template", "broken", f"no file {template}", "ionface init-cluster"
        )
    launch = str(queue.settings.get("rocket_launch", ""))
    words = launch.split()
    if words[:1] != ["exec"]:
        yield Finding(
            "rocket_launch",
            "broken",
            f"{launch!r} does not begin with exec",
            "signals of the queue would end at the shell: put exec before it",
        )
    elif len(words) > 1 and not shutil.which(words[1]):
        yield Finding(
            "rocket_launch", "broken", f"{words[1]} is no program", "correct its path"
        )


def _vasp_command(folder: Path) -> Finding:
    path = folder / "atomate2.yaml"
    given = str(read_yaml(path).get("VASP_CMD", "")) if path.is_file() else ""
    words = shlex.split(os.path.expandvars(given))
    if not words:
        return Finding(
            "VASP command", "missing", "VASP_CMD is empty", f"set it in {path}"
        )
    if shutil.which(words[0]):
        return Finding("VASP command", "ok", given)
    return Finding(
        "VASP command",
        "missing",
        f"{words[0]} is not on this machine's PATH",
        "fine on a login node; load its module in pre_rocket of my_qadapter.yaml",
    )


def _database(cluster: Cluster) -> Finding:
    pad = cluster.launchpad
    cluster.submissions.update_one({"_id": "doctor"}, {"$set": {}}, upsert=True)
    cluster.submissions.delete_one({"_id": "doctor"})
    server = pad.db.client.server_info().get("version", "?")
    number = pad.fireworks.estimated_document_count()
    here = pad.host in ("localhost", "127.0.0.1")
    if not pad.username and not pad.uri_mode and not here:
        return Finding(
            "database",
            "broken",
            f"MongoDB {server} on {pad.host} takes anybody without a password",
            "have access control switched on: whoever writes there runs code as you",
        )
    return Finding("database", "ok", f"MongoDB {server}, {pad.name}, {number} jobs")


def _clock(cluster: Cluster) -> Finding:
    skew_s = abs(clock_ahead_s(cluster))
    if skew_s > SKEW_S:
        return Finding(
            "clock",
            "broken",
            f"{skew_s:.0f} s away from the database's",
            "signs of life are compared by it: have ntp set on every machine",
        )
    return Finding("clock", "ok", f"within {skew_s:.1f} s of the database's")


def _store(cluster: Cluster) -> Finding:
    cluster.store.connect()
    number = cluster.store.count()
    stores: dict[str, Any] = cluster.store.additional_stores  # type: ignore[has-type]
    if DATA not in stores:
        return Finding(
            "store",
            "missing",
            f"{number} documents, no store for large ones",
            "add `data` to jobflow.yaml as init-cluster writes it",
        )
    return Finding("store", "ok", f"{number} documents, large ones in 'data'")
