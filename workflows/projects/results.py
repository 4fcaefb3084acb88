"""From a project's store to its results: tables, figures, report.

Nothing is recomputed: documents of finished jobs in, JSON, PNG and HTML out. It may be
run at any time, also on a project that is not finished.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ionface.files import write_atomically
from ionface.workflows.engines.vasp_double.emulated import emulated_paths, marked
from ionface.workflows.flows.ensembles import spreads
from ionface.workflows.projects.project import Project
from ionface.workflows.study.naming import slug

if TYPE_CHECKING:
    from ionface.structures.model import InterfaceModel


@dataclass(frozen=True)
class Results:
    """What the finished jobs of a project say.

    Attributes:
        models: interface models by name.
        energies: ledger entries as plain data (the "energies" contract).
        dynamics: {"rdf": ..., "bonds": ...} by interface or crystal.
        references: {"rdf": ...} of crystals at rest.
        landscapes: registry scans by interface, as plain data.
        quick: the project was run with --quick.
        emulated: a stand-in made some of it.
    """

    models: dict[str, InterfaceModel] = field(default_factory=dict)
    energies: list[dict[str, Any]] = field(default_factory=list)
    dynamics: dict[str, dict[str, Any]] = field(default_factory=dict)
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    landscapes: dict[str, dict[str, Any]] = field(default_factory=dict)
    quick: bool = False
    emulated: bool = False


def outputs(project: Project, result: str) -> Iterator[tuple[str, Any]]:
    """Yield (subject, output) of the finished jobs that give this kind of result."""
    for job, _ in project.jobs():
        if job.metadata.get("result") != result:
            continue
        done = project.store.query_one(
            {"uuid": job.uuid, "index": job.index}, ["output"], load=True
        )
        if done is not None:
            yield job.metadata["subject"], done["output"]


def collect(project: Project) -> Results:
    """Return the results of a project, as far as it is."""
    from monty.json import MontyDecoder

    decode = MontyDecoder().process_decoded
    return Results(
        models={name: decode(o["model"]) for name, o in outputs(project, "model")},
        energies=[output for _, output in outputs(project, "formation")],
        dynamics=dict(outputs(project, "dynamics")),
        references=dict(outputs(project, "reference")),
        landscapes=dict(outputs(project, "landscape")),
        quick=project.study.quick,
        emulated=emulated_paths([project.root]),
    )


def write_results(project: Project) -> Results:
    """Write results/*.json of a project and return them."""
    found = collect(project)
    energies = {"quick": found.quick, "interfaces": found.energies}
    if ensembles := spreads(found.energies):
        energies["ensembles"] = ensembles
    for subject, landscape in found.landscapes.items():
        _write_json(found, project, f"landscape-{slug(subject)}.json", landscape)
    _write_json(found, project, "energies.json", energies)
    for subject, output in found.dynamics.items():
        rdf = {**output["rdf"], "quick": found.quick}
        _write_json(found, project, f"rdf-{slug(subject)}.json", rdf)
        bonds = {**output["bonds"], "quick": found.quick}
        _write_json(found, project, f"bonds-{slug(subject)}.json", bonds)
    for subject, output in found.references.items():
        _write_json(None, project, f"rdf-{slug(subject)}-at-rest.json", output["rdf"])
    return found


def _write_json(
    found: Results | None, project: Project, name: str, data: dict[str, Any]
) -> None:
    """Write one file; `found` is None for what no engine has computed."""
    told = marked(data, found is not None and found.emulated)
    write_atomically(project.results / name, json.dumps(told, indent=1))
