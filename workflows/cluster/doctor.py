"""`ionface doctor` for a cluster: every link of the chain, and what to do about it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.console import table
from ionface.workflows.cli.doctor_checks import Finding, findings
from ionface.workflows.cluster.context import (
    Cluster,
    age_s,
    database_errors,
    open_cluster,
    reachable,
    unreachable_message,
)
from ionface.workflows.cluster.releases import versions
from ionface.workflows.cluster.settings import config_folder, is_configured, read_yaml
from ionface.workflows.cluster.spool import entries

SKEW_S = 10.0
INDEX = "ionface_job"


def examine_all(as_json: bool) -> int:
    """Print findings of this machine and, where one is configured, of the cluster."""
    found = findings()
    if is_configured():
        found += cluster_findings()
    else:
        found.append(
            Finding(
                "cluster",
                "missing",
                f"nothing in {config_folder()}",
                "only needed for a cluster: ionface init-cluster",
            )
        )
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        marks = {"ok": "[green]ok[/]", "missing": "[yellow]absent[/]"}
        rows = [
            [f.subject, marks.get(f.state, "[red]broken[/]"), f.detail, f.way_out]
            for f in found
        ]
        table(["what", "", "detail", "what to do"], rows)
    return 1 if any(each.state == "broken" for each in found) else 0


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
        _spool(cluster),
        *_queue(cluster),
        _vasp_command(folder),
    ]
    if not reachable(cluster):
        return [*found, Finding("database", "broken", unreachable_message(cluster))]
    checks: list[Callable[[Cluster], Finding]] = [
        _database,
        _indexes,
        _clock,
        _store,
        _workers,
        _both_sides,
    ]
    return [*found, *[_safely(check, cluster) for check in checks]]


def _safely(check: Callable[[Cluster], Finding], cluster: Cluster) -> Finding:
    subject = check.__name__.strip("_")
    try:
        return check(cluster)
    except database_errors() as error:
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


def _spool(cluster: Cluster) -> Finding:
    place = cluster.settings.spool
    waiting = len(list(entries([place])))
    if waiting:
        return Finding(
            "spool", "broken", f"{waiting} results wait in {place}", "ionface upload"
        )
    parent = place if place.is_dir() else place.parent
    if not os.access(parent, os.W_OK):
        return Finding(
            "spool", "broken", f"{place} is not writable", "set spool in ionface.yaml"
        )
    return Finding("spool", "ok", f"{place}, empty")


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
    locks = pad.db["ionface_locks"]
    locks.update_one({"_id": "doctor"}, {"$set": {"pid": os.getpid()}}, upsert=True)
    locks.delete_one({"_id": "doctor"})
    told = pad.db.client.server_info().get("version", "?")
    number = cluster.fireworks.estimated_document_count()
    if (
        not pad.username
        and not pad.uri_mode
        and pad.host not in ("localhost", "127.0.0.1")
    ):
        return Finding(
            "database",
            "broken",
            f"MongoDB {told} on {pad.host} takes anybody without a password",
            "have access control switched on: whoever writes there runs code as you",
        )
    return Finding("database", "ok", f"MongoDB {told}, {pad.name}, {number} jobs")


def _indexes(cluster: Cluster) -> Finding:
    known = cluster.fireworks.index_information()
    if INDEX in known and known[INDEX].get("unique"):
        return Finding("indexes", "ok", f"{len(known)} of jobs, one makes them unique")
    return Finding(
        "indexes", "missing", "not made yet", "the first ionface submit makes them"
    )


def _clock(cluster: Cluster) -> Finding:
    told = cluster.launchpad.db.command("hello").get("localTime")
    skew = abs(age_s(told)) if told else 0.0
    if skew > SKEW_S:
        return Finding(
            "clock",
            "broken",
            f"{skew:.0f} s away from the database's",
            "signs of life are compared by it: have ntp set on this machine",
        )
    return Finding("clock", "ok", f"within {skew:.1f} s of the database's")


def _store(cluster: Cluster) -> Finding:
    cluster.store.connect()
    number = cluster.store.count()
    if "data" not in cluster.store.additional_stores:
        return Finding(
            "store",
            "missing",
            f"{number} documents, no store for large ones",
            "add `data` to jobflow.yaml as init-cluster writes it",
        )
    return Finding("store", "ok", f"{number} documents, large ones in 'data'")


def _workers(cluster: Cluster) -> Finding:
    last = _last_run(cluster)
    if last is None:
        return Finding("workers", "missing", "none has begun yet", "ionface submit")
    quiet = age_s(last.get("beat"))
    return Finding(
        "workers", "ok", f"last sign of life {quiet:.0f} s ago, from {last.get('host')}"
    )


def _last_run(cluster: Cluster) -> dict[str, Any] | None:
    found: dict[str, Any] | None = cluster.runs.find_one(
        {"beat": {"$exists": True}}, sort=[("_id", -1)]
    )
    return found


def _both_sides(cluster: Cluster) -> Finding:
    last = _last_run(cluster) or {}
    theirs, mine = last.get("versions") or {}, versions()
    if not theirs:
        return Finding("versions", "missing", "no worker has told its own yet")
    other = {k: v for k, v in theirs.items() if mine.get(k) != v}
    if not other:
        return Finding("versions", "ok", f"the same here and on {last.get('host')}")
    shown = ", ".join(f"{k} {mine.get(k)} here, {v} there" for k, v in other.items())
    return Finding(
        "versions", "broken", shown, "install the same versions on both sides"
    )
