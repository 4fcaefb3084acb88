import numpy as np
import pytest

from ionface.analysis.rdf.kernels.accumulate import default_threads, tally
from ionface.analysis.rdf.kernels.images import Bins
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

PAIRS = [("In", "S"), ("S", "In"), ("In", "In")]


@pytest.fixture
def run(in_memory):
    rng = np.random.default_rng(0)
    positions = rng.random((700, 12, 3)) * [5.0, 6.0, 7.0]
    return in_memory(["In", "S", "S"] * 4, np.diag([5.0, 6.0, 7.0]), positions)


@pytest.fixture
def breathing():
    rng = np.random.default_rng(1)
    scales = 1 + 0.1 * rng.random(30)
    lattices = scales[:, None, None] * np.array([[5, 0, 0], [1, 6, 0], [2, 1, 7.0]])
    positions = rng.random((30, 12, 3)) @ lattices
    segment = Segment(np.arange(30), np.arange(30.0), lattices, positions)
    return Trajectory(("In", "S", "S") * 4, (segment,))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("kind", ["run", "breathing"])
def test_threads_and_backends_change_no_count(kind, backend, request):
    if backend == "numba":
        pytest.importorskip("numba")
    trajectory = request.getfixturevalue(kind)
    edges = np.array([0, 9, 10, 25, len(trajectory)])
    options = {"edges": edges, "bonds": [3.0, 3.0, 2.0]}
    one = tally(trajectory, PAIRS, Bins(6.0, 20), **options, threads=1, backend="numpy")
    more = tally(
        trajectory, PAIRS, Bins(6.0, 20), **options, threads=3, backend=backend
    )
    np.testing.assert_array_equal(one.counts, more.counts)
    np.testing.assert_array_equal(one.bonds, more.bonds)
    assert one.density.tolist() == more.density.tolist()


def test_a_pair_and_its_reverse_share_their_counts(run):
    found = tally(run, PAIRS, Bins(4.0, 10), bonds=[0.0, 3.0, 0.0])
    np.testing.assert_array_equal(found.counts[:, 0], found.counts[:, 1])
    assert found.bonds[1].sum() > 0
    np.testing.assert_array_equal(found.bonds[0], found.bonds[1])


def test_a_pair_may_have_two_bond_lengths(run):
    pairs = [("In", "S"), ("In", "S"), ("In", "S")]
    found = tally(run, pairs, Bins(4.0, 10), bonds=[3.0, 2.0, 0.0])
    assert (found.bonds[0] >= found.bonds[1]).all()
    assert found.bonds[0].sum() > found.bonds[1].sum() > 0
    np.testing.assert_array_equal(found.counts[:, 0], found.counts[:, 2])


def test_stretches_hold_the_frames_between_their_edges(run):
    edges = np.array([0, 100, 300, 700])
    found = tally(run, PAIRS[:1], Bins(4.0, 10), edges=edges)
    assert found.frames.tolist() == [100, 200, 400]
    np.testing.assert_allclose(found.density, found.frames / 210)
    for k in range(3):
        part = tally(run.between(edges[k], edges[k + 1]), PAIRS[:1], Bins(4.0, 10))
        np.testing.assert_array_equal(part.counts[0], found.counts[k])


def test_progress_adds_up_and_threads_do_not_reorder_bonds(run):
    told = []
    found = tally(run, PAIRS[:1], Bins(3.0, 3), bonds=[3.0], threads=4,
                  progress=told.append)  # fmt: skip
    assert sum(told) == 700
    single = [
        tally(run.between(k, k + 1), PAIRS[:1], Bins(3.0, 3), bonds=[3.0]).bonds[0, 0]
        for k in (0, 255, 256, 699)
    ]
    assert found.bonds[0, [0, 255, 256, 699]].tolist() == single


def test_the_number_of_threads_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert default_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= default_threads() <= 8
    for wrong in ("none", "0", "-1"):
        monkeypatch.setenv("OMP_NUM_THREADS", wrong)
        with pytest.raises(AnalysisError, match="OMP_NUM_THREADS"):
            default_threads()


def test_no_thread_at_all_is_refused(run):
    with pytest.raises(AnalysisError, match="above 0"):
        tally(run, PAIRS, Bins(3.0, 3), threads=0)


def test_a_failure_in_a_thread_reaches_the_caller(run):
    run.segments[0].positions[600, 0, 0] = np.nan
    with pytest.raises(AnalysisError, match="no number"):
        tally(run, PAIRS, Bins(3.0, 3), threads=2)
