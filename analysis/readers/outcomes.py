"""What every output under a folder gives: frames, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ionface.analysis.readers.opening import open_trajectory
from ionface.analysis.readers.text import plain_name
from ionface.errors import AnalysisError

PATTERNS = (
    "*.ionf",
    "vasprun*",
    "*xdatcar*",
    "outcar*",
    "vaspout*",
    "*.traj",
    "*.extxyz",
    "*.xyz",
)
"""Names, in lower case and without a compression's suffix, of files with frames."""


@dataclass(frozen=True)
class Outcome:
    """What one file or folder gave.

    Attributes:
        path: relative to the folder that was searched.
        frames: complete frames; none where it was refused.
        atoms: in each frame.
        time: how the time of its frames is known: "told", or "to be given"; "none"
            of fewer than two frames, and empty where the file was refused.
        reason: why it ends early, or was refused; empty if it is whole.
        notes: what else one should know.
    """

    path: str
    frames: int
    atoms: int
    time: str
    reason: str
    notes: tuple[str, ...] = ()


def outcomes(root: Path) -> Iterator[Outcome]:
    """Yield what opening every output and every run's folder under a folder gives."""
    folders = set()
    for path in sorted(root.rglob("*")):
        name = plain_name(path).lower()
        if path.is_file() and any(fnmatch(name, pattern) for pattern in PATTERNS):
            folders.add(path.parent)
            yield _outcome(path, root)
    for folder in sorted(folders):
        yield _outcome(folder, root)


def _outcome(path: Path, root: Path) -> Outcome:
    name = str(path.relative_to(root))
    try:
        run = open_trajectory(path)
    except AnalysisError as error:
        return Outcome(name, 0, 0, "", str(error))
    told = "told" if run.timed else "to be given"
    return Outcome(
        path=name,
        frames=len(run),
        atoms=run.n_atoms,
        time=told if len(run) > 1 else "none",
        reason=run.skipped.reason,
        notes=run.notes,
    )
