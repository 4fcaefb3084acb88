import numpy as np
import pytest

from ionface.analysis.interphase.heights import (
    cell_height,
    layer_edges,
    layers_of_atoms,
    relative_heights,
)
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


def test_a_flat_cell_is_refused():
    with pytest.raises(AnalysisError, match="no volume"):
        cell_height(np.array([[[1.0, 0, 0], [0, 1, 0], [1, 1, 0]]]))
