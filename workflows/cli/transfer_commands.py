"""Commands that move results: between a project, a cluster's store, and a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ionface.workflows.cli.app import WholeHelp, app
from ionface.workflows.cli.options import DEFAULT_PROJECT, ProjectPath, Timestep

if TYPE_CHECKING:
    from jobflow import JobStore

bundle_app = typer.Typer(
    cls=WholeHelp,
    help="A project as one file, to carry elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bundle_app, name="bundle")
BundleFile = Annotated[Path, typer.Argument(help="*.tar or *.tar.gz")]


@app.command("import")
def import_results(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Take a cluster's results into the project."""
    from ionface.workflows.cluster.transfer import fetch

    moved = fetch(project, _store())
    typer.echo(
        f"{moved.documents} results in {project} ({moved.kept} were there), "
        f"{moved.waiting} jobs have none yet"
    )


def _store() -> JobStore | None:
    """Return the cluster's store; None where no cluster is configured."""
    from ionface.workflows.cluster.connection import connected
    from ionface.workflows.cluster.settings import is_configured

    return connected().store if is_configured() else None


@app.command()
def export(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PROJECT", help="Or trajectories.")
    ],
    form: Annotated[
        Literal["extxyz", "traj", "xdatcar"], typer.Option("--as")
    ] = "extxyz",
    out: Annotated[Path, typer.Option("--out", help="Folder of the files.")] = Path(),
    timestep: Timestep = None,
) -> None:
    """Write trajectories for other programs (OVITO, VMD, ASE)."""
    from ionface.analysis.trajectory.exporting import export as written
    from ionface.analysis.trajectory.exporting import file_name
    from ionface.workflows.cli.analyze_files import named_trajectories

    out.mkdir(parents=True, exist_ok=True)
    for name, frames in named_trajectories(paths, timestep):
        path = written(frames, out / file_name(name, form), form)
        typer.echo(f"wrote {path}: {len(frames)} frames")


@bundle_app.command("export")
def bundle_export(
    file: BundleFile,
    project: ProjectPath = DEFAULT_PROJECT,
    wavefunctions: Annotated[
        bool, typer.Option("--wavefunctions", help="WAVECAR and CHGCAR, too.")
    ] = False,
) -> None:
    """Write a project into one file, with a digest of everything."""
    from ionface.workflows.cluster.archive import export_bundle

    carried = export_bundle(project, file, wavefunctions=wavefunctions)
    typer.echo(
        f"wrote {file}: {carried.files} files with {carried.results} results; left out "
        f"{len(carried.left_out)} files (POTCARs, and what VASP can make again)"
    )


@bundle_app.command("import")
def bundle_import(file: BundleFile, project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Take a bundle into a project; every digest is checked."""
    from ionface.workflows.cluster.archive import import_bundle

    carried = import_bundle(file, project)
    typer.echo(
        f"{project}: {carried.files} files, of which {carried.kept} were there; "
        f"{carried.results} jobs have results"
    )
