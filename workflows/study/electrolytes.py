"""The electrolyte of a deposition, as a study names it: a preset, numbers, or dynamics.

    electrolyte: qcpe
    electrolyte: {conductivity_ms_per_cm: 0.5, transference_number: 0.3}
    electrolyte: {diffusion_from: ../md-project, species: Li, temperature_k: 330}

What a study holds afterwards are numbers with their source: whoever reads its YAML
needs no other project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ionface.analysis.deposition.cell import preset
from ionface.analysis.diffusion.arrhenius import Arrhenius
from ionface.analysis.diffusion.diffusion import CM2_PER_S
from ionface.analysis.diffusion.msd import Msd
from ionface.errors import AnalysisError

FROM = "diffusion_from"
M2_PER_S = CM2_PER_S * 1e-4
"""m²/s in one Å²/fs."""


def with_electrolytes(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a study's raw YAML with every electrolyte in numbers.

    Args:
        data: as YAML gives it, a list of cells or one; what has another form is left to
            the check that follows.
        folder: that paths are relative to.

    Raises:
        AnalysisError: no such preset, or no diffusion coefficient where one is named.
    """
    cells = data.get("deposition")
    if isinstance(cells, Mapping):
        cells = [cells]
    if not isinstance(cells, list):
        return dict(data)
    return {**data, "deposition": [_resolved(cell, folder) for cell in cells]}


def _resolved(cell: Any, folder: Path) -> Any:
    if not isinstance(cell, Mapping):
        return cell
    told = cell.get("electrolyte")
    if isinstance(told, str):
        numbers = {k: v for k, v in asdict(preset(told)).items() if v is not None}
        return {**cell, "electrolyte": numbers}
    if isinstance(told, Mapping) and FROM in told:
        return {**cell, "electrolyte": simulated(told, folder)}
    return cell


def simulated(told: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return an electrolyte in numbers, of a cation's diffusion in dynamics.

    D of the salt is 2 (1 - t+) D+, its conductivity that of independent ions unless the
    study tells one; both carry the error of D+.

    Args:
        told: diffusion_from (a project, or the JSON of `ionface analyze msd` or
            `arrhenius`), species, temperature_k, and what else an electrolyte has.
        folder: that the path is relative to.

    Raises:
        AnalysisError: there is no coefficient, or it is an upper bound only.
    """
    further = {k: v for k, v in told.items() if k not in (FROM, "species")}
    species, share = (
        str(told.get("species", "Li")),
        told.get("transference_number", 0.4),
    )
    temperature = told.get("temperature_k")
    if not isinstance(temperature, int | float) or not isinstance(share, int | float):
        raise AnalysisError(
            f"electrolyte from {told[FROM]}: temperature_k is needed as a number, that "
            "of the dynamics, or any other where an Arrhenius line is given"
        )
    path = _result_file(folder / str(told[FROM]))
    coefficient, error = _coefficient(path, species, float(temperature))
    salt = 2 * (1 - float(share)) * coefficient * M2_PER_S
    found = f"{coefficient * M2_PER_S:.3g} m²/s ± {100 * error:.0f} %"
    source = f"D of {species}, {found}, from {path}; t+ and c: of the study"
    return {
        **further,
        "diffusion_m2_per_s": salt,
        "relative_error": error,
        "source": source,
    }


def _result_file(path: Path) -> Path:
    """Return the JSON of a diffusion result, of a path or in a project."""
    if path.is_file():
        return path
    results = path / "results"
    found = sorted([*results.glob("arrhenius*.json"), *results.glob("msd*.json")])
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(file.name for file in found)
        raise AnalysisError(
            f"{path} holds {len(found)} results of diffusion, {names}; name one of "
            f"these files: {FROM}: {found[0]}"
        )
    what = "holds no result of diffusion" if path.exists() else "does not exist"
    raise AnalysisError(
        f"{path} {what}; {FROM} takes a project whose study analyzes msd: {{species: "
        "[Li]}, or the JSON file of `ionface analyze msd` or `arrhenius`"
    )


def _coefficient(path: Path, species: str, temperature: float) -> tuple[float, float]:
    """Return D in Å²/fs and its relative error."""
    try:
        data = json.loads(path.read_text("utf-8"))
        kind = data.get("kind")
    except (ValueError, AttributeError) as error:
        raise AnalysisError(f"{path} is no result of ionface: {error}") from error
    if kind == Arrhenius.kind:
        line = Arrhenius.from_dict(data)
        _check_species(path, species, [line.species])
        there = line.at(temperature)
        return there.coefficient, there.log_error
    each = {d.species: d for d in Msd.from_dict(data).diffusion if d.direction == "3d"}
    _check_species(path, species, list(each))
    found = each[species]
    if not found.diffusive:
        raise AnalysisError(
            f"{path} has no diffusion coefficient of {species}, which is "
            f"{found.verdict}; run the dynamics longer or hotter"
        )
    return found.coefficient, found.error / found.coefficient


def _check_species(path: Path, species: str, have: list[str]) -> None:
    if species not in have:
        raise AnalysisError(
            f"{path} tells no diffusion of {species} in three dimensions; it has {have}"
        )
