"""Both kernels against the slow sentence, and against other people's code."""

import itertools
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.rdf.kernels.counting import (
    count_block,
    default_threads,
    tally,
    use_numba,
)
from ionface.analysis.rdf.kernels.images import Bins, PairTask, heights
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


def two_species(first, second, lattice, bins, same, pbc):
    """Return the task and the positions, Å, of atoms in units of the cell."""
    both = first if same else np.concatenate([first, second], axis=1)
    number = first.shape[1]
    groups = [np.arange(number), np.arange(number, both.shape[1])]
    pair = (0, 0) if same else (0, 1)
    task = PairTask(tuple(groups[: 2 - same]), (pair,), bins, pbc)
    return task, both @ lattice


def count_pairs(
    first, second, lattice, bins, *, same, pbc=(True, True, True), backend="auto"
):
    """Return how many ordered pairs lie at each distance, over all frames."""
    task, positions = two_species(first, second, lattice, bins, same, pbc)
    return count_block(task, positions, lattice, backend=backend)[0, 0]


CELLS = {
    "cubic": np.eye(3) * 6.0,
    "orthorhombic": np.diag([4.0, 7.0, 11.0]),
    "hexagonal": np.array([[5.0, 0, 0], [-2.5, 4.330127, 0], [0, 0, 9.0]]),
    "triclinic": np.array([[5.0, 0.3, 0.1], [1.7, 6.0, 0.2], [-1.1, 2.2, 7.0]]),
    "strongly skewed": np.array([[5.0, 0, 0], [12.0, 5.0, 0], [-9.0, 8.0, 6.0]]),
    "left-handed": np.array([[0, 5.0, 0], [6.0, 0.5, 0], [0, 0.7, 7.0]]),
}


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


def count_slowly(first, second, lattice, bins, *, same):
    """Count every pair of every frame with every image that could ever matter."""
    spans = [int(np.ceil(bins.cutoff / h)) + 2 for h in heights(lattice)]
    shifts = itertools.product(*(range(-n, n + 1) for n in spans))
    counts = np.zeros(bins.number, dtype=int)
    for shift in shifts:
        vectors = (second[:, None] - first[:, :, None] + shift) @ lattice
        distances = np.linalg.norm(vectors, axis=-1)
        if same and shift == (0, 0, 0):
            for frame in distances:
                np.fill_diagonal(frame, np.inf)
        inside = distances[distances < bins.cutoff]
        counts += np.histogram(inside, bins=bins.edges)[0]
    return counts


def random_gas(n_frames, n_first, n_second, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n_frames, n_first, 3)), rng.random((n_frames, n_second, 3))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reach", [0.4, 0.51, 1.01, 1.99])
@pytest.mark.parametrize("same", [False, True])
def test_counts_are_those_of_all_images_in_any_cell(cell, reach, same, backend):
    lattice = CELLS[cell]
    smallest_edge = np.linalg.norm(lattice, axis=1).min()
    bins = Bins(reach * smallest_edge, 37)
    first, second = random_gas(2, 7, 5)
    second = first if same else second
    fast = count_pairs(first, second, lattice, bins, same=same, backend=backend)
    slow = count_slowly(first, second, lattice, bins, same=same)
    assert fast.tolist() == slow.tolist()
    assert fast.sum() > 0 or reach < 0.6


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-4, 4), min_size=9, max_size=9),
    st.floats(0.3, 9.0),
    st.integers(0, 2**32 - 1),
)
def test_counts_are_those_of_all_images_in_random_cells(numbers, cutoff, seed):
    lattice = np.array(numbers).reshape(3, 3) + 5 * np.eye(3)
    if abs(np.linalg.det(lattice)) < 20 or heights(lattice).min() < 1.5:
        return
    bins = Bins(cutoff, 11)
    first, second = random_gas(1, 3, 4, seed)
    fast = count_pairs(first, second, lattice, bins, same=False)
    assert (
        fast.tolist() == count_slowly(first, second, lattice, bins, same=False).tolist()
    )


