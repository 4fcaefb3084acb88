import json

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from ionface.analysis.interphase.density_profiles import growth_words
from ionface.analysis.interphase.interphase import (
    TEN_TO_NINETY,
    Interphase,
    _noise,
    _slope,
    find_block,
    fit_fronts,
    interphase,
    overlap,
)
from ionface.analysis.report.tables import _resolved
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_growing_interphase_has_its_rate(make_run):
    # sigma grows by 2 Å in 200 frames of 2 fs: 12.8 Å/ps in the 10-90 width
    run = mixed_run(make_run, 1.0 + np.arange(200) / 100)
    found = interphase(run, ["In"], ["S"], windows=5, drift="none")
    rate = 2.5631 * 2.0 / 0.4
    for growth in found.growth:
        assert abs(growth.rate - rate) < 3 * growth.rate_error + 0.15 * rate
        assert growth.parabolic > 0


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_two_windows_have_no_growth_and_the_file_holds_all(make_run):
    found = interphase(
        mixed_run(make_run, [1.5] * 16), ["In"], ["S"], windows=2, drift="none"
    )
    assert found.growth == ()
    again = Interphase.from_dict(json.loads(json.dumps(found.as_dict())))
    assert again.first == ("In",)
    np.testing.assert_array_equal(again.errors, found.errors)


def test_widths_that_drift_slowly_have_larger_errors_or_none():
    rng = np.random.default_rng(0)
    slow = np.empty((400, 40))
    slow[:, 0] = rng.normal(size=400)
    for k in range(1, 40):
        slow[:, k] = 0.7 * slow[:, k - 1] + np.sqrt(0.51) * rng.normal(size=400)
    told = np.array([_noise(list(4.0 + widths), 10) for widths in slow])
    known = told[np.isfinite(told)]
    plain = slow.reshape(400, 10, 4).std(axis=2, ddof=1) / 2
    assert np.median(known) > 1.5 * np.median(plain)
    assert np.isnan(_noise([4.0, 4.1, 4.2, 4.4], 1))
    assert _noise([4.0] * 20, 2) == 0


def test_a_rate_of_widths_without_errors_has_none():
    times = np.arange(4.0)
    assert np.isnan(_slope(times, times, np.full(4, np.nan))[1])


def test_markers_of_both_phases_are_refused(make_run):
    run = mixed_run(make_run, [1.5] * 4)
    with pytest.raises(AnalysisError, match="marker species of its own"):
        interphase(run, ["In"], ["In", "S"])
    with pytest.raises(AnalysisError, match="marker species of its own"):
        interphase(run, [], ["S"])


HEIGHT, SLICES = 60.0, 600
Z = (np.arange(SLICES) + 0.5) * HEIGHT / SLICES


def phases(start, stop, sigma, shift=0.0, densities=(1.0, 1.0)):
    """Shares of two phases with error-function fronts at start and stop."""
    first = ndtr((Z - start) / sigma) * ndtr((stop - Z) / sigma)
    turn = round(shift / HEIGHT * SLICES)
    a, b = densities[0] * first, densities[1] * (1 - first)
    return np.roll(a, turn), np.roll(b, turn)


def test_ten_to_ninety_is_that_of_the_error_function():
    assert ndtr(TEN_TO_NINETY / 2) == pytest.approx(0.9)


@pytest.mark.parametrize("shift", [0.0, 20.0, 31.4, 45.0])
def test_fronts_of_known_width_are_found_also_across_the_border(shift):
    a, b = phases(15.0, 40.0, 1.5, shift)
    lower, upper = fit_fronts(a, b, HEIGHT, periodic=True)
    for front, true in ((lower, 15 + shift), (upper, 40 + shift)):
        off = (front.position - true + HEIGHT / 2) % HEIGHT - HEIGHT / 2
        assert off == pytest.approx(0, abs=0.1)
    for front in (lower, upper):
        assert front.width == pytest.approx(1.5 * TEN_TO_NINETY, rel=0.05)


def test_denser_markers_do_not_move_the_front():
    a, b = phases(15.0, 40.0, 2.0, densities=(4.0, 1.0))
    lower, upper = fit_fronts(a, b, HEIGHT, periodic=True)
    assert lower.position == pytest.approx(15, abs=0.3)
    assert upper.position == pytest.approx(40, abs=0.3)
    assert lower.width == pytest.approx(2.0 * TEN_TO_NINETY, rel=0.1)


