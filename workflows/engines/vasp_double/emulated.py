"""Whether outputs are a stand-in's, and how tables, files and figures say so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

TITLE = "EMULATED: numbers of a stand-in, no calculation"


def emulated_paths(paths: Iterable[Path]) -> bool:
    """Tell whether any of these holds outputs of the stand-in.

    Args:
        paths: projects, trajectories, VASP directories, or files in such.
    """
    return any(_emulated(path) for path in paths)


def title(emulated: bool, otherwise: str = "") -> str:
    """Return the title of a table."""
    return ". ".join(part for part in (TITLE if emulated else "", otherwise) if part)


def marked(data: Mapping[str, Any], emulated: bool) -> dict[str, Any]:
    """Return results for a JSON file; those of a stand-in say so first."""
    return {"emulated": True, **data} if emulated else dict(data)


def marked_rows(
    rows: Iterable[Mapping[str, Any]], emulated: bool
) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a CSV file; those of a stand-in have a column that says so."""
    for row in rows:
        yield {**row, "emulated": True} if emulated else row


def _emulated(path: Path) -> bool:
    from ionface.analysis.readers.emulation_mark import emulated_model as emulated

    if (path / "project.json").is_file():
        levels = json.loads((path / "project.json").read_text())["levels"]
        return any(level.get("emulated") for level in levels.values())
    if path.suffix == ".ionf":
        return _trajectory_is(path)
    if path.is_dir():
        # pymatgen's inputs, which a file does not need
        from ionface.workflows.planning.input_results import dynamics_parts

        if any(emulated(part) for part in dynamics_parts(path)):
            return True
        own = path / "trajectory.ionf"
        return bool(emulated(path)) or (own.is_file() and _trajectory_is(own))
    return bool(emulated(path)) or bool(emulated(path.parent))


def _trajectory_is(path: Path) -> bool:
    from ionface.analysis.trajectory.trajectory import Trajectory
    from ionface.errors import AnalysisError

    try:
        meta = Trajectory.open(path).meta
    except (AnalysisError, OSError):
        return False  # who reads it says why
    return bool((meta.get("level_of_theory") or {}).get("emulated"))
