"""The figures of a project, as files in its results/ folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ionface.files import write_atomically
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.results import Results
from ionface.workflows.study.naming import slug
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import crystal_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ionface.analysis.rdf.rdf_result import RdfResult


def write_figures(project: Project, results: Results) -> dict[str, Path]:
    """Draw models, energies, RDFs and bonds; return the paths by "kind:subject"."""
    from ionface.analysis.figures.rdf_figure import figure_rdf
    from ionface.analysis.figures.registry_figure import figure_landscape
    from ionface.analysis.figures.result_figures import figure_bonds, figure_energies
    from ionface.analysis.rdf.bonds import BondCounts
    from ionface.analysis.rdf.rdf_result import RdfResult

    written = _model_pictures(project, results)
    quick = results.quick
    if results.energies:
        published = {p.interface: p.sigma_j_per_m2 for p in project.study.published}
        shown = {
            e["name"]: published[e["name"]]
            for e in results.energies
            if e["name"] in published
        }
        figure = figure_energies(results.energies, shown or None, quick=quick)
        written["energies:"] = _save(project, "energies.png", figure)
    emulated = _emulated(project)
    for subject, landscape in results.landscapes.items():
        figure = figure_landscape(
            landscape, title=subject, quick=quick, emulated=emulated
        )
        name = f"landscape-{slug(subject)}.png"
        written[f"landscape:{subject}"] = _save(project, name, figure)
    for subject, output in results.dynamics.items():
        rdf = RdfResult.from_dict(output["rdf"])
        figure = figure_rdf(
            rdf,
            _references(project, results, subject),
            title=subject,
            quick=quick,
            emulated=emulated,
        )
        written[f"rdf:{subject}"] = _save(project, f"rdf-{slug(subject)}.png", figure)
        if not _is_interface(project, subject):
            continue
        written[f"run:{subject}"] = _run_check(project, subject)
        counts = BondCounts.from_dict(output["bonds"])
        figure = figure_bonds(counts, title=subject, quick=quick, emulated=emulated)
        name = f"bonds-{slug(subject)}.png"
        written[f"bonds:{subject}"] = _save(project, name, figure)
    return written


def _model_pictures(project: Project, results: Results) -> dict[str, Path]:
    from ionface.analysis.figures.style import png
    from ionface.structures.drawing import figure_model

    written = {}
    for name, model in results.models.items():
        path = project.results / f"model-{slug(name)}.png"
        if not path.is_file():
            write_atomically(path, png(figure_model(model)))
        written[f"model:{name}"] = path
    return written


def _references(
    project: Project, results: Results, subject: str
) -> dict[str, RdfResult] | None:
    """Return the RDFs of the crystals that a run is compared with.

    In motion where that is done, else at rest.
    """
    from ionface.analysis.rdf.rdf_result import RdfResult

    wanted = [
        r
        for run in project.study.dynamics
        if run.interface == subject
        for r in map(crystal_label, run.references)
    ]
    found = {}
    for name in wanted:
        if name in results.dynamics:
            found[f"{name} (dynamics)"] = results.dynamics[name]["rdf"]
        elif name in results.references:
            found[f"{name} (at rest)"] = results.references[name]["rdf"]
    return {name: RdfResult.from_dict(data) for name, data in found.items()} or None


def _run_check(project: Project, subject: str) -> Path:
    from ionface.analysis.figures.result_figures import figure_temperature
    from ionface.analysis.trajectory.trajectory import Trajectory

    run = next(run for run in project.study.dynamics if run.interface == subject)
    target = run.temperature or protocol(project.study.protocol).temperature
    frames = Trajectory.open(project.root / "trajectories" / f"{slug(subject)}.ionf")
    figure = figure_temperature(
        frames,
        target,
        title=subject,
        quick=project.study.quick,
        emulated=_emulated(project),
    )
    return _save(project, f"run-{slug(subject)}.png", figure)


def _is_interface(project: Project, subject: str) -> bool:
    return any(spec.name == subject for spec in project.study.interfaces)


def _emulated(project: Project) -> bool:
    return any(level.get("emulated") for level in project.identity["levels"].values())


def _save(project: Project, name: str, figure: Figure) -> Path:
    from ionface.analysis.figures.style import png

    return write_atomically(project.results / name, png(figure))
