import numpy as np
import pytest
from scipy.special import ndtri

from ionface.analysis.interphase.interphase import interphase
from ionface.errors import AnalysisError

LATTICE = np.diag([10.0, 10.0, 50.0])


def mixed_run(make_run, sigmas, atoms=400, shift=0.0, seed=0):
    """In fills 10-35 Å, S the rest; every frame has fronts of the width given."""
    rng = np.random.default_rng(seed)
    frames = []
    for sigma in sigmas:
        z = np.arange(atoms) / atoms * 50
        blur = sigma * ndtri(rng.random((2, atoms)))
        inside = (z > 10 + blur[0]) & (z < 35 + blur[1])
        frames.append((z, inside))
    # species belong to atoms for good: each frame puts its In atoms where In is
    number = min(int(inside.sum()) for _, inside in frames)
    rest = min(int((~inside).sum()) for _, inside in frames)
    positions = np.zeros((len(frames), number + rest, 3))
    for row, (z, inside) in enumerate(frames):
        positions[row, :number, 2] = rng.permutation(z[inside])[:number]
        positions[row, number:, 2] = rng.permutation(z[~inside])[:rest]
    positions[..., 2] += shift
    return make_run(["In"] * number + ["S"] * rest, LATTICE, positions)


@pytest.mark.parametrize("shift", [0.0, 17.0])
def test_a_front_of_known_width_is_measured_within_its_error(make_run, shift):
    run = mixed_run(make_run, [1.5] * 80, shift=shift)
    found = interphase(run, ["In"], ["S"], windows=2, drift="none")
    assert found.widths.shape == (2, 2)
    true = 1.5 * 2.5631
    assert (np.abs(found.widths - true) < 4 * found.errors + 0.05 * true).all()
    np.testing.assert_allclose(
        found.positions, np.full((2, 2), [10 + shift, (35 + shift) % 50]), atol=0.4
    )
    np.testing.assert_allclose(found.overlaps, 2 * true, rtol=0.35)


def test_a_growing_interphase_has_its_rate(make_run):
    # sigma grows by 2 Å in 200 frames of 2 fs: 12.8 Å/ps in the 10-90 width
    run = mixed_run(make_run, 1.0 + np.arange(200) / 100)
    found = interphase(run, ["In"], ["S"], windows=5, drift="none")
    rate = 2.5631 * 2.0 / 0.4
    for growth in found.growth:
        assert abs(growth.rate - rate) < 3 * growth.rate_error + 0.15 * rate
        assert growth.parabolic > 0


def test_a_resting_interphase_does_not_grow(make_run):
    run = mixed_run(make_run, [1.5] * 100)
    found = interphase(run, ["In"], ["S"], windows=5, drift="none")
    for growth in found.growth:
        assert abs(growth.rate) < 4 * growth.rate_error


def test_a_width_is_no_better_known_than_the_layers_are_apart(make_run):
    # In and S in layers 2 Å apart, resting: nothing is known within the gap
    z = np.arange(1.0, 50.0, 2.0)
    inside = (z > 10) & (z < 35)
    positions = np.zeros((8, len(z), 3))
    positions[..., 2] = z
    run = make_run(np.where(inside, "In", "S"), LATTICE, positions)
    found = interphase(run, ["In"], ["S"], windows=1, drift="none")
    assert (found.widths < 0.5).all()
    np.testing.assert_allclose(found.errors, 2.0 / np.sqrt(12), rtol=0.1)


def test_the_error_of_a_width_is_its_scatter_between_runs(make_run):
    runs = [
        interphase(
            mixed_run(make_run, [1.5] * 40, seed=seed),
            ["In"],
            ["S"],
            windows=1,
            drift="none",
        )
        for seed in range(8)
    ]
    scatter = np.std([run.widths for run in runs], axis=0).mean()
    told = np.mean([run.errors for run in runs])
    assert 0.5 * scatter < told < 2 * scatter


def test_two_windows_have_no_growth_and_rows_hold_all(make_run):
    found = interphase(
        mixed_run(make_run, [1.5] * 16), ["In"], ["S"], windows=2, drift="none"
    )
    assert found.growth == ()
    rows = list(found.rows())
    assert rows[1]["front 2 width (Å)"] == pytest.approx(found.widths[1, 1])
    assert found.as_dict()["first"] == ["In"]


def test_markers_of_both_phases_are_refused(make_run):
    run = mixed_run(make_run, [1.5] * 4)
    with pytest.raises(AnalysisError, match="marker species of its own"):
        interphase(run, ["In"], ["In", "S"])
    with pytest.raises(AnalysisError, match="marker species of its own"):
        interphase(run, [], ["S"])
