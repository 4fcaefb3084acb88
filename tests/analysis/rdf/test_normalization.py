import numpy as np
import pytest

from ionface.analysis.rdf.kernels.counting import Bins
from ionface.analysis.rdf.normalization import HeightProfile, profile_shells

CELL = np.array([[6.0, 0, 0], [2.0, 5.0, 0], [1.0, 1.5, 20.0]])


def profile(first, second, lattice=CELL):
    return HeightProfile.of(first, second, lattice)


def uniform(n_frames, n_atoms, seed=0):
    return np.random.default_rng(seed).random((n_frames, n_atoms, 3))


def test_uniform_profiles_give_the_shells_of_a_uniform_gas():
    bins = Bins(25.0, 20)
    ideal = profile_shells(profile(uniform(3000, 20), uniform(3000, 30, 1)), bins.edges)
    volume = 6 * 5 * 20
    expected = 3000 * 20 * 30 / volume * bins.shells
    np.testing.assert_allclose(ideal, expected, rtol=0.01)


def test_two_layers_meet_only_beyond_their_distance():
    low, high = uniform(50, 4), uniform(50, 4, 1)
    low[..., 2], high[..., 2] = 0.55, 0.8
    bins = Bins(8.0, 16)
    ideal = profile_shells(profile(low, high), bins.edges)
    assert (ideal[bins.edges[1:] < 4.9] == 0).all()
    # between two planes 5 Å apart a disk of area π (r² - 5²) is within r
    disk = np.pi * np.maximum(bins.edges**2 - 25, 0)
    expected = 50 * 4 * 4 / 30 * np.diff(disk)
    np.testing.assert_allclose(ideal, expected, atol=1e-6 * expected.max())


def test_the_area_and_height_are_those_of_the_cell_however_skewed():
    made = profile(uniform(2, 3), uniform(2, 3))
    assert made.area == pytest.approx(30.0)
    assert made.height == pytest.approx(20.0)


def test_profiles_of_parts_add_up():
    first, second = uniform(10, 5), uniform(10, 6, 1)
    whole = profile(first, second)
    parts = profile(first[:4], second[:4]) + profile(first[4:], second[4:])
    np.testing.assert_array_equal(whole.slices, parts.slices)
    assert (parts.frames, parts.area) == (10, pytest.approx(whole.area))
    assert (HeightProfile() + whole) is whole


def test_a_cell_that_breathes_keeps_all_its_atoms():
    wider = CELL * [[1], [1], [1.07]]
    both = profile(uniform(5, 7), uniform(5, 8)) + profile(
        uniform(5, 7), uniform(5, 8), wider
    )
    assert both.slices.sum(axis=1).tolist() == [70, 80]
    assert both.height == pytest.approx(20 * 1.035)
