"""The command line: ionface studies, build, run, status, analyze, report, doctor.

Exit status 0: success. 1: the computation or its input failed, one clear message on
stderr. 2: wrong usage. Heavy imports stand inside the commands, so that --help is fast.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="ionface",
    help="Solid-state-battery interfaces from first principles.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
analyze_app = typer.Typer(
    help="Exact numbers from stored outputs: projects, trajectories, VASP folders.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(analyze_app, name="analyze")

StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="A built-in study or a YAML file.")
]
ProjectPath = Annotated[
    Path, typer.Option("--project", help="The project directory.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable output.")]
Quick = Annotated[
    bool, typer.Option("--quick", help="Same graphs, smaller models, 0.4 ps.")
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine", help="sevennet, chgnet, or an ASE calculator's import path."
    ),
]
DEFAULT_PROJECT = Path("ionface-project")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("ionface"))
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print and exit."
        ),
    ] = False,
) -> None:
    del version
    context.obj = debug


@app.command()
def studies(
    name: Annotated[
        str | None, typer.Argument(help="Print this one as YAML, to copy and change.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the built-in studies and what they compute, or print one."""
    from workflows.commands import print_study, studies_table

    if name is None:
        studies_table(as_json)
    else:
        print_study(name)


@app.command()
def build(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Where the models are written.")],
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Build a study's interface models: POSCAR, CIF, JSON, a picture, a table."""
    from workflows.commands import build_models

    build_models(study, out, quick, as_json)


@app.command()
def run(
    study: StudyName,
    project: ProjectPath = DEFAULT_PROJECT,
    engine: EngineName = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Run a study here; run it again to resume."""
    from workflows.commands import run_study

    raise typer.Exit(run_study(study, project, engine, quick, as_json))


@app.command()
def status(project: ProjectPath = DEFAULT_PROJECT, as_json: AsJson = False) -> None:
    """Show what of a project is done, running, failed, waiting."""
    from workflows.commands import show_status

    show_status(project, as_json)


@app.command()
def report(project: ProjectPath = DEFAULT_PROJECT) -> None:
    """Write the project's tables, figures and one self-contained report.html."""
    from workflows.commands import make_report

    make_report(project)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what is installed and working, and what to do about the rest."""
    from workflows.doctor import examine

    raise typer.Exit(examine(as_json))


@app.command()
def inputs(
    study: StudyName,
    out: Annotated[Path, typer.Option("--out", help="Where they are written.")],
    engine: Annotated[str, typer.Option("--engine", help="vasp")] = "vasp",
    spec: Annotated[
        bool, typer.Option("--spec", help="POTCAR.spec instead of POTCAR.")
    ] = False,
    quick: Quick = False,
) -> None:
    """Write VASP directories and batch scripts, to be submitted by hand."""
    from workflows.vasp.commands import write_by_hand

    write_by_hand(study, engine, out, quick, spec)


@app.command()
def plan(
    study: StudyName,
    engine: Annotated[str, typer.Option("--engine", help="vasp")] = "vasp",
    budget: Annotated[
        float | None, typer.Option("--budget", min=0.0, help="Core-hours.")
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", help="Whose finished runs correct the estimate."),
    ] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Estimate every VASP job: bands, core-hours, memory, disk."""
    from workflows.vasp.commands import show_plan

    show_plan(study, engine, budget, project, quick, as_json)


@analyze_app.command()
def energies(
    paths: Annotated[list[Path], typer.Argument(help="Projects or VASP directories.")],
    interfaces: Annotated[
        int, typer.Option(min=1, max=2, help="Interfaces in the cell (VASP only).")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Interface formation energies, from a project or from VASP directories."""
    from workflows.analyze import analyze_energies

    analyze_energies(paths, interfaces, as_json)


@analyze_app.command()
def rdf(
    paths: Annotated[list[Path], typer.Argument(help="A project, or trajectories.")],
    pair: Annotated[list[str], typer.Option("--pair", help="As in In-S; repeatable.")],
    cutoff: Annotated[float, typer.Option(min=0.1, help="Å")] = 8.0,
    bins: Annotated[int, typer.Option(min=1)] = 200,
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 20,
    reference: Annotated[
        list[str] | None, typer.Option(help="A crystal to compare with; repeatable.")
    ] = None,
    timestep: Annotated[
        float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="JSON; a PNG beside it.")] = Path(
        "rdf.json"
    ),
    as_json: AsJson = False,
) -> None:
    """Time-resolved radial distribution functions of stored dynamics."""
    from workflows.analyze_frames import analyze_rdf

    analyze_rdf(
        paths, pair, cutoff, bins, windows, reference or [], timestep, out, as_json
    )


@analyze_app.command()
def bonds(
    paths: Annotated[list[Path], typer.Argument(help="A project, or trajectories.")],
    pair: Annotated[
        list[str], typer.Option("--pair", help="As in In-S, or In-S:3.0 (Å).")
    ],
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 10,
    timestep: Annotated[
        float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="JSON; a PNG beside it.")] = Path(
        "bonds.json"
    ),
    as_json: AsJson = False,
) -> None:
    """Number of bonds against time."""
    from workflows.analyze_frames import analyze_bonds

    analyze_bonds(paths, pair, windows, timestep, out, as_json)


@analyze_app.command()
def reactions(
    paths: Annotated[list[Path], typer.Argument(help="A project, or trajectories.")],
    pair: Annotated[list[str], typer.Option("--pair", help="As in In-S; repeatable.")],
    reference: Annotated[
        list[str] | None, typer.Option(help="A crystal that may form; repeatable.")
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 10,
    timestep: Annotated[
        float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="JSON; a PNG beside it.")] = Path(
        "reactions.json"
    ),
    as_json: AsJson = False,
) -> None:
    """Bonds that form and break, and whether a pair grows, stays or fluctuates."""
    from workflows.analyze_reactions import analyze_reactions

    analyze_reactions(paths, pair, reference or [], windows, timestep, out, as_json)


@analyze_app.command()
def msd(
    paths: Annotated[list[Path], typer.Argument(help="A project, or trajectories.")],
    species: Annotated[
        list[str] | None, typer.Option(help="As in Li; repeatable. All by default.")
    ] = None,
    layer: Annotated[
        list[float] | None,
        typer.Option(help="Height that divides layers, Å; repeatable, ascending."),
    ] = None,
    drift: Annotated[
        list[str] | None,
        typer.Option(
            help="What is subtracted: auto, all, none, or the symbols of a rigid "
            "sublattice; repeatable."
        ),
    ] = None,
    timestep: Annotated[
        float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="JSON; a CSV and a PNG beside it.")
    ] = Path("msd.json"),
    as_json: AsJson = False,
) -> None:
    """Mean squared displacements, and diffusion coefficients with their errors."""
    from workflows.analyze_motion import analyze_msd

    analyze_msd(
        paths,
        species or [],
        timestep,
        out,
        as_json,
        drift=drift or ["auto"],
        layers=layer or [],
    )


@analyze_app.command()
def profile(
    paths: Annotated[list[Path], typer.Argument(help="A project, or trajectories.")],
    species: Annotated[
        list[str] | None, typer.Option(help="As in Li; repeatable. All by default.")
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(
            help="Marker species of two phases, as In:S+P, to measure their interphase."
        ),
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 10,
    timestep: Annotated[
        float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="JSON; a CSV and a PNG beside it.")
    ] = Path("profile.json"),
    as_json: AsJson = False,
) -> None:
    """Densities along the normal against time, and the width of the interphase."""
    from workflows.analyze_motion import analyze_profile

    analyze_profile(paths, species or [], between, windows, timestep, out, as_json)


@analyze_app.command()
def checks(
    paths: Annotated[list[Path], typer.Argument(help="A project, or trajectories.")],
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="Of the thermostat, K.")
    ] = None,
    timestep: Annotated[
        float | None, typer.Option(min=0.0, help="Between stored frames, fs.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="JSON; a CSV and a PNG beside it.")
    ] = Path("checks.json"),
    as_json: AsJson = False,
) -> None:
    """Whether a run may be trusted: temperature, energy, time step, gaps."""
    from workflows.analyze_motion import analyze_checks

    analyze_checks(paths, temperature, timestep, out, as_json)


class _Interrupted(BaseException):
    """Ctrl-C or SIGTERM; no library on the way up takes it for an error of its own."""


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise _Interrupted


def main() -> None:
    """Run the command line; turn every failure into one message and a status."""
    import warnings

    debug = "--debug" in sys.argv
    if not debug:
        # libraries warn developers; users get our messages
        warnings.filterwarnings("ignore")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app()
    except _Interrupted:
        typer.echo(
            "\nionface: interrupted; nothing finished is lost: "
            "run the same command again to go on",
            err=True,
        )
        raise SystemExit(1) from None
    except Exception as error:  # the last line of defense
        if debug:
            raise
        typer.echo(f"ionface: {_message(error)}", err=True)
        raise SystemExit(1) from None


def _message(error: Exception) -> str:
    from workflows.errors import IonfaceError

    known: tuple[type[Exception], ...] = (IonfaceError,)
    for module, name in (
        ("structures.errors", "StructureError"),
        ("analysis.errors", "AnalysisError"),
    ):
        if module in sys.modules:
            known = (*known, getattr(sys.modules[module], name))
    if isinstance(error, known):
        return str(error)
    if isinstance(error, OSError):
        from workflows.project import disk_message

        return disk_message(error, Path())
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a defect of ionface: please report it with the output of "
        "the same command after `ionface --debug`."
    )
