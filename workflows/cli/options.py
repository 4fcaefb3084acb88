"""Arguments and options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.wording import in_flags


def _studies(incomplete: str) -> list[str]:
    """Return what a shell may complete to: built-in studies, and files here."""
    from importlib.resources import files

    built_in = files("ionface.workflows.study") / "studies"
    names = [entry.name.removesuffix(".yaml") for entry in built_in.iterdir()]
    names += [str(path) for path in Path().glob("*.yaml")]
    return sorted(name for name in names if name.startswith(incomplete))


StudyName = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="A built-in study or a YAML file.",
        autocompletion=_studies,
    ),
]
ProjectPath = Annotated[
    Path, typer.Option("--project", help="The project directory.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable output.")]
Quick = Annotated[
    bool, typer.Option("--quick", help="Same graphs, smaller models, 0.4 ps.")
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run a project of a bundle, which I looked at."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, help="Jobs at a time; as cores and memory allow, if not given."
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="sevennet, sevennet-l3i5, ...; name:weights; an ASE import path.",
    ),
]


def _with_folder(path: Path) -> Path:
    """Make the folder of an output now, not after everything was computed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


OutWithTable = Annotated[
    Path,
    typer.Option(
        "--out", help="JSON; a CSV and a PNG beside it.", callback=_with_folder
    ),
]
DEFAULT_PROJECT = Path("ionface-project")


def agree(root: Path, trust: bool) -> None:
    """Ask before a project of a bundle runs for the first time.

    Raises:
        IonfaceError: there is nobody to ask, or the answer is no.
    """
    from ionface.workflows.projects.project import ForeignProjectError, Project

    project = Project(root.resolve())
    try:
        if not trust:
            project.check_trusted()
    except ForeignProjectError as error:
        if not sys.stdin.isatty():
            raise
        typer.echo(in_flags(str(error)), err=True)
        if not typer.confirm("Run it now?", default=False, err=True):
            raise
    project.trust()


Timestep = Annotated[
    float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
]
Cell = Annotated[
    str | None,
    typer.Option(help="Of files that tell none, Å (and degrees): as in 10,10,25."),
]
Elements = Annotated[
    str | None,
    typer.Option(help="Of the names or types in the files: as in 1=Li,2=O."),
]
Trajectories = Annotated[list[Path], typer.Argument(help="A project, or trajectories.")]
