import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.interphase.layers import (
    CLEAR,
    cell_height,
    first_height,
    layer_coordination,
    layer_edges,
    layers_of_atoms,
    neighbor_numbers,
    relative_heights,
)
from ionface.analysis.statistics import mean_error
from ionface.errors import AnalysisError

LEANING = np.array([[5.0, 0, 0], [1.0, 6.0, 0], [2.0, -1.0, 10.0]])


def test_heights_are_along_the_normal_also_where_c_leans(make_run):
    positions = np.array([[[0.3, 0.2, 2.5], [100.0, -40.0, -2.5]]])
    run = make_run(["Li", "Li"], LEANING, positions)
    places = relative_heights(run.segments[0], np.array([0, 1]))
    np.testing.assert_allclose(places, [[0.25, 0.75]])
    np.testing.assert_allclose(cell_height(LEANING[None]), 10)


def test_a_layer_across_the_border_has_its_atoms(make_run):
    # one atom crosses the border all the time: its mean height is 0.1 Å, not 5
    rng = np.random.default_rng(0)
    positions = np.zeros((200, 2, 3))
    positions[:, 0, 2] = 0.1 + rng.normal(0, 0.3, 200)
    positions[:, 1, 2] = 5.0
    run = make_run(["Li", "Li"], LEANING, positions)
    edges = layer_edges([0, 2, 4, 6], run)
    home, inside = layers_of_atoms(run, np.array([0, 1]), edges)
    np.testing.assert_array_equal(home, [0, 2])
    assert inside[1] == 1.0
    assert inside[0] == pytest.approx(np.mean(positions[:, 0, 2] >= 0))


def test_an_atom_above_the_last_edge_has_no_layer(make_run):
    run = make_run(["Li"], LEANING, np.full((3, 1, 3), 9.0))
    home, inside = layers_of_atoms(run, np.array([0]), np.array([0.0, 3.0]))
    assert home[0] == -1
    assert inside[0] == 0


def test_edges_that_are_none_are_refused(make_run):
    run = make_run(["Li"], LEANING, np.zeros((1, 1, 3)))
    for wrong in ([1.0], [3.0, 2.0]):
        with pytest.raises(AnalysisError, match="two ascending heights"):
            layer_edges(wrong, run)
    with pytest.raises(AnalysisError, match="reach out of the cell"):
        layer_edges([0, 11], run)


def test_without_periodicity_atoms_must_be_in_the_cell(make_run):
    run = make_run(["Li"], LEANING, np.full((1, 1, 3), 11.0))
    with pytest.raises(AnalysisError, match="not periodic along c"):
        relative_heights(run.segments[0], np.array([0]), periodic=False)


def planes(run, *heights, atoms=3):
    """Return atoms in planes that vibrate by 0.1 Å, wrapped into a cell of 20 Å."""
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 5, (6, atoms * len(heights), 3))
    positions[..., 2] = np.repeat(heights, atoms) + rng.normal(0, 0.1, (6, 1))
    positions[..., 2] %= 20.0
    return run(["Ce"] * positions.shape[1], np.diag([5.0, 5.0, 20.0]), positions)


@pytest.mark.parametrize(
    ("heights", "first"),
    [
        ([0.0, 3.0, 6.0, 9.0], -5.5),  # a slab that stands on the border
        ([-4.0, 0.0, 4.0], -10.0),  # one around it
        ([5.0, 8.0], 0.0),  # one that leaves it free
        (np.arange(0, 20, 2.0), -1.0),  # a crystal with a plane on it
        (np.arange(0, 20, 0.5), 0.0),  # no layer is empty, so the border is as good
    ],
)
def test_heights_begin_where_no_atoms_are(make_run, heights, first):
    run = planes(make_run, *heights)
    found = first_height(run)
    crystal = len(heights) == 10  # either side of its plane is as good
    assert (-abs(found) if crystal else found) == pytest.approx(first, abs=0.25)


def test_edges_of_equal_layers_cut_no_plane(make_run):
    heights = [0.0, 3.0, 6.0, 9.0, 12.0]
    run = planes(make_run, *heights)
    found = layer_coordination(run, ("Ce", "Ce"), 2.0, layers=7)
    assert found.edges[0] < -CLEAR  # of the vacuum between 12 and 20 Å
    assert found.edges[-1] - found.edges[0] == pytest.approx(20)
    for height in heights:
        assert np.abs(found.edges - height).min() > 0.3
    np.testing.assert_allclose(found.atoms % 3, 0)  # whole planes of three


def test_given_edges_may_begin_below_the_border(make_run):
    run = planes(make_run, 0.0, 3.0)
    edges = layer_edges([-2.0, 1.5, 5.0], run)
    home, inside = layers_of_atoms(run, np.arange(6), edges)
    np.testing.assert_array_equal(home, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(inside, 1.0)


def test_a_flat_cell_is_refused():
    with pytest.raises(AnalysisError, match="no volume"):
        cell_height(np.array([[[1.0, 0, 0], [0, 1, 0], [1, 1, 0]]]))


def slow_numbers(centers, neighbors, lattice, cutoff, same, pbc):
    """The slow sentence: every image that could matter, one after the other."""
    ranges = [range(-8, 9) if periodic else [0] for periodic in pbc]
    counts = np.zeros(len(centers), dtype=int)
    for shift in itertools.product(*ranges):
        moved = neighbors + np.array(shift) @ lattice
        far = np.linalg.norm(centers[:, None] - moved[None], axis=-1)
        counts += (far < cutoff).sum(axis=1)
    return counts - int(same)


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32 - 1),
    cutoff=st.floats(0.5, 7.0),
    same=st.booleans(),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
