from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.readers.run_metadata import Clock
from ionface.analysis.readers.time_axis import time_axis

PATH = Path("XDATCAR")


def axis(labels, step=2.0, block=None, given=None):
    return time_axis(PATH, np.array(labels, dtype=np.int64), Clock(step, block), given)


def times(labels, **choices):
    return [segment.times_fs.tolist() for segment in axis(labels, **choices).segments]


@pytest.mark.parametrize(
    ("labels", "block", "expected"),
    [
        ([1, 2, 3], 1, [0, 2, 4]),
        ([10, 20, 30], 10, [0, 20, 40]),
        ([10, 20, 30], None, [0, 20, 40]),
        ([20, 40, 60], 10, [0, 40, 80]),  # somebody kept every second frame
        ([-1, -1, -1], 5, [0, 10, 20]),
        ([-1, -1, -1], None, [0, 2, 4]),
        ([7], 1, [0]),
        ([], 1, []),
    ],
)
def test_time_is_potim_times_the_steps_between_frames(labels, block, expected):
    assert times(labels, block=block) == [expected]


def test_frames_that_are_missing_leave_a_gap_in_time_and_a_note():
    found = axis([10, 20, 50, 60], block=10)
    assert found.segments[0].times_fs.tolist() == [0, 20, 80, 100]
    assert "missing at 1 place" in found.notes[0]


def test_labels_beyond_their_field_are_counted_on():
    found = axis([999_997, 999_998, 999_999, -1, -1])
    assert found.segments[0].times_fs.tolist() == [0, 2, 4, 6, 8]
    assert "outgrew their field" in found.notes[0]


def test_labels_unreadable_in_the_middle_are_not_used():
    found = axis([10, -1, 30, 40], block=10)
    assert found.segments[0].times_fs.tolist() == [0, 20, 40, 60]
    assert "unreadable" in found.notes[0]


def test_a_count_that_restarts_begins_another_span():
    found = axis([1, 2, 3, 1, 2])
    assert [(s.start, s.stop) for s in found.segments] == [(0, 3), (3, 5)]
    assert [s.times_fs.tolist() for s in found.segments] == [[0, 2, 4], [0, 2]]
    assert "restart 1 time" in found.notes[0]


def test_a_label_that_both_neighbors_contradict_is_put_right():
    found = axis([1, 2, 3, 9, 5, 6])
    assert found.segments[0].times_fs.tolist() == [0, 2, 4, 6, 8, 10]
    assert "contradicts" in found.notes[0]


@pytest.mark.parametrize("labels", [[1, 2, 3], [7, 14, 21]])
def test_labels_against_nblock_leave_the_time_unknown(labels):
    assert "NBLOCK is 50" in axis(labels, block=50).untimed
    assert np.isnan(axis(labels, block=50).segments[0].times_fs[1:]).all()
    assert times(labels, block=50, given=100.0) == [[0, 100, 200]]


def test_a_time_that_is_unknown_is_demanded_and_one_frame_needs_none():
    assert "timestep_fs=" in axis([1, 2], step=None).untimed
    assert times([1], step=None) == [[0]]
    assert times([10, 20, 40], step=None, given=5.0) == [[0, 5, 15]]


def test_a_given_time_wins_and_the_contradiction_is_noted():
    found = axis([1, 2, 3], given=4.0)
    assert found.segments[0].times_fs.tolist() == [0, 4, 8]
    assert "files say 2" in found.notes[0]
    assert axis([1, 2, 3], given=2.0).notes == ()


def test_a_thinned_file_is_noted():
    assert "labels advance by 20 steps" in axis([20, 40, 60], block=10).notes[0]
