"""A bond count is steady when two windows agree, and not before."""

import numpy as np
import pytest

from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.engines.vasp.stopping_criterion import Steady, criterion


def trajectory(path, bonded):
    """Write In-S pairs that are bonded (2.5 Å) or not (4 Å), one frame a fs.

    Args:
        path: file.
        bonded: number of bonded pairs of four, per frame.
    """
    species = ["In", "S"] * 4
    with TrajectoryWriter.create(path, species=species, lattice=np.eye(3) * 60) as out:
        for step, count in enumerate(bonded):
            places = []
            for pair in range(4):
                apart = 2.5 if pair < count else 4.0
                places += [[15 * pair, 0, 0], [15 * pair + apart, 0, 0]]
            out.append(step=step, time_fs=float(step), positions=places)
    return Trajectory.open(path)


def test_a_growing_count_is_not_steady_and_a_constant_one_is(tmp_path):
    rule = Steady("In-S", window=10.0, tolerance=0.05)
    growing = trajectory(tmp_path / "a.ionf", [0] * 10 + [1] * 10 + [3] * 10)
    assert not rule.reached(growing)
    constant = trajectory(tmp_path / "b.ionf", [0] * 10 + [3] * 21)
    assert rule.reached(constant)


def test_two_whole_windows_and_the_shortest_run_are_waited_for(tmp_path):
    short = trajectory(tmp_path / "a.ionf", [2] * 15)
    assert not Steady("In-S", window=10.0).reached(short)
    assert Steady("In-S", window=7.0).reached(short)
    assert not Steady("In-S", window=7.0, at_least=50.0).reached(short)


def test_mistakes_in_until_are_named():
    with pytest.raises(IonfaceError, match="no such key as 'windows'"):
        criterion({"pair": "In-S", "windows": 2})
    with pytest.raises(IonfaceError, match="name the pair"):
        criterion({"window": 2.0})
    with pytest.raises(IonfaceError, match=r"until\.window must be above 0"):
        criterion({"pair": "In-S", "window": 0})
