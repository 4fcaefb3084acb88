"""The commands that help to write a study: `new`, and `schema` for editors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson

if TYPE_CHECKING:
    from ionface.structures.model import InterfaceModel

Facet = Annotated[str | None, typer.Option(help="Miller indices, as in 1,0,0.")]


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As in mine.yaml.")],
    film: Annotated[
        str | None,
        typer.Option(help="Crystal, CIF, POSCAR, or SMILES as in '[*]CCO[*]'."),
    ] = None,
    substrate: Annotated[
        str | None, typer.Option(help="Crystal of the library, CIF or POSCAR.")
    ] = None,
    film_facet: Facet = None,
    substrate_facet: Facet = None,
    thickness: Annotated[
        float, typer.Option(min=1.0, help="Of each slab, at least, Å.")
    ] = 8.0,
    engine: Annotated[str, typer.Option(help="Of energies and dynamics.")] = "sevennet",
    picoseconds: Annotated[
        float, typer.Option(min=0.0, help="Of dynamics; 0 for energies alone.")
    ] = 0.0,
    temperature: Annotated[float, typer.Option(min=1.0, help="K.")] = 300.0,
    pair: Annotated[
        list[str] | None, typer.Option(help="Whose RDFs, as in Li-F; repeatable.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a commented study that builds; asks what is not given."""
    from ionface.files import write_atomically
    from ionface.workflows.flows.study_checks import check_names
    from ionface.workflows.study.input_files import found_from
    from ionface.workflows.study.new_study import Answers, written
    from ionface.workflows.study.study_files import parse

    if file.exists() and not force:
        raise IonfaceError(f"{file} exists; give another name, or --force")
    asks = film is None or substrate is None
    film = film or _asked("--film", "film: crystal, file or SMILES")
    substrate = substrate or _asked("--substrate", "substrate: crystal or file")
    if asks:
        engine = typer.prompt("engine", default=engine, err=True)
        picoseconds = typer.prompt(
            "picoseconds of dynamics, 0 for energies alone", picoseconds, err=True
        )
    answers = Answers(
        film=film,
        substrate=substrate,
        film_facet=_indices(film_facet),
        substrate_facet=_indices(substrate_facet),
        thickness=thickness,
        engine=engine,
        picoseconds=picoseconds,
        temperature=temperature,
        pairs=tuple(pair or ()),
        name=file.stem,
    )
    text, model = written(answers, file.parent)
    check_names(found_from(parse(text, str(file)), file.parent))
    write_atomically(file, text)
    _tell_written(file, model, as_json)


def _tell_written(file: Path, model: InterfaceModel, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"file": str(file), "model": model.summary()}, indent=2))
        return
    typer.echo(
        f"wrote {file}: {len(model.structure)} atoms, {model.area:.0f} Å², strain "
        f"{100 * model.max_strain:.1f} %; next: ionface build {file} --out models"
    )


def _asked(flag: str, question: str) -> str:
    """Return an answer of whoever sits at the terminal."""
    if not sys.stdin.isatty():
        raise IonfaceError(f"give {flag}, or run this in a terminal, which asks for it")
    answer: str = typer.prompt(question, err=True)
    return answer


def _indices(text: str | None) -> tuple[int, ...] | None:
    """Return Miller indices; digits alone may stand without commas, as in 110."""
    if text is None:
        return None
    parts = text.strip("()[] ").replace(",", " ").split()
    try:
        return tuple(map(int, parts if len(parts) > 1 else parts[0]))
    except (ValueError, IndexError) as error:
        raise IonfaceError(
            f"{text!r} is no facet; give its Miller indices, as in 1,0,0"
        ) from error


@app.command()
def schema() -> None:
    """Print the JSON Schema of study files, for editors that complete YAML."""
    from ionface.workflows.study.study_schema import study_schema

    typer.echo(json.dumps(study_schema(), indent=2))
