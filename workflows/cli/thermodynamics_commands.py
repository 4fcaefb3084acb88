"""Commands on energies of phases: `ionface analyze hull`, `window`, `contact`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.analyze import analyze_app
from ionface.workflows.cli.options import AsJson, OutWithTable

if TYPE_CHECKING:
    from ionface.analysis.result import Result
    from ionface.analysis.thermodynamics.phases import PhaseSet

Source = Annotated[
    Path,
    typer.Argument(
        metavar="PROJECT|FOLDER|FILE",
        help="A project with phases, a folder of VASP runs, a phases.json, or a "
        "Materials Project entries.json.",
    ),
]
Corrected = Annotated[
    Literal["none", "mp2020"],
    typer.Option("--corrections", help="mp2020 is right for raw PBE energies only."),
]
Predicted = Annotated[
    bool, typer.Option("--predicted", help="With phases that nobody has observed.")
]
Excluded = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="A phase that is left out; repeatable."),
]


@analyze_app.command()
def hull(
    source: Source,
    system: Annotated[
        str | None, typer.Option(help="As in Li-P-S; all elements by default.")
    ] = None,
    corrections: Corrected = "none",
    predicted: Predicted = False,
    exclude: Excluded = None,
    out: OutWithTable = Path("hull.json"),
    as_json: AsJson = False,
) -> None:
    """Stable phases of a system, distances from the hull, plateaus of an alloy."""
    from ionface.analysis.thermodynamics.hull import hull as hull_of
    from ionface.workflows.projects.phases import literature

    found = hull_of(
        _phases(source, exclude, corrections, out),
        None if system is None else system.split("-"),
        corrections=corrections,
        predicted=predicted,
        literature=literature(),
    )
    _show(found, out, as_json=as_json)


@analyze_app.command()
def window(
    source: Source,
    of: Annotated[
        list[str], typer.Option("--of", help="A compound; repeatable: Li6PS5Cl.")
    ],
    against: Annotated[
        str, typer.Option(help="The element that is offered or taken away.")
    ] = "Li",
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="The same phases by another engine, for the error bar."),
    ] = None,
    corrections: Corrected = "none",
    predicted: Predicted = False,
    exclude: Excluded = None,
    out: OutWithTable = Path("window.json"),
    as_json: AsJson = False,
) -> None:
    """Stability windows, voltage steps, and what becomes of a compound beyond."""
    from ionface.analysis.thermodynamics.window import window as window_of
    from ionface.analysis.thermodynamics.window_result import Windows
    from ionface.workflows.projects.phases import literature

    phases = _phases(source, exclude, corrections, out)
    others = {}
    for path in beside or []:
        read = _phases(path, exclude, "none", out)
        others[read.level.label] = read
    windows = tuple(
        window_of(
            phases,
            compound,
            against,
            corrections=corrections,
            predicted=predicted,
            beside=others,
            literature=literature(),
        )
        for compound in of
    )
    _show(Windows(windows, provenance=phases.provenance), out, as_json=as_json)


@analyze_app.command()
def contact(
    source: Source,
    between: Annotated[
        list[str],
        typer.Option("--between", help="Two phases as A:B; repeatable: Li6PS5Cl:LiIn."),
    ],
    potential: Annotated[
        float | None,
        typer.Option(help="V, at which an element is offered from outside."),
    ] = None,
    against: Annotated[str, typer.Option(help="That element.")] = "Li",
    corrections: Corrected = "none",
    predicted: Predicted = False,
    exclude: Excluded = None,
    out: OutWithTable = Path("contact.json"),
    as_json: AsJson = False,
) -> None:
    """What two phases in contact react to, and how strongly."""
    from ionface.analysis.thermodynamics.contact import contact as contact_of
    from ionface.analysis.thermodynamics.contact_result import Contacts
    from ionface.workflows.projects.phases import literature

    phases = _phases(source, exclude, corrections, out)
    contacts = tuple(
        contact_of(
            phases,
            *_pair(text),
            potential=potential,
            element=against,
            corrections=corrections,
            predicted=predicted,
            literature=literature(),
        )
        for text in between
    )
    _show(Contacts(contacts, provenance=phases.provenance), out, as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not (first and colon and second):
        raise IonfaceError(
            f"--between {text!r} does not name two phases; write them as Li6PS5Cl:LiIn"
        )
    return first, second


def _phases(
    source: Path, exclude: list[str] | None, corrections: str, out: Path
) -> PhaseSet:
    """Return the phases of a project, a folder or a file."""
    from ionface.analysis.thermodynamics.reading import read_phases
    from ionface.workflows.cli.analyze_files import check_exist, check_out

    check_out(out)
    check_exist([source])
    if (source / "project.json").is_file():
        from ionface.workflows.projects.phases import project_phases
        from ionface.workflows.projects.project import Project

        return project_phases(Project.open(source)).without(exclude or [])
    return read_phases(source, exclude=exclude or [], corrections=corrections)


def _show(result: Result, out: Path, *, as_json: bool) -> None:
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli import analyze_files as files

    files.deliver(kinds()[result.kind], result, out, as_json=as_json)
