"""Commands that move results: between a project, a cluster's store, and a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import DEFAULT_PROJECT, ProjectPath

bundle_app = typer.Typer(
    help="A project as one file, for where no database reaches.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bundle_app, name="bundle")
BundleFile = Annotated[Path, typer.Argument(help="*.tar or *.tar.gz")]


@app.command("import")
def import_results(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Copy a project's results from the cluster's store into the project."""
    from ionface.workflows.cluster.commands import opened
    from ionface.workflows.cluster.transfer import fetch

    told = fetch(project, opened().store)
    typer.echo(
        f"{told.documents} results in {project} ({told.kept} were there), "
        f"{told.waiting} jobs have none yet"
    )


@app.command("export")
def export_results(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Copy a project's results into the cluster's store."""
    from ionface.workflows.cluster.commands import opened
    from ionface.workflows.cluster.transfer import send

    told = send(project, opened().store)
    typer.echo(
        f"{told.documents} results in the store ({told.kept} were there), "
        f"{told.waiting} jobs have none yet"
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
    from ionface.workflows.cluster.bundles import export_bundle

    told = export_bundle(project, file, wavefunctions=wavefunctions)
    typer.echo(
        f"wrote {file}: {told.files} files, {told.documents} documents; left out "
        f"{len(told.left)} files (POTCARs, and what VASP can make again)"
    )


@bundle_app.command("import")
def bundle_import(file: BundleFile, project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Take a bundle into a project; every digest is checked."""
    from ionface.workflows.cluster.unpacking import import_bundle

    told = import_bundle(file, project)
    typer.echo(
        f"{project}: {told.files} files and {told.documents} documents, of which "
        f"{told.kept} were there"
    )
