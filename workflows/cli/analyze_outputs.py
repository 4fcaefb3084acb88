"""What `ionface analyze outputs` does: what every file below a folder would give."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.analyze_frames import check_exist
from ionface.workflows.cli.console import table

if TYPE_CHECKING:
    from ionface.analysis.readers.outcomes import Outcome


def analyze_outputs(folder: Path, as_json: bool) -> None:
    """Print frames, atoms and reasons of every output and every run's folder."""
    from ionface.analysis.readers.outcomes import outcomes

    check_exist([folder])
    if not folder.is_dir():
        raise IonfaceError(f"{folder} is a file; give the folder that it stands in")
    found = list(outcomes(folder))
    if not found:
        raise IonfaceError(
            f"no output of a run below {folder}: looked for vasprun.xml, XDATCAR, "
            "vaspout.h5, OUTCAR, .ionf, .traj, .xyz, each plain or compressed"
        )
    if as_json:
        typer.echo(json.dumps([asdict(outcome) for outcome in found], indent=1))
        return
    table(["file or folder", "frames", "atoms", "time", "told"], list(map(_row, found)))


def _row(outcome: Outcome) -> list[str]:
    told = outcome.reason or "; ".join(outcome.notes)
    counts = [str(outcome.frames), str(outcome.atoms or "–")]
    return [outcome.path, *counts, outcome.time or "refused", told]
