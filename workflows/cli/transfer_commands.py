"""Commands that move results: between a project, a cluster's store, and a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import DEFAULT_PROJECT, ProjectPath

if TYPE_CHECKING:
    from jobflow import JobStore

bundle_app = typer.Typer(
    help="A project as one file, for where no database reaches.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bundle_app, name="bundle")
BundleFile = Annotated[Path, typer.Argument(help="*.tar or *.tar.gz")]


@app.command("import")
def import_results(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Take a project's results into the project: from its folders and the cluster."""
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


@app.command("export")
def export_results(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Copy a project's results into the cluster's store."""
    from ionface.workflows.cluster.connection import connected
    from ionface.workflows.cluster.transfer import send

    moved = send(project, connected().store)
    typer.echo(
        f"{moved.documents} results in the store ({moved.kept} were there), "
        f"{moved.waiting} jobs have none yet"
    )


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
