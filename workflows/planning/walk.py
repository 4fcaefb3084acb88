"""A study's graph before anything has run: what each job of an engine will do.

Nothing is built a second time. This walks the Flow that `run` and `submit` use: jobs
that no engine does (build a model, repeat a crystal) are done here where their inputs
are known, and an engine's job hands on the structure that it starts from. What depends
on an engine's results (an ordering chosen by its energy, a film that has come to rest)
is stood in for by the job that it is `like`, which has the same atoms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from jobflow import Job, OutputReference
from pymatgen.core import Structure

from ionface.structures.clusters import cut_cluster
from ionface.structures.model import InterfaceModel
from ionface.workflows.engines.contract import JobDescription, Kind
from ionface.workflows.engines.registry import job_engine
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.flows.naming import jobs_of
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.study.study import Study


@dataclass(frozen=True)
class PlannedJob:
    """One job of VASP.

    Attributes:
        job: of the study's flow.
        description: what it will do.
        after: the task of the same subject whose final structure it starts from.
    """

    job: Job
    description: JobDescription
    after: str | None

    @property
    def name(self) -> str:
        """Return its name in the flow."""
        return str(self.job.name)

    @property
    def subject(self) -> str:
        """Return the interface or crystal that it is about."""
        return str(self.job.metadata["subject"])

    @property
    def task(self) -> str:
        """Return what it does, as in "relax film"; one job does all segments."""
        return _task(self.job)

    @property
    def kind(self) -> Kind:
        """Return relax, static or dynamics."""
        return self.description.kind

    @property
    def run(self) -> VaspRun:
        """Return what VASP is given."""
        run: VaspRun = self.description.inputs
        return run


def _no_final(job: PlannedJob) -> None:
    """Return that a job has not run."""
    del job


class GraphWalk:
    """The jobs of a study's flow, and what is known of their outputs in advance."""

    def __init__(
        self, study: Study, final: Callable[[PlannedJob], Structure | None] = _no_final
    ) -> None:
        """Build the flow of a study.

        Args:
            study: with its engines.
            final: gives the final structure of a job that has been run by hand.

        Raises:
            IonfaceError: as `study_flow`.
        """
        self.study = study
        self._final = final
        self.jobs = {job.uuid: job for job in jobs_of(study_flow(study))}
        self._outputs: dict[str, Any] = {}
        self._finals: dict[str, Structure | None] = {}
        self._above: dict[str, set[str]] = {}

    @cached_property
    def engine_jobs(self) -> list[Job]:
        """Return the jobs that an engine does, in the order of the flow."""
        return [job for job in self.jobs.values() if _by_engine(job)]

    def models(self) -> list[InterfaceModel]:
        """Return the models that are built before any engine has run."""
        built = [j for j in self.jobs.values() if j.metadata.get("task") == "build"]
        return [self._output(job.uuid).model for job in built]

    def planned_jobs(self) -> list[PlannedJob]:
        """Return VASP's jobs in the order of the flow.

        Raises:
            StructureError: a model cannot be built.
            IonfaceError: settings contradict each other.
        """
        found = map(self.planned, self.engine_jobs)
        return [planned for planned in found if planned is not None]

    def planned(self, job: Job) -> PlannedJob | None:
        """Return what a job of VASP will do; None for another engine's.

        Raises:
            StructureError: a model cannot be built.
            IonfaceError: settings contradict each other.
        """
        engine = job_engine(self.study, job.metadata)
        if engine is None or job.maker is None:
            return None
        description = engine.describe(job.maker, self.start(job))
        if description is None or not isinstance(description.inputs, VaspRun):
            return None
        before = self._before(job)
        return PlannedJob(job, description, None if before is None else _task(before))

    def waits_for(self) -> dict[str, Job]:
        """Return the engine's jobs that cannot be prepared before others have run.

        Copying final positions is all that can be done by hand. Where a job of our own
        (an interface on a film that has come to rest) needs an engine's results, what
        leads to it is of no use alone, and what follows it has no start.

        Returns:
            By the id of the engine's job, the job of our own that stands in the way.
        """
        waiting: dict[str, Job] = {}
        needed = self._needed()
        for uuid in needed:
            job, above = self.jobs[uuid], self.ancestors(uuid)
            engines_above = [u for u in above if _by_engine(self.jobs[u])]
            if _by_engine(job) or not (engines_above or "like" in job.metadata):
                continue
            if self._has_positions(job):
                continue
            # what follows a job of our own that waits, waits for that one
            own = (p for p in self._parents(uuid) if not _by_engine(self.jobs[p]))
            cause = next((waiting[p] for p in own if p in waiting), job)
            # what leads to one that takes positions is run first, and is of use
            led = [] if cause.metadata.get("takes") else engines_above
            for blocked in (uuid, *led):
                waiting.setdefault(blocked, cause)
        for uuid in needed:  # a flow lists parents before their children
            for parent in self._parents(uuid):
                if parent in waiting:
                    waiting.setdefault(uuid, waiting[parent])
        return {u: job for u, job in waiting.items() if _by_engine(self.jobs[u])}

    def _has_positions(self, job: Job) -> bool:
        """Tell whether a job of ours takes final structures that are all there."""
        if job.metadata.get("takes") != "positions":
            return False
        parents = [self.jobs[uuid] for uuid in self._parents(job.uuid)]
        engines = [parent for parent in parents if _by_engine(parent)]
        return all(self._final_of(parent) is not None for parent in engines)

    def _final_of(self, job: Job) -> Structure | None:
        """Return the final structure of an engine's job that has been run by hand."""
        if job.uuid not in self._finals:
            planned = self.planned(job)
            self._finals[job.uuid] = None if planned is None else self._final(planned)
        return self._finals[job.uuid]

    def _needed(self) -> list[str]:
        """Return the engine's jobs and what leads to them, in the order of the flow."""
        found = {job.uuid for job in self.engine_jobs}
        for job in self.engine_jobs:
            found |= self.ancestors(job.uuid)
        return [uuid for uuid in self.jobs if uuid in found]

    def ancestors(self, uuid: str) -> set[str]:
        """Return the ids of all jobs whose outputs lead to one."""
        if uuid not in self._above:
            parents = self._parents(uuid)
            self._above[uuid] = parents.union(*map(self.ancestors, parents))
        return self._above[uuid]

    def _parents(self, uuid: str) -> set[str]:
        job = self.jobs[uuid]
        arguments = [*job.function_args, *job.function_kwargs.values()]
        return {reference.uuid for reference in _references(arguments)}

    def _before(self, job: Job) -> Job | None:
        """Return the engine's job whose final structure a job starts from."""
        start = _start_argument(job)
        if not isinstance(start, OutputReference):
            return None
        before = self.jobs[start.uuid]
        return before if _by_engine(before) else None

    # --- outputs that are known in advance ------------------------------------------

    def start(self, job: Job) -> Structure:
        """Return the structure that an engine's job starts from.

        Raises:
            StructureError: a model cannot be built.
        """
        if like := job.metadata.get("like"):  # a frame that is chosen later
            whole = self.start(self.jobs[like])
            return cut_cluster(whole, 0, int(job.metadata["most_atoms"]))
        structure: Structure = self._resolved(_start_argument(job))
        return structure

    def _output(self, uuid: str) -> Any:
        if uuid not in self._outputs:
            self._outputs[uuid] = self._found(self.jobs[uuid])
        return self._outputs[uuid]

    def _found(self, job: Job) -> Any:
        if _by_engine(job):
            structure = self._finals.get(job.uuid) or self.start(job)
            return SimpleNamespace(structure=structure, level=None)
        like = job.metadata.get("like")
        if like and not self._has_positions(job):
            return self._output(like)
        function = getattr(job.function, "original", job.function)
        return function(
            *self._resolved(list(job.function_args)),
            **self._resolved(dict(job.function_kwargs)),
        )

    def _resolved(self, value: Any) -> Any:
        """Return a value with what its references point to."""
        if isinstance(value, OutputReference):
            found = self._output(value.uuid)
            for kind, name in value.attributes:
                found = getattr(found, name) if kind == "a" else found[name]
            return found
        if isinstance(value, list | tuple):
            return [self._resolved(item) for item in value]
        if isinstance(value, dict):
            return {key: self._resolved(item) for key, item in value.items()}
        return value


def _by_engine(job: Job) -> bool:
    return job.metadata.get("kind") is not None


def _task(job: Job) -> str:
    """Return a job's task; VASP does all segments of dynamics in one job."""
    task = str(job.metadata["task"])
    return "dynamics" if task == "dynamics 1" else task


def _start_argument(job: Job) -> Any:
    """Return the structure that an engine's job is given, or the reference to it."""
    if "structure" in job.function_kwargs:
        return job.function_kwargs["structure"]
    return job.function_args[0]


def _references(value: Any) -> Iterator[OutputReference]:
    if isinstance(value, OutputReference):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        yield from _references(list(value.values()))
