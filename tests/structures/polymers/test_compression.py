import numpy as np
import pytest

from ionface.structures.polymers.compression import (
    SKIN,
    _stretched,
    closed,
    contacts,
)
from ionface.structures.polymers.films import loose_start, make_chains, press_of

CELL = np.array([[11.0, 0.0], [3.0, 10.0]])
SKEWED = np.array([[6.0, 0.0], [2.0, 5.0]])


@pytest.fixture(scope="module")
def chains():
    return make_chains("COCOCCOC", 3, seed=0)


@pytest.fixture(scope="module")
def press(chains):
    return press_of(chains, CELL)


@pytest.fixture(scope="module")
def loose(chains):
    rng = np.random.default_rng(0)
    return loose_start(chains, CELL, 30.0, 1.8, rng)


def test_bonded_gradient_is_the_slope_of_the_energy(press, loose):
    _, gradient = press.bonded(loose)
    for atom, axis in [(0, 0), (10, 1), (25, 2)]:
        step = np.zeros_like(loose)
        step[atom, axis] = 1e-5
        slope = (press.bonded(loose + step)[0] - press.bonded(loose - step)[0]) / 2e-5
        assert gradient[atom, axis] == pytest.approx(slope, rel=1e-4, abs=1e-3)


def test_molecules_do_not_feel_each_other_in_the_bonded_forces(press, loose):
    far = loose + 100.0 * press.molecules[:, None]
    assert press.bonded(far)[0] == pytest.approx(press.bonded(loose)[0], abs=1e-6)


def test_hard_walls_are_not_passed(press, loose):
    settled = press.settle(loose, 3.0, 20.0, rounds=3, hard=True)
    assert settled[:, 2].min() >= 3.0 - 1e-9
    assert settled[:, 2].max() <= 20.0 + 1e-9


def test_settling_takes_overlaps_away(press, loose):
    middle = loose.copy()
    for k in range(3):  # all three on one spot but for a step
        own = press.molecules == k
        middle[own] += [2.0 * k, k, 15.0 + k] - middle[own].mean(axis=0)
    assert press.closest(middle) < 0.5
    settled = press.settle(middle, SKIN, 40.0 - SKIN, rounds=40)
    assert press.closest(settled) > 0.9


@pytest.mark.slow
def test_walls_close_in_to_the_thickness(press, loose):
    coords, reached = closed(press, loose, 30.0, 9.0)
    assert reached == 9.0
    assert np.ptp(coords[:, 2]) == pytest.approx(9.0 - 2 * SKIN, rel=0.01)
    assert press.closest(coords) >= 0.9


def test_a_film_that_hangs_between_the_walls_is_drawn_to_both(press, loose):
    gathered = loose.copy()
    gathered[:, 2] += 4.0
    drawn = _stretched(press, gathered, 40.0)
    assert drawn[:, 2].min() == pytest.approx(SKIN, abs=0.2)
    assert drawn[:, 2].max() == pytest.approx(40.0 - SKIN, abs=0.2)
    heights = [x[:, 2] @ np.eye(3)[press.molecules] for x in (gathered, drawn)]
    assert np.array_equal(*map(np.argsort, heights))
    assert press.closest(drawn) >= 0.9


def test_one_chain_cannot_be_drawn_apart(chains):
    alone = press_of(chains[:1], CELL)
    coords = chains[0].conformers[0] + [0, 0, 20.0]
    assert np.array_equal(_stretched(alone, coords, 40.0), coords)


@pytest.mark.slow
def test_a_thickness_that_is_too_small_tells_the_least_height_without_overlaps(
    press, loose
):
    coords, reached = closed(press, loose, 30.0, 3.4)
    assert press.closest(coords) < 0.9
    assert 3.4 < reached < 30.0


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
