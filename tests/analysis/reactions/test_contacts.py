import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.rdf.kernels.accumulate import tally
from ionface.analysis.rdf.kernels.images import Bins, heights
from ionface.analysis.reactions.contacts import contacts
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

CELL = np.array([[9.0, 0, 0], [2.0, 8.0, 0], [-3.0, 2.0, 12.0]])


@pytest.fixture
def walk(in_memory):
    rng = np.random.default_rng(4)
    start = rng.random((20, 3)) @ CELL
    steps = np.cumsum(rng.normal(0, 0.2, (300, 20, 3)), axis=0)
    jumps = rng.integers(-1, 2, (300, 20, 3)) @ CELL
    return in_memory(["In", "S"] * 10, CELL, start + steps + jumps)


@pytest.mark.parametrize("pair", [("In", "S"), ("In", "In")])
def test_as_many_contacts_as_the_kernel_counts_bonds(walk, pair):
    found = contacts(walk, pair, 3.5)
    bonds = tally(walk, [pair], Bins(3.5, 1), bonds=[3.5]).bonds[0]
    assert np.bincount(found.frame, minlength=300).tolist() == bonds.tolist()
    assert bonds.sum() > 100


def test_contacts_are_ordered_by_pair_and_then_by_time(walk):
    found = contacts(walk, ("In", "S"), 4.0)
    keys = list(zip(found.first, found.second, found.frame, strict=True))
    assert keys == sorted(set(keys))
    assert set(found.first) <= set(range(0, 20, 2))


def check_nearest(lattices, positions, reach):
    run = Trajectory(
        ("In", "S"), (Segment(np.arange(3), np.arange(3.0), lattices, positions),)
    )
    found = contacts(run, ("In", "S"), reach)
    shifts = np.array(np.meshgrid(*[np.arange(-8, 9)] * 3)).reshape(3, -1).T
    every = positions[:, 1, None] - positions[:, 0, None] + shifts @ lattices
    nearest = np.linalg.norm(every, axis=2).min(axis=1)
    assert found.frame.tolist() == np.flatnonzero(nearest < reach).tolist()
    np.testing.assert_allclose(found.distance, nearest[nearest < reach])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=9, max_size=9), st.integers(0, 2**32 - 1))
def test_the_distance_is_that_of_the_nearest_image_in_any_cell(numbers, seed):
    cell = np.array(numbers).reshape(3, 3) + 5 * np.eye(3)
    if abs(np.linalg.det(cell)) < 30 or heights(cell).min() < 2.0:
        return
    rng = np.random.default_rng(seed)
    lattices = cell * (1 + 0.1 * rng.random(3))[:, None, None]
    check_nearest(lattices, rng.random((3, 2, 3)) @ lattices, 6.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_image_is_found_in_a_strongly_skewed_cell(seed):
    cell = np.array([[5.0, 0, 0], [12.0, 5.0, 0], [-9.0, 8.0, 6.0]])
    positions = np.random.default_rng(seed).random((3, 2, 3)) @ cell
    check_nearest(np.repeat(cell[None], 3, axis=0), positions, 4.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_atoms_at_rest_just_within_reach_are_not_left_out(in_memory, axis):
    positions = np.zeros((4, 2, 3))
    positions[:, 1, axis] = 3.499
    run = in_memory(["In", "S"], np.diag([9.0, 10.0, 11.0]), positions)
    assert len(contacts(run, ("In", "S"), 3.5).frame) == 4


def test_what_cannot_be_is_refused(walk):
    with pytest.raises(AnalysisError, match="no 'Cl'"):
        contacts(walk, ("In", "Cl"), 3.0)
    with pytest.raises(AnalysisError, match="images"):
        contacts(walk, ("In", "S"), 200.0)
    with pytest.raises(AnalysisError, match="no complete frame"):
        contacts(Trajectory(("In", "S"), ()), ("In", "S"), 3.0)
    walk.segments[0].positions[3, 1] = np.nan
    with pytest.raises(AnalysisError, match="no number"):
        contacts(walk, ("In", "S"), 3.0)
