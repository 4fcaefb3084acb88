"""The soft push: its gradient, its range, what counts as a pair."""

import numpy as np
import pytest

from ionface.structures.polymers.repulsion import contacts

SKEWED = np.array([[6.0, 0.0], [2.0, 5.0]])


def test_gradient_is_the_slope_of_the_energy():
    rng = np.random.default_rng(0)
    coords = rng.random((10, 3)) * 5
    near = contacts(coords, SKEWED, np.full(10, 1.2))
    _, gradient = near.push(coords)
    for atom, axis in [(0, 0), (3, 1), (7, 2)]:
        step = np.zeros_like(coords)
        step[atom, axis] = 1e-6
        slope = (near.push(coords + step)[0] - near.push(coords - step)[0]) / 2e-6
        assert gradient[atom, axis] == pytest.approx(slope, rel=1e-4, abs=1e-7)
    assert gradient.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)


def test_two_atoms_push_by_their_overlap():
    coords = np.array([[0.0, 0, 0], [1.5, 0, 0]])
    near = contacts(coords, np.diag([20.0, 20.0]), np.array([1.0, 1.0]))
    energy, gradient = near.push(coords)
    assert energy == pytest.approx((1 - 1.5 / 2) ** 2)
    assert gradient[1] == pytest.approx([-2 * 0.25 / 2, 0, 0])  # pushed away
    assert near.closest(coords) == pytest.approx(0.75)


def test_atoms_beyond_touching_do_not_push():
    coords = np.array([[0.0, 0, 0], [2.01, 0, 0]])
    near = contacts(coords, np.diag([20.0, 20.0]), np.array([1.0, 1.0]))
    assert near.push(coords)[0] == 0
    assert near.closest(coords) > 1


def test_a_molecule_meets_its_images_but_not_itself():
    coords = np.array([[0.0, 0, 0], [0.8, 0, 0]])
    molecule = np.zeros(2, dtype=int)
    wide = contacts(coords, np.diag([20.0, 20.0]), np.full(2, 1.0), molecule)
    assert wide.closest(coords) == np.inf
    narrow = contacts(coords, np.diag([2.0, 20.0]), np.full(2, 1.0), molecule)
    assert narrow.closest(coords) == pytest.approx((2.0 - 0.8) / 2)


def test_atoms_on_one_spot_are_no_division_by_zero():
    coords = np.zeros((2, 3))
    near = contacts(coords, np.diag([20.0, 20.0]), np.full(2, 1.0))
    energy, gradient = near.push(coords)
    assert energy == pytest.approx(1.0)
    assert np.isfinite(gradient).all()
