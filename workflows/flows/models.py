"""From a specification to the models that are run: prepare, build, rank, scan.

    film or alloy:  pack -> stages of relaxation and dynamics -> film
    ensemble:       build each ordering -> relax its slab a little -> the lowest members
    scan:           energies over shifts and gaps -> the model at their minimum

Most interfaces need none of this: then there is one job, `build`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jobflow import Flow, Job, OutputReference

from ionface.structures.interface import build_interface
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    FilmLayer,
    InterfaceSpec,
    SlabLayer,
)
from ionface.workflows.engines.contract import Engine
from ionface.workflows.engines.registry import Role, configured, engine, study_engine
from ionface.workflows.flows import ensembles, film_preparation, registry_scan
from ionface.workflows.flows import jobs as tasks
from ionface.workflows.flows.naming import named
from ionface.workflows.study.study import Study


@dataclass(frozen=True)
class Start:
    """Where the jobs of one interface start.

    Attributes:
        name: of the interface, or of a member of an ensemble.
        built: a BuiltInterface, or the reference to one.
        strained: which sides are strained: "film", "substrate".
    """

    name: str
    built: tasks.BuiltInterface | OutputReference
    strained: tuple[str, ...]


@dataclass(frozen=True)
class Models:
    """All models of one interface.

    Attributes:
        jobs: up to the models, in their order.
        starts: one, or one for each member of an ensemble, the lowest energy first.
    """

    jobs: list[Job | Flow]
    starts: list[Start]


@dataclass(frozen=True)
class ModelBuilder:
    """Makes the jobs that lead to an interface's models.

    Attributes:
        by_role: gives the engine of energies or of dynamics. It is asked only when a
            model needs one, for not every study has both installed.
        by_name: gives the engine that a scan names.
        quick: the models are those of a rehearsal.
    """

    by_role: Callable[[Role], Engine]
    by_name: Callable[[str], Engine] = engine
    quick: bool = False

    @classmethod
    def of(cls, study: Study) -> ModelBuilder:
        """Return the builder of a study's models."""
        return cls(
            lambda role: study_engine(study, role),
            lambda name: configured(engine(name), study),
            study.quick,
        )

    def models(self, spec: InterfaceSpec) -> Models:
        """Return the models of an interface, and all jobs up to them."""
        jobs: list[Job | Flow] = []
        film = None
        if isinstance(spec.film, FilmLayer | AmorphousLayer):
            film, jobs = film_preparation.film_jobs(
                spec, self.by_role("dynamics"), quick=self.quick
            )
        where = ensembles.disordered_side(spec)
        if where is None:
            built = {spec.name: self._build(spec, film, "build")}
            jobs += built.values()
        else:
            ranked, built = self._members(spec, where, film)
            jobs += ranked
        if spec.scan is not None:
            for name, job in built.items():
                scan, built[name] = self._scanned(spec, name, job)
                jobs += scan
        for job in built.values():
            job.metadata["result"] = "model"
        sides = strained_sides(spec)
        return Models(jobs, [Start(n, job.output, sides) for n, job in built.items()])

    def _build(self, spec: InterfaceSpec, film: Any, task: str) -> Job:
        return named(tasks.build(spec, film, self.quick), spec.name, task)

    def _members(
        self, spec: InterfaceSpec, where: ensembles.Disordered, film: Any
    ) -> tuple[list[Job | Flow], dict[str, Job]]:
        built, relaxed = [], []
        maker = self.by_role("formation").relax(ensembles.RANKING)
        tells = {"kind": "relax", "role": "formation", "part": where.side}
        for rank in range(ensembles.available_orderings(spec, where)):
            ordered = ensembles.with_rank(spec, where, rank)
            build = self._build(ordered, film, f"build ordering {rank}")
            relax = maker.make(getattr(build.output, where.side))
            built.append(build)
            relaxed.append(named(relax, spec.name, f"relax ordering {rank}", **tells))
        models = [build.output for build in built]
        records = [relax.output for relax in relaxed]
        members = {}
        for place, name in enumerate(ensembles.member_names(spec)):
            chosen = ensembles.member(models, records, place, name)
            # all orderings have the same atoms
            like = built[0].uuid
            members[name] = named(chosen, name, "choose ordering", like=like)
        return [*built, *relaxed, *members.values()], members

    def _scanned(
        self, spec: InterfaceSpec, name: str, built: Job
    ) -> tuple[list[Job | Flow], Job]:
        assert spec.scan is not None
        other = {"engine": spec.scan.engine} if spec.scan.engine else {}
        by = self.by_name(other["engine"]) if other else self.by_role("formation")
        points: list[Job | Flow] = []
        if by.in_process:
            scan = registry_scan.scan_in_process(built.output.model, spec.scan, by)
        else:
            model = build_interface(replace(spec, scan=None))
            records = []
            for index in range(registry_scan.number_of_points(model, spec.scan)):
                point = registry_scan.point_structure(
                    built.output.model, spec.scan, index
                )
                static = by.static().make(point.output)
                tells = {"kind": "static", "role": "formation", **other}
                points.append(named(point, name, f"scan point {index}"))
                points.append(named(static, name, f"scan static {index}", **tells))
                records.append(static.output)
            scan = registry_scan.gather(built.output.model, spec.scan, records)
        placed = registry_scan.place(built.output.model, scan.output)
        named(scan, name, "registry scan", result="landscape")
        named(placed, name, "place", like=built.uuid)
        return [*points, scan, placed], placed


def strained_sides(spec: InterfaceSpec) -> tuple[str, ...]:
    """Return which sides of an interface may be strained: "film", "substrate".

    Films and molecules are made in the substrate's cell and never are.
    """
    if not isinstance(spec.film, CrystalLayer | SlabLayer):
        return ()
    return ("film", "substrate") if spec.strained == "shared" else (spec.strained,)
