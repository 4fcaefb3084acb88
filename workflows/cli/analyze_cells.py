"""Commands for measurements of cells: `ionface analyze eis` and `transference`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ionface.workflows.cli.analyze import analyze_app
from ionface.workflows.cli.options import AsJson, OutWithTable


@analyze_app.command()
def eis(
    spectrum: Annotated[
        Path, typer.Argument(help="CSV of f, Z', Z'', or an instrument's file.")
    ],
    circuit: Annotated[
        str, typer.Option(help="blocking, li-se-li or randles.")
    ] = "blocking",
    cell: Annotated[
        str,
        typer.Option(help="As in 'thickness_cm=0.1, diameter_mm=18'."),
    ] = "",
    instrument: Annotated[
        str | None, typer.Option(help="Whose file it is; by its suffix by default.")
    ] = None,
    out: OutWithTable = Path("eis.json"),
    as_json: AsJson = False,
) -> None:
    """Impedance spectrum: Kramers-Kronig check, circuit with errors, conductivity."""
    from ionface.analysis.electrochemistry.cell import parse_cell
    from ionface.analysis.electrochemistry.circuits import circuit as circuit_of
    from ionface.analysis.electrochemistry.eis import fit_spectrum
    from ionface.analysis.electrochemistry.spectrum import read_spectrum
    from ionface.analysis.kinds import kinds
    from ionface.workflows.cli import analyze_files as files

    files.check_out(out)
    model, geometry = circuit_of(circuit), parse_cell(cell)
    result = fit_spectrum(read_spectrum(spectrum, instrument), model, geometry)
    files.deliver(kinds()["eis"], result, out, as_json=as_json)


@analyze_app.command()
def transference(
    initial_current: Annotated[float, typer.Option(help="I0, µA.")],
    steady_current: Annotated[float, typer.Option(help="Is, µA.")],
    initial_resistance: Annotated[
        float, typer.Option(help="R0 of the interfaces before, Ω.")
    ],
    steady_resistance: Annotated[
        float, typer.Option(help="Rs of the interfaces in the steady state, Ω.")
    ],
    voltage: Annotated[float, typer.Option(help="ΔV, mV.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Transference number of the cation, after Bruce and Vincent."""
    from ionface.analysis.electrochemistry.transport_properties import (
        transference_number,
    )

    t = transference_number(
        1e-6 * initial_current,
        1e-6 * steady_current,
        initial_resistance,
        steady_resistance,
        1e-3 * voltage,
    )
    text = json.dumps({"transference_number": t}) if as_json else f"t+ = {t:.5f}"
    typer.echo(text)
