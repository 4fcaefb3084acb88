import json
import os
from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter


@pytest.fixture
def realdata() -> Path:
    fallback = Path(__file__).parents[3] / "shared" / "realdata"
    folder = Path(os.environ.get("IONFACE_REALDATA", fallback))
    if not folder.is_dir():
        pytest.skip(f"real VASP outputs are not at {folder} (IONFACE_REALDATA)")
    return folder


@pytest.fixture
def write_run(tmp_path):
    """Return a function that writes a random walk to our store."""

    def write(name="run.iftraj", n_frames=5, n_atoms=4, seed=0, first=0, **header):
        rng = np.random.default_rng(seed)
        path = tmp_path / name
        species = (["In", "S"] * n_atoms)[:n_atoms]
        with TrajectoryWriter.create(
            path, species, np.eye(3) * 10.0, **header
        ) as writer:
            positions = rng.uniform(0, 10, (n_atoms, 3))
            for step in range(first, first + n_frames):
                positions = positions + rng.normal(0, 0.01, (n_atoms, 3))
                writer.append(
                    step=step,
                    time_fs=2.0 * step,
                    positions=positions,
                    potential_energy=-float(step),
                )
        return path

    return write


@pytest.fixture
def in_memory():
    """Return a function that makes a trajectory of arrays in a constant cell."""

    def make(species, lattice, positions, interval=2.0):
        positions = np.asarray(positions, dtype=float)
        steps = np.arange(len(positions))
        segment = Segment(
            steps=steps,
            times_fs=steps * interval,
            lattices=np.asarray(lattice, dtype=float)[None],
            positions=positions,
        )
        return Trajectory(species=tuple(species), segments=(segment,))

    return make


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


@pytest.fixture
def content():
    """Return a function that tells two trajectories apart by their frames alone."""

    def numbers(trajectory):
        frames = [(f.time_fs, f.lattice, f.positions) for f in trajectory]
        return trajectory.species, [
            (time, lattice.tobytes(), positions.tobytes())
            for time, lattice, positions in frames
        ]

    return numbers


@pytest.fixture
def from_its_file():
    """Return a result as it comes back from its file, which must tell all of it."""

    def read(result):
        text = json.dumps(result.as_dict(), allow_nan=False)
        again = type(result).from_dict(json.loads(text))
        assert again.as_dict() == alike(result.as_dict())
        assert again.provenance == result.provenance
        return again

    return read


def alike(value):
    """Return a value whose numbers are equal but for rounding."""
    if isinstance(value, dict):
        return {key: alike(item) for key, item in value.items()}
    if isinstance(value, list):
        return [alike(item) for item in value]
    return pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
