"""A database document says where a trajectory is, never what is in it."""

import json

import numpy as np
import pytest

from ionface.analysis.trajectory.trajectory import Trajectory, TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.workflows.engines.records import TrajectoryPointer


def document(path, frames):
    rng = np.random.default_rng(0)
    with TrajectoryWriter.create(path, ["In", "S"], np.eye(3) * 9) as writer:
        for step in range(frames):
            writer.append(step=step, time_fs=2.0 * step, positions=rng.random((2, 3)))
    stored = Trajectory.open(path)
    pointer = TrajectoryPointer(
        path.parent.name, path.name, str(path), stored.digest(), len(stored)
    )
    return pointer, json.dumps(pointer.as_dict())


def test_a_document_of_a_long_run_is_as_small_as_that_of_a_short_one(tmp_path):
    _, short = document(tmp_path / "a.ionf", 2)
    pointer, long = document(tmp_path / "b.ionf", 2000)
    assert len(long) < len(short) + 10
    assert Trajectory.open(pointer.locate(tmp_path)).digest() == pointer.sha256
    (tmp_path / "b.ionf").unlink()
    with pytest.raises(IonfaceError, match="neither in"):
        pointer.locate(tmp_path)
