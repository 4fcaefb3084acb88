"""A project directory: one study's jobs, store, trajectories and results on one disk.

    study.yaml     the study as resolved      runs/<job>/     each job's own outputs
    project.json   identity, levels of theory trajectories/   one file per run
    flow.json      the graph with its ids     results/        JSON and figures
    store.sqlite   finished jobs' documents   inputs/         files that the study names
                                              report.html

Everything but the store is written atomically: a file is whole or not there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.documents import decode, read_json, text_of
from ionface.errors import IonfaceError
from ionface.files import disk_message, write_atomically
from ionface.workflows.engines.durable import RESULT, RUNS, job_folder
from ionface.workflows.projects.extension import extension, ids_of, steps_done
from ionface.workflows.projects.project_lock import LOCK, held, is_held
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.input_files import (
    INPUTS,
    by_content,
    changed_file,
    found_from,
)
from ionface.workflows.study.study import Study
from ionface.workflows.study.study_files import parse, to_yaml

if TYPE_CHECKING:
    from jobflow import Flow, Job, JobStore

FORMAT = 2
ERROR_FILE = "error.txt"
"""In a job's folder: why it failed."""

MARK = "submission.json"
"""The file that says that a cluster computes the project, and under which key."""

FOREIGN = "from-bundle.txt"
"""The file that says in which bundle a project came that nobody has looked at yet."""


class ForeignProjectError(IonfaceError):
    """A project of a bundle, which is not run before its user has agreed."""


