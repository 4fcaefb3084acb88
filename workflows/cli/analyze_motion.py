"""What `ionface analyze msd`, `profile` and `checks` do: frames in, numbers out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cli import analyze_frames
from ionface.workflows.cli.console import job_progress, messages, table
from ionface.workflows.cli.result_files import tell_written, write_results
from ionface.workflows.engines.vasp_double.emulated import (
    emulated_paths,
    marked,
    marked_rows,
    title,
)

if TYPE_CHECKING:
    from ionface.analysis.diffusion.diffusion import Diffusion
    from ionface.analysis.interphase.interphase import Interphase

DRIFTS = ("auto", "all", "none")


def analyze_msd(
    paths: list[Path],
    species: list[str],
    timestep: float | None,
    out: Path,
    as_json: bool,
    *,
    drift: Sequence[str] = ("auto",),
    layers: Sequence[float] = (),
) -> None:
    """Write MSDs and diffusion coefficients, a table and a figure beside them."""
    from ionface.analysis.diffusion.diffusion import diffusion
    from ionface.analysis.diffusion.msd import msd
    from ionface.analysis.figures.diffusion_figures import figure_msd

    reference = drift_reference(drift)
    with job_progress("analyze msd") as shown:
        shown.job("reading", 0, 3)
        frames = analyze_frames.open_frames(paths, timestep)
        shown.job("MSD at all lags", 1, 3)
        result = msd(frames, species or None, drift=reference)
        shown.job("diffusion", 2, 3)
        found = diffusion(frames, species or None, drift=reference)
        if layers:
            found += diffusion(frames, species or None, layers=layers, drift=reference)
    emulated = emulated_paths(paths)
    data = {**result.as_dict(), "diffusion": [d.as_dict() for d in found]}
    text = json.dumps(marked(data, emulated), indent=1)
    figure = figure_msd(result, found, emulated=emulated)
    write_results(out, text, marked_rows(result.rows(), emulated), figure)
    if as_json:
        typer.echo(text)
        return
    print_diffusion(found, title(emulated))
    for line in dict.fromkeys((result.drift, *result.notes)):
        messages.print(line)
    tell_written(out)


def analyze_profile(
    paths: list[Path],
    species: list[str],
    between: str | None,
    windows: int,
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write densities along the normal against time, and the interphase's width."""
    from ionface.analysis.figures.diffusion_figures import (
        figure_interphase,
        figure_profiles,
    )
    from ionface.analysis.figures.style import png
    from ionface.analysis.interphase.density_profiles import profiles
    from ionface.analysis.interphase.interphase import interphase

    markers = _markers(between) if between else None
    with job_progress("analyze profile") as shown:
        shown.job("reading", 0, 3)
        frames = analyze_frames.open_frames(paths, timestep)
        shown.job("profiles", 1, 3)
        result = profiles(frames, species or None, windows=windows)
        shown.job("interphase", 2, 3)
        mixed = interphase(frames, *markers, windows=windows) if markers else None
    data = result.as_dict()
    if mixed:
        data["interphase"] = mixed.as_dict()
    emulated = emulated_paths(paths)
    text = json.dumps(marked(data, emulated), indent=1)
    figure = figure_profiles(result, emulated=emulated)
    write_results(out, text, marked_rows(result.rows(), emulated), figure)
    if mixed:
        picture = out.with_name(f"{out.stem}-interphase.png")
        write_atomically(picture, png(figure_interphase(mixed, emulated=emulated)))
    if as_json:
        typer.echo(text)
        return
    if mixed:
        _print_interphase(mixed, title(emulated))
        messages.print(f"wrote {picture}")
    messages.print(result.drift)
    tell_written(out)


def analyze_checks(
    paths: list[Path],
    temperature: float | None,
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write whether a run may be trusted, with every number and its threshold."""
    from ionface.analysis.figures.run_figures import figure_checks
    from ionface.analysis.run_checks.run_checks import check_run

    with job_progress("analyze checks") as shown:
        shown.job("reading", 0, 2)
        frames = analyze_frames.open_frames(paths, timestep)
        shown.job("checks", 1, 2)
        result = check_run(frames, temperature)
    emulated = emulated_paths(paths)
    text = json.dumps(marked(result.as_dict(), emulated), indent=1)
    figure = figure_checks(frames, result, emulated=emulated)
    write_results(out, text, marked_rows(result.rows(), emulated), figure)
    if as_json:
        typer.echo(text)
        return
    table(
        ["check", "verdict", "measured"],
        [[check.name, check.verdict, check.why] for check in result.checks],
        title(emulated),
    )
    for note in result.notes:
        messages.print(note)
    messages.print(result.verdict)
    tell_written(out)


def drift_reference(words: Sequence[str]) -> str | list[str]:
    """Return one of the named references, or the symbols of a rigid sublattice."""
    named = [word for word in words if word in DRIFTS]
    if named and len(words) > 1:
        raise IonfaceError(
            f"--drift {named[0]} stands alone; give it once, or symbols of a rigid "
            "sublattice instead"
        )
    return named[0] if named else list(words)


def _markers(text: str) -> tuple[list[str], list[str]]:
    first, colon, second = text.partition(":")
    sides = [[s.strip() for s in side.split("+") if s] for side in (first, second)]
    if not colon or not all(sides):
        raise IonfaceError(
            f"{text!r} does not name two phases; write their markers as In:S, or "
            "several as In:S+P"
        )
    return sides[0], sides[1]


def print_diffusion(found: Sequence[Diffusion], heading: str = "") -> None:
    """Print coefficients with their intervals, exponents and verdicts."""
    rows = []
    for d in found:
        number = coefficient_words(d)
        rows.append([d.species, d.direction, number, f"{d.exponent:.2f}", d.verdict])
    header = ["species", "direction", "D cm²/s (95 %)", "exponent", "verdict"]
    table(header, rows, heading)


def coefficient_words(d: Diffusion) -> str:
    """Return D with its interval in cm²/s, its upper bound, or a dash."""
    from ionface.analysis.diffusion.diffusion import CM2_PER_S

    if d.diffusive:
        low, high = (value * CM2_PER_S for value in d.interval)
        return f"{d.cm2_per_s:.2e} ({low:.1e}–{high:.1e})"
    if d.upper_bound is not None:
        return f"< {d.upper_bound * CM2_PER_S:.1e}"
    return "–"


def _print_interphase(found: Interphase, heading: str) -> None:
    fronts = range(found.widths.shape[1])
    rows = []
    for index, (start, end) in enumerate(found.windows_fs):
        cells = [
            f"{found.widths[index, i]:.2f} ± {found.errors[index, i]:.2f}"
            for i in fronts
        ]
        window = f"{start / 1000:.2f}–{end / 1000:.2f}"
        rows.append([window, *cells, f"{found.overlaps[index]:.1f}"])
    heads = [f"front at {found.positions[0, i]:.1f} Å: width Å" for i in fronts]
    table(["window ps", *heads, "overlap Å"], rows, heading)
    for i, growth in enumerate(found.growth):
        messages.print(
            f"front at {found.positions[0, i]:.1f} Å: {growth.rate:+.3f} ± "
            f"{growth.rate_error:.3f} Å/ps, width² {growth.parabolic:+.3f} ± "
            f"{growth.parabolic_error:.3f} Å²/ps"
        )
    for note in found.notes:
        messages.print(note)
