"""Commands that analyze stored outputs: `ionface analyze ...`.

Those of one trajectory are made from the registry (`analysis.kinds`): the fields of an
analysis's settings are its flags, their docstring is the help. Three have more than one
run, or none, and are written out below.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING, asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.app import RESULTS, WholeHelp, app
from ionface.workflows.cli.options import (
    AsJson,
    Cell,
    Elements,
    OutWithTable,
    Timestep,
    Trajectories,
)
from ionface.workflows.cli.wording import told_in_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ionface.analysis.diffusion.diffusion import Diffusion
    from ionface.analysis.kind import Kind, Option
    from ionface.analysis.result import Result
    from ionface.analysis.trajectory.trajectory import Trajectory
    from ionface.workflows.cli.analyze_files import Told

ALIKE = 1.0
"""K; two runs closer than this would be one point of a line with two errors."""


STATUSES = {"doubtful": 1, "unknown": 3}
"""Exit statuses of verdicts. A script asks `ionface analyze checks run && ...` whether
a run may be trusted: what is not known to be sound is not; 2 is wrong usage."""


class _Analyses(WholeHelp):
    """Makes the command of an analysis when it is asked for: all of them take 0.5 s."""

    def list_commands(self, ctx: Any) -> list[str]:
        from ionface.analysis.kinds import analyses

        return [*analyses(), *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from ionface.analysis.kinds import analyses

        written = super().get_command(ctx, cmd_name)
        if written is not None or cmd_name not in analyses():
            return written
        return _command(analyses()[cmd_name])


analyze_app = typer.Typer(
    cls=_Analyses,
    help="Numbers from stored outputs of any run.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(analyze_app, name="analyze", rich_help_panel=RESULTS)


# --- analyses of one trajectory -------------------------------------------------------


def analyze(
    kind: Kind,
    paths: list[Path],
    values: dict[str, Any],
    *,
    told: Told,
    out: Path,
    as_json: bool = False,
) -> None:
    """Analyze the trajectory of some paths, write the result and print it.

    Args:
        kind: what is asked.
        paths: a project, or segments of one run.
        values: settings by name; references by the crystals' names.
        told: what the files do not tell.
        out: JSON; a CSV and a PNG go beside it.
        as_json: print JSON instead of tables.
    """
    # here: rich and what reads frames would double the start of every other command
    from ionface.workflows.cli import analyze_files as files
    from ionface.workflows.cli.console import job_progress
    from ionface.workflows.engines import progress
    from ionface.workflows.study.analyses import with_crystals

    files.check_out(out)
    with in_flags(kind), job_progress(f"analyze {kind.name}") as shown:
        settings = kind.configured(with_crystals(values))
        shown.stage("reading", 0, 2)
        frames = files.open_frames(paths, told, kind.species(settings))
        shown.stage(kind.name, 1, 2)
        counter = progress.counter(len(frames), "frames")
        result = kind.computed(frames, settings, counter)
    files.deliver(kind, result, out, as_json=as_json)
    verdict = str(getattr(result, "verdict", "")).partition(":")[0]
    raise typer.Exit(STATUSES.get(verdict, 0))


def in_flags(kind: Kind) -> AbstractContextManager[None]:
    """Word the arguments that an error of the analysis names as the flags they were."""
    flags = {option.name: flag_of(option) for option in kind.options}
    return told_in_flags({**flags, "timestep_fs": "--timestep", "lattice": "--cell"})


def flag_of(option: Option) -> str:
    """Return the flag of a setting: what may be given several times is singular."""
    name = option.name
    if option.many and name != "species":  # the one word here without a singular
        name = name.removesuffix("s")
    return "--" + name.replace("_", "-")


def _command(kind: Kind) -> Any:
    """Return the click command whose flags are the settings of an analysis."""

    def command(**given: Any) -> None:
        from ionface.workflows.cli.analyze_files import Told

        paths = given.pop("paths")
        told = Told(*(given.pop(name) for name in ("timestep", "cell", "elements")))
        out, as_json = given.pop("out"), given.pop("as_json")
        follow, every = given.pop("follow", False), given.pop("every", None)
        values = {name: value for name, value in given.items() if value is not None}
        if follow:
            from ionface.workflows.cli.analyze_follow import follow_run

            if len(paths) != 1:
                raise typer.BadParameter("--follow takes one run, not several segments")
            follow_run(
                kind, paths[0], values, timestep=told.timestep, every=every, out=out,
                as_json=as_json,
            )  # fmt: skip
            return
        analyze(kind, paths, values, told=told, out=out, as_json=as_json)

    command.__signature__ = inspect.Signature([*_parameters(kind)])  # type: ignore[attr-defined]
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    summary = inspect.getdoc(kind.settings) or ""
    single.command(kind.name, help=summary.partition("\n\n")[0])(command)
    return typer.main.get_command(single)


def _parameters(kind: Kind) -> Iterator[inspect.Parameter]:
    """Yield what the command of an analysis takes, in the order of its help."""
    yield _parameter("paths", Trajectories)
    for option in kind.options:
        yield _flag(option)
    yield _parameter("timestep", Timestep, None)
    yield _parameter("cell", Cell, None)
    yield _parameter("elements", Elements, None)
    if kind.running is not None:
        yield _parameter("follow", Follow, False)
        yield _parameter("every", Every, 5.0)
    yield _parameter("out", OutWithTable, Path(f"{kind.name}.json"))
    yield _parameter("as_json", AsJson, False)


def _flag(option: Option) -> inspect.Parameter:
    simple = option.type if option.type in (float, int, bool) else str
    info = typer.Option(flag_of(option), help=option.help)
    required = option.default is MISSING
    hint: Any = list[simple] if option.many else simple  # type: ignore[valid-type]
    if required:
        return _parameter(option.name, Annotated[hint, info])
    # an empty tuple is what the field itself has where nothing is given
    default = None if option.many else option.default
    return _parameter(option.name, Annotated[hint | None, info], default)


def _parameter(
    name: str, hint: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)


Follow = Annotated[
    bool, typer.Option("--follow", help="Go on while the run is still writing.")
]
Every = Annotated[
    float, typer.Option(min=0.05, help="With --follow: seconds between two looks.")
]


# --- energies, activation energies, what a folder holds -------------------------------


@analyze_app.command()
def energies(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Projects or VASP directories, also as NAME=DIRECTORY."),
    ],
    interfaces: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=2,
            help="Interfaces in the cell (VASP only); by default from its vacuum.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Interface formation energies, from a project or from VASP directories."""
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli import analyze_files as files

    result = files.energies_of(paths, interfaces)
    files.print_result(kinds()[result.kind], result, as_json=as_json)


