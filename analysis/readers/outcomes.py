"""What every output under a folder gives: frames, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ionface.analysis.readers.opening import open_trajectory, outputs
from ionface.errors import AnalysisError


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
    folders = [root, *sorted(path for path in root.rglob("*") if path.is_dir())]
    runs = {folder: files for folder in folders if (files := outputs(folder))}
    for path in (*sorted(file for files in runs.values() for file in files), *runs):
        yield _outcome(path, root)


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
