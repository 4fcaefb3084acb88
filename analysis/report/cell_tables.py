"""Tables and sentences of measured and modeled electrochemical cells."""

from __future__ import annotations

from collections.abc import Sequence

from ionface.analysis.electrochemistry.conductivity import Conductivities
from ionface.analysis.electrochemistry.eis import Eis
from ionface.analysis.report.page import Cell, Statements, Table

Contents = Sequence[Table | Statements]


def conductivity_contents(result: Conductivities) -> Contents:
    """Return the points with the line through them, and its parameters."""
    points = [
        [f"{row['temperature (K)']:.2f}", f"{1e3 * row['conductivity (S/cm)']:.4g}",
         f"{1e3 * row['fit (S/cm)']:.4g}"]
        for row in result.rows()
    ]  # fmt: skip
    value, error = result.conductivity(result.at)
    line = [
        f"{result.line.ea:.4f} ± {result.line.ea_error:.4f}",
        f"{1e3 * value:.4g} (±{100 * error:.1f} %)",
    ]
    header = ["Ea of σT, eV", f"σ({result.at:g} K), mS/cm"]
    return [Table(["T K", "σ mS/cm", "line"], points), Table(header, [line])]


def eis_contents(result: Eis) -> Contents:
    """Return the circuit's parameters, what follows from them, and how far to trust."""
    rows: list[Sequence[Cell]] = [
        [name, f"{value:.5g}", f"{error:.2g}", unit]
        for (name, unit), value, error in zip(
            result.circuit.parameters.items(),
            result.parameters,
            result.errors,
            strict=True,
        )
    ]
    if (sigma := result.conductivity) is not None:
        rows.append(["σ", f"{1e3 * sigma[0]:.5g}", f"{1e3 * sigma[1]:.2g}", "mS/cm"])
    if (diffusion := result.diffusion) is not None:
        rows.append(["D", f"{diffusion[0]:.4g}", f"{diffusion[1]:.2g}", "m²/s"])
    told = [result.consistency.verdict, *result.notes]
    return [
        Table(["", "value", "error", "unit"], rows, title=result.circuit.name),
        Statements("", told),
    ]
