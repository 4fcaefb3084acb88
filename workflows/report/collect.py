"""From a project's finished jobs to its results, as objects.

Nothing is recomputed. It may be done at any time, also in a project that is not
finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.analysis.energies.formation_energies import FormationEnergies
from ionface.analysis.energies.ledger import LedgerEntry
from ionface.analysis.kinds import kinds
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.result import Provenance, Result
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.yardstick.spot_checks import SpotChecks
from ionface.documents import revive
from ionface.workflows.projects.project import Project
from ionface.workflows.study.file_names import interface_name
from ionface.workflows.study.study import DynamicsSpec, Study, crystal_label

if TYPE_CHECKING:
    from ionface.structures.model import InterfaceModel

REFUSED = "refused"
"""Key of what stands in a document in place of a result: why there is none."""


@dataclass(frozen=True)
class Results:
    """What the finished jobs of a project say.

    Attributes:
        models: interface models by name.
        energies: formation energies, as many as are booked, beside published ones.
        found: results by kind, then by interface or crystal.
        at_rest: RDFs of crystals at rest, by crystal.
        refused: why an analysis gave nothing, by kind, then by interface or crystal.
        phases: competing phases that are done; None if there are none.
        page: the report; None while it is not written.
    """

    models: Mapping[str, InterfaceModel] = field(default_factory=dict)
    energies: FormationEnergies = field(default_factory=lambda: FormationEnergies(()))
    found: Mapping[str, Mapping[str, Result]] = field(default_factory=dict)
    at_rest: Mapping[str, RdfResult] = field(default_factory=dict)
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    phases: PhaseSet | None = None
    page: Path | None = None

    def _repr_html_(self) -> str:
        """Return the report, in a frame of its own; a notebook shows it."""
        if self.page is None or not self.page.is_file():
            return f"<pre>{escape(repr(self))}</pre>"
        return (
            '<iframe title="report" sandbox="allow-scripts allow-downloads" '
            'style="width:100%;height:46rem;border:1px solid #ccc" '
            f'srcdoc="{escape(self.page.read_text("utf-8"))}"></iframe>'
        )

    @property
    def provenance(self) -> Provenance:
        """Return what they are worth together."""
        every = [r for by_subject in self.found.values() for r in by_subject.values()]
        every += [self.energies] if self.energies.entries else []
        return Provenance.joint(result.provenance for result in every)


def collect(project: Project) -> Results:
    """Return the results of a project, as far as it is."""
    done = list(_outputs(project))
    found: dict[str, dict[str, Result]] = {}
    refused: dict[str, dict[str, str]] = {}
    at_rest: dict[str, RdfResult] = {}
    for role, subject, output in done:
        # a reference crystal at rest is no run of the study, but stands beside one
        for kind, data in (output if role == "dynamics" else {}).items():
            if REFUSED in data:
                refused.setdefault(kind, {})[subject] = data[REFUSED]
            elif kind in kinds():
                result = kinds()[kind].result.from_dict(data)
                found.setdefault(kind, {})[subject] = result
        if role in kinds() and output is not None:
            result = kinds()[role].result.from_dict(output)
            found.setdefault(role, {})[subject] = result
        if role == "reference":
            at_rest[subject] = RdfResult.from_dict(output["rdf"])
    study, phases = project.study, None
    if outputs := [out for role, _, out in done if role == "phase"]:
        # two seconds that only a study of phases should wait for
        from ionface.workflows.projects.phases import findings, phase_set

        phases = phase_set(project, outputs)
        for kind, subject, told in findings(study, phases):
            if isinstance(told, Result):
                found.setdefault(kind, {})[subject] = told
            else:
                refused.setdefault(kind, {})[subject] = told
    return Results(
        models={
            n: revive(out["model"], f"the model {n!r}")
            for role, n, out in done
            if role == "model"
        },
        energies=_energies(
            study, [o for role, _, o in done if role == "formation"], found
        ),
        found=found | {"rdf": _with_references(study, found.get("rdf", {}), at_rest)},
        at_rest=at_rest,
        refused=refused,
        phases=phases,
    )


def _outputs(project: Project) -> Iterator[tuple[str, str, Any]]:
    """Yield (role, subject, output) of the finished jobs that give a result."""
    for job, _ in project.jobs():
        if (role := job.metadata.get("result")) is None:
            continue
        query = {"uuid": job.uuid, "index": job.index}
        document = project.store.query_one(query, ["output"], load=True)
        if document is not None:
            yield role, job.metadata["subject"], document["output"]


def _energies(
    study: Study, entries: Sequence[Any], found: Mapping[str, Mapping[str, Result]]
) -> FormationEnergies:
    published = {line.interface: line for line in study.published}
    booked = tuple(
        _checked(LedgerEntry.from_dict(entry), found.get(SpotChecks.kind, {}))
        for entry in entries
    )
    return FormationEnergies.of(booked, published)


def _checked(entry: LedgerEntry, spots: Mapping[str, Result]) -> LedgerEntry:
    """Return an entry that says how far its potential is from first principles."""
    spot = spots.get(entry.name)
    if not isinstance(spot, SpotChecks):
        return entry
    return replace(entry, checks=(*entry.checks, spot.line()))


def _with_references(
    study: Study, rdfs: Mapping[str, Result], at_rest: Mapping[str, RdfResult]
) -> dict[str, Result]:
    """Return the RDFs beside the crystals that their runs are compared with.

    In motion where that is done, else at rest.
    """
    runs = {s: run for name, run in study.runs.items() for s in run.subjects(name)}
    runs |= {interface_name(n, i): run for n, run in runs.items() for i in (0, 1)}
    return {
        subject: replace(rdf, references=_references(runs[subject], rdfs, at_rest))
        if subject in runs and isinstance(rdf, RdfResult)
        else rdf
        for subject, rdf in rdfs.items()
    }


def _references(
    run: DynamicsSpec, rdfs: Mapping[str, Result], at_rest: Mapping[str, RdfResult]
) -> dict[str, RdfResult]:
    crystals = {}
    for name in map(crystal_label, run.references):
        if isinstance(moving := rdfs.get(name), RdfResult):
            crystals[f"{name} (dynamics)"] = moving
        elif name in at_rest:
            crystals[f"{name} (at rest)"] = at_rest[name]
    return crystals
