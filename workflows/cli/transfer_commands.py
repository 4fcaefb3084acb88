"""Commands that move results: between a project, a cluster's store, and a bundle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.app import CLUSTER, RESULTS, WholeHelp, app
from ionface.workflows.cli.options import DEFAULT_PROJECT, AsJson, ProjectPath, Timestep

if TYPE_CHECKING:
    from jobflow import JobStore

bundle_app = typer.Typer(
    cls=WholeHelp,
    help="A project as one file, to carry elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bundle_app, name="bundle", rich_help_panel=RESULTS)
BundleFile = Annotated[Path, typer.Argument(help="*.tar or *.tar.gz")]


@app.command("import", rich_help_panel=CLUSTER)
def import_results(
    project: ProjectPath = DEFAULT_PROJECT, as_json: AsJson = False
) -> None:
    """Take a cluster's results into the project."""
    from ionface.workflows.cluster.transfer import fetch

    moved = fetch(project, _store(project))
    _tell(
        as_json,
        asdict(moved),
        f"{moved.documents} results in {project} ({moved.kept} were there), "
        f"{moved.waiting} jobs have none yet",
    )


def _tell(as_json: bool, values: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(values, indent=2) if as_json else text)


def _store(root: Path) -> JobStore | None:
    """Return the store of a project's manager; None where no cluster is configured."""
    from ionface.workflows.cluster.connection import connected
    from ionface.workflows.cluster.remote import is_remote, remote_store
    from ionface.workflows.cluster.settings import is_configured

    if is_remote(root):
        return remote_store()
    return connected().store if is_configured() else None


@app.command(rich_help_panel=RESULTS)
def export(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PROJECT", help="Or trajectories.")
    ],
    form: Annotated[
        Literal["extxyz", "traj", "xdatcar", "poscar", "cif"],
        typer.Option("--format", "--as", help="poscar and cif: relaxed structures."),
    ] = "extxyz",
    out: Annotated[Path, typer.Option("--out", help="Folder of the files.")] = Path(),
    timestep: Timestep = None,
    as_json: AsJson = False,
) -> None:
    """Write trajectories or relaxed structures for other programs (OVITO, VESTA)."""
    if form in ("poscar", "cif"):
        _export_structures(paths, out, form, as_json=as_json)
        return
    from ionface.analysis.trajectory.exporting import export as written
    from ionface.analysis.trajectory.exporting import file_name
    from ionface.workflows.cli.analyze_files import named_trajectories

    out.mkdir(parents=True, exist_ok=True)
    made = []
    for name, frames in named_trajectories(paths, timestep):
        path = written(frames, out / file_name(name, form), form)
        made.append({"file": str(path), "frames": len(frames)})
        if not as_json:
            typer.echo(f"wrote {path}: {len(frames)} frames")
    if as_json:
        typer.echo(json.dumps(made, indent=2))


def _export_structures(
    roots: list[Path], out: Path, form: str, *, as_json: bool
) -> None:
    from ionface.workflows.projects.project import Project
    from ionface.workflows.report.structures import SUFFIXES, write_structures

    made: list[Path] = []
    for root in roots:
        written = write_structures(Project.open(root), out, [SUFFIXES[form]])
        if not written:
            raise IonfaceError(
                f"{root} holds no relaxed structure: no relaxation of an interface or "
                "slab is finished; trajectories are written with --format extxyz"
            )
        made += written
    if as_json:
        typer.echo(json.dumps([{"file": str(path)} for path in made], indent=2))
        return
    for path in made:
        typer.echo(f"wrote {path}")


@bundle_app.command("export")
def bundle_export(
    file: BundleFile,
    project: ProjectPath = DEFAULT_PROJECT,
    wavefunctions: Annotated[
        bool, typer.Option("--wavefunctions", help="WAVECAR and CHGCAR, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a project into one file, with a digest of everything."""
    from ionface.workflows.cluster.archive import export_bundle

    carried = export_bundle(project, file, wavefunctions=wavefunctions)
    _tell(
        as_json,
        asdict(carried),
        f"wrote {file}: {carried.files} files with {carried.results} results; left out "
        f"{len(carried.left_out)} files (POTCARs, and what VASP can make again)",
    )


@bundle_app.command("import")
def bundle_import(
    file: BundleFile, project: ProjectPath = DEFAULT_PROJECT, as_json: AsJson = False
) -> None:
    """Take a bundle into a project; every digest is checked."""
    from ionface.workflows.cluster.archive import import_bundle

    carried = import_bundle(file, project)
    _tell(
        as_json,
        asdict(carried),
        f"{project}: {carried.files} files, of which {carried.kept} were there; "
        f"{carried.results} jobs have results",
    )