@pytest.mark.parametrize("cell", CELLS)
def test_counts_are_those_of_matscipy(cell, backend):
    neighbors = pytest.importorskip("matscipy.neighbours")
    lattice = CELLS[cell]
    bins = Bins(1.99 * np.linalg.norm(lattice, axis=1).min(), 50)
    fractional, _ = random_gas(1, 9, 0)
    found = neighbors.neighbour_list(
        "d",
        cutoff=bins.cutoff,
        positions=fractional[0] @ lattice,
        cell=lattice,
        pbc=[True] * 3,
    )
    fast = count_pairs(
        fractional, fractional, lattice, bins, same=True, backend=backend
    )
    assert fast.tolist() == np.histogram(found, bins=bins.edges)[0].tolist()


def test_atoms_outside_the_cell_count_as_inside():
    bins = Bins(7.0, 20)
    first, second = random_gas(3, 6, 6)
    shifts = np.random.default_rng(1).integers(-3, 4, first.shape)
    lattice = CELLS["triclinic"]
    wrapped = count_pairs(first, second, lattice, bins, same=False)
    unwrapped = count_pairs(first + shifts, second, lattice, bins, same=False)
    assert wrapped.tolist() == unwrapped.tolist()


def test_another_choice_of_cell_vectors_changes_no_count():
    lattice = CELLS["triclinic"]
    turned = np.array([[1, 0, 0], [3, 1, 0], [-2, 1, 1]]) @ lattice
    bins = Bins(9.0, 30)
    first, second = random_gas(2, 5, 4)
    again = [x @ lattice @ np.linalg.inv(turned) for x in (first, second)]
    assert (
        count_pairs(first, second, lattice, bins, same=False).tolist()
        == count_pairs(*again, turned, bins, same=False).tolist()
    )


def test_an_atom_alone_meets_its_own_images():
    bins = Bins(5.5, 11)  # simple cubic, a = 3.2 Å: 6 at 3.2, 12 at 4.53, 8 at 5.54
    alone = np.zeros((1, 1, 3))
    counts = count_pairs(alone, alone, np.eye(3) * 3.2, bins, same=True)
    assert counts[6] == 6
    assert counts[9] == 12
    assert counts.sum() == 18


def test_without_periodicity_there_are_no_images():
    bins = Bins(20.0, 40)
    pair = np.array([[[0.05, 0.5, 0.5], [0.95, 0.5, 0.5]]])
    count = lambda pbc: count_pairs(  # noqa: E731
        pair, pair, np.eye(3) * 10, bins, same=True, pbc=pbc
    )
    assert np.flatnonzero(count((False, False, False))).tolist() == [18]
    assert count((True, False, False))[2] == 2


def test_a_distance_on_an_edge_belongs_to_the_bin_above(backend):
    positions = np.array([[[0.0, 0, 0]]]), np.array([[[0.25, 0, 0]]])
    counts = count_pairs(
        *positions, np.eye(3) * 8.0, Bins(4.0, 4), same=False, backend=backend
    )
    assert counts.tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("pbc", list(itertools.product((True, False), repeat=3)))
@pytest.mark.parametrize("cell", CELLS)
def test_both_kernels_and_vesin_agree_whatever_is_periodic(cell, pbc, backend):
    vesin = pytest.importorskip("vesin")
    lattice = CELLS[cell]
    bins = Bins(1.3 * np.linalg.norm(lattice, axis=1).min(), 40)
    fractional, _ = random_gas(1, 9, 0)
    (found,) = vesin.NeighborList(cutoff=bins.cutoff, full_list=True).compute(
        fractional[0] @ lattice, lattice, list(pbc), "d"
    )
    ours = count_pairs(
        fractional, fractional, lattice, bins, same=True, pbc=pbc, backend=backend
    )
    assert ours.tolist() == np.histogram(found, bins=bins.edges)[0].tolist()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reach", [0.45, 1.0, 1.6])