@analyze_app.command()
def arrhenius(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="One file or directory per temperature, or one CSV table of measured "
            "conductivities."
        ),
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
    cell: Cell = None,
    elements: Elements = None,
    out: OutWithTable = Path("arrhenius.json"),
    as_json: AsJson = False,
) -> None:
    """Activation energy of diffusion in several runs, or of a table of σ(T)."""
    from ionface.analysis.diffusion.arrhenius import arrhenius_of
    from ionface.analysis.diffusion.diffusion import diffusion
    from ionface.analysis.diffusion.diffusion_analysis import drift_of
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli import analyze_files as files
    from ionface.workflows.cli.console import job_progress

    files.check_out(out)
    if len(runs) == 1 and runs[0].suffix.lower() in files.TABLES:
        files.measured_arrhenius(runs[0], at, out, as_json=as_json)
        return
    given, told = temperature or [], files.Told(timestep, cell, elements)
    _check_runs(runs, given)
    kind = kinds()["arrhenius"]
    found: dict[float, Diffusion] = {}
    with in_flags(kinds()["msd"]), job_progress("analyze arrhenius") as shown:
        subtracted = drift_of(tuple(drift or ["auto"]))
        for number, run in enumerate(runs):
            shown.stage(str(run), number, len(runs))
            frames = files.open_frames([run], told, [species])
            t = given[number] if given else _temperature(frames, run)
            if close := [known for known in found if abs(known - t) < ALIKE]:
                raise IonfaceError(
                    f"{run} ran at {t:.1f} K, as a run before it ({close[0]:.1f} K); "
                    "give one run per temperature, or --temperature for each"
                )
            moved = diffusion(frames, [species], drift=subtracted)
            found[t] = next(d for d in moved if d.direction == "3d")
        result = replace(arrhenius_of(found), room=at)
    files.deliver(kind, result, out, as_json=as_json)


