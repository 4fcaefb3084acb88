"""Potentials that were fine-tuned here: kept by the hash of their weights.

`engine: learned/<hash>` finds one. Each has a folder with its weights, what it learnt
from and record.json: data, settings, and errors before and after.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.files import file_digest, write_atomically
from ionface.workflows.engines.ase.ase_engine import AseEngine
from ionface.workflows.engines.ase.named_potentials import (
    LEARNED,
    MPTRJ,
    potentials,
)
from ionface.workflows.engines.ase.potential import Potential

PREFIX = "learned/"
DIGITS = 16  # of the hash, in names
WEIGHTS, RECORD = "weights.pth", "record.json"


def learned_folder() -> Path:
    """Return where fine-tuned potentials are kept: IONFACE_LEARNED, or below home."""
    if named := os.environ.get("IONFACE_LEARNED"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME", "~/.local/share")
    return Path(data).expanduser() / "ionface" / "learned"


def keep(weights: Path, record: Mapping[str, Any]) -> str:
    """Keep a fine-tuned potential with its record; return its name as an engine."""
    digest = file_digest(weights)
    folder = learned_folder() / digest[:DIGITS]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, folder / WEIGHTS)
    whole = {"weights": digest, **record}
    write_atomically(folder / RECORD, json.dumps(whole, indent=1))
    return PREFIX + digest[:DIGITS]


def record_of(name: str) -> dict[str, Any]:
    """Return the record of a fine-tuned potential.

    Args:
        name: as in "learned/0123abcd"; the beginning of the hash is enough.

    Raises:
        IonfaceError: none has this hash, or several begin with it.
    """
    start, home = name.removeprefix(PREFIX), learned_folder()
    found = sorted(home.glob(f"{start}*/{RECORD}")) if start else []
    if len(found) != 1:
        there = [path.parent.name for path in sorted(home.glob(f"*/{RECORD}"))]
        what = "several potentials begin" if found else "no fine-tuned potential begins"
        raise IonfaceError(
            f"{what} with {start!r} in {home}; have {there}: make one with ionface "
            "learn, or give its weights as in sevennet:path"
        )
    record: dict[str, Any] = json.loads(found[0].read_text())
    return {**record, "folder": str(found[0].parent)}


def learned(name: str) -> AseEngine:
    """Return a fine-tuned potential as an engine.

    Raises:
        IonfaceError: as `record_of`, or its weights are not those of the record.
    """
    record = record_of(name)
    weights, facts = Path(record["folder"]) / WEIGHTS, potentials()[record["base"]]
    if file_digest(weights) != record["weights"]:
        raise IonfaceError(
            f"{weights} are not the weights of {name}: it was changed; learn again"
        )
    short = record["weights"][:DIGITS]
    return AseEngine(
        Potential(
            name=PREFIX + short,
            calculator=facts.calculator,
            arguments={str(facts.takes): str(weights)},
            functional=facts.functional,
            model=f"{facts.model}{LEARNED}{short}",
            weights=str(weights),
            elements=MPTRJ,
        )
    )