@settings(max_examples=25, deadline=None)
def test_neighbors_equal_the_sum_over_images_in_any_cell(seed, cutoff, same, pbc):
    rng = np.random.default_rng(seed)
    lattice = np.diag(rng.uniform(3, 5, 3)) + rng.uniform(-1, 1, (3, 3))
    centers = rng.uniform(-4, 9, (4, 3))
    neighbors = centers if same else rng.uniform(-4, 9, (6, 3))
    # the slow sentence sums images of wrapped atoms only along periodic directions
    fractions = [p @ np.linalg.inv(lattice) for p in (centers, neighbors)]
    a, b = ((f - np.where(pbc, np.floor(f), 0)) @ lattice for f in fractions)
    found = neighbor_numbers(centers, neighbors, lattice, cutoff, same=same, pbc=pbc)
    np.testing.assert_array_equal(found, slow_numbers(a, b, lattice, cutoff, same, pbc))


def test_rock_salt_has_six_neighbors_in_every_layer(make_run):
    cell = np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(4)])
    species = ["Na" if sum(site) % 2 == 0 else "Cl" for site in cell]
    lattice = np.diag([2.0, 2.0, 4.0]) * 2.8
    jitter = np.random.default_rng(0).normal(0, 0.02, (12, 16, 3))
    run = make_run(species, lattice, (cell + 0.5) * 2.8 + jitter)
    found = layer_coordination(run, ("Na", "Cl"), 3.2, 4, windows=2)
    np.testing.assert_array_equal(found.numbers, np.full((2, 4), 6.0))
    np.testing.assert_array_equal(found.atoms, np.full((2, 4), 2.0))
    np.testing.assert_array_equal(found.errors, 0)


def test_atoms_at_a_surface_miss_the_neighbors_above(make_run, from_its_file):
    cell = np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(4)])
    species = ["Na" if sum(site) % 2 == 0 else "Cl" for site in cell]
    lattice = np.diag([5.6, 5.6, 30.0])
    run = make_run(species, lattice, [(cell + 0.5) * 2.8])
    edges = [0, 2.8, 5.6, 8.4, 11.2, 30]
    found = layer_coordination(run, ("Na", "Cl"), 3.0, edges)
    np.testing.assert_array_equal(found.numbers[0, :4], [5, 6, 6, 5])
    assert np.isnan(found.numbers[0, 4])
    assert np.isnan(found.errors[0, 0])  # one frame has no scatter
    assert np.isnan(from_its_file(found).numbers[0, 4])


def test_the_error_of_a_layer_knows_how_long_neighbors_stay(make_run):
    rng = np.random.default_rng(3)
    near = np.logical_xor.accumulate(rng.random(600) < 0.1)  # stays for ten frames
    positions = np.zeros((600, 3, 3))
    positions[:, 0, 2] = 1.0
    positions[:, 1, 2] = np.where(near, 3.0, 5.0)
    positions[:, 2, 2] = np.where(rng.random(600) < 0.5, 1.0, 7.0)  # in half of them
    run = make_run(["In", "S", "In"], np.diag([9.0, 9.0, 9.0]), positions)
    found = layer_coordination(run, ("In", "S"), 2.5, [0, 2, 4, 9])
    alone = layer_coordination(
        make_run(["In", "S"], np.diag([9.0, 9.0, 9.0]), positions[:, :2]),
        ("In", "S"), 2.5, [0, 2],
    )  # fmt: skip
    assert alone.errors[0, 0] == pytest.approx(mean_error(near.astype(float)))
    assert alone.errors[0, 0] > 2 * near.std() / np.sqrt(600)  # were frames independent
    # a second atom that comes and goes tells of the same neighbor
    assert found.errors[0, 0] == pytest.approx(alone.errors[0, 0], rel=0.3)
    assert np.isnan(found.errors[0, 1])  # no atom is there
    short = layer_coordination(run, ("In", "S"), 2.5, [0, 2], windows=60)
    assert np.isnan(short.errors).any()  # ten frames are too few to tell


def test_windows_and_stride_look_at_the_frames_they_say(make_run):
    # the neighbor is near in the second half only
    positions = np.zeros((8, 2, 3))
    positions[:4, 1, 0], positions[4:, 1, 0] = 4.0, 1.0
    run = make_run(["In", "S"], np.eye(3) * 10, positions)
    found = layer_coordination(run, ("In", "S"), 2.0, 1, windows=2, stride=2)
    np.testing.assert_array_equal(found.numbers[:, 0], [0, 1])
    assert found.windows_fs == ((0.0, 4.0), (8.0, 12.0))
    assert next(iter(found.rows()))["In-S neighbors"] == 0


def test_phosphorus_has_four_sulfur_neighbors_in_a_real_argyrodite(realdata):
    from ionface.analysis.readers import open_trajectory

    folder = realdata / "argyrodite_data/data/Li6PS5Cl/0p/run1"
    run = open_trajectory(folder / "actual_XDATCAR.gz", timestep_fs=100.0)
    found = layer_coordination(run, ("P", "S"), 2.6, 4, stride=20)
    np.testing.assert_array_equal(found.numbers[found.atoms > 0], 4.0)
    assert found.atoms.sum() == pytest.approx(32)


def test_choices_without_meaning_are_refused(make_run):
    run = make_run(["In", "S"], np.eye(3) * 10, np.zeros((2, 2, 3)))
    for wrong in ({"cutoff": 0.0}, {"cutoff": 2.0, "stride": 0}):
        with pytest.raises(AnalysisError, match="coordination numbers need"):
            layer_coordination(run, ("In", "S"), **wrong)
    with pytest.raises(AnalysisError, match="no 'Cl'"):
        layer_coordination(run, ("In", "Cl"), 3.0)
