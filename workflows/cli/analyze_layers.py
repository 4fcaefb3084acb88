"""What `ionface analyze layers` does: coordination numbers layer by layer."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import typer

from ionface.workflows.cli import analyze_frames
from ionface.workflows.cli.console import job_progress, table
from ionface.workflows.cli.result_files import tell_written, write_results
from ionface.workflows.engines.vasp_double.emulated import (
    emulated_paths,
    marked,
    marked_rows,
    title,
)


def analyze_layers(
    paths: list[Path],
    pair: str,
    layers: int,
    edges: list[float],
    windows: int,
    stride: int,
    timestep: float | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write how many neighbors atoms have by their height, a table and a figure."""
    from ionface.analysis.figures.layers_figure import figure_layers
    from ionface.analysis.interphase.layers import layer_coordination
    from ionface.analysis.pairs import parse_pair
    from ionface.analysis.rdf.bonds import bond_length

    name, _, length = pair.partition(":")
    both = parse_pair(name)
    reach = analyze_frames.length_of(length) if length else bond_length(both)
    with job_progress("analyze layers") as shown:
        shown.job("reading", 0, 2)
        frames = analyze_frames.open_frames(paths, timestep)
        shown.job("coordination", 1, 2)
        found = layer_coordination(
            frames, both, reach, edges or layers, windows=windows, stride=stride
        )
    emulated = emulated_paths(paths)
    text = json.dumps(marked(found.as_dict(), emulated), indent=1)
    figure = figure_layers(found, emulated=emulated)
    write_results(out, text, marked_rows(found.rows(), emulated), figure)
    if as_json:
        typer.echo(text)
        return
    heads = [f"{a / 1000:.2f}–{b / 1000:.2f} ps" for a, b in found.windows_fs]
    rows = [
        [
            f"{low:.1f}–{high:.1f}",
            *("–" if np.isnan(n) else f"{n:.2f}" for n in found.numbers[:, index]),
        ]
        for index, (low, high) in enumerate(pairwise(found.edges))
    ]
    header = [f"{name} < {reach:.2f} Å, height Å", *heads]
    table(header, rows, title(emulated))
    tell_written(out)
