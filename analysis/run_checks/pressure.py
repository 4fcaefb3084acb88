"""The pressure that a run in a fixed cell is under."""

from __future__ import annotations

import numpy as np

from ionface.analysis.energies.empty_layer import VACUUM, empty_layers
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.store import STRESSES
from ionface.analysis.trajectory.trajectory import Trajectory

GPA_PER_EV_PER_A3 = 160.21766  # elementary charge over (1e-10 m)³


def pressures(trajectory: Trajectory) -> FloatArray | None:
    """Return the pressure of each frame, that of the motion included, GPa.

    Below zero under tension.

    Returns:
        Shape (n_frames,), NaN where unknown; None where no frame tells its stress, or
        where the cell has vacuum.
    """
    scalars = trajectory.scalars
    if STRESSES[0] not in scalars or _has_vacuum(trajectory):
        return None
    stress = np.mean([scalars[name] for name in STRESSES[:3]], axis=0)
    if not np.isfinite(stress).any():
        return None
    volume = abs(float(np.linalg.det(trajectory.lattice)))
    motion = 2 * np.nan_to_num(scalars["kinetic_energy"]) / (3 * volume)  # eV/Å³
    return np.asarray(GPA_PER_EV_PER_A3 * motion - stress)


def _has_vacuum(trajectory: Trajectory) -> bool:
    """Tell whether the first frame has a vacuum: it dilutes the stress of the rest."""
    lattice = trajectory.lattice
    fractional = trajectory.frame(0).positions @ np.linalg.inv(lattice)
    return max(empty_layers(lattice, fractional)) > VACUUM
