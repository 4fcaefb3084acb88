"""A database document says where a trajectory is, never what is in it."""

import json

import numpy as np
import pytest

from ionface.analysis.trajectory.store import store_digest
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.workflows.engines.records import TrajectoryPointer


def document(path, frames):
    rng = np.random.default_rng(0)
    with TrajectoryWriter.create(path, ["In", "S"], np.eye(3) * 9) as writer:
        for step in range(frames):
            writer.append(step=step, time_fs=2.0 * step, positions=rng.random((2, 3)))
    stored = Trajectory.open(path)
    pointer = TrajectoryPointer(
        path.parent.name, path.name, str(path), store_digest(path), len(stored)
    )
    return pointer, json.dumps(pointer.as_dict())


def test_a_document_of_a_long_run_is_as_small_as_that_of_a_short_one(tmp_path):
    _, short = document(tmp_path / "a.ionf", 2)
    pointer, long = document(tmp_path / "b.ionf", 2000)
    assert len(long) < len(short) + 10
    assert len(pointer.open(tmp_path)) == 2000
    (tmp_path / "b.ionf").unlink()
    with pytest.raises(IonfaceError, match="neither in"):
        pointer.locate(tmp_path)


def test_a_file_that_is_not_the_recorded_one_is_refused(tmp_path):
    pointer, _ = document(tmp_path / "a.ionf", 4)
    data = (tmp_path / "a.ionf").read_bytes()
    (tmp_path / "a.ionf").write_bytes(data[:-1])
    with pytest.raises(IonfaceError, match=r"not the trajectory .* is incomplete"):
        pointer.open(tmp_path)
    document(tmp_path / "b.ionf", 5)
    (tmp_path / "b.ionf").replace(tmp_path / "a.ionf")
    with pytest.raises(IonfaceError, match=r"not the trajectory that was recorded"):
        pointer.open(tmp_path)