def test_every_frame_may_have_a_cell_of_its_own(cell, reach, backend):
    rng = np.random.default_rng(0)
    lattices = CELLS[cell] + rng.normal(0, 0.2, (6, 3, 3))
    cutoff = reach * np.linalg.norm(CELLS[cell], axis=1).min()
    groups, pairs, fractional = five_species(3, n_frames=6)
    task = PairTask(groups, pairs, Bins(cutoff, 30))
    positions = np.einsum("fni,fij->fnj", fractional, lattices)
    lanes = np.array([0, 0, 0, 1, 1, 2])
    found = count_block(task, positions, lattices, lanes, backend)
    alone = [
        count_block(task, positions[f : f + 1], lattices[f], backend="numpy")
        for f in range(6)
    ]
    for lane in range(3):
        parts = [alone[f][0] for f in np.flatnonzero(lanes == lane)]
        assert (found[lane] == sum(parts)).all()


def five_species(seed, n_frames=3):
    sizes = [4, 3, 5, 2, 1]
    edges = np.cumsum([0, *sizes])
    groups = tuple(np.arange(a, b) for a, b in itertools.pairwise(edges))
    pairs = tuple(itertools.combinations_with_replacement(range(5), 2))
    return groups, pairs, np.random.default_rng(seed).random((n_frames, 15, 3))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-4, 4), min_size=9, max_size=9),
    st.floats(0.3, 8.0),
    st.integers(0, 2**32 - 1),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_compiled_loops_give_every_count_of_numpy(numbers, cutoff, seed, pbc):
    pytest.importorskip("numba")
    lattice = np.array(numbers).reshape(3, 3) + 5 * np.eye(3)
    if abs(np.linalg.det(lattice)) < 20 or heights(lattice).min() < 1.5:
        return
    groups, pairs, fractional = five_species(seed)
    task = PairTask(groups, pairs, Bins(cutoff, 23), pbc)
    lanes = np.array([0, 0, 1])
    both = [
        count_block(task, fractional @ lattice, lattice, lanes, backend)
        for backend in ("numpy", "numba")
    ]
    assert (both[0] == both[1]).all()


@pytest.mark.parametrize("lanes", [[0] * 40, [0] * 15 + [1] * 25, list(range(40))])
def test_atoms_that_stay_far_apart_are_left_out_without_losing_one(lanes):
    pytest.importorskip("numba")
    rng = np.random.default_rng(5)
    lattice = np.diag([9.0, 11.0, 40.0])
    start = rng.random((60, 3)) @ lattice
    walk = np.cumsum(rng.normal(0, 0.3, (40, 60, 3)), axis=0)
    jumps = rng.integers(-2, 3, (40, 60, 3)) @ lattice  # some writers wrap, some do not
    task = PairTask(
        (np.arange(0, 60, 2), np.arange(1, 60, 2)),
        ((0, 0), (0, 1), (1, 1)), Bins(6.0, 60),
    )  # fmt: skip
    both = [
        count_block(task, start + walk + jumps, lattice, np.array(lanes), backend)
        for backend in ("numpy", "numba")
    ]
    assert (both[0] == both[1]).all()
    assert both[0].shape == (max(lanes) + 1, 3, 60)


def test_one_pass_gives_what_each_pair_alone_gives(backend):
    groups, pairs, fractional = five_species(1)
    lattice, bins = CELLS["triclinic"], Bins(6.3, 31)
    together = count_block(
        PairTask(groups, pairs, bins), fractional @ lattice, lattice,
        backend=backend,
    )  # fmt: skip
    for row, (a, b) in enumerate(pairs):
        first, second = fractional[:, groups[a]], fractional[:, groups[b]]
        alone = count_slowly(first, second, lattice, bins, same=a == b)
        assert together[0, row].tolist() == alone.tolist()


