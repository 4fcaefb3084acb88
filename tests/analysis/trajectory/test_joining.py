from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.trajectory.joining import join
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError


def renumbered(trajectory):
    """Return the same frames on a clock that starts at zero."""
    segment = trajectory.segments[0]
    moved = replace(
        segment,
        steps=segment.steps - segment.steps[0],
        times_fs=segment.times_fs - segment.times_fs[0],
    )
    return replace(trajectory, segments=(moved,))


@pytest.fixture
def run(write_run):
    return Trajectory.open(write_run(n_frames=20))


@pytest.mark.parametrize("overlap", [0, 1, 2, 5])
@pytest.mark.parametrize("clock", [lambda part: part, renumbered])
def test_parts_of_a_run_join_to_the_run(run, overlap, clock):
    joined = join([run.between(0, 10), clock(run.between(10 - overlap, 20))])
    assert joined.steps.tolist() == list(range(20))
    np.testing.assert_allclose(joined.times_fs, run.times_fs)
    np.testing.assert_array_equal(joined.positions, run.positions)


def test_three_restarts_join_in_their_order(run, content):
    parts = [run.between(0, 6), run.between(5, 12), renumbered(run.between(11, 20))]
    joined = join(parts)
    assert content(joined) == content(run)


def test_a_repeated_frame_on_one_clock_is_no_event(run):
    assert join([run.between(0, 10), run.between(9, 20)]).notes == ()


def test_an_overlap_of_several_frames_is_told(run):
    joined = join([run.between(0, 10), run.between(5, 20)])
    assert "4 frames before the end" in joined.notes[0]


def test_a_shifted_clock_is_told(run):
    joined = join([run.between(0, 10), renumbered(run.between(9, 20))])
    assert "shifted by 18 fs" in joined.notes[0]


def test_a_gap_is_told_and_keeps_its_time(run, write_run):
    other = Trajectory.open(write_run("other.iftraj", seed=5, first=50))
    joined = join([run, other])
    assert "gap before segment 2" in joined.notes[0]
    assert joined.times_fs[20] == other.times_fs[0]


def test_a_frame_wrapped_into_the_cell_is_still_the_same(run):
    rest = run.between(9, 20)
    segment = rest.segments[0]
    wrapped = replace(segment, positions=segment.positions % 10.0)
    joined = join([run.between(0, 10), replace(rest, segments=(wrapped,))])
    assert len(joined) == 20


def test_other_atoms_are_refused(run, write_run):
    other = Trajectory.open(write_run("other.iftraj", n_atoms=5))
    with pytest.raises(TrajectoryError, match="In2S2"):
        join([run, other])
    with pytest.raises(TrajectoryError, match="no segments"):
        join([])


def test_an_empty_segment_changes_nothing(run, write_run, content):
    empty = Trajectory.open(write_run("empty.iftraj", n_frames=0))
    assert content(join([run, empty])) == content(run)
    assert content(join([empty, run])) == content(run)


def test_what_was_skipped_is_added_up(run, write_run):
    path = write_run("torn.iftraj", n_frames=3, first=20)
    path.write_bytes(path.read_bytes()[:-5])
    joined = join([run, Trajectory.open(path)])
    assert joined.skipped.count == 1
    assert "incomplete" in joined.skipped.reason


@pytest.fixture
def ballistic():
    """Return a function that makes frames of eight atoms in free flight."""

    def make(seed, start, n=10):
        velocity = np.random.default_rng(seed).normal(0, 0.05, (8, 3))
        frames = start + velocity * np.arange(n)[:, None, None]
        return Trajectory.from_arrays(["Li"] * 8, np.eye(3) * 9, frames % 9.0, 1.0)

    return make


def test_velocities_that_were_lost_are_told(ballistic):
    before = ballistic(0, np.random.default_rng(1).uniform(0, 9, (8, 3)))
    end = before.frame(-1).positions
    kept, lost = (join([before, ballistic(seed, end)]) for seed in (0, 5))
    assert not any("turn abruptly" in note for note in kept.notes)
    assert any("turn abruptly where segment 2" in note for note in lost.notes)


def test_frames_far_apart_in_time_tell_nothing_of_velocities(run, write_run):
    other = Trajectory.open(write_run("other.iftraj", seed=5, first=50))
    assert not any("turn abruptly" in note for note in join([run, other]).notes)


def test_segments_without_times_join_by_their_steps(run):
    untimed = [
        Trajectory.from_arrays(run.species, run.lattice, np.array(part.positions))
        for part in (run.between(0, 10), run.between(9, 20))
    ]
    joined = join(untimed)
    assert joined.steps.tolist() == list(range(20))
    assert not joined.timed


def test_the_whole_is_worth_no_more_than_its_worst_segment(run):
    quick = replace(run.between(9, 20), meta={"quick": True})
    level = {"code": "vasp", "emulated": True}
    emulated = replace(quick, meta={"level_of_theory": level})
    assert join([run.between(0, 10), quick]).meta["quick"]
    real = replace(run.between(0, 10), meta={"level_of_theory": {"code": "vasp"}})
    assert join([real, emulated]).meta["level_of_theory"]["emulated"]
