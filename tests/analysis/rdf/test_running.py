"""Frames added one by one give what they give all at once."""

import itertools

import numpy as np
import pytest

from ionface.analysis.rdf.rdf import partial_rdfs
from ionface.analysis.rdf.running import RunningRdf
from ionface.errors import AnalysisError

SPECIES = ("In", "In", "S", "S", "S")
PAIRS = ["In-S", "S-S"]
SETTINGS = {"cutoff": 5.0, "bins": 20}


@pytest.fixture
def gas(in_memory):
    def make(n):
        rng = np.random.default_rng(0)
        return in_memory(SPECIES, np.diag([4.0, 5.0, 6.0]), 6 * rng.random((n, 5, 3)))

    return make


def running(trajectory, pieces, windows):
    found = RunningRdf(SPECIES, PAIRS, windows=windows, **SETTINGS)
    edges = [0, *pieces, len(trajectory)]
    for a, b in itertools.pairwise(edges):
        found.add(trajectory.segments[0][a:b])
    return found


@pytest.mark.parametrize("pieces", [[], [1], [1, 2, 3, 50], list(range(1, 100))])
def test_while_blocks_are_single_frames_everything_is_that_of_one_pass(gas, pieces):
    trajectory = gas(100)
    found = running(trajectory, pieces, 3).result()
    right = partial_rdfs(trajectory, PAIRS, windows=3, **SETTINGS)
    assert found.windows_fs == right.windows_fs
    assert found.frames == 100
    for name, pair in right.pairs.items():
        np.testing.assert_array_equal(found.pairs[name].counts, pair.counts)
        np.testing.assert_allclose(found.pairs[name].g, pair.g, rtol=1e-12)
        np.testing.assert_allclose(found.pairs[name].n, pair.n, rtol=1e-12)
        np.testing.assert_allclose(found.pairs[name].g_error, pair.g_error, rtol=1e-9)


@pytest.mark.parametrize("pieces", [[], [130], list(range(0, 700, 3))])
def test_no_pair_is_lost_when_blocks_are_added_up(gas, pieces):
    trajectory = gas(701)
    found = running(trajectory, pieces, 2)
    result = found.result()
    right = partial_rdfs(trajectory, PAIRS, windows=1, **SETTINGS)
    for name, pair in right.pairs.items():
        counts = result.pairs[name].counts.sum(axis=0)
        np.testing.assert_array_equal(counts, pair.counts[0])
    assert result.windows_fs[0][0] == 0
    assert result.windows_fs[-1][1] == 1400
    # Each window is that of the frames between its times.
    for k, (start, stop) in enumerate(result.windows_fs):
        part = trajectory.between(int(start / 2), int(stop / 2) + 1)
        alone = partial_rdfs(part, ["In-S"], windows=1, **SETTINGS).pairs["In-S"]
        np.testing.assert_allclose(result.pairs["In-S"].g[k], alone.g[0], rtol=1e-12)


def test_memory_does_not_grow_with_the_frames(gas):
    trajectory = gas(100)
    found = RunningRdf(SPECIES, PAIRS, windows=1, **SETTINGS)
    sizes = []
    for _ in range(40):
        found.add(trajectory.segments[0])
        sizes.append(len(found._numbers))
    assert max(sizes) <= 64
    assert found._numbers.sum() == found.frames == 4000


def test_no_frame_a_strange_species_and_no_pair_are_said():
    with pytest.raises(AnalysisError, match="no complete frame"):
        RunningRdf(SPECIES, PAIRS, windows=1).result()
    with pytest.raises(AnalysisError, match="'Xx'"):
        RunningRdf(SPECIES, ["In-Xx"])
    with pytest.raises(AnalysisError, match="needs a pair"):
        RunningRdf(SPECIES, [])
