import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.rdf.kernels.counting import tally
from ionface.analysis.rdf.kernels.images import Bins, heights
from ionface.analysis.reactions.bond_events import bond_history, contacts
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

QUICK = BondRule(3.0, 3.5, average_fs=0.0)


def history(blinking, distances, rule=QUICK):
    return bond_history(blinking(np.transpose([distances])), "In-S", rule)


def spans(found):
    return list(zip(found.start.tolist(), found.stop.tolist(), strict=True))


def test_a_bond_forms_below_one_length_and_breaks_beyond_another(blinking):
    distances = [4.0, 3.2, 2.9, 3.2, 3.4, 2.8, 3.6, 3.2, 3.1, 4.0]
    found = history(blinking, distances)
    assert spans(found) == [(2, 6)]
    assert found.counts.tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    assert found.formed_fs.tolist() == [4.0]
    assert found.broken_fs.tolist() == [12.0]


def test_a_vibration_across_the_bond_length_is_no_event(blinking):
    vibration = 3.0 + 0.3 * np.sin(np.arange(200) * 0.4)
    found = history(blinking, vibration)
    assert len(found) == 1
    assert len(found.broken_fs) == 0
    # without hysteresis each period would count
    assert len(history(blinking, vibration, BondRule(3.0, 3.0, 0.0))) > 10


def test_a_bond_of_the_first_frame_has_not_formed(blinking):
    found = history(blinking, [2.5, 2.5, 4.0, 2.5])
    assert spans(found) == [(0, 2), (3, 4)]
    assert found.formed_fs.tolist() == [6.0]
    assert found.broken_fs.tolist() == [4.0]


def test_a_bond_is_judged_by_its_average_length(blinking):
    distances = np.full(800, 5.0)
    distances[200:400] = distances[420:600] = 2.6  # 40 fs apart
    distances[700:740] = 2.6  # 80 fs long
    rule = BondRule(2.925, 3.075, average_fs=200.0)
    (found,) = spans(history(blinking, distances, rule))
    # it begins and ends within a quarter of the average of when it does
    np.testing.assert_allclose(found, [200, 600], atol=25)
    patient = BondRule(2.925, 3.075, average_fs=20.0)
    found = spans(history(blinking, distances, patient))
    np.testing.assert_allclose(found, [[200, 400], [420, 600], [700, 740]], atol=5)


def test_near_the_ends_of_a_run_the_average_has_the_frames_that_are_there(blinking):
    rule = BondRule(2.925, 3.075, average_fs=200.0)
    assert history(blinking, [2.5], rule).counts.tolist() == [1]
    assert history(blinking, [2.5, 2.6, 2.5], rule).counts.tolist() == [1, 1, 1]
    assert history(blinking, [4.5, 4.6, 2.5], rule).counts.tolist() == [0, 0, 0]
    distances = np.full(300, 2.6)
    distances[250:] = 5.0
    assert history(blinking, distances, rule).counts[[0, 200, -1]].tolist() == [1, 1, 0]


def test_frames_far_apart_stand_for_themselves(blinking):
    run = blinking(np.transpose([[2.5, 4.0, 2.5, 2.5]]), interval=150.0)
    rule = BondRule(2.925, 3.075, average_fs=200.0)
    assert bond_history(run, "In-S", rule).counts.tolist() == [1, 0, 1, 1]


def test_what_is_bonded_through_several_faces_counts_each_time(in_memory):
    positions = np.tile([[0.0, 0, 0], [1.5, 0, 0]], (4, 1, 1))
    run = in_memory(["In", "S"], np.diag([3.0, 20, 20]), positions)
    assert bond_history(run, "In-S", BondRule(1.8, 2.0)).counts.tolist() == [2] * 4
    chain = in_memory(["In"], np.diag([2.5, 20, 20]), np.zeros((4, 1, 3)))
    assert bond_history(chain, "In-In", BondRule(2.8, 3.0)).counts.tolist() == [1] * 4


def test_a_bond_lasts_while_both_atoms_wander_through_the_faces(in_memory):
    # 600 frames, several blocks; each atom leaves the cell dozens of times
    center = np.cumsum(np.random.default_rng(0).normal(0, 0.5, (600, 3)), axis=0)
    positions = np.stack([center, center + np.array([2.5, 0, 0])], axis=1) % 9.0
    run = in_memory(["In", "S"], np.eye(3) * 9, positions)
    assert spans(bond_history(run, "In-S", QUICK)) == [(0, 600)]


def test_pairs_are_told_apart(blinking):
    distances = np.full((6, 3), 5.0)
    distances[1:, 0] = distances[:3, 1] = 2.5
    found = bond_history(blinking(distances), "In-S", QUICK)
    assert found.first.tolist() == [0, 2]
    assert found.second.tolist() == [1, 3]
    assert spans(found) == [(1, 6), (0, 3)]
    assert found.atoms == (3, 3)


def test_an_atom_that_crosses_the_boundary_keeps_its_bond(in_memory):
    positions = np.zeros((50, 2, 3))
    positions[:, 0, 0] = np.linspace(0, 20, 50) % 10.0
    positions[:, 1, 0] = (np.linspace(0, 20, 50) + 2.5) % 10.0
    run = in_memory(["In", "S"], np.eye(3) * 10.0, positions)
    assert spans(bond_history(run, "In-S", QUICK)) == [(0, 50)]


