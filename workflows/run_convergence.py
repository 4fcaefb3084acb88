"""Run a study's energies with one setting after the other made finer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ionface.analysis.energies.convergence import Convergence, Tried
from ionface.analysis.result import Provenance
from ionface.errors import IonfaceError
from ionface.workflows.engines.registry import study_engine
from ionface.workflows.projects import runner
from ionface.workflows.projects.observer import Observer
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.study.convergence import variants
from ionface.workflows.study.study import Study

FOLDER = "converge"


def run_convergence(
    study: Study,
    settings: Sequence[str],
    root: Path,
    observer: Observer | None = None,
) -> Convergence:
    """Return the formation energies of a study as its settings become finer.

    Each variant is a project of its own below `root/converge`; what is finished there
    is never computed again.

    Args:
        study: as the user resolved it.
        settings: some of "k", "encut", "layers", "vacuum".
        root: of the study's project.
        observer: hears how far the run is.

    Raises:
        IonfaceError: a setting makes no sense for the study, or a job failed.
    """
    cutoff = study_engine(study, "formation").level_of_theory().cutoff_ev
    found: list[Tried] = []
    provenances: list[Provenance] = []
    for variant in variants(study, settings, plane_waves=cutoff is not None):
        project = Project.create(root / FOLDER / variant.folder, variant.study)
        outcome = runner.run(project, observer)
        if outcome.failed:
            name, message = next(iter(outcome.failed.items()))
            raise IonfaceError(
                f"{variant.setting} {variant.value}: {name}: {message}; mend the cause "
                "and run again, what is finished is kept"
            )
        energies = collect(project).energies
        provenances.append(energies.provenance)
        found += [
            Tried(entry.name, variant.setting, variant.value, entry.formation.j_per_m2)
            for entry in energies.entries
        ]
    return Convergence(tuple(found), provenance=Provenance.joint(provenances))
