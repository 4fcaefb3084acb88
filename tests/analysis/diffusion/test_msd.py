import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.diffusion.diffusion import diffusion
from ionface.analysis.diffusion.msd import (
    axis_msd,
    msd,
    msd_by_atom,
)
from ionface.analysis.interphase.density_profiles import profiles
from ionface.analysis.interphase.interphase import interphase
from ionface.errors import AnalysisError


def whole_msd(positions):
    return axis_msd(positions).sum(axis=1)


def direct_sum(positions):
    """The slow sentence: the mean over atoms and origins, lag by lag."""
    return np.array(
        [
            np.mean(np.sum((positions[m:] - positions[: len(positions) - m]) ** 2, -1))
            for m in range(len(positions))
        ]
    )


def walk(frames, atoms, seed=0, step=1.0):
    return np.cumsum(
        np.random.default_rng(seed).normal(0, step, (frames, atoms, 3)), axis=0
    )


def test_ballistic_motion_grows_with_the_square_of_time():
    velocities = np.random.default_rng(0).normal(size=(1, 5, 3))
    times = np.arange(200.0)
    positions = times[:, None, None] * velocities
    speed = np.mean(np.sum(velocities**2, axis=-1))
    np.testing.assert_allclose(
        whole_msd(positions), speed * times**2, rtol=1e-9, atol=1e-8
    )


def test_a_random_walk_grows_by_its_step_variance():
    # slope 2 d D with D = 1/2 per frame: 3 for three dimensions
    found = whole_msd(walk(2000, 400))
    np.testing.assert_allclose(found[1:20], 3 * np.arange(1, 20), rtol=0.02)


def test_a_harmonic_oscillator_stays_on_its_plateau():
    # <(x(t) - x(0))²> of a cos(wt + phase) is a² (1 - cos wt), in the mean a²
    phases = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    angle = 2 * np.pi * np.arange(1000)[:, None] / 25
    positions = np.zeros((1000, 24, 3))
    positions[:, :, 0] = 0.3 * np.cos(angle + phases)
    found = whole_msd(positions)
    np.testing.assert_allclose(found, 0.09 * (1 - np.cos(angle[:, 0])), atol=1e-9)
    assert np.mean(found[100:900]) == pytest.approx(0.09, rel=1e-3)


def test_every_lag_equals_the_direct_sum():
    positions = 20 + walk(600, 7, step=0.1)
    np.testing.assert_allclose(
        whole_msd(positions), direct_sum(positions), rtol=0, atol=1e-10
    )


@given(
    frames=st.integers(1, 60),
    atoms=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
    far=st.floats(-1e3, 1e3),
)
@settings(max_examples=40, deadline=None)
def test_any_length_and_any_origin_equal_the_direct_sum(frames, atoms, seed, far):
    positions = far + walk(frames, atoms, seed)
    np.testing.assert_allclose(whole_msd(positions), direct_sum(positions), atol=1e-9)


def test_atoms_far_from_the_origin_cost_no_digits():
    positions = walk(500, 3, step=0.01)
    near, far = (whole_msd(positions + x) for x in (0.0, 1e5))
    np.testing.assert_allclose(far, near, rtol=1e-7)


def test_directions_add_up_and_atoms_average_to_the_whole():
    positions = walk(120, 5)
    lags = np.array([0, 1, 17, 60])
    by_atom = msd_by_atom(positions, lags)
    np.testing.assert_allclose(by_atom.mean(axis=1), axis_msd(positions)[lags])
    np.testing.assert_allclose(
        axis_msd(positions)[:, 1],
        direct_sum(positions * np.array([0, 1, 0])),
        atol=1e-10,
    )


def test_memory_does_not_grow_with_the_number_of_atoms():
    def peak(atoms):
        positions = np.zeros((2000, atoms, 3))
        tracemalloc.start()
        whole_msd(positions)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    whole_msd(np.zeros((10, 1, 3)))  # imports what it needs
    assert peak(1500) < 1.2 * peak(500)


def test_shapes_without_frames_or_atoms_are_refused():
    for shape in ((0, 3, 3), (5, 0, 3), (5, 3), (5, 3, 2)):
        with pytest.raises(AnalysisError, match="n_frames, n_atoms, 3"):
            whole_msd(np.zeros(shape))


def test_a_trajectory_is_unwrapped_and_turned_to_the_normal(make_run, from_its_file):
    # In moves along the normal only, S in the plane only; the cell stands on its side
    lattice = np.array([[0, 0, 7.0], [8.0, 0, 0], [0, 9.0, 1.0]])
    normal = np.array([0, 1.0, 0])
    rng = np.random.default_rng(1)
    positions = np.zeros((80, 4, 3))
    positions[:, :2] = np.cumsum(rng.normal(0, 0.3, (80, 2, 1)), axis=0) * normal
    positions[:, 2:] = np.cumsum(rng.normal(0, 0.3, (80, 2, 3)), 0) * (1 - normal)
    fractions = positions @ np.linalg.inv(lattice)
    wrapped = (fractions - np.floor(fractions)) @ lattice
    run = make_run(["In", "In", "S", "S"], lattice, wrapped)
    found = msd(run, drift="none")
    np.testing.assert_allclose(found.along("In", "in-plane"), 0, atol=1e-9)
    np.testing.assert_allclose(found.along("S", "normal"), 0, atol=1e-9)
    np.testing.assert_allclose(
        found.along("S"), direct_sum(positions[:, 2:]), atol=1e-9
    )
    assert found.lags_fs[-1] == 158
    assert found.atoms == {"In": 2, "S": 2}
    assert from_its_file(found).along("In")[7] == found.along("In")[7]
    assert len(list(found.rows())) == 80
    with pytest.raises(AnalysisError, match="no direction 'up'"):
        found.along("S", "up")


def test_one_species_may_stand_alone(make_run):
    run = make_run(["Al", "Al", "S"], np.eye(3) * 90.0, 40.0 + walk(200, 3))
    alone = msd(run, "Al")
    assert alone.atoms == {"Al": 2}
    np.testing.assert_array_equal(alone.along("Al"), msd(run, ["Al"]).along("Al"))
    assert {found.species for found in diffusion(run, "Al")} == {"Al"}
    assert list(profiles(run, "Al").densities) == ["Al"]
    with pytest.raises(AnalysisError, match="marker species of its own"):
        interphase(run, "Al", "Al")
