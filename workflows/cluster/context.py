"""What every command of the cluster works with: launchpad, store, queue, settings."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

RUNS = "ionface_runs"
SUBMISSIONS = "ionface_submissions"
LOCKS = "ionface_locks"
SELECTION_MS = 5000


@dataclass(frozen=True)
class Cluster:
    """An open database and what goes with it.

    Attributes:
        settings: of our layer.
        launchpad: FireWorks' database.
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
    def runs(self) -> Any:
        """Return the collection with one document per launch: owner, sign of life."""
        return self.launchpad.db[RUNS]

    @property
    def submissions(self) -> Any:
        """Return the collection with one document per submitted study."""
        return self.launchpad.db[SUBMISSIONS]

    @property
    def fireworks(self) -> Any:
        """Return FireWorks' own collection."""
        return self.launchpad.fireworks

    def close(self) -> None:
        """Let go of the database."""
        from maggma.core import StoreError

        self.launchpad.connection.close()
        with contextlib.suppress(StoreError):  # it was never connected
            self.store.close()

    def make_indexes(self) -> None:
        """Make the indexes that uniqueness and speed rest on."""
        self.fireworks.create_index("fw_id", unique=True)
        self.fireworks.create_index(
            [("spec._ionface.uuid", 1), ("spec._ionface.index", 1)],
            name="ionface_job",
            unique=True,
            partialFilterExpression={"spec._ionface.uuid": {"$exists": True}},
        )
        for key in ("state", "launches"):
            self.fireworks.create_index(key)
        self.launchpad.launches.create_index("launch_id", unique=True)
        self.launchpad.launches.create_index("fw_id")
        self.launchpad.launches.create_index("state")
        self.launchpad.workflows.create_index("nodes")
        self.launchpad.workflows.create_index("metadata.submission")
        self.runs.create_index("fw_id")
        if self.launchpad.fw_id_assigner.find_one({}) is None:
            self.launchpad.fw_id_assigner.update_one(
                {}, {"$setOnInsert": {"next_fw_id": 1, "next_launch_id": 1}}, True
            )
        with contextlib.suppress(AttributeError, NotImplementedError):
            self.store.ensure_index("uuid")


def open_cluster(folder: Path | None = None) -> Cluster:
    """Return the cluster of a configuration; nothing is asked of the database yet.

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
        given = read_yaml(settings.folder / LAUNCHPAD)
        given["strm_lvl"] = given.get("strm_lvl") or "CRITICAL"
        options = dict(given.get("mongoclient_kwargs") or {})
        options.setdefault("serverSelectionTimeoutMS", SELECTION_MS)
        options.setdefault("socketTimeoutMS", 60_000)
        launchpad = LaunchPad.from_dict(
            {"host": None, **given, "mongoclient_kwargs": options}
        )
        worker = settings.folder / WORKER
        told = read_yaml(worker) if worker.is_file() else {}
        fworker = FWorker.from_dict({"category": "", "query": "{}", "env": {}, **told})
    return Cluster(
        settings,
        launchpad,
        open_store(settings.folder / JOBFLOW),
        queue_of(settings.folder / QUEUE),
        fworker,
    )


def open_store(path: Path) -> JobStore:
    """Return the store of jobflow.yaml, not connected.

    Raises:
        IonfaceError: there is none, or it makes no store.
    """
    from jobflow import JobStore

    spec = read_yaml(path).get("JOB_STORE")
    if not isinstance(spec, dict):
        raise IonfaceError(
            f"{path} has no JOB_STORE with a docs_store; run `ionface init-cluster`, "
            "or see docs/cluster.md"
        )
    try:
        store: JobStore = JobStore.from_dict_spec(spec)
    except (TypeError, KeyError, ValueError) as error:
        raise IonfaceError(
            f"{path}: JOB_STORE makes no store ({type(error).__name__}); compare it "
            "with the one that `ionface init-cluster` writes"
        ) from error
    return store


@contextmanager
def library_silence() -> Iterator[None]:
    """Keep libraries' greetings away from standard output, which may be JSON."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def database_errors() -> tuple[type[Exception], ...]:
    """Return what a database that is away raises."""
    from pymongo.errors import ConnectionFailure, PyMongoError

    return (ConnectionFailure, PyMongoError)


def reachable(cluster: Cluster) -> bool:
    """Tell whether the database answers."""
    try:
        cluster.launchpad.db.client.admin.command("ping")
    except database_errors():
        return False
    except NotImplementedError:
        return True  # a stand-in in a process's own memory
    return True


def unreachable_message(cluster: Cluster) -> str:
    """Return what to tell a user about a database that does not answer."""
    pad = cluster.launchpad
    where = "the server of its URI" if pad.uri_mode else f"{pad.host}:{pad.port}"
    return (
        f"the database at {where} does not answer; nothing is lost: "
        "workers keep their results. Start it, or correct "
        f"{cluster.settings.folder / LAUNCHPAD}, and run the same command again"
    )


def now() -> datetime:
    """Return the time, UTC, in the milliseconds that the database keeps."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def age_s(time: datetime | str | None) -> float:
    """Return how long ago something was, s; infinite where it never was."""
    if time is None:
        return float("inf")
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if time.tzinfo is None:  # as the database gives it back
        time = time.replace(tzinfo=UTC)
    return (datetime.now(UTC) - time) / timedelta(seconds=1)


def here() -> str:
    """Return this machine's name."""
    return socket.gethostname()
