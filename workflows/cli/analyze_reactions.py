"""What `ionface analyze reactions` does: bonds that form, and those that stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ionface.files import write_atomically
from ionface.workflows.cli.analyze_frames import open_frames, reference_rdf
from ionface.workflows.cli.console import job_progress, messages, table
from ionface.workflows.engines.vasp_double.emulated import emulated_paths, marked, title

if TYPE_CHECKING:
    from ionface.analysis.reactions import ReactionReport
    from ionface.analysis.trajectory.trajectory import Trajectory

MARGIN = 1.0  # Å beyond what references explain, so that their broadened lines fit


def analyze_reactions(
    paths: list[Path],
    pairs: list[str],
    references: list[str],
    windows: int,
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write what reacts as JSON and a figure; print verdicts and their statistics."""
    from ionface.analysis.figures.reaction_figures import figure_reactions
    from ionface.analysis.reactions import reactions
    from ionface.analysis.reactions.reaction_report import HEADER, lines
    from ionface.analysis.reactions.reaction_report import table as rows
    from ionface.analysis.reactions.reference_fractions import RANGE

    crystals = {
        name: reference_rdf(name, pairs, RANGE + MARGIN, 240) for name in references
    }
    with job_progress("analyze reactions") as shown:
        shown.job("reading", 0, 2)
        frames = open_frames(paths, timestep)
        shown.job("bonds", 1, 2)
        report = reactions(frames, pairs, references=crystals, windows=windows)
    emulated = emulated_paths(paths)
    text = json.dumps(marked(report.as_dict(), emulated), indent=1)
    write_atomically(out, text)
    figure = figure_reactions(report, emulated=emulated)
    figure.savefig(out.with_suffix(".png"), dpi=160)
    if as_json:
        typer.echo(text)
        return
    table(list(HEADER), rows(report), title(emulated))
    for line in lines(report):
        typer.echo(line)
    if note := thin_cell(frames, report):
        typer.echo(note)
    messages.print(f"wrote {out} and {out.with_suffix('.png')}")


def thin_cell(frames: Trajectory, report: ReactionReport) -> str:
    """Return a warning where an atom may be bonded to several images of another."""
    from ionface.analysis.rdf.kernels.images import heights

    edges = [h for h, p in zip(heights(frames.lattice), frames.pbc, strict=True) if p]
    reach = max(pair.history.rule.release for pair in report.pairs.values())
    if min(edges, default=2 * reach) >= 2 * reach:
        return ""
    return (
        f"note: the cell is {min(edges):.1f} Å thin, less than twice the {reach:.1f} Å "
        "at which a bond breaks. Of several images of one atom the nearest counts "
        "here; `ionface analyze bonds` counts all of them."
    )
