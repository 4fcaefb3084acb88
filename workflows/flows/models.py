"""From a specification to the models that are run: prepare, build, rank, scan.

    film or alloy:  pack -> stages of relaxation and dynamics -> film
    ensemble:       build each ordering -> relax its slab a little -> the lowest members
    scan:           energies over shifts and gaps -> the model at their minimum

Most interfaces need none of this: then there is one job, `build`.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from jobflow import Job

from ionface.structures.specs import AmorphousLayer, FilmLayer, InterfaceSpec
from ionface.workflows.engines.registry import engine, study_engine
from ionface.workflows.flows import ensembles, film_preparation, registry_scan
from ionface.workflows.flows import jobs as tasks
from ionface.workflows.flows.naming import named
from ionface.workflows.study.study import Study


def building_jobs(
    study: Study, spec: InterfaceSpec
) -> tuple[list[Job], dict[str, Job]]:
    """Return all jobs up to the models of an interface, and the job of each model.

    Returns:
        The jobs in order, and by interface name the job whose output is a
        BuiltInterface: one, or one for each member of an ensemble.
    """
    jobs: list[Job] = []
    film = None
    if isinstance(spec.film, FilmLayer | AmorphousLayer):
        film, jobs = film_preparation.film_jobs(study, spec)
    where = ensembles.disordered_side(spec)
    if where is None:
        built = {spec.name: _built(study, spec, film, "build")}
        jobs += built.values()
    else:
        ranked, built = _members(study, spec, where, film)
        jobs += ranked
    if spec.scan is None:
        for one in built.values():
            one.metadata["result"] = "model"
        return jobs, built
    placed = {}
    for name, one in built.items():
        scanning, placed[name] = _scanned(study, spec, name, one)
        jobs += scanning
    return jobs, placed


def _built(study: Study, spec: InterfaceSpec, film: Any, task: str) -> Job:
    return named(tasks.build(asdict(spec), film, study.quick), spec.name, task)


def _members(
    study: Study, spec: InterfaceSpec, where: ensembles.Disordered, film: Any
) -> tuple[list[Job], dict[str, Job]]:
    number = ensembles.available_orderings(spec, where)
    built = [
        _built(study, ordered, film, f"build ordering {rank}")
        for rank in range(number)
        for ordered in [ensembles.with_rank(spec, where, rank)]
    ]
    relax = study_engine(study, "formation").relax(ensembles.RANKING)
    relaxed = [relax.make(getattr(one.output, where.side)) for one in built]
    for rank, one in enumerate(relaxed):
        task = f"relax ordering {rank}"
        named(one, spec.name, task, kind="relax", role="formation", part=where.side)
    members = {
        name: named(
            ensembles.member(
                [one.output for one in built],
                [one.output for one in relaxed],
                place,
                name,
            ),
            name,
            "choose ordering",
            like=built[0].uuid,
        )
        for place, name in enumerate(ensembles.member_names(spec))
    }
    return [*built, *relaxed, *members.values()], members


def _scanned(
    study: Study, spec: InterfaceSpec, name: str, built: Job
) -> tuple[list[Job], Job]:
    assert spec.scan is not None
    chosen = (
        engine(spec.scan.engine)
        if spec.scan.engine
        else study_engine(study, "formation")
    )
    other = {"engine": spec.scan.engine} if spec.scan.engine else {}
    model = None
    if not chosen.in_process:
        from ionface.structures.interface import build_interface

        model = build_interface(replace(spec, scan=None))
    jobs = registry_scan.scan_jobs(chosen, model, built, spec.scan)
    *points, scanned, placed = jobs
    for number, point in enumerate(points):
        if number % 2 == 0:
            named(point, name, f"scan point {number // 2}")
            continue
        task = f"scan static {number // 2}"
        named(point, name, task, kind="static", role="formation", **other)
    named(scanned, name, "registry scan", result="landscape")
    named(placed, name, "place", result="model", like=built.uuid)
    return jobs, placed
