"""Bonds through rings, built by hand, in every position of the cell."""

import numpy as np
import pytest

from ionface.structures.polymers.ring_penetration import spears

RING = tuple(range(6))
BOND = (6, 7)
SKEWED = np.array([[9.0, 0.0], [-3.0, 8.0]])


def hexagon(pucker=0.0):
    angles = np.arange(6) * np.pi / 3
    heights = pucker * np.array([1, -1, 1, -1, 1, -1])
    return np.column_stack([1.4 * np.cos(angles), 1.4 * np.sin(angles), heights])


def speared(bond, cell=SKEWED, pucker=0.0, wrap=False, turn=None):
    coords = np.vstack([hexagon(pucker), bond])
    if turn is not None:
        coords = coords @ turn.T
    coords += [8.7, 7.7, 3.0]  # across the cell's border
    if wrap:
        inside = np.floor(coords[:, :2] @ np.linalg.inv(cell[:2, :2])) @ cell[:2, :2]
        coords[:, :2] -= inside
    bonds = [*((i, (i + 1) % 6) for i in range(6)), BOND]
    return spears([RING], bonds, coords, cell)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("pucker", [0.0, 0.25])
def test_a_bond_through_the_middle_is_found(pucker, wrap):
    found = speared([[0.1, 0.2, -0.7], [0.1, 0.2, 0.8]], pucker=pucker, wrap=wrap)
    assert [(s.ring, s.bond) for s in found] == [(RING, BOND)]


@pytest.mark.parametrize(
    "bond",
    [
        [[1.6, 0.2, -0.7], [1.6, 0.2, 0.8]],  # beside the ring
        [[0.1, 0.2, 0.2], [0.1, 0.2, 1.7]],  # above it
        [[-0.7, 0.0, 0.9], [0.7, 0.0, 0.9]],  # along it
    ],
)
def test_bonds_near_a_ring_do_not_spear_it(bond):
    assert speared(bond) == ()


def test_turned_together_they_stay_speared():
    from scipy.spatial.transform import Rotation

    for turn in Rotation.random(20, rng=0).as_matrix():
        assert (
            len(speared([[0, 0, -0.7], [0, 0, 0.7]], np.diag([30.0, 30]), turn=turn))
            == 1
        )


def test_the_point_lies_on_ring_and_bond():
    (found,) = speared([[0.3, 0.2, -0.5], [0.3, 0.2, 1.0]])
    assert np.array(found.point) - [8.7, 7.7, 3.0] == pytest.approx([0.3, 0.2, 0.0])


def test_images_along_the_normal_spear_in_a_bulk_only():
    bond = [[0.0, 0.0, 9.4], [0.0, 0.0, 10.6]]  # one period above
    assert speared(bond) == ()
    bulk = np.diag([12.0, 12.0, 10.0])
    assert len(speared(bond, bulk)) == 1


def test_bonds_at_the_rings_own_atoms_do_not_count():
    coords = np.vstack([hexagon(), [[0.0, 0.0, -0.9]]])
    assert spears([RING], [(0, 6)], coords, np.diag([30.0, 30.0])) == ()


def test_crossings_agree_with_the_solution_of_each_triangle():
    rng = np.random.default_rng(3)
    corners = hexagon(0.2)
    hits = 0
    for _ in range(400):
        start, arm = rng.normal(size=3) * 1.2, rng.normal(size=3) * 1.5
        expected = False
        for k in range(6):
            sides = np.array([corners[k], corners[(k + 1) % 6], -arm]).T
            u, v, t = np.linalg.solve(sides, start)
            expected |= u >= 0 and v >= 0 and u + v <= 1 and 0 <= t <= 1
        coords = np.vstack([corners, start, start + arm])
        found = spears([RING], [BOND], coords, np.diag([40.0, 40.0]))
        assert bool(found) == expected
        hits += expected
    assert hits > 20
