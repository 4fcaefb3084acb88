import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionface.analysis.interphase.density_profiles import (
    blurred,
    normal_drift,
    profiles,
)
from ionface.errors import AnalysisError

LEANING = np.array([[5.0, 0, 0], [1.0, 6.0, 0], [2.0, -1.0, 10.0]])


@given(
    seed=st.integers(0, 2**32 - 1),
    slices=st.integers(1, 80),
    smearing=st.floats(0, 0.7),
    periodic=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_smearing_loses_an_atom(seed, slices, smearing, periodic):
    counts = np.random.default_rng(seed).integers(0, 5, slices).astype(float)
    found = blurred(counts, smearing * slices, periodic=periodic)
    assert found.sum() == pytest.approx(counts.sum(), rel=1e-9)


def test_the_integral_over_the_cell_is_the_number_of_atoms(make_run):
    rng = np.random.default_rng(0)
    positions = rng.uniform(-20, 20, (30, 9, 3))
    run = make_run(["Li"] * 5 + ["S"] * 4, LEANING, positions)
    found = profiles(run, windows=4, resolution=0.3, drift="none")
    atoms = {k: v.sum(axis=1) * found.slice_volume for k, v in found.densities.items()}
    np.testing.assert_allclose(atoms["Li"], 5)
    np.testing.assert_allclose(atoms["S"], 4)
    assert found.area * found.height == pytest.approx(300)


def test_smearing_widens_a_layer_to_a_gaussian_across_the_border(make_run):
    positions = np.zeros((1, 1, 3))
    run = make_run(["Li"], LEANING, positions)
    found = profiles(run, resolution=0.05, smearing=0.5)
    offset = (found.heights + 5) % 10 - 5
    share = found.densities["Li"][0] * found.slice_volume
    assert np.sum(share * offset**2) ** 0.5 == pytest.approx(0.5, rel=0.02)
    assert share[0] == pytest.approx(share[-1], rel=0.15)


def test_a_slab_on_the_border_is_not_cut_in_two(make_run):
    heights = np.array([-3.0, 0.0, 3.0])
    positions = np.zeros((5, 3, 3))
    positions[..., 2] = heights % 10
    found = profiles(make_run(["O"] * 3, LEANING, positions), smearing=0, windows=1)
    peaks = found.heights[found.densities["O"][0] > 0]
    np.testing.assert_allclose(peaks, heights, atol=0.1)
    assert found.edges[-1] - found.edges[0] == pytest.approx(10)


def test_windows_split_the_run_in_time(make_run):
    positions = np.full((10, 1, 3), 2.5)
    positions[5:, 0, 2] = 7.5
    run = make_run(["Li"], LEANING, positions)
    found = profiles(run, windows=2, smearing=0, drift="none")
    first, second = found.densities["Li"]
    assert found.heights[np.argmax(first)] == pytest.approx(2.5, abs=0.1)
    assert found.heights[np.argmax(second)] == pytest.approx(7.5, abs=0.1)
    assert found.windows_fs == ((0.0, 8.0), (10.0, 18.0))
    assert profiles(run, windows=99, drift="none").frames == (1,) * 10


def test_a_slab_that_drifts_as_a_whole_does_not_blur(make_run):
    positions = np.random.default_rng(0).uniform(0, 10, (1, 5, 3)) * np.ones((40, 1, 1))
    positions[..., 2] += 0.3 * np.arange(40)[:, None]
    run = make_run(["S"] * 5, LEANING, positions)
    np.testing.assert_allclose(normal_drift(run, "all"), 0.03 * np.arange(40))
    sharp, blurred = (
        profiles(run, windows=1, smearing=0, drift=d) for d in ("auto", "none")
    )
    assert np.count_nonzero(sharp.densities["S"]) <= 10  # rounding splits some
    assert np.count_nonzero(blurred.densities["S"]) > 40
    assert "center of mass" in sharp.drift


def test_a_breathing_cell_keeps_atoms_in_their_slices(make_run):
    scale = 1 + 0.05 * np.sin(np.arange(20))
    lattices = scale[:, None, None] * LEANING
    positions = np.array([[[0.1, 0.2, 0.43]]]) @ lattices
    found = profiles(make_run(["Li"], lattices, positions), windows=1, smearing=0)
    assert np.count_nonzero(found.densities["Li"]) == 1
    assert found.height == pytest.approx(10 * scale.mean())


def test_choices_without_meaning_are_refused(make_run):
    run = make_run(["Li"], LEANING, np.zeros((2, 1, 3)))
    for wrong in ({"resolution": 0}, {"windows": 0}, {"smearing": -1}):
        with pytest.raises(AnalysisError, match="profiles need"):
            profiles(run, **wrong)
    with pytest.raises(AnalysisError, match="no 'In'"):
        profiles(run, ["In"])


def test_tables_and_files_hold_every_slice(make_run, from_its_file):
    run = make_run(["Li"], LEANING, np.zeros((4, 1, 3)))
    found = profiles(run, windows=2, resolution=1.0)
    rows = list(found.rows())
    assert len(rows) == 20
    total = sum(row["Li (atoms/Å³)"] for row in rows[:10]) * found.slice_volume
    assert total == pytest.approx(1)
    assert len(from_its_file(found).densities["Li"][0]) == 10
