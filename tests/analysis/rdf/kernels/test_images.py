import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.rdf.kernels.images import MAX_IMAGES, Bins, Images, heights
from ionface.errors import AnalysisError

SKEWED = np.array([[5.0, 0, 0], [12.0, 5.0, 0], [-9.0, 8.0, 6.0]])
HEXAGONAL = np.array([[5.0, 0, 0], [-2.5, 4.330127, 0], [0, 0, 9.0]])


def test_shells_fill_the_sphere():
    bins = Bins(3.0, 17)
    assert bins.shells.sum() == pytest.approx(4 / 3 * np.pi * 27)
    assert bins.centers[0] == pytest.approx(1.5 / 17)


def test_heights_are_distances_between_faces():
    np.testing.assert_allclose(heights(HEXAGONAL), [4.330127, 4.330127, 9.0], rtol=1e-6)


def test_no_image_is_needed_below_half_the_smallest_height():
    smallest = heights(SKEWED).min()
    assert Images.within(SKEWED, 0.5 * smallest).shifts.tolist() == [[0, 0, 0]]
    assert len(Images.within(SKEWED, 0.51 * smallest).shifts) > 1


def test_a_cutoff_of_one_height_needs_two_images_and_not_three():
    images = Images.within(np.diag([10.0, 30.0, 30.0]), 10.0)
    assert images.shifts.tolist() == [[-1, 0, 0], [0, 0, 0]]
    assert images.offset.tolist() == [0.0, 0.5, 0.5]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-4, 4), min_size=9, max_size=9),
    st.floats(0.3, 9.0),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_no_image_within_the_cutoff_is_missing(numbers, cutoff, point):
    lattice = np.array(numbers).reshape(3, 3) + 5 * np.eye(3)
    if abs(np.linalg.det(lattice)) < 20 or heights(lattice).min() < 1.5:
        return
    images = Images.within(lattice, cutoff)
    s = np.array(point)
    wrapped = s - np.floor(s + images.offset)
    every = np.array(list(itertools.product(range(-9, 10), repeat=3)))
    distances = np.linalg.norm((wrapped + every) @ lattice, axis=1)
    needed = {tuple(n) for n in every[distances < cutoff - 1e-9].tolist()}
    assert needed <= {tuple(n) for n in images.shifts.tolist()}


def test_an_atom_meets_one_of_each_two_opposite_images():
    images = Images.within(np.eye(3) * 3.2, 5.5)
    distances = np.linalg.norm(images.own * 3.2, axis=1)
    assert sorted(np.round(distances, 3).tolist()) == [3.2] * 3 + [4.525] * 6
    both = np.concatenate([images.own, -images.own])
    assert len({tuple(n) for n in both.tolist()}) == 18


def test_there_are_no_images_along_an_open_axis():
    images = Images.within(np.eye(3) * 4.0, 6.0, (True, False, True))
    assert set(images.shifts[:, 1]) == {0}
    assert set(images.own[:, 1]) == {0}
    assert images.periodic.tolist() == [1, 0, 1]


def test_a_hopeless_cutoff_and_a_flat_cell_are_refused():
    with pytest.raises(AnalysisError, match=f"more than {MAX_IMAGES}"):
        Images.within(np.eye(3), 100.0)
    with pytest.raises(AnalysisError, match="no volume"):
        heights(np.zeros((3, 3)))
    for cutoff, number in [(0.0, 5), (-1.0, 5), (np.nan, 5), (1.0, 0)]:
        with pytest.raises(AnalysisError, match="positive cutoff"):
            Bins(cutoff, number)
