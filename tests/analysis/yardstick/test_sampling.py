"""Farthest-point choice, and a descriptor that sees what forces depend on."""

import numpy as np
import pytest
from ase.build import bulk, make_supercell

from ionface.analysis.yardstick.sampling import farthest, radial_descriptor
from ionface.errors import AnalysisError


def test_corners_are_chosen_before_what_lies_between():
    line = np.linspace(0, 1, 11)[:, None]
    assert farthest(line, 3) == [0, 10, 5]


def test_no_row_is_chosen_twice():
    assert farthest(np.zeros((5, 2)), 3) == [0]
    assert sorted(farthest(np.eye(4), 9)) == [0, 1, 2, 3]


def test_rows_to_begin_with_are_taken_and_the_others_are_far_from_them():
    line = np.array([[0.0], [1.0], [4.0], [9.0], [10.0]])
    assert farthest(line, 3, [0, 3]) == [0, 3, 2]
    assert farthest(line, 2, [0, 3]) == [0, 3]


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(AnalysisError, match="nothing to choose from"):
        farthest(np.zeros((0, 3)), 2)


def test_the_descriptor_does_not_know_order_rotation_shift_or_cell():
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    atoms = make_supercell(atoms, 2 * np.eye(3))
    atoms.rattle(0.1, seed=1)
    pair = ["Cl", "Na"]
    plain = radial_descriptor(atoms, pair)
    other = atoms[np.random.default_rng(0).permutation(len(atoms))]
    other.rotate(40, (1, 2, 3), rotate_cell=True)
    other.translate((1.3, 0.2, -2))
    np.testing.assert_allclose(radial_descriptor(other, pair[::-1]), plain, atol=1e-9)
    doubled = make_supercell(atoms, np.diag([2, 1, 1]))
    np.testing.assert_allclose(radial_descriptor(doubled, pair), plain, atol=1e-9)


def test_a_bond_that_breaks_is_farther_than_thermal_motion():
    rest = bulk("NaCl", "rocksalt", a=5.6).repeat(2)
    warm, broken = rest.copy(), rest.copy()
    warm.rattle(0.05, seed=2)
    broken.positions[0] += 1.2
    a, b, c = (radial_descriptor(x, ["Cl", "Na"]) for x in (rest, warm, broken))
    assert np.linalg.norm(c - a) > 2 * np.linalg.norm(b - a)


def test_an_element_that_is_not_there_has_bins_all_the_same():
    atoms = bulk("Na", "bcc", a=4.2)
    assert len(radial_descriptor(atoms, ["Cl", "Na"])) == 3 * 12
