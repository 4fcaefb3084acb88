"""What makes two runs the same: the content of their inputs, in normal form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ionface.workflows.engines.vasp_double import (
    incar_reader,
    kpoints_reader,
    poscar_reader,
    pseudopotentials,
)
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray, Poscar

IGNORED = frozenset({"SYSTEM", "NCORE", "NPAR", "KPAR", "NSIM"})
"""Tags that change how a run is done, not what comes out."""
PLACES = 8  # digits after the point of lattice and fractional positions
MISSING = "(none)"


def key_of(folder: Path) -> dict[str, Any]:
    """Return the key of the inputs in a folder, as plain JSON values.

    Raises:
        InputError: an input is missing or cannot be read.
    """
    tags = incar_reader.read(folder / "INCAR")
    potentials = pseudopotentials.read(folder)
    structure = poscar_reader.read(
        folder / "POSCAR", tuple(p.element for p in potentials)
    )
    moving = tags.get("IBRION", 0 if tags.get("NSW") else -1) == 0
    return {
        "INCAR": {k: _plain(v) for k, v in sorted(tags.items()) if k not in IGNORED},
        "KPOINTS": _k_points(folder, structure.lattice),
        "POSCAR": _structure(structure, moving=moving),
        "POTCAR": [" ".join(p.title.split()) for p in potentials],
    }


def digest(key: Mapping[str, Any]) -> str:
    """Return the name under which a key is kept."""
    text = json.dumps(key, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def differences(mine: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield in words where two keys differ."""
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*mine, *theirs}):
            one, other = mine.get(name, MISSING), theirs.get(name, MISSING)
            yield from differences(one, other, f"{path} {name}".strip())
    elif isinstance(mine, list) and isinstance(theirs, list):
        if len(mine) != len(theirs):
            yield f"{path}: {len(mine)} entries here, {len(theirs)} recorded"
            return
        for number, (one, other) in enumerate(zip(mine, theirs, strict=True), start=1):
            yield from differences(one, other, f"{path} {number}")
    elif mine != theirs:
        yield f"{path}: {mine} here, {theirs} recorded"


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(f"{float(value):.12g}")
    return " ".join(str(value).split()).lower()


def _k_points(folder: Path, lattice: FloatArray) -> Any:
    if not (folder / "KPOINTS").is_file():
        return "KSPACING"
    points = kpoints_reader.read(folder, lattice)
    if points.divisions is None:
        table = np.column_stack([points.points, points.weights])
        return [" ".join(f"{x:.6f}" for x in row) for row in table]
    shift = [f"{x:.6f}" for x in points.shift]
    return {"style": points.style, "mesh": list(points.divisions), "shift": shift}


def _structure(structure: Poscar, *, moving: bool) -> dict[str, Any]:
    inside = np.round(structure.fractional % 1.0, PLACES) % 1.0
    found: dict[str, Any] = {
        "species": list(structure.symbols),
        "counts": list(structure.counts),
        "lattice": _rows(structure.lattice, f".{PLACES}f"),
        "positions": _rows(inside, f".{PLACES}f"),
    }
    if structure.free is not None:
        found["free"] = ["".join("FT"[int(x)] for x in r) for r in structure.free]
    if moving and structure.velocities is not None:
        found["velocities"] = _rows(structure.velocities, ".7e")
        if structure.bath is not None:
            bath = structure.bath
            found["thermostat"] = [f"{x:.7e}" for x in (bath.scale, bath.rate)]
    return found


def _rows(values: FloatArray, kind: str) -> list[str]:
    clean = values + 0.0  # no negative zeros
    return [" ".join(format(x, kind) for x in row) for row in clean]
