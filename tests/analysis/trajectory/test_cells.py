"""Cells that are open to somewhere: where physics needs none, none is asked for."""

import numpy as np
import pytest

from ionface.analysis.diffusion.msd import msd
from ionface.analysis.rdf.rdf import rdf
from ionface.analysis.reactions.bond_events import bond_history
from ionface.analysis.reactions.bonds import bonds
from ionface.analysis.reactions.reaction_report import reactions
from ionface.analysis.run_checks.run_checks import check_run
from ionface.analysis.trajectory.cells import completed, inverses
from ionface.analysis.trajectory.joining import join
from ionface.errors import AnalysisError, TrajectoryError

SLAB = np.array([[6.0, 0, 0], [1, 7, 0], [0, 0, 0]])
OPEN = (True, True, False)
NOWHERE = (False, False, False)


@pytest.fixture
def walk(make_run):
    """Return a function that makes one walk of four atoms, in whatever cell."""

    def make(cell, pbc):
        rng = np.random.default_rng(0)
        start = np.array([[0, 0, 0], [2.5, 0, 0.5], [0, 3, 1], [3, 3, 0]])
        steps = rng.normal(0, 0.05, (200, 4, 3)).cumsum(axis=0)
        return make_run(["In", "S", "In", "S"], cell, start + steps, pbc=pbc)

    return make


def test_an_open_direction_gets_a_normal_of_length_one():
    cell = completed(SLAB[None], OPEN)[0]
    np.testing.assert_array_equal(cell[:2], SLAB[:2])
    np.testing.assert_allclose(cell[2] @ cell.T, [0, 0, 1], atol=1e-12)
    np.testing.assert_array_equal(completed(np.zeros((1, 3, 3)), NOWHERE)[0], np.eye(3))


def test_a_cell_with_volume_stays_as_it_is():
    cell = np.array([[[4.0, 0, 0], [1, 5, 0], [0, 0, 9]]])
    np.testing.assert_array_equal(completed(cell, NOWHERE), cell)
    np.testing.assert_allclose(inverses(cell, OPEN)[0] @ cell[0], np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    "cell", [SLAB, np.zeros((3, 3)), [[1, 0, 0], [2, 0, 0], [0, 0, 3]]]
)
def test_a_periodic_cell_without_volume_is_refused_in_one_sentence(cell, walk):
    run = walk(np.array(cell, dtype=float), (True, True, True))
    for analyze in (
        lambda: msd(run),
        lambda: join([run, run]),
        lambda: reactions(run, ["In-S"]),
        lambda: check_run(run),
        lambda: bonds(run, ["In-S"]),
    ):
        with pytest.raises(TrajectoryError, match="no volume, and it is periodic"):
            analyze()


def test_motion_along_an_open_direction_needs_no_cell(walk):
    """The same walk gives the same MSD with the vector, without it, and in no cell."""
    tall = np.array([*SLAB[:2], [0, 0, 30.0]])
    expected = msd(walk(tall, (True, True, True)), drift="none")
    for cell, pbc in ((tall, OPEN), (SLAB, OPEN), (np.zeros((3, 3)), NOWHERE)):
        found = msd(walk(cell, pbc), drift="none")
        for way in ("3d", "in-plane", "normal"):
            np.testing.assert_allclose(found.along("S", way), expected.along("S", way))


def test_bonds_and_reactions_need_no_cell_where_it_is_open(walk):
    tall = walk(np.diag([60.0, 60, 60]), (True, True, True))
    none = walk(np.zeros((3, 3)), NOWHERE)
    expected = bonds(tall, ["In-S"]).counts["In-S"]
    assert expected.sum() > 0
    np.testing.assert_array_equal(bonds(none, ["In-S"]).counts["In-S"], expected)
    counts = [bond_history(run, "In-S").counts for run in (tall, none)]
    np.testing.assert_array_equal(*counts)
    assert reactions(none, ["In-S"]).pairs["In-S"].history.counts.any()


def test_densities_need_a_volume(walk):
    with pytest.raises(AnalysisError, match=r"no volume.*densities have no meaning"):
        rdf(walk(SLAB, OPEN), ["In-S"])


def test_segments_in_no_cell_join(walk):
    run = walk(np.zeros((3, 3)), NOWHERE)
    joined = join([run.between(0, 100), run.between(99, 200)])
    np.testing.assert_array_equal(joined.positions, run.positions)
