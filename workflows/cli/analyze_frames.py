"""What `ionface analyze rdf` and `bonds` do: stored frames in, tables and JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cli.console import job_progress, messages, table
from ionface.workflows.engines import progress
from ionface.workflows.engines.vasp_double.emulated import emulated_paths, marked, title

if TYPE_CHECKING:
    from ionface.analysis.rdf.rdf_result import RdfResult

THERMAL = 0.06  # Å; width of a crystal's lines when drawn beside a warm sample


def analyze_rdf(
    paths: list[Path],
    pairs: list[str],
    cutoff: float,
    bins: int,
    windows: int,
    references: list[str],
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write rdf.json and a figure beside it; print the first peaks."""
    from ionface.analysis.figures.rdf_figure import figure_rdf
    from ionface.analysis.rdf.rdf import rdf

    with job_progress("analyze rdf") as shown:
        shown.job("reading", 0, 2)
        frames = open_frames(paths, timestep)
        shown.job("g(r)", 1, 2)
        result = rdf(
            frames,
            pairs,
            cutoff=cutoff,
            bins=bins,
            windows=windows,
            progress=progress.counter(len(frames), "frames"),
        )
    crystals = {name: reference_rdf(name, pairs, cutoff, bins) for name in references}
    emulated = emulated_paths(paths)
    text = json.dumps(marked(result.as_dict(), emulated), indent=1)
    write_atomically(out, text)
    figure = figure_rdf(result, crystals, emulated=emulated)
    figure.savefig(out.with_suffix(".png"), dpi=160)
    if as_json:
        typer.echo(text)
        return
    _print_peaks(result, title(emulated))
    messages.print(f"wrote {out} and {out.with_suffix('.png')}")


def analyze_bonds(
    paths: list[Path],
    pairs: list[str],
    windows: int,
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write the number of bonds in every frame and a figure beside it."""
    from ionface.analysis.figures.result_figures import figure_bonds
    from ionface.analysis.pairs import parse_pair
    from ionface.analysis.rdf.bonds import bond_length, bonds

    lengths = {}
    for text in pairs:
        name, _, length = text.partition(":")
        lengths[name] = length_of(length) if length else bond_length(parse_pair(name))
    with job_progress("analyze bonds") as shown:
        shown.job("reading", 0, 2)
        frames = open_frames(paths, timestep)
        shown.job("counting", 1, 2)
        counts = bonds(frames, lengths)
    emulated = emulated_paths(paths)
    text = json.dumps(marked(counts.as_dict(), emulated), indent=1)
    write_atomically(out, text)
    figure = figure_bonds(counts, emulated=emulated)
    figure.savefig(out.with_suffix(".png"), dpi=160)
    if as_json:
        typer.echo(text)
        return
    means = counts.window_means(windows)
    edges = np.array_split(counts.times_fs / 1000, len(next(iter(means.values()))))
    table(
        ["window ps", *(f"{name} < {lengths[name]:.2f} Å" for name in means)],
        [
            [f"{part[0]:.2f}–{part[-1]:.2f}", *(f"{m[i]:.1f}" for m in means.values())]
            for i, part in enumerate(edges)
        ],
        title(emulated),
    )
    messages.print(f"wrote {out} and {out.with_suffix('.png')}")


def length_of(text: str) -> float:
    """Return a bond length that was typed, Å."""
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if length <= 0:
        raise IonfaceError(
            f"{text!r} is no bond length; write a pair as In-S, or with a length in Å "
            "as In-S:3.0"
        )
    return length


def check_exist(paths: list[Path]) -> None:
    """Refuse paths that are not there."""
    for path in paths:
        if not path.exists():
            raise IonfaceError(
                f"{path} does not exist; give a project, a VASP directory or a "
                "trajectory file"
            )


def open_frames(paths: list[Path], timestep: float | None) -> Any:
    """Return the trajectory of files, directories or a project."""
    from ionface.analysis.readers import open_trajectory

    check_exist(paths)
    found: list[Path] = []
    for path in paths:
        if (path / "project.json").is_file():
            stored = sorted((path / "trajectories").glob("*.ionf"))
            found += _of_interfaces(path, stored)
        else:
            found += _parts(path)
    return open_trajectory(found if len(found) > 1 else found[0], timestep_fs=timestep)


def _parts(path: Path) -> list[Path]:
    """Return the segments of dynamics run by hand, else the path itself."""
    if path.is_file():  # the import takes longer than reading a short file
        return [path]
    from ionface.workflows.planning.input_results import dynamics_parts

    return dynamics_parts(path) or [path]


def _of_interfaces(root: Path, stored: list[Path]) -> list[Path]:
    """Return the one trajectory of a project that belongs to an interface."""
    from ionface.workflows.projects.project import Project
    from ionface.workflows.study.naming import slug

    study = Project.open(root).study
    if study.quick:
        messages.print(f"QUICK models in {root}: a rehearsal, not a result")
    if not stored:
        why = "no dynamics are finished" if study.dynamics else "its study has none"
        raise IonfaceError(f"{root} holds no trajectory: {why}")
    names = {slug(spec.name) for spec in study.interfaces}
    wanted = [path for path in stored if path.stem in names]
    if len(wanted) != 1:
        raise IonfaceError(
            f"{root} holds {len(wanted)} finished interface trajectories "
            f"({[path.name for path in stored]}); name one of the files in "
            f"{root / 'trajectories'}"
        )
    return wanted


def reference_rdf(name: str, pairs: list[str], cutoff: float, bins: int) -> RdfResult:
    """Return the RDFs of a crystal at rest, broadened as a warm one.

    Raises:
        IonfaceError: it has none of the pairs.
    """
    from ionface.analysis.rdf.rdf import crystal_rdf
    from ionface.structures.crystals.library import read_crystal

    crystal = read_crystal(name)
    species = [site.specie.symbol for site in crystal]
    present = [pair for pair in pairs if set(pair.split("-")) <= set(species)]
    if not present:
        raise IonfaceError(
            f"reference {name} has none of the pairs {pairs}; it consists of "
            f"{sorted(set(species))}"
        )
    return crystal_rdf(
        species,
        crystal.lattice.matrix,
        crystal.cart_coords,
        present,
        cutoff=cutoff,
        bins=bins,
        broadening=THERMAL,
        source=name,
    )


def _print_peaks(result: RdfResult, heading: str) -> None:
    data = result.as_dict()
    rows = []
    for pair, curves in data["pairs"].items():
        for (start, end), peak in zip(
            data["windows_fs"], curves["first_peak"], strict=True
        ):
            window = f"{start / 1000:.2f}–{end / 1000:.2f}"
            position, height = peak.get("r"), peak.get("height")
            rows.append(
                [
                    pair,
                    window,
                    "–" if position is None else f"{position:.2f}",
                    "–" if height is None else f"{height:.2f}",
                ]
            )
    table(["pair", "window ps", "first peak Å", "height"], rows, heading)
