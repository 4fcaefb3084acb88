"""STOPCAR: how a running VASP is asked to end."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from ionface.workflows.engines.vasp_double import incar_reader


class Stop(Enum):
    """What was asked for, in VASP's words for its outputs."""

    SOFT = "soft stop encountered!  aborting job ..."
    HARD = "hard stop encountered!  aborting job ..."


def requested(folder: Path) -> Stop | None:
    """Return what STOPCAR asks for: LABORT within a step, LSTOP after it."""
    try:
        tags = incar_reader.parse((folder / "STOPCAR").read_text(errors="replace"))
    except OSError:
        return None
    wanted = {name for name, value in tags.items() if _true(value)}
    if "LABORT" in wanted:
        return Stop.HARD
    return Stop.SOFT if "LSTOP" in wanted else None


def remove(folder: Path) -> None:
    """Delete STOPCAR, as VASP does when it has obeyed."""
    (folder / "STOPCAR").unlink(missing_ok=True)


def _true(value: str) -> bool:
    return value.strip().lstrip(".")[:1].upper() == "T"
