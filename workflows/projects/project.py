"""A project directory: one study's jobs, store, trajectories and results on one disk.

    study.yaml     the study as resolved      runs/<job>/     each job's own outputs
    project.json   identity, levels of theory trajectories/   one file per run
    flow.json      the graph with its ids     results/        JSON and figures
    store.sqlite   finished jobs' documents   report.html

Everything but the store is written atomically: a file is whole or not there.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import BusyError, IonfaceError
from ionface.files import disk_message, write_atomically
from ionface.workflows.engines.durable import RUNS
from ionface.workflows.projects.documents import check_decodable
from ionface.workflows.study.study import Study
from ionface.workflows.study.study_files import parse, to_yaml

if TYPE_CHECKING:
    from jobflow import Flow, Job, JobStore

    from ionface.analysis.energies.level_of_theory import LevelOfTheory

FORMAT = 2
MARK = "submission.json"
"""The file that says that a cluster computes the project, and under which key."""

LOCK_S = 1.0  # whoever asks whether a project runs holds its lock for a moment


@dataclass(frozen=True)
class Project:
    """A directory that holds one study.

    Attributes:
        root: the directory.
    """

    root: Path

    # --- opening --------------------------------------------------------------------

    @classmethod
    def create(cls, root: Path, study: Study) -> Project:
        """Return the project of a study, new or taken up again.

        Raises:
            IonfaceError: the directory holds something else, another study or
                another level of theory, or cannot be written.
        """
        project = cls(root.resolve())
        try:
            return project._created(study)
        except OSError as error:
            raise IonfaceError(disk_message(error, root)) from error

    def _created(self, study: Study) -> Project:
        if (self.root / "project.json").is_file():
            self._check_format()
            self._check_study(study)
            self._check_levels(study)
            return self
        if self.root.exists() and any(self.root.iterdir()) and not self._half_made():
            raise IonfaceError(
                f"{self.root} is not empty and holds no ionface project; "
                "give --project a new or empty directory"
            )
        for folder in ("runs", "trajectories", "results"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        from ionface.workflows.flows.study_flow import study_flow

        write_atomically(self.root / "study.yaml", to_yaml(study))
        write_atomically(self.root / "flow.json", _dump(study_flow(study)))
        # last: its presence says that the project is whole
        write_atomically(
            self.root / "project.json", json.dumps(self._identity(study), indent=2)
        )
        return self

    def _half_made(self) -> bool:
        """Tell whether a creation was interrupted here before any job ran."""
        made = {"study.yaml", "flow.json", "runs", "trajectories", "results", ".lock"}
        found = {p.name for p in self.root.iterdir() if not p.name.endswith(".part")}
        return found <= made

    @classmethod
    def open(cls, root: Path) -> Project:
        """Return an existing project.

        Raises:
            IonfaceError: there is none.
        """
        project = cls(root.resolve())
        if not (project.root / "project.json").is_file():
            raise IonfaceError(
                f"{root} holds no ionface project (no project.json); give the "
                "directory that `ionface run --project` made"
            )
        project._check_format()
        return project

    def _check_format(self) -> None:
        """Refuse a project of another ionface, whose jobs this one cannot read.

        Raises:
            IonfaceError: says how to go on with its results.
        """
        number = self.identity.get("format")
        if number == FORMAT:
            return
        raise IonfaceError(
            f"project {self.root} has format {number}, this ionface works with "
            f"{FORMAT}: its jobs cannot be continued. Its results can be analyzed by "
            f"path: `ionface analyze rdf {self.root}/trajectories/NAME.ionf`, `ionface "
            f"analyze energies {self.root}/results/energies.json`. To compute on, give "
            "another --project, or use the ionface that made it"
        )

    def _identity(self, study: Study) -> dict[str, Any]:
        from importlib.metadata import version

        return {
            "format": FORMAT,
            "ionface": version("ionface"),
            "study": study.name,
            "quick": study.quick,
            "levels": {k: v.as_dict() for k, v in levels(study).items()},
        }

    def _check_study(self, study: Study) -> None:
        mine, wanted = self.study, study
        if mine == wanted:
            return
        if mine.name != wanted.name:
            difference = f"it holds the study {mine.name!r}, not {wanted.name!r}"
        elif mine.quick != wanted.quick:
            difference = (
                "it was made " + ("with" if mine.quick else "without") + " --quick"
            )
        else:
            changed = [
                key
                for key in mine.__dataclass_fields__
                if getattr(mine, key) != getattr(wanted, key)
            ]
            difference = f"its study differs in {', '.join(changed)}"
        raise IonfaceError(
            f"project {self.root}: {difference}; results of two studies are never "
            "mixed: give another --project"
        )

    def _check_levels(self, study: Study) -> None:
        from ionface.analysis.energies.level_of_theory import LevelOfTheory

        recorded = self.identity["levels"]
        for kind, level in levels(study).items():
            if kind not in recorded:
                continue
            if changes := LevelOfTheory.from_dict(recorded[kind]).differences(level):
                shown = "; ".join(f"{k}: {a} -> {b}" for k, (a, b) in changes.items())
                raise IonfaceError(
                    f"project {self.root} was computed at another level of theory "
                    f"({kind}: {shown}); install what it was made with, or give "
                    "another --project"
                )

    # --- contents -------------------------------------------------------------------

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return what project.json says."""
        path = self.root / "project.json"
        try:
            identity: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise IonfaceError(
                f"{path} is damaged ({error}); put a backup in its place"
            ) from error
        return identity

    @cached_property
    def study(self) -> Study:
        """Return the study as resolved when the project was made."""
        path = self.root / "study.yaml"
        return parse(path.read_text(), str(path))

    @property
    def submission(self) -> dict[str, Any]:
        """Return key and manager of the submission to a cluster, empty if none."""
        try:
            mark = json.loads((self.root / MARK).read_text())
        except (OSError, ValueError):
            return {}
        return mark if isinstance(mark, dict) else {}

    def flow(self) -> Flow:
        """Return a fresh copy of the graph, with the ids that the store knows.

        Raises:
            IonfaceError: the file names code that is none of ours.
        """
        from monty.json import MontyDecoder

        path = self.root / "flow.json"
        text = path.read_text()
        check_decodable(text, str(path))
        flow: Flow = MontyDecoder().decode(text)
        return flow

    @cached_property
    def _jobs(self) -> list[tuple[Job, list[str]]]:
        flow = self.flow()
        with warnings.catch_warnings():
            # jobflow warns that unconnected parts have no order; here they get one
            warnings.simplefilter("ignore", UserWarning)
            jobs = list(flow.iterflow())
        for job, _ in jobs:
            job.metadata[RUNS] = str(self.runs)  # the project may have moved
        place = {uuid: number for number, uuid in enumerate(_job_ids(flow))}
        return sorted(jobs, key=lambda pair: place[pair[0].uuid])

    def jobs(self) -> list[tuple[Job, list[str]]]:
        """Return the jobs with the ids of their parents, parents first.

        They are told where their folders lie, and come in the order in which the study
        lists them. The graph is decoded
        once: who runs or changes a job takes a copy of it.
        """
        return list(self._jobs)

    @cached_property
    def store(self) -> JobStore:
        """Return the store of finished jobs, connected."""
        from jobflow import JobStore

        from ionface.workflows.projects.sqlite_store import SqliteStore

        path = self.root / "store.sqlite"
        store = JobStore(
            SqliteStore(path), {"data": SqliteStore(path, "data", key="blob_uuid")}
        )
        store.connect()
        return store

    @property
    def runs(self) -> Path:
        """Return the folder of the jobs' folders."""
        return self.root / "runs"

    @property
    def results(self) -> Path:
        """Return the folder of tables and figures."""
        return self.root / "results"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the project, so that two runs never compute the same job.

        The lock is the operating system's: it ends with the process, however it ends.

        Raises:
            IonfaceError: another process runs this project.
        """
        try:
            handle = (self.root / ".lock").open("a+")
        except OSError as error:
            raise IonfaceError(disk_message(error, self.root)) from error
        with handle:
            if not _lock_within(handle.fileno(), LOCK_S):
                handle.seek(0)
                raise BusyError(
                    f"project {self.root} is being run by process "
                    f"{handle.read().strip() or 'unknown'}; wait for it, or stop it"
                )
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            yield

    def is_running(self) -> bool:
        """Tell whether a process holds the project now."""
        try:
            with (self.root / ".lock").open() as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def _lock_within(descriptor: int, seconds: float) -> bool:
    """Take a lock as soon as it is free; tell whether it was in time."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        else:
            return True


def levels(study: Study) -> dict[str, LevelOfTheory]:
    """Return the level of theory of each kind of job that the study has."""
    from ionface.workflows.engines.registry import study_engine

    found = {}
    if study.formation_names:
        found["formation"] = study_engine(study, "formation").level_of_theory()
    if study.dynamics or study.references:
        found["dynamics"] = study_engine(study, "dynamics").level_of_theory()
    return found


def _job_ids(flow: Flow) -> list[str]:
    """Return job ids in the order in which flows list them: parents stand first."""
    ids: list[str] = []
    for part in flow.jobs:
        ids += _job_ids(part) if hasattr(part, "jobs") else [part.uuid]
    return ids


def _dump(flow: Flow) -> str:
    from monty.json import MontyEncoder, jsanitize

    return json.dumps(
        jsanitize(flow.as_dict(), strict=True, enum_values=True), cls=MontyEncoder
    )
