"""Frames added one by one give what they give all at once."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.rdf.rdf import RunningRdf, crystal_rdf, rdf, suitable_windows
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

ROCK_SALT = 4.0  # Å
SPECIES = ["Na"] * 4 + ["Cl"] * 4
FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
IONS = ROCK_SALT * np.concatenate([FACES, FACES + 0.5])


@pytest.fixture
def gas(in_memory):
    def make(n_frames=200, lattice=((9.0, 0, 0), (3.0, 8.0, 0), (1, 2, 12)), fill=1.0):
        rng = np.random.default_rng(3)
        fractional = rng.random((n_frames, 60, 3)) * [1, 1, fill]
        return in_memory(["In", "S"] * 30, lattice, fractional @ np.array(lattice))

    return make


@pytest.mark.parametrize("bins", [7, 40, 160])
@pytest.mark.parametrize("cutoff", [4.0, 13.0])
@pytest.mark.parametrize("normalization", ["cell", "profile"])
def test_ideal_gas_is_uncorrelated_whatever_the_bins(gas, bins, cutoff, normalization):
    result = rdf(
        gas(), ["In-S"], cutoff=cutoff, bins=bins, windows=1,
        normalization=normalization,
    )  # fmt: skip
    pair = result.pairs["In-S"]
    counts = pair.counts[0]
    busy = counts > 50
    noise = 1 / np.sqrt(counts[busy])
    assert (np.abs(pair.g[0][busy] - 1) < 5 * noise).all()
    assert pair.g[0][busy].mean() == pytest.approx(1, abs=0.02)


def test_a_half_filled_cell_needs_its_profile_to_tend_to_one(gas):
    half = gas(n_frames=400, lattice=np.diag([9.0, 9.0, 30.0]), fill=0.5)
    options = {"cutoff": 8.0, "bins": 16, "windows": 1}
    cell = rdf(half, ["In-S"], **options).pairs["In-S"].g[0]
    profile = rdf(half, ["In-S"], **options, normalization="profile")
    # Around an atom at height z of a film of thickness T, a sphere of radius r lies
    # outside for r - z; averaged over z, a part r / 2T of its surface is outside.
    r = (np.arange(16) + 0.5) * 0.5
    np.testing.assert_allclose(cell[4:], 2 * (1 - r[4:] / 30), rtol=0.06)
    np.testing.assert_allclose(profile.pairs["In-S"].g[0][4:], 1, atol=0.06)


def test_rock_salt_has_its_known_shells():
    result = crystal_rdf(
        SPECIES, ROCK_SALT * np.eye(3), IONS, ["Na-Cl", "Na-Na"], cutoff=5.0, bins=500
    )
    n = {name: pair.n[0] for name, pair in result.pairs.items()}
    at = lambda r: int(r / 0.01)  # noqa: E731
    # Na-Cl: 6 at a/2, 8 at a √3/2, 24 at a √5/2; Na-Na: 12 at a/√2, 6 at a
    assert n["Na-Cl"][at(1.9)] == 0
    assert n["Na-Cl"][at(2.1)] == 6
    assert n["Na-Cl"][at(3.6)] == 14
    assert n["Na-Cl"][at(4.6)] == 38
    assert n["Na-Na"][at(2.9)] == 12
    assert n["Na-Na"][at(4.1)] == 18
    peak = result.pairs["Na-Cl"].first_peaks[0]
    assert peak.r == pytest.approx(2.0, abs=0.01)
    assert peak.coordination == 6


def test_a_primitive_cell_and_a_supercell_are_one_crystal():
    cell = ROCK_SALT / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    primitive = crystal_rdf(
        ["Na", "Cl"], cell, [[0, 0, 0], [2.0, 2.0, 2.0]], ["Na-Cl", "Cl-Cl"], cutoff=7.3
    )
    cubic = crystal_rdf(
        SPECIES, ROCK_SALT * np.eye(3), IONS + 0.1, ["Na-Cl", "Cl-Cl"], cutoff=7.3
    )
    for name in ("Na-Cl", "Cl-Cl"):
        np.testing.assert_allclose(
            primitive.pairs[name].n[0][::20], cubic.pairs[name].n[0][::20], atol=1e-9
        )


def test_broadening_keeps_the_number_of_neighbors():
    arguments = (SPECIES, ROCK_SALT * np.eye(3), IONS, ["Na-Cl"])
    lines = crystal_rdf(*arguments, cutoff=3.0, bins=300)
    warm = crystal_rdf(*arguments, cutoff=3.0, bins=300, broadening=0.1)
    r = lines.r
    neighbors = [(result.pairs["Na-Cl"].g[0] * r**2).sum() for result in (lines, warm)]
    assert neighbors[0] == pytest.approx(neighbors[1], rel=1e-6)
    assert warm.pairs["Na-Cl"].g[0].max() < lines.pairs["Na-Cl"].g[0].max() / 5
    # half of the maximum lies 1.18 standard deviations away from it
    shape = warm.pairs["Na-Cl"].g[0] * r**2
    wide = r[shape > shape.max() / 2]
    assert wide[-1] - wide[0] == pytest.approx(2.355 * 0.1, abs=0.02)


def test_coordination_and_g_tell_the_same(gas):
    result = rdf(gas(), ["In-S"], cutoff=9.0, bins=90, windows=4)
    pair = result.pairs["In-S"]
    edges = np.arange(91) * 0.1
    density = 30 / (9.0 * 8.0 * 12.0)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    np.testing.assert_allclose(np.cumsum(pair.g * shells * density, axis=1), pair.n)


def test_the_two_directions_of_a_pair_differ_by_their_numbers(in_memory):
    rng = np.random.default_rng(0)
    run = in_memory(["In"] * 6 + ["S"] * 18, np.eye(3) * 7, rng.random((9, 24, 3)) * 7)
    pairs = rdf(run, ["In-S", "S-In"], windows=1).pairs
    np.testing.assert_array_equal(pairs["In-S"].counts, pairs["S-In"].counts)
    np.testing.assert_allclose(pairs["In-S"].g, pairs["S-In"].g)
    np.testing.assert_allclose(pairs["In-S"].n, 3 * pairs["S-In"].n)


def test_windows_are_equal_parts_of_the_time(gas):
    result = rdf(gas(n_frames=10), ["In-S"], windows=5)
    assert result.windows_fs == ((0, 2), (4, 6), (8, 10), (12, 14), (16, 18))
    assert result.pairs["In-S"].g.shape == (5, 200)


def test_there_are_no_more_windows_than_frames(gas):
    result = rdf(gas(n_frames=3), ["In-S"], windows=10)
    assert len(result.windows_fs) == 3
    assert np.isnan(result.pairs["In-S"].g_error).all()


def test_windows_add_up_to_the_whole(gas):
    run = gas(n_frames=103)
    whole = rdf(run, ["In-S"], windows=1).pairs["In-S"].counts[0]
    parts = rdf(run, ["In-S"], windows=10).pairs["In-S"].counts
    np.testing.assert_array_equal(parts.sum(axis=0), whole)


def test_a_change_in_time_shows_in_its_window(in_memory):
    distances = np.repeat([2.5, 4.0], 20)
    positions = np.zeros((40, 2, 3))
    positions[:, 1, 0] = distances
    run = in_memory(["In", "S"], np.eye(3) * 20, positions)
    peaks = rdf(run, ["In-S"], windows=2).pairs["In-S"].first_peaks
    assert [peak.r for peak in peaks] == pytest.approx([2.5, 4.0], abs=0.03)
    assert [peak.coordination for peak in peaks] == [1, 1]


@pytest.mark.slow
def test_the_error_is_that_of_independent_frames(gas):
    runs = gas(n_frames=4000)
    pair = rdf(runs, ["In-S"], cutoff=6.0, bins=6, windows=16).pairs["In-S"]
    away = np.abs(pair.g - 1)[:, 2:] / pair.g_error[:, 2:]
    # of 64 that 95 % should hold: four more or fewer come by chance once in 50
    assert 0.88 <= np.mean(away < 1.96) <= 1.0
    spread = pair.g.std(axis=0, ddof=1)[2:]
    told = np.median(pair.g_error, axis=0)[2:]
    # a fifth too large, as `statistics.inefficiency` says of 32 independent values
    assert (told / spread).mean() == pytest.approx(1.2, abs=0.3)


def test_a_cell_that_breathes_is_followed_frame_by_frame():
    scales = np.array([1.0, 1.02, 1.05])
    fractional = IONS / ROCK_SALT
    segment = Segment(
        steps=np.arange(3),
        times_fs=np.arange(3.0),
        lattices=scales[:, None, None] * ROCK_SALT * np.eye(3),
        positions=scales[:, None, None] * ROCK_SALT * fractional,
    )
    run = Trajectory(tuple(SPECIES), (segment,))
    peaks = rdf(run, ["Na-Cl"], windows=3).pairs["Na-Cl"].first_peaks
    assert [p.r for p in peaks] == pytest.approx(2.0 * scales, abs=0.03)
    assert [p.coordination for p in peaks] == [6, 6, 6]


def test_a_stored_run_gives_what_memory_gives(write_run, in_memory):
    stored = Trajectory.open(write_run(n_frames=30, n_atoms=20))
    memory = in_memory(stored.species, stored.lattice, stored.positions)
    ours = rdf(stored, ["In-S"], windows=3)
    assert ours.pairs["In-S"].counts.tolist() == (
        rdf(memory, ["In-S"], windows=3).pairs["In-S"].counts.tolist()
    )


def test_the_file_has_the_agreed_keys_and_comes_back(gas, tmp_path):
    result = rdf(gas(n_frames=12), ["In-S", "In-In"], windows=3)
    result.write(tmp_path / "rdf.json")
    data = json.loads((tmp_path / "rdf.json").read_text())
    assert data.keys() == {
        "kind",
        "pairs",
        "windows_fs",
        "normalization",
        "frames",
        "skipped",
        "sources",
        "ionface",
        "units",
    }
    assert data["pairs"]["In-S"].keys() == {"r", "g", "n", "g_error", "first_peak"}
    again = RdfResult.from_dict(data)
    assert again.as_dict() == result.as_dict()
    np.testing.assert_array_equal(again.pairs["In-S"].g, result.pairs["In-S"].g)


def test_unknown_errors_are_null_and_not_nan(gas, from_its_file):
    alone = rdf(gas(n_frames=1), ["In-S"])
    again = from_its_file(replace(alone, references={"crystal": alone}))
    assert np.isnan(again.pairs["In-S"].g_error).all()
    assert again.references["crystal"].frames == 1


def test_the_table_has_a_row_for_each_window_and_distance(gas):
    result = rdf(gas(n_frames=12), ["In-S", "In-In"], windows=3, bins=10)
    rows = list(result.rows())
    assert len(rows) == 30
    assert rows[13]["In-S g"] == result.pairs["In-S"].g[1, 3]
    assert "In-S, In-In in 3 windows" in repr(result)


def test_progress_adds_up_to_all_frames(gas):
    told = []
    rdf(gas(n_frames=77), ["In-S"], windows=4, progress=told.append)
    assert sum(told) == 77


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"pairs": ["In-Cl"]}, "no 'Cl' in this trajectory"),
        ({"pairs": ["InS"]}, "as in In-S"),
        ({"pairs": []}, "needs a pair"),
        ({"pairs": ["In-S"], "cutoff": -1.0}, "positive cutoff"),
        ({"pairs": ["In-S"], "windows": 0}, "windows=0"),
        ({"pairs": ["In-S"], "normalization": "box"}, "'box'"),
    ],
)
def test_an_impossible_request_is_refused(gas, options, complaint):
    pairs = options.pop("pairs")
    with pytest.raises(AnalysisError, match=complaint):
        rdf(gas(n_frames=2), pairs, **options)


def test_a_trajectory_without_frames_says_why(write_run):
    path = write_run(n_frames=1)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(AnalysisError, match=r"no complete frame.*incomplete"):
        rdf(Trajectory.open(path), ["In-S"])


def test_another_file_is_no_rdf():
    with pytest.raises(AnalysisError, match="no rdf result"):
        RdfResult.from_dict({"interfaces": []})


FIVE_ATOMS = ("In", "In", "S", "S", "S")
PAIRS = ["In-S", "S-S"]
SETTINGS = {"cutoff": 5.0, "bins": 20}


@pytest.fixture
def gas_of_five(in_memory):
    def make(n):
        rng = np.random.default_rng(0)
        return in_memory(
            FIVE_ATOMS, np.diag([4.0, 5.0, 6.0]), 6 * rng.random((n, 5, 3))
        )

    return make


def running(trajectory, pieces, windows):
    found = RunningRdf(FIVE_ATOMS, PAIRS, windows=windows, **SETTINGS)
    edges = [0, *pieces, len(trajectory)]
    for a, b in itertools.pairwise(edges):
        found.add(trajectory.segments[0][a:b])
    return found


@pytest.mark.parametrize("pieces", [[], [1], [1, 2, 3, 50], list(range(1, 100))])
def test_while_blocks_are_single_frames_everything_is_that_of_one_pass(
    gas_of_five, pieces
):
    trajectory = gas_of_five(100)
    found = running(trajectory, pieces, 3).result()
    right = rdf(trajectory, PAIRS, windows=3, **SETTINGS)
    assert found.windows_fs == right.windows_fs
    assert found.frames == 100
    for name, pair in right.pairs.items():
        np.testing.assert_array_equal(found.pairs[name].counts, pair.counts)
        np.testing.assert_allclose(found.pairs[name].g, pair.g, rtol=1e-12)
        np.testing.assert_allclose(found.pairs[name].n, pair.n, rtol=1e-12)
        np.testing.assert_allclose(found.pairs[name].g_error, pair.g_error, rtol=1e-9)


@pytest.mark.parametrize("pieces", [[], [130], list(range(0, 700, 3))])
def test_no_pair_is_lost_when_blocks_are_added_up(gas_of_five, pieces):
    trajectory = gas_of_five(701)
    found = running(trajectory, pieces, 2)
    result = found.result()
    right = rdf(trajectory, PAIRS, windows=1, **SETTINGS)
    for name, pair in right.pairs.items():
        counts = result.pairs[name].counts.sum(axis=0)
        np.testing.assert_array_equal(counts, pair.counts[0])
    assert result.windows_fs[0][0] == 0
    assert result.windows_fs[-1][1] == 1400
    # Each window is that of the frames between its times.
    for k, (start, stop) in enumerate(result.windows_fs):
        part = trajectory.between(int(start / 2), int(stop / 2) + 1)
        alone = rdf(part, ["In-S"], windows=1, **SETTINGS).pairs["In-S"]
        np.testing.assert_allclose(result.pairs["In-S"].g[k], alone.g[0], rtol=1e-12)


def test_memory_does_not_grow_with_the_frames(gas_of_five):
    trajectory = gas_of_five(100)
    found = RunningRdf(FIVE_ATOMS, PAIRS, windows=1, **SETTINGS)
    sizes = []
    for _ in range(40):
        found.add(trajectory.segments[0])
        sizes.append(len(found._numbers))
    assert max(sizes) <= 64
    assert found._numbers.sum() == found.frames == 4000


def test_no_frame_a_strange_species_and_no_pair_are_said():
    with pytest.raises(AnalysisError, match="no complete frame"):
        RunningRdf(FIVE_ATOMS, PAIRS, windows=1).result()
    with pytest.raises(AnalysisError, match="'Xx'"):
        RunningRdf(FIVE_ATOMS, ["In-Xx"])
    with pytest.raises(AnalysisError, match="needs a pair"):
        RunningRdf(FIVE_ATOMS, [])


@pytest.mark.parametrize(
    ("frames", "timestep_fs", "windows"),
    [
        (2000, 2.0, 10),  # no more than can be told apart
        (200, 2.0, 3),  # 400 fs
        (260, 20.0, 5),  # 50 frames each
        (60, 0.1, 1),  # 6 fs
        (10, 2.0, 1),
        (1, 0.0, 1),
    ],
)
def test_the_number_of_windows_follows_the_length_of_the_run(
    frames, timestep_fs, windows
):
    assert suitable_windows(np.arange(frames) * timestep_fs) == windows


def test_frames_without_times_count_alone():
    assert suitable_windows(np.full(200, np.nan)) == 4
