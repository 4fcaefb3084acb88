import numpy as np
import pytest

from ionface.analysis.diffusion.unwrapped_positions import interface_frame, paths
from ionface.errors import TrajectoryError


def resting(frames, atoms=1):
    jitter = np.random.default_rng(0).normal(0, 0.01, (frames, atoms, 3))
    return 1.0 + jitter


def test_the_last_axis_is_the_normal_however_the_cell_lies():
    lattice = np.array([[0, 5.0, 0], [0, 1.0, 6.0], [8.0, 3.0, 2.0]])
    frame = interface_frame(lattice)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(frame[0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(frame[2] @ lattice[:2].T, 0, atol=1e-12)
    assert frame[2] @ lattice[2] > 0


def test_uneven_times_are_refused_with_the_gap(make_run):
    run = make_run(["Li"], np.eye(3) * 9, resting(5), steps=[0, 1, 2, 7, 8])
    with pytest.raises(TrajectoryError, match=r"frames 2 and 3 are 10 fs apart"):
        paths(run)
    assert paths(run.between(0, 3)).interval_fs == 2.0


def test_one_frame_or_unknown_times_are_refused(make_run):
    with pytest.raises(TrajectoryError, match="two frames"):
        paths(make_run(["Li"], np.eye(3) * 9, resting(1)))
    with pytest.raises(TrajectoryError, match="times of the frames are unknown"):
        paths(make_run(["Li"], np.eye(3) * 9, resting(3), interval=0.0))


def test_a_jump_above_a_third_of_the_cell_is_noted(make_run):
    positions = np.zeros((3, 1, 3))
    positions[1:, 0, 0] = 3.5
    slow, fast = resting(3), positions
    assert not paths(make_run(["Li"], np.eye(3) * 10, slow)).notes
    moved = paths(make_run(["Li"], np.eye(3) * 10, fast), drift="none")
    assert moved.largest_jump == pytest.approx(0.35)
    assert "0.35 of a cell vector" in moved.notes[0]


def test_atoms_may_be_given_by_index(make_run):
    run = make_run(["Li", "S", "Li"], np.eye(3) * 9, resting(4, 3))
    moved = paths(run, np.array([2, 1]), drift="none")
    assert moved.species == ("Li", "S")
    np.testing.assert_allclose(moved.of("S")[:, 0], run.positions[:, 1])
    assert moved.volume == pytest.approx(729)
