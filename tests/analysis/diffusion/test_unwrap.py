import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.diffusion.unwrap import AMBIGUOUS_JUMP, unwrap, unwrapped_blocks
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

TRICLINIC = np.array([[6.0, 0.0, 0.0], [2.5, 7.0, 0.0], [-1.5, 2.0, 9.0]])


def wrapped(positions, lattice):
    fractions = positions @ np.linalg.inv(lattice)
    return (fractions - np.floor(fractions)) @ lattice


def walk(rng, frames, atoms, lattice, step=0.5):
    start = rng.random((1, atoms, 3)) @ lattice
    return start + np.cumsum(rng.normal(0, step, (frames, atoms, 3)), axis=0)


@pytest.mark.parametrize("lattice", [np.eye(3) * 8, TRICLINIC])
def test_a_wrapped_walk_comes_back_as_it_was_up_to_whole_cells(lattice):
    free = walk(np.random.default_rng(0), 400, 6, lattice)
    found = unwrap(wrapped(free, lattice), lattice)
    shift = (found - free) @ np.linalg.inv(lattice)
    assert np.abs(free - wrapped(free, lattice)).max() > 10  # it did cross borders
    np.testing.assert_allclose(shift, np.rint(shift[:1]) + 0 * shift, atol=1e-10)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_unwrapping_undoes_any_wrapping_in_any_cell(seed):
    rng = np.random.default_rng(seed)
    lattice = np.diag(rng.uniform(5, 12, 3)) + rng.uniform(-2, 2, (3, 3))
    free = walk(rng, 50, 3, lattice, step=0.3)
    np.testing.assert_allclose(
        np.diff(unwrap(wrapped(free, lattice), lattice), axis=0),
        np.diff(free, axis=0),
        atol=1e-9,
    )


def test_the_size_of_the_blocks_does_not_matter(make_run):
    rng = np.random.default_rng(1)
    run = make_run("Li" * 1, TRICLINIC, wrapped(walk(rng, 60, 2, TRICLINIC), TRICLINIC))
    run = Trajectory(species=("Li", "Li"), segments=run.segments)
    whole = [b.positions for b in unwrapped_blocks(run, 1000)]
    small = [b.positions for b in unwrapped_blocks(run, 7)]
    np.testing.assert_allclose(np.concatenate(small), whole[0], atol=1e-11)


def test_atoms_carried_by_a_breathing_cell_do_not_move():
    places = np.random.default_rng(2).random((1, 4, 3))
    scale = 1 + 0.02 * np.sin(np.arange(30) / 3)
    lattices = scale[:, None, None] * TRICLINIC
    found = unwrap(places @ lattices, lattices)
    np.testing.assert_allclose(found, found[:1] + 0 * found, atol=1e-12)


def test_a_breathing_cell_adds_no_noise_to_atoms_far_away():
    # An atom many cells from home would shake with the cell if its unwrapped place were
    # multiplied by each frame's own cell; steps stay as they were made here.
    rng = np.random.default_rng(3)
    steps = np.full((300, 1, 3), 0.05)
    places = np.cumsum(steps, axis=0)
    lattices = (1 + 0.01 * rng.normal(size=300))[:, None, None] * np.eye(3) * 10
    jumps = np.diff(unwrap((places % 1.0) @ lattices, lattices), axis=0)
    np.testing.assert_allclose(jumps, 0.5, atol=0.03)  # 5 % of the step at most


def test_a_cell_that_changes_between_segments_is_followed(make_run):
    fractions = (0.9 + 0.02 * np.arange(20)[:, None, None]) % 1.0 * np.ones((1, 1, 3))
    small, large = np.eye(3) * 10, np.eye(3) * 11
    first = make_run(["Li"], small, fractions[:10] @ small)
    second = make_run(["Li"], large, fractions[10:] @ large)
    both = Trajectory(species=("Li",), segments=first.segments + second.segments)
    found = np.concatenate([b.positions for b in unwrapped_blocks(both)])
    steps = np.diff(found[:, 0, 0])
    np.testing.assert_allclose(steps[:9], 0.2, atol=1e-12)
    np.testing.assert_allclose(steps[9], 0.21, atol=1e-12)  # in the mean of both cells
    np.testing.assert_allclose(steps[10:], 0.22, atol=1e-12)


def test_a_jump_of_about_half_a_cell_is_refused_with_its_place():
    positions = np.array([[[1.0, 1, 1]], [[1.0, 1, 1]], [[5.8, 1, 1]]])
    with pytest.raises(TrajectoryError, match=r"atom 0 .*0\.48.*frames 1 and 2"):
        unwrap(positions, np.eye(3) * 10)
    assert AMBIGUOUS_JUMP < 0.5


def test_along_a_direction_that_is_not_periodic_nothing_is_wrapped():
    positions = np.array([[[0.0, 0, 1]], [[0.0, 0, 9]]])
    found = unwrap(positions, np.eye(3) * 10, (True, True, False))
    np.testing.assert_array_equal(found, positions)


def test_positions_that_are_no_numbers_are_refused():
    positions = np.array([[[0.0, 0, 1]], [[np.nan, 0, 1]]])
    with pytest.raises(TrajectoryError, match="not finite"):
        unwrap(positions, np.eye(3))
