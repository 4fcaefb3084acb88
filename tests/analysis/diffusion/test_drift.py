import numpy as np
import pytest

from ionface.analysis.diffusion.drift import (
    fixed_atoms,
    masses,
    reference,
    subtract_drift,
)
from ionface.analysis.diffusion.unwrapped_positions import paths
from ionface.analysis.readers import open_trajectory
from ionface.errors import AnalysisError


def walkers(atoms, frames=50, seed=0):
    steps = np.random.default_rng(seed).normal(0, 0.1, (frames, atoms, 3))
    return 5 + np.cumsum(steps, axis=0)


def test_the_center_of_mass_rests_after_the_drift_is_subtracted():
    weights = np.array([1.0, 16.0, 7.0])
    still = subtract_drift(walkers(3), weights)
    center = np.einsum("a,tax->tx", weights / 24, still)
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
    with pytest.raises(AnalysisError, match="sum to"):
        subtract_drift(walkers(2), np.zeros(2))


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
