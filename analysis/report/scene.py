"""What the three-dimensional view of a report shows: models, and a run to play.

Plain data for `report.js`. Positions of a run are whole numbers of 16 bits, so that a
report with hundreds of frames stays small.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory

MOST_FRAMES = 501
"""Of a run in one page: 20 s at 25 frames per second, longer than anyone looks."""

MOST_BYTES = 12_000_000
"""Of the frames of all runs in one page, which is to stay below 30 MB."""

STEP = 0.002
"""Å; what positions are rounded to: a hundredth of the motion of an atom at 300 K."""


@dataclass(frozen=True)
class Film:
    """Frames of a run.

    Attributes:
        positions: Cartesian, Å, atoms continue across the borders of the cell, shape
            (n_frames, n_atoms, 3).
        times_ps: of each frame; NaN where unknown.
        frames: so many the run has.
    """

    positions: FloatArray
    times_ps: FloatArray
    frames: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        low = self.positions.min(axis=(0, 1))
        span = float((self.positions - low).max()) or 1.0
        step = max(STEP, span / np.iinfo(np.uint16).max)
        whole = np.rint((self.positions - low) / step).astype("<u2")
        return {
            "positions": base64.b64encode(whole.tobytes()).decode(),
            "low": low.tolist(),
            "step": step,
            "times_ps": [None if np.isnan(t) else round(float(t), 4) for t in
                         self.times_ps],
            "shown": len(self.positions),
            "frames": self.frames,
        }  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """One interface to turn and play.

    Attributes:
        name: of the interface.
        species: chemical symbol of each atom.
        phases: name of the phase of each atom; empty if unknown.
        cell: rows are the cell vectors, Å, shape (3, 3).
        models: positions in Å by name, as in "start" and "relaxed", each (n_atoms, 3).
        planes: heights of the interfaces along z, Å.
        film: frames of a run; None if there is none.
        bonds: by pair, Å: atoms closer than this are bonded.
        emulated: a stand-in made it.
    """

    name: str
    species: Sequence[str]
    cell: ArrayLike
    models: Mapping[str, ArrayLike]
    phases: Sequence[str] = ()
    planes: Sequence[float] = ()
    film: Film | None = None
    bonds: Mapping[str, float] = field(default_factory=dict)
    emulated: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        elements, phases = sorted(set(self.species)), list(dict.fromkeys(self.phases))
        return {
            "name": self.name,
            "elements": elements,
            "species": [elements.index(s) for s in self.species],
            "phaseNames": phases,
            "phases": [phases.index(p) for p in self.phases],
            "cell": _rounded(self.cell, 5),
            "models": {name: _rounded(x, 3) for name, x in self.models.items()},
            "planes": [round(z, 3) for z in self.planes],
            "film": None if self.film is None else self.film.as_dict(),
            "bonds": dict(self.bonds),
            "emulated": self.emulated,
        }


def _rounded(values: ArrayLike, digits: int) -> Any:
    return np.round(np.asarray(values, dtype=np.float64), digits).tolist()


def film_of(trajectory: Trajectory, runs: int = 1) -> Film:
    """Return evenly chosen frames of a run, in which no atom jumps across the cell.

    Args:
        trajectory: the run.
        runs: so many share a page.
    """
    total, atoms = len(trajectory), trajectory.n_atoms
    most = max(2, min(MOST_FRAMES, MOST_BYTES // (8 * atoms * runs)))
    chosen = np.unique(np.linspace(0, total - 1, min(total, most)).astype(int))
    frames = [trajectory.frame(int(k)) for k in chosen]
    fractional = np.array([f.positions @ np.linalg.inv(f.lattice) for f in frames])
    fractional[0] -= np.floor(fractional[0])
    steps = np.diff(fractional, axis=0)
    steps -= np.rint(steps)
    path = np.concatenate([fractional[:1], fractional[0] + np.cumsum(steps, axis=0)])
    cells = np.array([f.lattice for f in frames])
    return Film(
        np.einsum("fai,fij->faj", path, cells),
        trajectory.times_or_nan_fs[chosen] / 1000,
        total,
    )
