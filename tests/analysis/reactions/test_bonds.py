import numpy as np
import pytest

from ionface.analysis.reactions.bond_events import bond_history
from ionface.analysis.reactions.bonds import bonds
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@pytest.fixture
def approach():
    """One In that comes nearer to one S, through the periodic boundary; no times."""
    distances = np.array([4.0, 3.5, 3.01, 2.9, 2.5, 2.8])
    positions = np.zeros((6, 3, 3))
    positions[:, 1, 0] = -distances
    positions[:, 2] = [5, 5, 5]
    return Trajectory.from_arrays(["In", "S", "S"], np.eye(3) * 10, positions)


def test_a_bond_counts_from_the_frame_where_it_is_short_enough(approach):
    assert bonds(approach, ["In-S"]).counts["In-S"].tolist() == [0, 0, 0, 1, 1, 1]


def test_a_given_cutoff_replaces_the_default(approach):
    counts = bonds(approach, {"In-S": 3.6})
    assert counts.counts["In-S"].tolist() == [0, 1, 1, 1, 1, 1]
    rule = counts.rules["In-S"]
    assert (rule.form, rule.release) == (pytest.approx(3.525), pytest.approx(3.675))


def test_the_order_of_a_pair_changes_no_bond(approach):
    there, back = (bonds(approach, [p]).counts[p] for p in ("In-S", "S-In"))
    assert there.tolist() == back.tolist()


def test_bonds_between_equals_count_once(in_memory):
    triangle = [[[0, 0, 0], [2, 0, 0], [1, np.sqrt(3), 0]]]
    run = in_memory(["In"] * 3, np.eye(3) * 20, triangle)
    assert bonds(run, {"In-In": 2.1}).counts["In-In"].tolist() == [3]


def test_a_chain_through_the_boundary_has_one_bond_per_atom(in_memory):
    run = in_memory(
        ["S"] * 3,
        np.diag([6.0, 20, 20]),
        [np.eye(3) * 0 + [[0, 0, 0], [2, 0, 0], [4, 0, 0]]],
    )
    assert bonds(run, {"S-S": 2.1}).counts["S-S"].tolist() == [3]


def test_rock_salt_has_six_bonds_per_ion(in_memory):
    faces = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    ions = 5.64 * np.concatenate([faces, faces + 0.5])
    run = in_memory(["Na"] * 4 + ["Cl"] * 4, np.eye(3) * 5.64, [ions])
    assert bonds(run, ["Na-Cl"]).counts["Na-Cl"].tolist() == [24]


def test_window_means_average_equal_parts(approach):
    means = bonds(approach, ["In-S"]).window_means(2)
    np.testing.assert_allclose(means["In-S"], [0, 1])
    assert len(bonds(approach, ["In-S"]).window_means(99)["In-S"]) == 6


def test_counts_are_those_of_their_file(approach, from_its_file):
    counts = bonds(approach, ["In-S"])
    assert from_its_file(counts).atoms == {"In-S": 1}
    assert len(list(counts.rows())) == 6
    assert repr(counts) == "BondCounts(In-S 0 to 1)"


@pytest.mark.parametrize(
    ("pairs", "complaint"),
    [
        (["In-Cl"], "no 'Cl'"),
        (["In"], "as in In-S"),
        ({"In-S": -2.0}, "must be positive"),
    ],
)
def test_an_impossible_request_is_refused(approach, pairs, complaint):
    with pytest.raises(AnalysisError, match=complaint):
        bonds(approach, pairs)


@pytest.mark.parametrize(
    ("path", "interval"),
    [
        ("argyrodite_data/data/Li6PS5Cl/0p/run1/actual_XDATCAR.gz", 100.0),
        (
            "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz",
            None,
        ),
    ],
)
def test_every_phosphorus_of_real_electrolytes_keeps_four_sulfurs(
    realdata, path, interval
):
    from ionface.analysis.readers import open_trajectory

    run = open_trajectory(realdata / path, timestep_fs=interval)
    counts = bonds(run, ["P-S"])
    assert (counts.counts["P-S"] == 4 * counts.atoms["P-S"]).all()
    assert len(counts.times_fs) > 100


def test_no_pair_is_refused(approach):
    with pytest.raises(AnalysisError, match="no pair"):
        bonds(approach, [])


def test_the_count_is_that_of_the_reactions(in_memory):
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 9, (1, 30, 3)) + rng.normal(0, 0.1, (200, 30, 3))
    run = in_memory(["In", "S"] * 15, np.eye(3) * 9, positions)
    history = bond_history(run, "In-S")
    assert bonds(run, ["In-S"]).counts["In-S"].tolist() == history.counts.tolist()
    assert history.counts.any()


def indium_chloride():
    """Return species, cell and places of InCl (Cmcm), 2 x 1 x 2 cells."""
    cell = np.diag([4.242, 12.32, 4.689])
    places, species = [], []
    for symbol, y in (("In", 0.38618), ("Cl", 0.15540)):
        for sign, z in ((1, 0.25), (-1, 0.75)):
            for shift in ((0, 0, 0), (0.5, 0.5, 0)):
                places.append(np.array([0, sign * y, z]) + shift)
                species.append(symbol)
    repeats = [np.array([i, 0, k]) for i in range(2) for k in range(2)]
    whole = np.concatenate([np.array(places) + r for r in repeats])
    return species * 4, cell @ np.diag([2, 1, 2]), whole @ cell


def vibrating(places, rms, period_fs, frames, rng, interval=2.0):
    """Return an Einstein crystal: atoms on springs that lose their phase in time."""
    shape = places.shape
    omega, damping = 2 * np.pi / period_fs, 1 / (2 * period_fs)
    x, v = rng.normal(0, rms, shape), rng.normal(0, rms * omega, shape)
    decay, result = np.exp(-damping * interval), []
    c, s = np.cos(omega * interval), np.sin(omega * interval)
    for _ in range(frames):
        result.append(places + x)
        x, v = c * x + s * v / omega, c * v - s * omega * x
        kick = np.sqrt(1 - decay**2)
        x = decay * x + kick * rng.normal(0, rms, shape)
        v = decay * v + kick * rng.normal(0, rms * omega, shape)
    return np.array(result)


@pytest.mark.parametrize("rms", [0.08, 0.12, 0.15])
def test_a_vibrating_crystal_keeps_its_sixteen_bonds(in_memory, rms):
    species, cell, places = indium_chloride()
    rng = np.random.default_rng(0)
    run = in_memory(species, cell, vibrating(places, rms, 150.0, 5000, rng))
    counts = bonds(run, ["In-Cl"]).counts["In-Cl"]
    assert counts.mean() == pytest.approx(16, abs=0.5)
    quarters = [part.mean() for part in np.array_split(counts, 4)]
    assert np.ptp(quarters) < 1  # and no more of them as time goes on
    plain = bonds(Trajectory.from_arrays(species, cell, run.positions), ["In-Cl"])
    assert rms == 0.08 or plain.counts["In-Cl"].mean() > 17  # of single frames


@pytest.mark.parametrize(("distance", "spread"), [(3.3, 0.2), (3.2, 0.15)])
def test_atoms_that_touch_without_a_bond_have_none(blinking, distance, spread):
    rng = np.random.default_rng(1)
    rest = np.full((40, 1), distance)
    contacts = vibrating(rest, spread, 120.0, 5000, rng)[:, :, 0]
    counts = bonds(blinking(contacts), ["In-S"]).counts["In-S"]
    assert counts.mean() < 0.4  # of 40, where single frames below 3 Å give 3
    assert (contacts < 3.0).sum(axis=1).mean() > 2
