"""Commands that analyze stored outputs: `ionface analyze ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import (
    AsJson,
    OutWithFigure,
    OutWithTable,
    Timestep,
    Trajectories,
)

analyze_app = typer.Typer(
    help="Exact numbers from stored outputs: projects, trajectories, VASP folders.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(analyze_app, name="analyze")


@analyze_app.command()
def energies(
    paths: Annotated[list[Path], typer.Argument(help="Projects or VASP directories.")],
    interfaces: Annotated[
        int, typer.Option(min=1, max=2, help="Interfaces in the cell (VASP only).")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Interface formation energies, from a project or from VASP directories."""
    from ionface.workflows.cli.analyze_energies import analyze_energies

    analyze_energies(paths, interfaces, as_json)


@analyze_app.command()
def rdf(
    paths: Trajectories,
    pair: Annotated[list[str], typer.Option("--pair", help="As in In-S; repeatable.")],
    cutoff: Annotated[float, typer.Option(min=0.1, help="Å")] = 8.0,
    bins: Annotated[int, typer.Option(min=1)] = 200,
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 20,
    reference: Annotated[
        list[str] | None, typer.Option(help="A crystal to compare with; repeatable.")
    ] = None,
    timestep: Timestep = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on while the run is still writing.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.05, help="With --follow: seconds between two looks.")
    ] = 5.0,
    out: OutWithFigure = Path("rdf.json"),
    as_json: AsJson = False,
) -> None:
    """Time-resolved radial distribution functions of stored or running dynamics."""
    if follow:
        from ionface.workflows.cli.analyze_follow import follow_rdf

        if len(paths) != 1:
            raise typer.BadParameter("--follow takes one run, not several segments")
        follow_rdf(
            paths[0],
            pair,
            cutoff,
            bins,
            windows,
            reference or [],
            timestep,
            every,
            out,
            as_json,
        )
        return
    from ionface.workflows.cli.analyze_frames import analyze_rdf

    analyze_rdf(
        paths, pair, cutoff, bins, windows, reference or [], timestep, out, as_json
    )


@analyze_app.command()
def bonds(
    paths: Trajectories,
    pair: Annotated[
        list[str], typer.Option("--pair", help="As in In-S, or In-S:3.0 (Å).")
    ],
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 10,
    timestep: Timestep = None,
    out: OutWithFigure = Path("bonds.json"),
    as_json: AsJson = False,
) -> None:
    """Number of bonds against time."""
    from ionface.workflows.cli.analyze_frames import analyze_bonds

    analyze_bonds(paths, pair, windows, timestep, out, as_json)


@analyze_app.command()
def reactions(
    paths: Trajectories,
    pair: Annotated[list[str], typer.Option("--pair", help="As in In-S; repeatable.")],
    reference: Annotated[
        list[str] | None, typer.Option(help="A crystal that may form; repeatable.")
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 10,
    timestep: Timestep = None,
    out: OutWithFigure = Path("reactions.json"),
    as_json: AsJson = False,
) -> None:
    """Bonds that form and break, and whether a pair grows, stays or fluctuates."""
    from ionface.workflows.cli.analyze_reactions import analyze_reactions

    analyze_reactions(paths, pair, reference or [], windows, timestep, out, as_json)


@analyze_app.command()
def msd(
    paths: Trajectories,
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
    timestep: Timestep = None,
    out: OutWithTable = Path("msd.json"),
    as_json: AsJson = False,
) -> None:
    """Mean squared displacements, and diffusion coefficients with their errors."""
    from ionface.workflows.cli.analyze_motion import analyze_msd

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
    paths: Trajectories,
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
    timestep: Timestep = None,
    out: OutWithTable = Path("profile.json"),
    as_json: AsJson = False,
) -> None:
    """Densities along the normal against time, and the width of the interphase."""
    from ionface.workflows.cli.analyze_motion import analyze_profile

    analyze_profile(paths, species or [], between, windows, timestep, out, as_json)


@analyze_app.command()
def checks(
    paths: Trajectories,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="Of the thermostat, K.")
    ] = None,
    timestep: Timestep = None,
    out: OutWithTable = Path("checks.json"),
    as_json: AsJson = False,
) -> None:
    """Whether a run may be trusted: temperature, energy, time step, gaps."""
    from ionface.workflows.cli.analyze_motion import analyze_checks

    analyze_checks(paths, temperature, timestep, out, as_json)


@analyze_app.command()
def arrhenius(
    runs: Annotated[
        list[Path], typer.Argument(help="One file or directory per temperature.")
    ],
    species: Annotated[str, typer.Option("--species", help="As in Li.")] = "Li",
    temperature: Annotated[
        list[float] | None,
        typer.Option(min=0.0, help="K, of each run in order; measured by default."),
    ] = None,
    at: Annotated[
        float, typer.Option("--at", min=1.0, help="Extrapolate to this, K.")
    ] = 300.0,
    drift: Annotated[
        list[str] | None, typer.Option(help="As for msd; repeatable.")
    ] = None,
    timestep: Timestep = None,
    out: OutWithTable = Path("arrhenius.json"),
    as_json: AsJson = False,
) -> None:
    """Activation energy of diffusion, from runs at several temperatures."""
    from ionface.workflows.cli.analyze_arrhenius import analyze_arrhenius

    analyze_arrhenius(
        runs,
        species,
        temperature or [],
        at,
        timestep,
        out,
        as_json,
        drift=drift or ["auto"],
    )


@analyze_app.command()
def layers(
    paths: Trajectories,
    pair: Annotated[
        str, typer.Option("--pair", help="Center and neighbor: P-S, or P-S:2.6 (Å).")
    ],
    number: Annotated[
        int, typer.Option("--layers", min=1, help="Of equal height.")
    ] = 10,
    edge: Annotated[
        list[float] | None,
        typer.Option(help="Heights between layers instead, Å; repeatable, ascending."),
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Number of time windows.")] = 4,
    stride: Annotated[int, typer.Option(min=1, help="Every how many frames.")] = 1,
    timestep: Timestep = None,
    out: OutWithTable = Path("layers.json"),
    as_json: AsJson = False,
) -> None:
    """Coordination numbers layer by layer along the normal, against time."""
    from ionface.workflows.cli.analyze_layers import analyze_layers

    analyze_layers(
        paths, pair, number, edge or [], windows, stride, timestep, out, as_json
    )


@analyze_app.command()
def outputs(
    folder: Annotated[Path, typer.Argument(help="With runs in it, at any depth.")],
    as_json: AsJson = False,
) -> None:
    """What every trajectory below a folder holds, or why it cannot be used."""
    from ionface.workflows.cli.analyze_outputs import analyze_outputs

    analyze_outputs(folder, as_json)