def test_bonds_between_equals_count_once(in_memory):
    triangle = [[[0, 0, 0], [2, 0, 0], [1, np.sqrt(3), 0]]] * 4
    run = in_memory(["In"] * 3, np.eye(3) * 20, triangle)
    assert bond_history(run, "In-In", BondRule(2.1, 2.5)).counts.tolist() == [3] * 4


@pytest.mark.parametrize(
    "path",
    [
        "argyrodite_data/data/Li6PS5Cl/0p/run1/actual_XDATCAR.gz",
        "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz",
    ],
)
def test_every_phosphorus_of_a_real_electrolyte_keeps_its_four_sulfurs(realdata, path):
    from ionface.analysis.reactions.groups import group_counts
    from ionface.analysis.readers import open_trajectory

    run = open_trajectory(
        realdata / path, timestep_fs=100.0 if "XDATCAR" in path else None
    )
    found = bond_history(run, "P-S")
    atoms = len(run.indices("P"))
    assert (found.counts == 4 * atoms).all()
    assert len(found.broken_fs) == 0
    groups = group_counts(found).counts
    assert list(groups) == ["PS4"]
    assert (groups["PS4"] == atoms).all()


CELL = np.array([[9.0, 0, 0], [2.0, 8.0, 0], [-3.0, 2.0, 12.0]])


@pytest.fixture
def walk(in_memory):
    rng = np.random.default_rng(4)
    start = rng.random((20, 3)) @ CELL
    steps = np.cumsum(rng.normal(0, 0.2, (300, 20, 3)), axis=0)
    jumps = rng.integers(-1, 2, (300, 20, 3)) @ CELL
    return in_memory(["In", "S"] * 10, CELL, start + steps + jumps)


@pytest.mark.parametrize("pair", [("In", "S"), ("In", "In")])
@pytest.mark.parametrize("reach", [3.5, 9.0])
def test_as_many_contacts_as_the_kernel_counts_distances(walk, pair, reach):
    found = contacts(walk, pair, reach)
    both = tally(walk, [pair], Bins(reach, 1), edges=np.arange(301)).counts[:, 0, 0]
    once = both // 2 if pair[0] == pair[1] else both
    assert np.bincount(found.frame, minlength=300).tolist() == once.tolist()
    assert once.sum() > 100


def test_contacts_are_ordered_by_pair_and_then_by_time(walk):
    found = contacts(walk, ("In", "S"), 4.0)
    columns = (found.first, found.second, found.image, found.frame)
    keys = list(zip(*columns, strict=True))
    assert keys == sorted(set(keys))
    assert set(found.first) <= set(range(0, 20, 2))
    parts = [frames.tolist() for _, frames, _ in found.by_pair()]
    assert sum(map(len, parts)) == len(keys)
    assert all(frames == sorted(set(frames)) for frames in parts)


def check_images(lattices, positions, reach):
    run = Trajectory(
        ("In", "S"), (Segment(np.arange(3), np.arange(3.0), lattices, positions),)
    )
    found = contacts(run, ("In", "S"), reach)
    shifts = np.array(np.meshgrid(*[np.arange(-8, 9)] * 3)).reshape(3, -1).T
    every = positions[:, 1, None] - positions[:, 0, None] + shifts @ lattices
    distances = np.linalg.norm(every, axis=2)
    near = distances < reach
    assert np.bincount(found.frame, minlength=3).tolist() == near.sum(axis=1).tolist()
    np.testing.assert_allclose(np.sort(found.distance), np.sort(distances[near]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=9, max_size=9), st.integers(0, 2**32 - 1))
def test_the_distances_are_those_of_all_images_in_any_cell(numbers, seed):
    cell = np.array(numbers).reshape(3, 3) + 5 * np.eye(3)
    if abs(np.linalg.det(cell)) < 30 or heights(cell).min() < 2.0:
        return
    rng = np.random.default_rng(seed)
    lattices = cell * (1 + 0.1 * rng.random(3))[:, None, None]
    check_images(lattices, rng.random((3, 2, 3)) @ lattices, 6.0)


@pytest.mark.parametrize("seed", range(20))
def test_all_images_are_found_in_a_strongly_skewed_cell(seed):
    cell = np.array([[5.0, 0, 0], [12.0, 5.0, 0], [-9.0, 8.0, 6.0]])
    positions = np.random.default_rng(seed).random((3, 2, 3)) @ cell
    check_images(np.repeat(cell[None], 3, axis=0), positions, 4.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_atoms_at_rest_just_within_reach_are_not_left_out(in_memory, axis):
    positions = np.zeros((4, 2, 3))
    positions[:, 1, axis] = 3.499
    run = in_memory(["In", "S"], np.diag([9.0, 10.0, 11.0]), positions)
    assert len(contacts(run, ("In", "S"), 3.5).frame) == 4


def test_what_cannot_be_is_refused(walk):
    with pytest.raises(AnalysisError, match="no 'Cl'"):
        contacts(walk, ("In", "Cl"), 3.0)
    with pytest.raises(AnalysisError, match="images"):
        contacts(walk, ("In", "S"), 200.0)
    with pytest.raises(AnalysisError, match="no complete frame"):
        contacts(Trajectory(("In", "S"), ()), ("In", "S"), 3.0)
    walk.segments[0].positions[3, 1] = np.nan
    with pytest.raises(AnalysisError, match="no number"):
        contacts(walk, ("In", "S"), 3.0)
