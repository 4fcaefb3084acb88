"""The pressure that a run in a fixed cell is under."""

from __future__ import annotations

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.store import STRESSES
from ionface.analysis.trajectory.trajectory import Trajectory

GPA_PER_EV_PER_A3 = 160.21766  # elementary charge over (1e-10 m)³
VACUUM = 6.0  # Å; a wider layer without atoms dilutes the stress of the rest


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
    """Tell whether the first frame has a wide layer without atoms."""
    lattice = trajectory.lattice
    inverse = np.linalg.inv(lattice)
    fractions = np.sort(trajectory.frame(0).positions @ inverse % 1.0, axis=0)
    gaps = np.diff(fractions, axis=0, append=fractions[:1] + 1.0).max(axis=0)
    return bool((gaps / np.linalg.norm(inverse, axis=0) > VACUUM).any())