def test_atomic_layers_do_not_disturb_the_width():
    # atoms only every 2 Å, as in a crystal; the mixed shares are those of the front
    a, b = phases(15.0, 40.0, 3.0)
    layers = (np.arange(SLICES) % 20) < 4
    lower, _ = fit_fronts(a * layers, b * layers, HEIGHT, periodic=True)
    assert lower.width == pytest.approx(3.0 * TEN_TO_NINETY, rel=0.1)


def test_a_sharp_interface_is_as_sharp_as_its_gap():
    a = np.where((Z > 15) & (Z < 40), 1.0, 0.0)
    b = np.where((Z < 13) | (Z > 42), 1.0, 0.0)
    lower, upper = fit_fronts(a, b, HEIGHT, periodic=True)
    assert lower.width < 0.3
    assert lower.gap == pytest.approx(2.0, abs=0.11)
    assert 13 <= lower.position <= 15
    assert 40 <= upper.position <= 42


def test_a_vacuum_is_no_front():
    a, b = phases(15.0, 40.0, 1.0)
    b[(Z > 32)] = 0.0
    a[(Z > 32)] = 0.0
    (front,) = fit_fronts(a, b, HEIGHT, periodic=True)
    assert front.position == pytest.approx(15, abs=0.1)
    (same,) = fit_fronts(a, b, HEIGHT, periodic=False)
    assert same.position == pytest.approx(front.position, abs=0.1)
    a, b = np.where((Z > 30) & (Z < 40), 1.0, 0.0), np.where(Z < 20, 1.0, 0)
    with pytest.raises(AnalysisError, match="touch nowhere"):
        fit_fronts(a, b, HEIGHT, periodic=True)


def test_a_few_strangers_deep_in_a_phase_do_not_widen_the_front():
    a, b = phases(15.0, 40.0, 1.0)
    a[550] += 0.3
    b[280] += 0.3
    lower, upper = fit_fronts(a, b, HEIGHT, periodic=True)
    for front in (lower, upper):
        assert front.width == pytest.approx(TEN_TO_NINETY, rel=0.1)


def test_the_overlap_is_where_both_exceed_a_tenth():
    # Phi(-1.2816) = 0.1: each front holds both over its 10-90 width
    a, b = phases(15.0, 40.0, 1.5)
    block = find_block(a, b, periodic=True)
    found = overlap(a, b, block, HEIGHT)
    assert found == pytest.approx(2 * 1.5 * TEN_TO_NINETY, rel=0.1)


def test_markers_that_do_not_mark_are_refused():
    a, b = phases(15.0, 40.0, 1.5)
    with pytest.raises(AnalysisError, match="do not tell the phases apart"):
        fit_fronts(a + b, b, HEIGHT, periodic=True)
    with pytest.raises(AnalysisError, match="no marker atom"):
        fit_fronts(a, 0 * b, HEIGHT, periodic=True)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0])
def test_layers_that_a_width_cannot_resolve_are_in_its_error(sigma):
    """Atoms on layers 2.5 Å apart, mixed as a front of known width."""
    rng = np.random.default_rng(0)
    height, true = 60.0, TEN_TO_NINETY * sigma
    away = []
    for shift in np.arange(0, 2.5, 0.25):
        layers = np.arange(0.3, height, 2.5) + rng.normal(0, 0.05, (200, 24))
        share = ndtr((np.arange(0.3, height, 2.5) - 30.0 - shift) / sigma)
        upper = rng.random((200, 24)) < share
        a, b = (
            np.histogram(layers[kind], bins=600, range=(0, height))[0].astype(float)
            for kind in (upper, ~upper)
        )
        (front,) = fit_fronts(a, b, height, periodic=False)
        away.append((front.width - true) / (front.gap / np.sqrt(12)))
        assert 30.0 + shift == pytest.approx(front.position, abs=1.3)
    assert np.mean(np.abs(away) < 1) > 0.6
    assert np.mean(np.abs(away) < 2) > 0.9


def test_what_is_not_resolved_is_printed_as_a_limit():
    assert _resolved(0.13, 0.64) == "< 1.4"
    assert _resolved(2.5, 0.2) == "2.50 ± 0.20"
    assert growth_words(-0.0, 2.944, "Å/ps") == "no growth shown (|rate| < 5.9 Å/ps)"
    assert _resolved(2.5, np.nan) == "2.50 (too short for an error)"
    assert growth_words(0.5, np.nan, "Å/ps") == "+0.500 Å/ps (too short for an error)"
    assert growth_words(0.5, 0.1, "Å/ps") == "+0.500 ± 0.100 Å/ps"
