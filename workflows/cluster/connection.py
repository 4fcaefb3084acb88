"""What every command of the cluster works with: launchpad, store, queue, settings."""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError, PyMongoError

from ionface.errors import IonfaceError
from ionface.workflows.cluster.queues import Queue, queue_of
from ionface.workflows.cluster.settings import (
    JOBFLOW,
    LAUNCHPAD,
    QUEUE,
    WORKER,
    ClusterSettings,
    load_settings,
    read_yaml,
)

if TYPE_CHECKING:
    from fireworks import FWorker, LaunchPad
    from jobflow import JobStore

SUBMISSIONS = "ionface_submissions"
SELECTION_S = 5.0


@dataclass(frozen=True)
class Cluster:
    """An open database and what goes with it.

    Attributes:
        settings: of our layer.
        launchpad: FireWorks' database. We call its public methods, and read its
            collections where these methods would need a call per job.
        store: where jobs' documents go.
        queue: the batch system, or the absence of one.
        fworker: FireWorks' description of this machine.
    """

    settings: ClusterSettings
    launchpad: LaunchPad
    store: JobStore
    queue: Queue
    fworker: FWorker

    @property
    def submissions(self) -> Any:
        """Return our own collection: one document per submitted study, by its key."""
        return self.launchpad.db[SUBMISSIONS]

    def close(self) -> None:
        """Let go of the database."""
        from maggma.core import StoreError  # maggma is slow to import

        self.launchpad.connection.close()
        with contextlib.suppress(StoreError):  # it was never connected
            self.store.close()

    def initialize(self) -> None:
        """Make FireWorks' counters and indexes where the database has none yet."""
        if self._has_counters():
            return
        try:
            # of two processes one may reset: the other would wipe what the first added
            self.submissions.insert_one({"_id": "initialized"})
        except DuplicateKeyError:
            self._await_counters()
            return
        with library_silence():
            self.launchpad.reset("", require_password=False, max_reset_wo_password=0)

    def _has_counters(self) -> bool:
        return self.launchpad.fw_id_assigner.find_one({}, {"_id": 1}) is not None

    def _await_counters(self) -> None:
        until = time.monotonic() + SELECTION_S
        while not self._has_counters():
            if time.monotonic() > until:
                raise IonfaceError(
                    "FireWorks' database has no counters, though it was initialized "
                    "once; run `lpad reset`, which empties it, and submit again"
                )
            time.sleep(0.1)


def open_cluster(
    folder: Path | None = None, *, patience_s: float = SELECTION_S
) -> Cluster:
    """Return the cluster of a configuration; nothing is asked of the database yet.

    Args:
        folder: of the configuration.
        patience_s: every request waits so long for a database that is away, s.

    Raises:
        IonfaceError: the configuration is missing, wrong, or readable by others; or
            FireWorks is not installed.
    """
    settings = load_settings(folder)
    with library_silence():
        try:
            from fireworks import FWorker, LaunchPad
        except ImportError as error:
            raise IonfaceError(
                "FireWorks is not installed; run: pip install 'ionface[cluster]'"
            ) from error
        values = {"host": None, **read_yaml(settings.folder / LAUNCHPAD)}
        values["strm_lvl"] = values.get("strm_lvl") or "CRITICAL"
        values["mongoclient_kwargs"] = _client_options(values, patience_s)
        launchpad = LaunchPad.from_dict(values)
        path = settings.folder / WORKER
        worker = read_yaml(path) if path.is_file() else {}
        fworker = FWorker.from_dict(
            {"category": "", "query": "{}", "env": {}, **worker}
        )
    return Cluster(
        settings,
        launchpad,
        open_store(settings, patience_s),
        queue_of(settings.folder / QUEUE),
        fworker,
    )


def _client_options(values: dict[str, Any], patience_s: float) -> dict[str, Any]:
    return {
        "socketTimeoutMS": 60_000,
        **(values.get("mongoclient_kwargs") or {}),
        "serverSelectionTimeoutMS": round(1000 * patience_s),
    }


def open_store(settings: ClusterSettings, patience_s: float = SELECTION_S) -> JobStore:
    """Return the store of jobflow.yaml, not connected.

    Raises:
        IonfaceError: there is none, or it makes no store.
    """
    from ionface.workflows.cluster.large_documents import FittingStore

    path = settings.folder / JOBFLOW
    spec = read_yaml(path).get("JOB_STORE")
    if not isinstance(spec, dict) or not isinstance(spec.get("docs_store"), dict):
        raise IonfaceError(
            f"{path} has no JOB_STORE with a docs_store; run `ionface init-cluster`, "
            "or see docs/cluster.md"
        )
    for part in (spec["docs_store"], *(spec.get("additional_stores") or {}).values()):
        if "mongoclient_kwargs" in part:
            part["mongoclient_kwargs"] = _client_options(part, patience_s)
    try:
        store: FittingStore = FittingStore.from_dict_spec(spec)
    except (TypeError, KeyError, ValueError) as error:
        raise IonfaceError(
            f"{path}: JOB_STORE makes no store ({type(error).__name__}); compare it "
            "with the one that `ionface init-cluster` writes"
        ) from error
    store.limit_mb = settings.document_limit_mb
    return store


def connected(folder: Path | None = None) -> Cluster:
    """Return the cluster, with a database that answers.

    Raises:
        IonfaceError: no configuration, or no answer.
    """
    cluster = open_cluster(folder)
    if not reachable(cluster):
        raise IonfaceError(unreachable_message(cluster))
    cluster.store.connect()
    return cluster


@contextmanager
def library_silence() -> Iterator[None]:
    """Keep libraries' greetings away from standard output, which may be JSON."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


def reachable(cluster: Cluster) -> bool:
    """Tell whether the database answers."""
    try:
        cluster.launchpad.db.client.admin.command("ping")
    except PyMongoError:
        return False
    except NotImplementedError:
        return True  # a stand-in in a process's own memory
    return True


def unreachable_message(cluster: Cluster) -> str:
    """Return what to tell a user about a database that does not answer."""
    pad = cluster.launchpad
    where = "the server of its URI" if pad.uri_mode else f"{pad.host}:{pad.port}"
    return (
        f"the database at {where} does not answer; nothing is lost: jobs keep their "
        "results in the project. Start it, or correct "
        f"{cluster.settings.folder / LAUNCHPAD}, and run the same command again"
    )


def server_time(cluster: Cluster) -> datetime:
    """Return the database's time: all that is judged by the clock is judged by it."""
    try:
        told = cluster.launchpad.db.command("hello").get("localTime")
    except NotImplementedError:  # a stand-in in a process's own memory
        told = None
    return told.replace(tzinfo=UTC) if told else datetime.now(UTC)


def clock_ahead_s(cluster: Cluster) -> float:
    """Return how far this machine's clock is ahead of the database's, s."""
    theirs = server_time(cluster)
    return (datetime.now(UTC) - theirs).total_seconds()


def without_secrets(text: str) -> str:
    """Return a text without the user and password of a database's address."""
    return re.sub(r"(mongodb(?:\+srv)?://)[^@/\s]*@", r"\1", text)
