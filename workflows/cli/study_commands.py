"""The commands studies, build, run and report: a study in a project directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ionface.errors import IonfaceError, StructureError
from ionface.workflows.cli.app import app
from ionface.workflows.cli.console import job_progress, say, table, tell_notes
from ionface.workflows.cli.options import (
    DEFAULT_PROJECT,
    AsJson,
    EngineName,
    ProjectPath,
    Quick,
    StudyName,
    Trust,
    Workers,
    agree,
)
from ionface.workflows.cli.wording import in_flags, told_in_flags

if TYPE_CHECKING:
    from ionface.workflows.projects.project import Project
    from ionface.workflows.projects.schedule import Outcome
    from ionface.workflows.report.collect import Results
    from ionface.workflows.study.study import Study


@app.command()
def studies(
    name: Annotated[
        str | None, typer.Argument(help="Print this one as YAML, to copy and change.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the built-in studies, or print one as YAML."""
    from ionface.workflows.study import study_files

    if name is not None:
        typer.echo(study_files.source(name), nl=False)
        return
    built_in = [study_files.load(name) for name in study_files.builtin_names()]
    if as_json:
        typer.echo(json.dumps([_described(study) for study in built_in], indent=2))
        return
    rows = []
    for study in built_in:
        engines = study.engines()
        rows.append(
            [
                study.name,
                study.title,
                ", ".join(study.subjects),
                study.protocol if study.interfaces else "–",
                f"{engines.formation} / {engines.dynamics}"
                if study.interfaces or study.systems
                else "–",
            ]
        )
    table(["study", "computes", "of", "protocol", "engines"], rows)


def _described(study: Study) -> dict[str, Any]:
    return {
        "name": study.name,
        "title": study.title,
        "interfaces": [spec.name for spec in study.interfaces],
        "deposition": [cell.name for cell in study.deposition],
        "phases": [spec.system for spec in study.systems],
        "protocol": study.protocol,
        "formation": list(study.formation_names),
        "dynamics": [
            {"interface": run.interface, "steps": run.steps} for run in study.dynamics
        ],
    }


def check_interfaces(study: Study) -> None:
    """Refuse a study that has no atoms: nothing to build or to plan."""
    if study.deposition and not (study.interfaces or study.systems):
        raise IonfaceError(
            f"{study.name} has no interfaces, only cells of a continuum model, which "
            "take a minute each; compute them with `ionface run`"
        )


def loaded(name: str, engine: str | None = None, *, quick: bool = False) -> Study:
    """Return a study as the command line's options resolve it."""
    from ionface.workflows.study import study_files
    from ionface.workflows.study.study import quickened

    study = study_files.load(name).with_engine(engine)
    tell_notes(study_files.remarks(study))
    return quickened(study) if quick else study


@contextmanager
def told_with_lines(name: str, study: Study) -> Iterator[None]:
    """Tell of a layer that cannot be made where it stands in the study file."""
    try:
        yield
    except StructureError as error:
        if place := _place(name, study, str(error), ": "):
            raise StructureError(f"{place}: {error}") from error
        raise


def _place(name: str, study: Study, text: str, mark: str) -> str:
    """Return where the interface stands whose name and a mark begin a text, or ""."""
    from ionface.workflows.study.study_files import interface_place

    for number, spec in enumerate(study.interfaces):
        if text.startswith(f"{spec.name}{mark}"):
            return interface_place(name, number)
    return ""


