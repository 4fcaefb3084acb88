"""What `ionface analyze arrhenius` does: runs at several temperatures in, Ea out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli import analyze_frames
from ionface.workflows.cli.analyze_motion import coefficient_words, drift_reference
from ionface.workflows.cli.console import job_progress, messages, table
from ionface.workflows.cli.result_files import tell_written, write_results
from ionface.workflows.engines.vasp_double import emulated as emulation

if TYPE_CHECKING:
    from ionface.analysis.diffusion.arrhenius import Arrhenius
    from ionface.analysis.diffusion.diffusion import Diffusion
    from ionface.analysis.trajectory.trajectory import Trajectory

ALIKE = 1.0  # K; two runs closer than this would be one point with two errors


def analyze_arrhenius(
    runs: list[Path],
    species: str,
    temperatures: Sequence[float],
    room: float,
    timestep: float | None,
    out: Path,
    as_json: bool,
    *,
    drift: Sequence[str] = ("auto",),
) -> None:
    """Write the activation energy of a species' diffusion, a table and a figure."""
    from ionface.analysis.diffusion.arrhenius import arrhenius_of
    from ionface.analysis.diffusion.diffusion import diffusion
    from ionface.analysis.figures.diffusion_figures import figure_arrhenius

    _check(runs, temperatures)
    reference = drift_reference(drift)
    found: dict[float, Diffusion] = {}
    with job_progress("analyze arrhenius") as shown:
        for number, run in enumerate(runs):
            shown.job(str(run), number, len(runs))
            frames = analyze_frames.open_frames([run], timestep)
            at = temperatures[number] if temperatures else _temperature(frames, run)
            if close := [t for t in found if abs(t - at) < ALIKE]:
                raise IonfaceError(
                    f"{run} ran at {at:.1f} K, as a run before it ({close[0]:.1f} K); "
                    "give one run per temperature, or --temperature for each"
                )
            three = [d for d in diffusion(frames, [species], drift=reference)
                     if d.direction == "3d"]  # fmt: skip
            found[at] = three[0]
    emulated = emulation.emulated_paths(runs)
    if not as_json:
        _print_runs(found, emulation.title(emulated))
    line = arrhenius_of(found)
    points = {f"{t:.1f}": d.as_dict() for t, d in sorted(found.items())}
    data = {"species": species, **line.as_dict(), "diffusion": points}
    text = json.dumps(emulation.marked(data, emulated), indent=1)
    title = f"Diffusion of {species} against temperature"
    figure = figure_arrhenius(
        {species: line}, room=room, title=title, emulated=emulated
    )
    write_results(out, text, emulation.marked_rows(line.rows(), emulated), figure)
    if as_json:
        typer.echo(text)
        return
    _print_line(line, room)
    tell_written(out)


def _check(runs: list[Path], temperatures: Sequence[float]) -> None:
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
    from ionface.analysis.run_checks.run_checks import temperatures

    measured = temperatures(frames)
    if np.isfinite(measured).any():
        return float(np.nanmean(measured))
    if (told := frames.meta.get("temperature_K")) is not None:
        return float(told)
    raise IonfaceError(
        f"{run} tells no temperature; give --temperature for every run, in their order"
    )


def _print_runs(found: dict[float, Diffusion], heading: str) -> None:
    rows = [
        [f"{t:.1f}", coefficient_words(d), f"{d.exponent:.2f}", d.verdict]
        for t, d in sorted(found.items())
    ]
    table(["T K", "D cm²/s (95 %)", "exponent", "verdict"], rows, heading)


def _print_line(line: Arrhenius, room: float) -> None:
    from ionface.analysis.diffusion.diffusion import CM2_PER_S

    there = line.at(room)
    low, high = (value * CM2_PER_S for value in there.interval)
    kind = "extrapolated" if there.outside else "interpolated"
    table(
        ["Ea eV", "D0 cm²/s", f"D({room:g} K) cm²/s (95 %), {kind}"],
        [
            [
                f"{line.ea:.3f} ± {line.ea_error:.3f}",
                f"{line.d0 * CM2_PER_S:.2e}",
                f"{there.cm2_per_s:.2e} ({low:.1e}–{high:.1e})",
            ]
        ],
    )
    for note in line.notes:
        messages.print(note)
