"""The command yardstick: how far engines are from first-principles data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.app import app
from ionface.workflows.cli.options import AsJson, OutWithTable


@app.command()
def yardstick(
    engines: Annotated[
        list[str],
        typer.Argument(
            metavar="ENGINE...",
            help="Names, name:weights, or import paths of ASE calculators.",
        ),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            help="Extended XYZ with energies and forces, or VASP folders, in place "
            "of the stored structures; repeatable.",
        ),
    ] = None,
    out: OutWithTable = Path("yardstick.json"),
    as_json: AsJson = False,
) -> None:
    """Judge engines by first-principles energies and forces."""
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli import analyze_files as files
    from ionface.workflows.cli.console import job_progress, tell_notes
    from ionface.workflows.yardstick import judged, reference_data

    files.check_out(out)
    reference = reference_data(data or [])
    tell_notes(reference.notes)
    with job_progress("yardstick") as shown:
        result = judged(engines, reference, out.parent, shown.stage)
    files.deliver(kinds()[result.kind], result, out, as_json=as_json)
