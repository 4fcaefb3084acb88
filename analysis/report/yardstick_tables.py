"""What is said of engines beside first-principles data, in tables."""

from __future__ import annotations

from ionface.analysis.report.page import Cell, Table
from ionface.analysis.yardstick.judgement import Judgement
from ionface.analysis.yardstick.spot_checks import SpotChecks, is_first_principles
from ionface.analysis.yardstick.yardstick import Yardstick

MEV = 1000.0  # of one eV


def summary_row(each: Judgement) -> list[Cell]:
    """Return the numbers by which an engine is chosen."""
    energies, reactions = each.energy_rmse, each.reaction_rmse
    return [
        each.engine,
        _number(each.overall.rmse, 3),
        _number(each.overall.slope, 3),
        "–" if energies is None else f"{MEV * energies:.1f}",
        _number(reactions, 2),
        *(_number(one.value, 3) for one in each.surfaces),
    ]


def yardstick_contents(result: Yardstick) -> list[Table]:
    """Return the tables of all engines."""
    first = result.judgements[0]
    surfaces = [f"{s.name}, J/m² ({s.reference:.3f})" for s in first.surfaces]
    columns = ["engine", "forces, eV/Å", "slope", "energies, meV/atom"]
    overview = Table(
        [*columns, "reactions, eV", *surfaces],
        [summary_row(each) for each in result.judgements],
        f"RMSE against {result.data}; a slope below 1 is too soft.",
    )
    return [overview, *_by_kind(result), *_reactions(result)]


def _by_kind(result: Yardstick) -> list[Table]:
    kinds = result.judgements[0].forces
    rows: list[list[Cell]] = [
        [
            row.kind,
            row.frames,
            _number(row.reference_rms, 3),
            _number(row.resolution, 3),
            *(_force_cell(each, n) for each in result.judgements),
        ]
        for n, row in enumerate(kinds)
    ]
    names = [each.engine for each in result.judgements]
    return [
        Table(
            ["forces of", "structures", "rms", "not resolved below", *names],
            rows,
            "eV/Å: RMSE (slope). Differences below what the data resolve mean nothing.",
            "By kind",
        )
    ]


def _force_cell(each: Judgement, number: int) -> str:
    row = each.forces[number]
    return f"{row.rmse:.3f} ({_number(row.slope, 3)})"


def _reactions(result: Yardstick) -> list[Table]:
    first = result.judgements[0]
    if not first.reactions:
        return []
    rows: list[list[Cell]] = [
        [
            one.name,
            _number(one.reference, 2),
            *(_number(each.reactions[n].value, 2) for each in result.judgements),
        ]
        for n, one in enumerate(first.reactions)
    ]
    names = [each.engine for each in result.judgements]
    return [Table(["reaction", "first principles", *names], rows, "eV.", "Reactions")]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def spot_contents(result: SpotChecks) -> list[Table]:
    """Return the errors of a potential on its own frames."""
    rows: list[list[Cell]] = [
        [
            row.kind,
            row.frames,
            _number(row.reference_rms, 3),
            _number(row.rmse, 3),
            _number(row.slope, 3),
        ]
        for row in result.judgement.forces
    ]
    energy = result.judgement.energy_rmse
    told = "" if energy is None else f" Energies: {MEV * energy:.1f} meV/atom."
    if result.formation is not None:
        told += f" {result.answer()}."
    if result.clusters:
        told += (
            f" {result.clusters} of {len(result.frames)} frames are clusters: forces "
            "count where all neighbors are there, energies do not."
        )
    return [
        Table(
            ["frames of", "number", "rms, eV/Å", "RMSE, eV/Å", "slope"],
            rows,
            f"{result.judgement.engine} against {result.against}.{told}",
        )
    ]


def spot_highlights(result: SpotChecks) -> list[tuple[str, str]]:
    """Return the force error and the answer, with what they are against."""
    row, answer = result.judgement.overall, result.formation
    known = is_first_principles(result.teacher)
    what = "error" if known else "spread of two potentials"
    told = [(f"{row.rmse:.3f} eV/Å", f"{result.judgement.engine}: force {what}")]
    if answer is not None:
        by = f"ΔE by {result.judgement.engine}, {result.teacher['code']}"
        told.append((f"{answer.value:.2f}, {answer.reference:.2f} eV", by))
    return told