@analyze_app.command()
def replicas(
    runs: Annotated[list[Path], typer.Argument(help="Independent runs, two or more.")],
    pairs: Annotated[list[str], typer.Option("--pair", help="As for reactions.")],
    references: Annotated[
        list[str] | None, typer.Option("--reference", help="As for reactions.")
    ] = None,
    timestep: Timestep = None,
    cell: Cell = None,
    elements: Elements = None,
    out: OutWithTable = Path("replicas.json"),
    as_json: AsJson = False,
) -> None:
    """What became of bonds in several independent runs together."""
    from ionface.analysis.kinds import kinds
    from ionface.analysis.reactions.bond_analyses import followed_bonds
    from ionface.analysis.reactions.replicas import (
        Replicas,
        check_independent,
        first_frames,
    )
    from ionface.workflows.cli import analyze_files as files
    from ionface.workflows.cli.console import job_progress
    from ionface.workflows.study.analyses import with_crystals

    kind = kinds()["reactions"]
    files.check_out(out)
    told = files.Told(timestep, cell, elements)
    names = [str(run) for run in runs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise IonfaceError(
            f"{twice[0]} stands twice: one run is not two independent ones; give each "
            "of them once"
        )
    found, starts = {}, {}
    with in_flags(kind), job_progress("analyze replicas") as shown:
        given = {"pairs": pairs, "references": references or ()}
        settings = kind.configured(with_crystals(given))
        for number, (name, run) in enumerate(zip(names, runs, strict=True)):
            shown.stage(name, number, len(runs))
            frames = files.open_frames([run], told, kind.species(settings))
            starts[name] = first_frames(frames)
            check_independent(starts)
            found[name] = followed_bonds(frames, settings)
        result = Replicas.of(found)
    files.deliver(kinds()["replicas"], result, out, as_json=as_json)


def _check_runs(runs: list[Path], temperatures: list[float]) -> None:
    if len(runs) < 2:
        raise IonfaceError(
            f"{len(runs)} run: an activation energy needs runs at two temperatures at "
            "least; give one file or directory for each"
        )
    if temperatures and len(temperatures) != len(runs):
        raise IonfaceError(
            f"{len(temperatures)} temperatures for {len(runs)} runs; give "
            "--temperature once for each run, in their order, or not at all"
        )


def _temperature(frames: Trajectory, run: Path) -> float:
    """Return the mean temperature of a run, K: measured, or the thermostat's."""
    import numpy as np

    from ionface.analysis.run_checks.temperature import temperatures

    measured = temperatures(frames)
    if np.isfinite(measured).any():
        return float(np.nanmean(measured))
    if (stated := frames.meta.get("temperature_K")) is not None:
        return float(stated)
    raise IonfaceError(
        f"{run} tells no temperature; give --temperature for every run, in their order"
    )


@analyze_app.command()
def potential(
    path: Annotated[Path, typer.Argument(help="LOCPOT, or its directory.")],
    fermi: Annotated[
        float | None, typer.Option(help="Fermi energy, eV; else of vasprun.xml.")
    ] = None,
    out: OutWithTable = Path("potential.json"),
    as_json: AsJson = False,
) -> None:
    """The potential along the normal and work functions, from a LOCPOT."""
    from ionface.analysis.energies.planar_potential import planar_potential

    _tell_one(path, lambda: planar_potential(path, fermi=fermi), out, as_json)


@analyze_app.command()
def dos(
    path: Annotated[Path, typer.Argument(help="VASP directory, or its vasprun.xml.")],
    thickness: Annotated[
        float, typer.Option(min=0.1, help="Of a slice along the normal, Å.")
    ] = 3.0,
    out: OutWithTable = Path("dos.json"),
    as_json: AsJson = False,
) -> None:
    """Density of states and band edges slice by slice, from projections (LORBIT)."""
    from ionface.analysis.energies.layer_dos import layer_dos

    _tell_one(path, lambda: layer_dos(path, thickness=thickness), out, as_json)


def _tell_one(path: Path, made: Callable[[], Result], out: Path, as_json: bool) -> None:
    """Write and print what is made of one file or folder."""
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli import analyze_files as files

    files.check_exist([path])
    files.check_out(out)
    result = made()
    files.deliver(kinds()[result.kind], result, out, as_json=as_json)


@analyze_app.command()
def outputs(
    folder: Annotated[Path, typer.Argument(help="With runs in it, at any depth.")],
    as_json: AsJson = False,
) -> None:
    """What every trajectory below a folder holds, or why it cannot be used."""
    from ionface.analysis.readers.opening import FORMATS
    from ionface.analysis.readers.outcomes import outcomes
    from ionface.workflows.cli import analyze_files as files
    from ionface.workflows.cli.console import table

    files.check_exist([folder])
    if not folder.is_dir():
        raise IonfaceError(f"{folder} is a file; give the folder that it stands in")
    found = list(outcomes(folder))
    if not found:
        raise IonfaceError(
            f"no output of a run below {folder}; what is read: {FORMATS}"
        )
    if as_json:
        typer.echo(json.dumps([asdict(outcome) for outcome in found], indent=1))
        return
    rows = [
        [o.path, str(o.frames), str(o.atoms or "–"), o.time or "refused",
         o.reason or "; ".join(o.notes)]
        for o in found
    ]  # fmt: skip
    table(["file or folder", "frames", "atoms", "time", "told"], rows)
