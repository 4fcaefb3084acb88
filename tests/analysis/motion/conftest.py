import numpy as np
import pytest

from analysis.frames import Segment
from analysis.trajectory import Trajectory


@pytest.fixture
def make_run():
    """Return a function that makes a trajectory of arrays, in one cell or many."""

    def make(species, lattices, positions, interval=2.0, steps=None, **scalars):
        positions = np.asarray(positions, dtype=float)
        lattices = np.asarray(lattices, dtype=float).reshape(-1, 3, 3)
        steps = np.arange(len(positions)) if steps is None else np.asarray(steps)
        meta = scalars.pop("meta", {})
        pbc = scalars.pop("pbc", (True, True, True))
        segment = Segment(
            steps=steps,
            times_fs=steps * interval,
            lattices=lattices,
            positions=positions,
            scalars={k: np.asarray(v, dtype=float) for k, v in scalars.items()},
        )
        return Trajectory(
            species=tuple(species), segments=(segment,), pbc=pbc, meta=meta
        )

    return make
