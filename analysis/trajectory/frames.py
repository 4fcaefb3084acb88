"""Frames and runs of frames: the arrays that a trajectory is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
FS_PER_PS = 1000.0


@dataclass(frozen=True)
class Skipped:
    """What a source held but could not be used.

    Attributes:
        count: frames, whole or not, that were left out.
        reason: why, in words; empty if nothing was.
    """

    count: int = 0
    reason: str = ""

    def __bool__(self) -> bool:
        """Tell whether anything was left out."""
        return self.count > 0


@dataclass(frozen=True)
class Frame:
    """One instant.

    Attributes:
        step: number of the MD step.
        time_fs: fs.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        positions: Cartesian, Å, shape (n_atoms, 3).
        velocities: Å/fs, shape (n_atoms, 3), if stored.
        thermostat: state of the thermostat, shape (k,), if stored.
        scalars: potential_energy, kinetic_energy, conserved (eV), temperature (K);
            NaN where the source has none.
    """

    step: int
    time_fs: float
    lattice: FloatArray
    positions: FloatArray
    velocities: FloatArray | None
    thermostat: FloatArray | None
    scalars: Mapping[str, float]


@dataclass(frozen=True)
class Segment:
    """The frames of one run, whose arrays may be views of a file.

    Attributes:
        steps: shape (n,).
        times_fs: fs, shape (n,).
        lattices: Å, shape (n, 3, 3), or (1, 3, 3) where the cell is constant.
        positions: Cartesian, Å, shape (n, n_atoms, 3).
        scalars: the names of `store.SCALARS`, each of shape (n,).
        velocities: Å/fs, shape (n, n_atoms, 3), or None.
        thermostat: shape (n, k), or None.
    """

    steps: NDArray[np.int64]
    times_fs: FloatArray
    lattices: FloatArray
    positions: FloatArray
    scalars: Mapping[str, FloatArray] = field(default_factory=dict)
    velocities: FloatArray | None = None
    thermostat: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, frames: slice) -> Segment:
        """Return the frames of a slice as views."""
        constant = len(self.lattices) == 1
        return Segment(
            steps=self.steps[frames],
            times_fs=self.times_fs[frames],
            lattices=self.lattices if constant else self.lattices[frames],
            positions=self.positions[frames],
            scalars={name: values[frames] for name, values in self.scalars.items()},
            velocities=None if self.velocities is None else self.velocities[frames],
            thermostat=None if self.thermostat is None else self.thermostat[frames],
        )

    def of_atoms(self, atoms: NDArray[np.intp]) -> Segment:
        """Return the frames of some atoms, copied; without velocities."""
        positions = self.positions[:, atoms]
        return replace(self, positions=positions, velocities=None, thermostat=None)

    def constant_cells(self) -> Iterator[Segment]:
        """Yield frames that have one cell, as `lattices[0]`."""
        if len(self.lattices) == 1:
            yield self
            return
        for index in range(len(self)):
            yield self[index : index + 1]

    def frame(self, index: int) -> Frame:
        """Return one instant, with arrays of its own."""
        return Frame(
            step=int(self.steps[index]),
            time_fs=float(self.times_fs[index]),
            lattice=np.array(self.lattices[0 if len(self.lattices) == 1 else index]),
            positions=np.array(self.positions[index]),
            velocities=_row(self.velocities, index),
            thermostat=_row(self.thermostat, index),
            scalars={
                name: float(values[index]) for name, values in self.scalars.items()
            },
        )


def _row(array: FloatArray | None, index: int) -> FloatArray | None:
    return None if array is None else np.array(array[index])
