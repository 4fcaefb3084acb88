"""One job, from its Firework to what it ended with; the database is only read."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.context import Cluster, database_errors, library_silence
from ionface.workflows.cluster.documents import check_room
from ionface.workflows.cluster.spool import Entry, is_disk_refusal, spooling
from ionface.workflows.cluster.stopping import Stopped, Stopper

if TYPE_CHECKING:
    from fireworks import Firework, FWAction

OUTPUT = "output.txt"
ERROR = "error.txt"
CAUSE_LENGTH = 400
# custodian notes here when its clock began, and each job has a clock of its own
CLOCK = "CUSTODIAN_WALLTIME_START"
AGAIN = ("stopped", "disk", "killed", "database")


def execute(
    cluster: Cluster,
    firework: Firework,
    launch: int,
    folder: Path,
    stopper: Stopper,
    wait: Callable[[], bool],
) -> Entry:
    """Run a job in its folder and return what it ended with, failed or not.

    Args:
        cluster: whose store is read.
        firework: decoded, after it was looked through.
        launch: id.
        folder: where it works.
        stopper: reaches the work.
        wait: waits for a database that is away; tells whether it came back.
    """
    while True:
        store, documents = spooling(cluster.store)
        try:
            with stopper.working_in(folder), _AtWork(folder, launch):
                check_room(firework.name, dict(firework.spec), cluster.store)
                action = _run(firework, store, launch)
        except Stopped as stop:
            return failed(firework.fw_id, launch, stop, folder, "stopped")
        except database_errors() as error:
            # the inputs could not be read, or a reference not be followed
            if wait():
                continue
            return failed(firework.fw_id, launch, error, folder, "database")
        except BaseException as error:  # noqa: BLE001  whatever a job raises is its own
            return failed(
                firework.fw_id, launch, error, folder, _kind(error, stopper, folder)
            )
        return Entry(
            launch, firework.fw_id, "COMPLETED", tuple(documents), _plain(action)
        )


def _run(firework: Firework, store: Any, launch: int) -> FWAction:
    task = firework.tasks[0]
    task["store"], task.fw_id = store, firework.fw_id
    action = task.run_task(dict(firework.spec))
    told = firework.spec.get("_ionface", {})
    for flow in (*action.detours, *action.additions):
        for new in flow.fws:
            new.tasks[0]["store"] = None  # a store may hold a password
            job = new.tasks[0]["job"]
            new.spec["_ionface"] = {
                **told,
                "uuid": job.uuid,
                "index": job.index,
                "parent_launch": launch,
            }
            if "_queueadapter" in firework.spec:
                new.spec["_queueadapter"] = dict(firework.spec["_queueadapter"])
    return action


def _plain(action: FWAction) -> dict[str, Any]:
    with library_silence():
        found: dict[str, Any] = action.to_dict()
    return found


class _AtWork:
    """The job's folder as working directory; what libraries print goes to a file."""

    def __init__(self, folder: Path, launch: int) -> None:
        self.folder, self.launch = folder, launch

    def __enter__(self) -> None:
        from ionface.workflows.cluster.processes import MARK, mark_of

        self.before = Path.cwd()
        self.environment = {name: os.environ.pop(name, None) for name in (MARK, CLOCK)}
        # what we start can be told by it
        os.environ[MARK] = mark_of(self.launch, self.folder)
        (self.folder / ERROR).unlink(missing_ok=True)
        self.heard = (self.folder / OUTPUT).open("a")
        self.silence = redirect_stdout(self.heard)
        os.chdir(self.folder)
        self.silence.__enter__()

    def __exit__(self, *error: object) -> None:
        self.silence.__exit__(None, None, None)
        os.chdir(self.before)
        for name, value in self.environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        with suppress(OSError):  # a full disk; the job's own writes have told so
            self.heard.close()


def _kind(error: BaseException, stopper: Stopper, folder: Path) -> str:
    """Return why a job failed, as far as it decides whether to try again."""
    if stopper.reason is not None:
        return "stopped"
    if is_disk_refusal(error) or _disk_is_full(folder):
        return "disk"
    return "killed" if _died_without_a_word(error, folder) else "failed"


def _disk_is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False


def _died_without_a_word(error: BaseException, folder: Path) -> bool:
    """Tell whether VASP ended without finishing its output and without an error."""
    from ionface.workflows.cluster.watching import last_run, said_error

    if not isinstance(error, IonfaceError):
        return False
    run = last_run(folder)
    if run is None or said_error(run):
        return False
    output = run / "vasprun.xml"
    try:
        return b"</modeling>" not in output.read_bytes()[-200:]
    except OSError:
        return True


def failed(
    firework: int, launch: int, error: BaseException, folder: Path, kind: str
) -> Entry:
    """Return the entry of a job that did not end well.

    Args:
        firework: id.
        launch: id.
        error: what was raised.
        folder: where.
        kind: "stopped", "disk", "killed", "database" (tried again), or "failed".
    """
    cause = cause_line(error, folder, kind)
    trace = "".join(traceback.format_exception(error))
    with suppress(OSError):  # told in the document, too
        (folder / ERROR).write_text(f"{cause}\n\n{trace}")
    return Entry(
        launch,
        firework,
        "FIZZLED",
        (),
        {
            "stored_data": {
                "cause": cause,
                "again": kind if kind in AGAIN else None,
                "folder": str(folder),
                "ended": time.time(),
                "_exception": {"_stacktrace": trace[-20_000:]},
            },
            "exit": True,
        },
    )


def cause_line(error: BaseException, folder: Path, kind: str) -> str:
    """Return the cause in one line, without a secret that a library put into it."""
    text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, IonfaceError | ValueError | Stopped):
        text = f"{type(error).__name__}: {text}"
    words = {
        "stopped": f"stopped: {text}",
        "disk": f"the disk of {folder} is full or not writable: {text}",
        "killed": f"VASP was killed: {text}",
        "database": f"the database went away: {text}",
    }
    return without_secrets(words.get(kind, text))[:CAUSE_LENGTH]


def without_secrets(text: str) -> str:
    """Return a text without the user and password of a database's address."""
    import re

    return re.sub(r"(mongodb(?:\+srv)?://)[^@/\s]*@", r"\1", text)
