"""How far a job is, read from the files in its folder with the analysis' own rules."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path

from ionface.analysis.rdf.bonds import bonds
from ionface.analysis.readers import open_trajectory
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError

# in a job's own folder, and in the folders of VASP's runs below it
TRAJECTORIES = ("trajectory.ionf", "relax.traj", "*/XDATCAR")


def progress(folder: Path, pairs: Sequence[str] = ()) -> str:
    """Return how far a job is in a few words: step, time, energy, temperature, bonds.

    Args:
        folder: of the job; empty text if there is none.
        pairs: whose bonds are counted in the last frame, as in "In-S".
    """
    if not folder.is_dir():
        return ""
    files = [path for pattern in TRAJECTORIES for path in folder.glob(pattern)]
    newest = max(files, key=lambda path: path.stat().st_mtime, default=None)
    try:
        trajectory = open_trajectory(newest) if newest else None
    except (IonfaceError, ValueError, OSError):
        trajectory = None  # it is being written
    if trajectory is None or not trajectory.n_frames:
        return "started"
    return ", ".join(_words(trajectory, pairs))


def _words(trajectory: Trajectory, pairs: Sequence[str]) -> list[str]:
    last = trajectory.frame(-1)
    words = [f"step {last.step}"]
    if trajectory.timed and last.time_fs:
        words.append(f"{last.time_fs / 1000:.3f} ps")
    for name, unit, digits in (("potential_energy", "eV", 4), ("temperature", "K", 0)):
        value = last.scalars.get(name)
        if value is not None and not isnan(value):
            words.append(f"{value:.{digits}f} {unit}")
    if pairs:
        end = trajectory.between(trajectory.n_frames - 1, trajectory.n_frames)
        counts = bonds(end, pairs, threads=1, backend="numpy").counts
        words += [f"{pair} {series[-1]}" for pair, series in counts.items()]
    return words