@app.command()
def run(
    study: StudyName,
    project: ProjectPath = DEFAULT_PROJECT,
    engine: EngineName = None,
    quick: Quick = False,
    converge: Annotated[
        str | None,
        typer.Option(help="Energies alone; some of k,encut,layers,vacuum."),
    ] = None,
    workers: Workers = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Run a study here; run it again to resume."""
    agree(project, trust)
    resolved = loaded(study, engine, quick=quick)
    if converge is not None:
        _converge(resolved, project, converge, as_json)
        return
    with told_with_lines(study, resolved):
        outcome = run_study(resolved, project, as_json, workers)
    for job, message in outcome.failed.items():
        place = _place(study, resolved, job, " build")
        told = ": ".join(filter(None, (job, place, message)))
        say(f"failed: {told}", style="red")
    raise typer.Exit(1 if outcome.failed else 0)


def _converge(study: Study, root: Path, settings: str, as_json: bool) -> None:
    """Run energies with finer settings, and tell how they change."""
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli.analyze_files import deliver
    from ionface.workflows.run_convergence import FOLDER, run_convergence

    asked = told_in_flags({"settings": "--converge"})
    with asked, job_progress(f"converge {study.name}") as shown:
        result = run_convergence(study, settings.split(","), root, shown)
    out = root / FOLDER / "convergence.json"
    deliver(kinds()[result.kind], result, out, as_json=as_json)


def run_study(
    study: Study, root: Path, as_json: bool, workers: int | None = None
) -> Outcome:
    """Run a study in a project directory, or go on with it, and tell what it gave."""
    from ionface.workflows.projects import runner
    from ionface.workflows.projects.project import Project
    from ionface.workflows.projects.workers import default_workers

    if (root / "project.json").is_file():
        Project.check(root, study)  # another study's is refused first
    _check_vasp(study, root)
    if not (root / "project.json").is_file():
        _tell_duration(study)
    project = Project.create(root, study)
    with job_progress(study.name) as shown:
        workers = workers or default_workers(study)
        outcome = runner.run(project, shown, workers=workers)
    _tell(project, outcome, as_json)
    return outcome


def _tell_duration(study: Study) -> None:
    """Say before the first job how long a study will take, if it takes long."""
    from ionface.workflows.planning import duration
    from ionface.workflows.planning.walk import GraphWalk

    walk = GraphWalk(study)
    if study.quick or not duration.is_worth_telling(study, walk):
        return
    with job_progress(study.name) as shown, suppress(IonfaceError):
        shown.stage("how long it will take")
        times = duration.durations(study, walk)
        if any(each.seconds is not None for each in times):
            say(f"{study.name}: {duration.summary(times)}; --quick rehearses it")


def _check_vasp(study: Study, root: Path) -> None:
    """Refuse, before anything is made, jobs of programs that could not start here."""
    from ionface.workflows.flows.models import gap_notes
    from ionface.workflows.planning.preflight import check_study
    from ionface.workflows.teachers import teaching_notes

    with job_progress(study.name) as shown:
        planned = check_study(
            study,
            here=True,
            project=root,
            announce=lambda: shown.stage("checks before anything starts"),
        )
    tell_notes([*planned.notes, *gap_notes(study), *teaching_notes(study)])


def _tell(project: Project, outcome: Outcome, as_json: bool) -> None:
    results, path = _write_report(project)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "ran": outcome.ran,
                    "kept": outcome.kept,
                    "failed": {k: in_flags(v) for k, v in outcome.failed.items()},
                    "blocked": outcome.blocked,
                    "interfaces": results.energies.values()["interfaces"],
                    "report": str(path),
                },
                indent=2,
            )
        )
    else:
        _print_results(results)
        typer.echo(f"report: {path}")
    say(
        f"{len(outcome.ran)} jobs run, {len(outcome.kept)} kept from before, "
        f"{len(outcome.failed)} failed, {len(outcome.blocked)} waiting for those"
    )


def _print_results(results: Results) -> None:
    """Print energies and cells, and of every run its results in a few words."""
    from ionface.analysis.kinds import kinds
    from ionface.structures.crystals.relaxed_lattice import symmetry_notes
    from ionface.structures.slabs.polarity import side_notes
    from ionface.workflows.cli.analyze_files import print_result

    if results.energies.entries:
        print_result(kinds()[results.energies.kind], results.energies)
    for facet in results.found.get("surfaces", {}).values():
        print_result(kinds()["surfaces"], facet)
    for cell, grown in results.found.get("deposition", {}).items():
        typer.echo(f"{cell}:")
        print_result(kinds()["deposition"], grown)
    rows = [
        [subject, what, value]
        for name, kind in kinds().items()
        for subject, result in results.found.get(name, {}).items()
        for value, what in kind.highlights(result)
    ]
    if rows:
        marks = ". ".join(results.provenance.marks)
        table(["run", "what", "number"], rows, marks)
    for model in results.models.values():
        tell_notes(side_notes(model.provenance, model.name))
        tell_notes(symmetry_notes(model.provenance, model.name))
    for name, scan in results.found.get("landscape", {}).items():
        if warning := getattr(scan, "warning", ""):
            say(f"{name}, registry scan: {warning}")
    for name, refusals in results.refused.items():
        for subject, why in refusals.items():
            say(f"no {name} of {subject}: {why}")


@app.command()
def report(
    project: ProjectPath = DEFAULT_PROJECT,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Another folder, of a project that is read-only."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write tables, figures, structures and one report.html."""
    from ionface.workflows.projects.project import Project

    results, path = _write_report(replace(Project.open(project), out=out))
    if as_json:
        energies = results.energies.values()["interfaces"]
        typer.echo(json.dumps({"report": str(path), "interfaces": energies}, indent=2))
    else:
        typer.echo(f"report: {path}")


def _write_report(project: Project) -> tuple[Results, Path]:
    from ionface.workflows.report.project_report import write_report

    with job_progress(project.study.name) as shown:
        shown.stage("tables, figures, report")
        return write_report(project)
