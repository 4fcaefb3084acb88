"""Tables and sentences of measured and modeled electrochemical cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionface.analysis.deposition.cell import Electrolyte
from ionface.analysis.deposition.deposition import DONE, Deposition
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


def deposition_contents(result: Deposition) -> Contents:
    """Return the closed forms, the growth, and what was assumed."""
    last, first = result.last, result.frames[0]
    grown: list[Sequence[Cell]] = [
        ["plated, mAh/cm²", f"{last.plated:.4g}"],
        ["mean thickness, µm", f"{1e6 * last.mean:.4f}"],
        ["amplitude, µm", f"{1e6 * first.amplitude:.4g} → {1e6 * last.amplitude:.4g}"],
        ["current at the front, A/m²",
         f"{last.density.min():.3g}–{last.density.max():.3g}"],
        ["lowest c/c₀ at the front", f"{last.u[:, 0].min():.3f}"],
        ["salt lost or made", f"{abs(result.salt_drift):.0e}"],
    ]  # fmt: skip
    electrolyte, kinetics = result.spec["electrolyte"], result.spec["kinetics"]
    made = Electrolyte(**electrolyte)
    told = [
        f"electrolyte: σ = {10 * made.conductivity:.4g} mS/cm, D = "
        f"{made.diffusion:.3g} m²/s, t+ = {made.transference_number:g}, c0 = "
        f"{made.concentration_mol_per_l:g} mol/L, {made.temperature_k:g} K "
        f"({made.source or 'of the study'})",
        f"kinetics: i0 = {kinetics['exchange_current_a_per_m2']:g} A/m², exponents "
        f"{kinetics['exponents']}, surface energy "
        f"{kinetics['surface_energy_j_per_m2']:g} J/m² ({kinetics['source']})",
    ]
    if result.ended != DONE:
        told.insert(0, result.ended)
    return [
        Table(["closed form", ""], regime_rows(result), title="Before the run"),
        Table(["computed", ""], grown, title="At the end"),
        Statements("", told),
    ]


def regime_rows(result: Deposition) -> list[Sequence[Cell]]:
    """Return what closed forms say of a run, one row each."""
    r = result.regime
    share = 10 * result.spec["current_ma_per_cm2"] / r.limiting_current_a_per_m2
    rows: list[Sequence[Cell]] = [
        [
            "current over limiting current",
            f"{share:.3f}",
        ],
        ["limiting current, mA/cm²", f"{r.limiting_current_a_per_m2 / 10:.4g}"],
        ["Sand's time, s", f"{r.sands_time_s:.4g}"],
        ["Wagner number", f"{r.wagner_number:.3g}"],
    ]
    if r.fastest_wavelength_um is not None:
        rows += [
            ["fastest wavelength, µm", r.fastest_told],
            ["its growth rate, 1/s", f"{r.fastest_growth_per_s:.3g}"],
            ["critical wavelength, µm", f"{r.critical_wavelength_um:.3f}"],
        ]
    if r.seed_growth_per_s is not None:
        rows.append(["growth rate of the seed, 1/s", f"{r.seed_growth_per_s:.3g}"])
    return rows


def deposition_highlights(result: Deposition) -> list[tuple[str, str]]:
    """Return how much a front roughened, and the wave that grows fastest."""
    name = result.spec["name"]
    times = result.last.amplitude / result.frames[0].amplitude
    found = [(f"× {times:.2f}", f"amplitude of the front, {name}")]
    if result.regime.fastest_wavelength_um is not None:
        found.append(
            (f"{result.regime.fastest_told} µm", f"fastest wavelength, {name}")
        )
    if result.ended != DONE:
        found.append(("ended early", f"{name}: {result.ended}"))
    return found


def depositions_beside(results: Mapping[str, Deposition]) -> list[Table]:
    """Return the growth of several cells side by side; nothing for one."""
    if len(results) < 2:
        return []
    rows = [
        [
            name,
            f"{10 * Electrolyte(**r.spec['electrolyte']).conductivity:.3g}",
            f"{r.regime.limiting_current_a_per_m2 / 10:.3g}",
            r.regime.fastest_told,
            f"{r.regime.fastest_growth_per_s:.3g}",
            f"{r.last.amplitude / r.frames[0].amplitude:.3f}",
            f"{r.last.density.max() / r.last.density.min():.3f}",
        ]
        for name, r in results.items()
    ]
    header = [
        "cell", "σ mS/cm", "limiting mA/cm²", "fastest µm", "its ω 1/s",
        "amplitude, times", "current, crest / valley",
    ]  # fmt: skip
    return [Table(header, rows, title="Side by side")]
