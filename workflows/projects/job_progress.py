"""How far a job is, read from the files in its folder with the analysis' own rules."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from pathlib import Path

import numpy as np

from ionface.analysis.deposition.cell import MAH_PER_CM2
from ionface.analysis.deposition.deposition import STATE
from ionface.analysis.reactions.bond_events import bond_history
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.readers import open_trajectory
from ionface.analysis.run_checks.checks import pressure
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.flows.jobs import JOINED

# in a job's own folder, and in the folders of VASP's runs below it
RECENT = 5
"""Averages of a bond's length that are looked at: a bond forms within one of them and
may then be a little longer, up to where it breaks, for some more."""

TRAJECTORIES = ("*.ionf", "*.traj", "*/XDATCAR")


def progress(folder: Path, rules: Mapping[str, BondRule] | None = None) -> str:
    """Return how far a job is in a few words: step, time, energy, temperature, bonds.

    Args:
        folder: of the job; empty text if there is none.
        rules: of the pairs whose bonds are counted in the last frame, by name.
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
        return _deposited(folder / STATE) or "started"
    return ", ".join(_words(trajectory, rules or {}))


def mean_pressure(folder: Path) -> str:
    """Return the mean pressure of a finished run, and whether that is too much.

    Args:
        folder: of the job that joined its segments.

    Returns:
        Empty text where the engine tells no stress, where a vacuum dilutes it, or
        where the frames were not kept.
    """
    try:
        told = pressure(open_trajectory(folder / JOINED))
    except (IonfaceError, ValueError, OSError):
        return ""
    return ", ".join(f"{check.name} {check.why}" for check in told)


def _deposited(state: Path) -> str:
    """Return how far a deposition is; empty text if the folder is none's."""
    if not state.is_file():
        return ""
    with np.load(state) as stored:
        front, plated = stored["front"][-1], float(stored["plated"][-1]) / MAH_PER_CM2
        return (
            f"step {int(stored['done'])}, {plated:.3g} mAh/cm², amplitude "
            f"{5e5 * float(np.ptp(front)):.3g} µm"
        )


def _words(trajectory: Trajectory, rules: Mapping[str, BondRule]) -> list[str]:
    last = trajectory.frame(-1)
    words = [f"step {last.step}"]
    if trajectory.timed and last.time_fs:
        words.append(f"{last.time_fs / 1000:.3f} ps")
    for name, unit, digits in (("potential_energy", "eV", 4), ("temperature", "K", 0)):
        value = last.scalars.get(name)
        if value is not None and not isnan(value):
            words.append(f"{value:.{digits}f} {unit}")
    words += [f"{check.name} {check.why}" for check in pressure(trajectory)]
    for pair, rule in rules.items():
        recent = _end(trajectory, RECENT * rule.average_fs)
        words.append(f"{pair} {bond_history(recent, pair, rule).counts[-1]}")
    return words


def _end(trajectory: Trajectory, length_fs: float) -> Trajectory:
    """Return the last frames; one of them where the times are unknown."""
    times, n = trajectory.times_or_nan_fs, trajectory.n_frames
    recent = int((times > times[-1] - length_fs).sum())
    return trajectory.between(n - max(1, recent), n)