@dataclass(frozen=True)
class Project:
    """A directory that holds one study.

    Attributes:
        root: the directory.
        out: where results and the report are written; the directory itself if not
            given. A project that nobody may write to is reported elsewhere.
    """

    root: Path
    out: Path | None = None

    # --- opening --------------------------------------------------------------------

    @classmethod
    def create(cls, root: Path, study: Study) -> Project:
        """Return the project of a study, new or taken up again.

        Raises:
            IonfaceError: the directory holds something else, another study or
                another level of theory, came in a bundle, or cannot be written.
        """
        project = cls(root.resolve())
        project.check_trusted()
        try:
            return project._created(study)
        except OSError as error:
            raise IonfaceError(disk_message(error, root)) from error

    @classmethod
    def check(cls, root: Path, study: Study) -> None:
        """Refuse what `create` would refuse of a project that is there.

        Raises:
            IonfaceError: as `create`.
        """
        project = cls(root.resolve())
        project.check_trusted()
        project._check_format()
        difference = project._difference(study)
        project._check_levels(study)
        if difference:
            project._grown(study, difference)

    def _created(self, study: Study) -> Project:
        if (self.root / "project.json").is_file():
            self._check_format()
            difference = self._difference(study)
            self._check_levels(study)
            return self._extended(study) if difference else self
        if self.root.exists() and any(self.root.iterdir()) and not self._half_made():
            raise IonfaceError(
                f"{self.root} is not empty and holds no ionface project; "
                "give `project` a new or empty directory"
            )
        for folder in ("runs", "trajectories", "results"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        kept, sources = by_content(study)
        _copy(sources, self.root)
        write_atomically(self.root / "study.yaml", to_yaml(kept))
        write_atomically(self.root / "flow.json", self._graph(kept, sources, {}))
        # last: its presence says that the project is whole
        write_atomically(
            self.root / "project.json", json.dumps(self._identity(study), indent=2)
        )
        return self

    def _graph(
        self,
        kept: Study,
        sources: Mapping[str, Path],
        done: Mapping[str, Sequence[int]],
    ) -> str:
        """Return the graph of a study, also before the project has its files.

        Args:
            kept: the study, with files called as the project keeps them.
            sources: where they are now, by these names.
            done: steps of dynamics, as of `steps_done`.
        """
        from ionface.workflows.flows.study_flow import study_flow

        with TemporaryDirectory() as folder:
            beside = Path(folder).resolve()
            _copy(sources, beside)
            found = found_from(found_from(kept, beside), self.root)
            text = _dump(study_flow(found, done))
        return text.replace(_inputs_in(beside), _inputs_in(self.root))

    def _extended(self, study: Study) -> Project:
        """Return the project with what a study has beyond what it was made with.

        Raises:
            IonfaceError: as `_grown`, or the project is being run.
        """
        with self.locked():
            now = Project(self.root, self.out)  # another process may have extended it
            if difference := now._difference(study):
                kept, text = now._grown(study, difference)
                _copy(by_content(study)[1], self.root)
                new = now._identity(study)
                levels = {**now.identity["levels"], **new["levels"]}
                identity = {**now.identity, "root": new["root"], "levels": levels}
                self._forget_results()
                write_atomically(self.root / "flow.json", text)
                write_atomically(
                    self.root / "project.json", json.dumps(identity, indent=2)
                )
                # last: until then the next run makes the same graph once more
                write_atomically(self.root / "study.yaml", to_yaml(kept))
        return Project(self.root, self.out)

    def _grown(self, study: Study, difference: str) -> tuple[Study, str]:
        """Return a study as the project keeps it, and its graph with the known ids.

        Nothing is written: whether it may grow is all that some ask.

        Raises:
            IonfaceError: a computation that has begun would be replaced, or another
                machine has the jobs already.
        """
        if self.submission:
            reason = "its jobs are those of its submission"
            raise self._never_mixed(f"{difference}; {reason}")
        (kept, sources), before = by_content(study), self._flow_text()
        begun = {uuid for uuid in ids_of(before) if self._has_begun(uuid)}
        graph = self._graph(kept, sources, steps_done(before, begun))
        grown = extension(before, graph)
        if lost := [name for uuid, name in grown.lost if uuid in begun]:
            raise self._never_mixed(
                f"{difference}; {len(lost)} of its computations would be others "
                f"({lost[0]} is the first)"
            )
        return kept, grown.text

    def _forget_results(self) -> None:
        """Remove tables and figures: of what is asked for no more, old ones would stay.

        Each report writes them again, of the jobs that are done.
        """
        from ionface.analysis.kinds import kinds

        for kind in kinds():
            for path in self.results.glob(f"{kind}-*"):
                path.unlink()

    def drop_replaced(self) -> None:
        """Remove joined trajectories of graphs before the study grew.

        Each is as long as its segments, which are all kept; what they are joined to
        now, at least as long, is in its place.
        """
        from ionface.workflows.flows.jobs import JOINED

        jobs = [job for job, _ in self.jobs()]
        known = {job_folder(job, self.runs) for job in jobs}
        for job in jobs:
            folder = job_folder(job, self.runs)
            if job.metadata.get("result") != "trajectory":
                continue
            if not (folder / RESULT).is_file():
                continue
            name = escape(folder.name.rpartition(".")[0])
            for path in self.runs.glob(f"{name}.????????/{JOINED}"):
                if path.parent not in known:
                    path.unlink()

    def _never_mixed(self, reason: str) -> IonfaceError:
        return IonfaceError(
            f"project {self.root}: {reason}; results of two studies are never mixed: "
            "give another `project`"
        )

    def _has_begun(self, uuid: str) -> bool:
        """Tell whether a job has left anything but its failure."""
        if self.store.docs_store.query_one({"uuid": uuid}, ["uuid"]):
            return True
        folders = self.runs.glob(f"*.{uuid[:8]}")
        return any(not (folder / ERROR_FILE).is_file() for folder in folders)

    def _half_made(self) -> bool:
        """Tell whether a creation was interrupted here before any job ran."""
        made = {"study.yaml", "flow.json", LOCK, INPUTS}
        made |= {"runs", "trajectories", "results"}
        found = {p.name for p in self.root.iterdir() if not p.name.endswith(".part")}
        return found <= made

    @classmethod
    def open(cls, root: str | Path) -> Project:
        """Return an existing project.

        Raises:
            IonfaceError: there is none.
        """
        project = cls(Path(root).resolve())
        if not (project.root / "project.json").is_file():
            raise IonfaceError(
                f"{root} holds no ionface project (no project.json); give the "
                "directory that `ionface.run` made"
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
            "another `project`, or use the ionface that made it"
        )

    def _identity(self, study: Study) -> dict[str, Any]:
        from importlib.metadata import version

        return {
            "format": FORMAT,
            "ionface": version("ionface"),
            "root": str(self.root),
            "study": study.name,
            "quick": study.quick,
            "levels": {k: v.as_dict() for k, v in levels(study).items()},
        }

    def _difference(self, study: Study) -> str:
        """Return in what a study differs from the project's own; empty if it is that.

        Raises:
            IonfaceError: it is another study, not more or less of this one.
        """
        (mine, _), (wanted, _) = by_content(self.study), by_content(study)
        if mine == wanted:
            return ""
        if mine.name != wanted.name:
            difference = f"it holds the study {mine.name!r}, not {wanted.name!r}"
        elif mine.quick != wanted.quick:
            difference = (
                "it was made " + ("with" if mine.quick else "without") + " `quick`"
            )
        elif not (difference := changed_file(mine, wanted)):
            changed = [
                key
                for key in mine.__dataclass_fields__
                if getattr(mine, key) != getattr(wanted, key)
            ]
            return f"its study differs in {', '.join(changed)}"
        raise self._never_mixed(difference)

    def _check_levels(self, study: Study) -> None:
        recorded = self.identity["levels"]
        for kind, level in levels(study).items():
            if kind not in recorded:
                continue
            if changes := LevelOfTheory.from_dict(recorded[kind]).differences(level):
                shown = "; ".join(f"{k}: {a} -> {b}" for k, (a, b) in changes.items())
                raise IonfaceError(
                    f"project {self.root} was computed at another level of theory "
                    f"({kind}: {shown}); install what it was made with, or give "
                    "another `project`"
                )

    # --- contents -------------------------------------------------------------------

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return what project.json says."""
        path = self.root / "project.json"
        text = text_of(path)
        identity: dict[str, Any] = read_json(text, str(path))
        return identity

    @cached_property
    def study(self) -> Study:
        """Return the study as resolved when the project was made."""
        path = self.root / "study.yaml"
        text = path.read_text()
        study = found_from(parse(text, str(path)), self.root)
        # whoever made the project before there was a choice took published lattices
        if "lattice" not in yaml.safe_load(text):
            study = replace(study, lattice="literature")
        # GPAW's own basis was written out before CP2K, which has another, was there
        if study.dft.basis == "dzp":
            study = replace(study, dft=replace(study.dft, basis=None))
        return study

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
        flow: Flow = decode(self._flow_text(), str(self.root / "flow.json"))
        return flow

    def _flow_text(self) -> str:
        text = text_of(self.root / "flow.json")
        # jobs name the project's own files; it may have moved
        for root in {self.identity.get("root", self.root)} - {str(self.root)}:
            text = text.replace(_inputs_in(root), _inputs_in(self.root))
        return text

    @cached_property
    def _jobs(self) -> list[tuple[Job, list[str]]]:
        from ionface.workflows.flows.naming import jobs_of

        flow = self.flow()
        with warnings.catch_warnings():
            # jobflow warns that unconnected parts have no order; here they get one
            warnings.simplefilter("ignore", UserWarning)
            jobs = list(flow.iterflow())
        for job, _ in jobs:
            job.metadata[RUNS] = str(self.runs)  # the project may have moved
        place = {job.uuid: number for number, job in enumerate(jobs_of(flow))}
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
        from ionface.workflows.projects.checked_store import CheckedStore
        from ionface.workflows.projects.sqlite_store import SqliteStore

        path = self.root / "store.sqlite"
        store = CheckedStore(
            SqliteStore(path), {"data": SqliteStore(path, "data", key="blob_uuid")}
        )
        store.connect()
        return store

    @property
    def foreign(self) -> str:
        """Return the bundle that the project came in; empty once it is trusted."""
        path = self.root / FOREIGN
        there = path.is_file() and (self.root / "project.json").is_file()
        return path.read_text().strip() if there else ""

    def check_trusted(self) -> None:
        """Refuse to run what somebody else has written, until it was looked at.

        Raises:
            IonfaceError: names what would run.
        """
        if self.foreign:
            raise ForeignProjectError(
                f"project {self.root} came in {self.foreign}. To run it starts what "
                f"its study names: {', '.join(_programs(self.study))}; look at "
                f"{self.root / 'study.yaml'}, then call `Project.trust()`"
            )

    def trust(self) -> None:
        """Let a project run that came in a bundle."""
        (self.root / FOREIGN).unlink(missing_ok=True)

    @property
    def runs(self) -> Path:
        """Return the folder of the jobs' folders."""
        return self.root / "runs"

    @property
    def results(self) -> Path:
        """Return the folder of tables and figures."""
        return self.report.parent / "results"

    @property
    def report(self) -> Path:
        """Return the path of the report."""
        return (self.out or self.root) / "report.html"

    def locked(self) -> AbstractContextManager[None]:
        """Hold the project, so that two runs never compute the same job.

        Raises:
            IonfaceError: another process runs this project.
        """
        return held(self.root)

    def is_running(self) -> bool:
        """Tell whether a process holds the project now."""
        return is_held(self.root)


def _programs(study: Study) -> Iterator[str]:
    """Yield what a study starts: engines, and the commands of VASP."""
    for name in study.engine_names():
        yield f"engine {name}"
    for key in ("vasp_cmd", "vasp_gamma_cmd"):
        if command := getattr(study.vasp, key):
            yield f"{key} {command!r}"
    if study.dft.mpi != DftSettings().mpi:
        yield f"mpi {study.dft.mpi!r}"


def levels(study: Study) -> dict[str, LevelOfTheory]:
    """Return the level of theory of each kind of job that the study has."""
    from ionface.workflows.engines.registry import configured, engine, study_engine

    found = {}
    if study.formation_names or study.surfaces or study.systems:
        for name, each in {"formation": study, **dict(study.by_each_other())}.items():
            key = name if each is study else f"formation ({name})"
            found[key] = study_engine(each, "formation").level_of_theory()
    if study.dynamics or study.references:
        found["dynamics"] = study_engine(study, "dynamics").level_of_theory()
    if study.spot_checks:
        teacher = configured(engine(study.spot_checks.engine), study)
        found["spot checks"] = teacher.level_of_theory()
    return found


def _copy(sources: Mapping[str, Path], root: Path) -> None:
    """Copy files below a folder, under the names by which a project knows them."""
    for name, path in sources.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(root / name, path.read_bytes())


def _inputs_in(root: Path | str) -> str:
    """Return how JSON writes the beginning of a project's own files."""
    return json.dumps(f"{root}/{INPUTS}/")[1:-1]


def _dump(flow: Flow) -> str:
    from monty.json import MontyEncoder, jsanitize

    return json.dumps(
        jsanitize(flow.as_dict(), strict=True, enum_values=True), cls=MontyEncoder
    )