def test_stretches_of_time_are_told_apart(backend):
    groups, pairs, fractional = five_species(2, n_frames=7)
    lattice = CELLS["cubic"]
    task = PairTask(groups, pairs, Bins(5.0, 9))
    lanes = np.array([0, 0, 1, 2, 2, 2, 2])

    def count(f, lanes=None):
        return count_block(task, f @ lattice, lattice, lanes, backend)

    parts = count(fractional, lanes)
    for lane in range(3):
        alone = count(fractional[lanes == lane])
        assert (parts[lane] == alone[0]).all()


def test_a_read_only_array_is_counted_like_any_other(backend):
    first, second = random_gas(2, 4, 3)
    args = CELLS["cubic"], Bins(5.0, 8)
    free = count_pairs(first, second, *args, same=False, backend=backend)
    for array in (first, second, args[0]):
        array.flags.writeable = False
    locked = count_pairs(first, second, *args, same=False, backend=backend)
    CELLS["cubic"].flags.writeable = True
    assert free.tolist() == locked.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_position_that_is_no_number_is_refused(value, backend):
    first, second = random_gas(2, 4, 3)
    first[1, 2, 0] = value
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(AnalysisError, match="no number"),
    ):
        count_pairs(
            first, second, np.eye(3) * 5, Bins(3.0, 4), same=False, backend=backend
        )


def test_without_numba_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for module in ("ionface.compiled", "ionface.analysis.rdf.kernels.numba_kernel"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    first, second = random_gas(1, 4, 3)
    arguments = first, second, np.eye(3) * 5, Bins(3.0, 4)
    with pytest.raises(AnalysisError, match=r"install ionface\[fast\]"):
        count_pairs(*arguments, same=False, backend="numba")
    assert not use_numba("auto", 10**9)
    assert count_pairs(*arguments, same=False).sum() > 0


def frames_per_second(backend, n_frames):
    first, second = random_gas(n_frames, 92, 80)
    lattice, bins = np.diag([10.0, 20.0, 35.0]), Bins(10.0, 200)

    def run(frames):
        pair = first[:frames], second[:frames]
        count_pairs(*pair, lattice, bins, same=False, backend=backend)

    run(4)  # loads or compiles
    start = time.process_time()
    run(n_frames)
    return n_frames / (time.process_time() - start)


def test_numpy_counts_two_thousand_frames_a_second_and_numba_ten_thousand():
    assert frames_per_second("numpy", 300) > 1000  # half the aim: CI is slower
    pytest.importorskip("numba")
    assert frames_per_second("numba", 2000) > 5000


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
    options = {"edges": edges}
    one = tally(trajectory, PAIRS, Bins(6.0, 20), **options, threads=1, backend="numpy")
    more = tally(
        trajectory, PAIRS, Bins(6.0, 20), **options, threads=3, backend=backend
    )
    np.testing.assert_array_equal(one.counts, more.counts)
    assert one.density.tolist() == more.density.tolist()


def test_a_pair_and_its_reverse_share_their_counts(run):
    found = tally(run, PAIRS, Bins(4.0, 10))
    np.testing.assert_array_equal(found.counts[:, 0], found.counts[:, 1])


def test_stretches_hold_the_frames_between_their_edges(run):
    edges = np.array([0, 100, 300, 700])
    found = tally(run, PAIRS[:1], Bins(4.0, 10), edges=edges)
    assert found.frames.tolist() == [100, 200, 400]
    np.testing.assert_allclose(found.density, found.frames / 210)
    for k in range(3):
        part = tally(run.between(edges[k], edges[k + 1]), PAIRS[:1], Bins(4.0, 10))
        np.testing.assert_array_equal(part.counts[0], found.counts[k])


def test_progress_adds_up(run):
    told = []
    tally(run, PAIRS[:1], Bins(3.0, 3), threads=4, progress=told.append)
    assert sum(told) == 700


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
