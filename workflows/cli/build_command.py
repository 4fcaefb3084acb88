"""The command build: models and pictures of a study, and what else could be chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ionface.errors import StructureError
from ionface.workflows.cli.app import app
from ionface.workflows.cli.console import job_progress, say, table, tell_notes
from ionface.workflows.cli.options import AsJson, Quick, StudyName
from ionface.workflows.cli.study_commands import check_interfaces, loaded

if TYPE_CHECKING:
    from ionface.structures.model import InterfaceModel
    from ionface.structures.specs import InterfaceSpec
    from ionface.workflows.study.study import Study


@app.command()
def build(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Where the models are written.")],
    quick: Quick = False,
    as_json: AsJson = False,
    terminations: Annotated[
        bool, typer.Option("--terminations", help="List all cuts of each layer.")
    ] = False,
    matches: Annotated[
        bool, typer.Option("--matches", help="List and draw the matches of each.")
    ] = False,
) -> None:
    """Build a study's models: POSCAR, CIF, JSON, a picture."""
    from ionface.workflows.flows.models import gap_notes
    from ionface.workflows.flows.study_checks import check_names
    from ionface.workflows.study.study_files import interface_place

    resolved = loaded(study, quick=quick)
    check_names(resolved)
    check_interfaces(resolved)
    out.mkdir(parents=True, exist_ok=True)
    if terminations:
        _list_terminations(resolved)
    summaries: list[dict[str, Any]] = []
    notes: list[str] = []
    refused: list[str] = []
    with job_progress(f"building {resolved.name}") as shown:
        for number, spec in enumerate(resolved.interfaces):
            shown.stage(spec.name, number, len(resolved.interfaces))
            try:
                model = _built(spec, out, matches)
            except StructureError as error:  # the others may be sound
                refused.append(f"{interface_place(study, number)}: {error}")
                continue
            summaries.append(model.summary())
            notes += model.notes()
    if as_json:
        typer.echo(json.dumps(summaries, indent=2))
    elif summaries:
        _models_table(summaries)
    gaps = gap_notes(resolved, built_alone=True) if summaries else []
    tell_notes([*notes, *_published_lattices(resolved), *gaps])
    if summaries:
        say(f"wrote POSCAR, CIF, JSON and a picture of each to {out}")
    for reason in refused:
        typer.echo(f"not built: {reason}", err=True)
    raise typer.Exit(1 if refused else 0)


def _built(spec: InterfaceSpec, out: Path, matches: bool) -> InterfaceModel:
    """Return the model of an interface, written and, on request, with its matches."""
    from ionface.structures.interface import build_interface

    if matches:
        _list_matches(spec, out)
    model = build_interface(spec)
    _write_model(model, out)
    return model


def _list_terminations(study: Study) -> None:
    """Print every cut of every crystal layer, each facet once."""
    from ionface.structures.choices import termination_rows
    from ionface.workflows.flows.lattices import crystal_layers

    layers = [
        *study.surfaces,
        *(one for spec in study.interfaces for one in crystal_layers(spec).values()),
    ]
    seen = []
    for layer in layers:
        facet = (layer.material, layer.miller, layer.symmetric)
        if facet not in seen:
            seen.append(facet)
            _print_rows(termination_rows(layer), f"cuts of {layer.phase}{layer.miller}")


def _list_matches(spec: InterfaceSpec, out: Path) -> None:
    """Print the matches of an interface, and draw strain against atoms."""
    from ionface.structures.choices import (
        chosen_match,
        draw_matches,
        interface_matches,
        match_rows,
    )
    from ionface.workflows.study.file_names import slug

    if options := interface_matches(spec):
        chosen = chosen_match(options, spec.match, spec.name)
        _print_rows(match_rows(options), f"matches of {spec.name}, {chosen} is built")
        path = out / f"{slug(spec.name)}-matches.png"
        draw_matches(options, chosen, path, spec.name)


def _print_rows(rows: list[dict[str, Any]], title: str) -> None:
    table(list(rows[0]), [[str(v) for v in row.values()] for row in rows], title)


def _published_lattices(study: Study) -> Iterator[str]:
    """Yield that no engine has relaxed the lattices, where one will."""
    from ionface.workflows.flows.lattices import relaxed_sides, with_source

    asked = [with_source(spec, study.lattice) for spec in study.interfaces]
    names = [layer.phase for s in asked for layer in relaxed_sides(s).values()]
    if names:
        yield (
            f"lattices of {', '.join(dict.fromkeys(names))} are those of the files and "
            "of the library; `run` relaxes them first with the study's engine "
            "(lattice: engine), so that matches and strains may differ"
        )


def _write_model(model: InterfaceModel, out: Path) -> None:
    from ionface.structures.drawing import draw_model
    from ionface.structures.labels import write_poscar
    from ionface.structures.model import write_json
    from ionface.workflows.study.file_names import slug

    stem = slug(model.name)
    write_json(model, out / f"{stem}.json")
    write_poscar(model.structure, out / f"{stem}.vasp", model.name)
    model.structure.to(str(out / f"{stem}.cif"), fmt="cif")
    draw_model(model, out / f"{stem}.png")


def _models_table(summaries: list[dict[str, Any]]) -> None:
    """Print what the models are."""
    table(
        [
            "interface",
            "atoms",
            "area Å²",
            "strain %",
            "gap Å",
            "interfaces",
            "shortest Å",
            "film",
            "substrate",
        ],
        [
            [
                s["name"],
                str(s["atoms"]),
                f"{s['area']:.2f}",
                f"{100 * s['max_strain']:.2f}",
                f"{s['gap']:.2f}",
                str(s["n_interfaces"]),
                f"{s['shortest_distance']:.2f}",
                s["film"],
                s["substrate"],
            ]
            for s in summaries
        ],
    )
