import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.diffusion.unwrapped_positions import (
    AMBIGUOUS_JUMP,
    fixed_atoms,
    interface_frame,
    masses,
    paths,
    reference,
    unwrapped_blocks,
)
from ionface.analysis.readers import open_trajectory
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError, TrajectoryError


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


def walkers(atoms, frames=50, seed=0):
    steps = np.random.default_rng(seed).normal(0, 0.1, (frames, atoms, 3))
    return 5 + np.cumsum(steps, axis=0)


def test_the_center_of_mass_rests_after_the_drift_is_subtracted(make_run):
    run = make_run(["H", "O", "Li"], np.eye(3) * 40, walkers(3))
    weights = masses(run.species)
    center = np.einsum("a,tax->tx", weights / weights.sum(), paths(run).positions)
    np.testing.assert_allclose(center, center[:1] + 0 * center, atol=1e-12)


def test_a_common_motion_of_all_atoms_vanishes(make_run):
    positions = walkers(4)
    pushed = positions + 0.02 * np.arange(50)[:, None, None]
    species = ["Li", "S", "S", "In"]
    calm, moving = (
        paths(make_run(species, np.eye(3) * 40, p)) for p in (positions, pushed)
    )
    np.testing.assert_allclose(calm.positions, moving.positions, atol=1e-9)
    assert "center of mass of all 4 atoms" in moving.drift


def test_with_fixed_atoms_nothing_is_subtracted_and_the_result_says_so(make_run):
    positions = walkers(3)
    positions[:, 2] = 1.0
    run = make_run(["Li", "Li", "O"], np.eye(3) * 40, positions)
    np.testing.assert_array_equal(fixed_atoms(run), [2])
    moved = paths(run)
    np.testing.assert_allclose(moved.positions, positions, atol=1e-12)
    assert moved.drift == "nothing subtracted: 1 fixed atoms are the reference"


def test_none_subtracts_nothing_and_all_subtracts_even_with_fixed_atoms(make_run):
    positions = walkers(3)
    positions[:, 2] = 1.0
    run = make_run(["Li", "Li", "O"], np.eye(3) * 40, positions)
    np.testing.assert_allclose(paths(run, drift="none").positions, positions)
    assert np.ptp(paths(run, drift="all").positions[:, 2]) > 0.01


def test_only_the_chosen_atoms_are_kept_but_all_define_the_drift(make_run):
    run = make_run(["Li", "S"], np.eye(3) * 40, walkers(2))
    both, one = paths(run), paths(run, ["S"])
    np.testing.assert_allclose(one.positions[:, 0], both.positions[:, 1], atol=1e-12)


def test_an_unknown_reference_is_refused(make_run):
    run = make_run(["Li", "S"], np.eye(3) * 40, walkers(2))
    with pytest.raises(AnalysisError, match="no reference of a drift"):
        reference(run, "framework")
    with pytest.raises(AnalysisError, match="no 'O'"):
        reference(run, ["O"])


def test_masses_are_those_of_the_elements():
    np.testing.assert_allclose(masses(["H", "O", "H"]), [1.008, 15.999, 1.008])


def test_published_example_of_a_drifting_framework_is_exact(realdata):
    # H rests while eight He drift by -0.02, -0.02 and -0.06 of a 10 Å cell along each
    # axis: relative to the framework H moves by the opposite.
    folder = realdata / "kinisi/kinisi/tests/inputs"
    run = open_trajectory(folder / "example_drift.XDATCAR", timestep_fs=1.0)
    moved = paths(run, ["H"], drift=["He"])
    expected = 5 + np.array([0, 0.2, 0.4, 1.0])[:, None] * np.ones(3)
    np.testing.assert_allclose(moved.positions[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(paths(run, ["H"], drift="none").positions, 5.0)
    # with all atoms as the reference it is 32 of 33 parts of that, by mass
    part = 8 * 4.002602 / (8 * 4.002602 + 1.008)
    found = paths(run, ["H"], drift="all").positions[:, 0]
    np.testing.assert_allclose(found - 5, part * (expected - 5), atol=1e-9)


def test_published_example_of_one_atom_after_the_other_is_exact(realdata):
    folder = realdata / "kinisi/kinisi/tests/inputs"
    run = open_trajectory(folder / "example_center.XDATCAR", timestep_fs=1.0)
    moved = paths(run, drift="none")
    first, second, third = moved.positions[:, [0, 1, 2]].transpose(1, 0, 2)
    np.testing.assert_allclose(first[:, 0] - 1.0, [0, 1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(second[:, 1] - 1.0, [0, 0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(third[:, 0] - 1.1, [0, -0.1, -0.1, -0.1], atol=1e-9)


def test_the_fixed_layers_of_a_real_slab_are_found(realdata):
    run = open_trajectory(realdata / "vaspy/scripts/md_viz/XDATCAR", timestep_fs=1.0)
    assert len(fixed_atoms(run)) == 27
    assert "27 fixed atoms" in paths(run.between(0, 5)).drift


TRICLINIC = np.array([[6.0, 0.0, 0.0], [2.5, 7.0, 0.0], [-1.5, 2.0, 9.0]])


def wrapped(positions, lattice):
    fractions = positions @ np.linalg.inv(lattice)
    return (fractions - np.floor(fractions)) @ lattice


def walk(rng, frames, atoms, lattice, step=0.5):
    start = rng.random((1, atoms, 3)) @ lattice
    return start + np.cumsum(rng.normal(0, step, (frames, atoms, 3)), axis=0)


def unwrap(positions, lattices, pbc=(True, True, True)):
    species = ["Li"] * np.shape(positions)[1]
    run = Trajectory.from_arrays(species, lattices, positions, pbc=pbc)
    return np.concatenate([block.positions for block in unwrapped_blocks(run)])


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


def test_positions_that_are_no_numbers_are_refused(make_run):
    positions = np.array([[[0.0, 0, 1]], [[np.nan, 0, 1]]])
    with pytest.raises(TrajectoryError, match="not finite"):
        paths(make_run(["Li"], np.eye(3), positions), drift="none")


def test_a_single_atom_is_its_own_center_of_mass(make_run):
    run = make_run(["Li"], np.eye(3) * 9, [[[0.1 * i, 0, 0]] for i in range(5)])
    moved = paths(run)
    np.testing.assert_allclose(np.ptp(moved.positions[:, 0, 0]), 0.4)
    assert "single atom" in moved.drift
    with pytest.raises(AnalysisError, match="a single atom has no motion against"):
        paths(run, drift="all")


def test_what_is_no_element_has_no_mass():
    with pytest.raises(AnalysisError, match=r"\['X', 'r'\] are no chemical elements"):
        masses(["Li", "r", "X"])
