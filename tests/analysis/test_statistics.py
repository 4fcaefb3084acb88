import numpy as np
import pytest

from ionface.analysis.statistics import (
    correlated_mean,
    equilibrated_from,
    independent_error,
    inefficiency,
    mean_error,
    trend,
)


def autoregressive(phi, shape, seed=0):
    """Return x(t) = φ x(t-1) + noise of unit variance, stationary from the start."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=shape)
    x = np.empty(shape)
    x[0] = noise[0] / np.sqrt(1 - phi**2)
    for t in range(1, shape[0]):
        x[t] = phi * x[t - 1] + noise[t]
    return x


def known_error(phi, n):
    """Return the exact standard error of the mean of n samples."""
    k = np.arange(1, n)
    g = 1 + 2 * np.sum((1 - k / n) * phi**k)
    return np.sqrt(g / (1 - phi**2) / n)


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9, 0.97])
def test_the_error_of_a_correlated_series_is_the_known_one(phi):
    n = 4096
    series = autoregressive(phi, (n, 40), seed=1).T
    means = [correlated_mean(x) for x in series]
    error = np.mean([mean.error for mean in means])
    assert 0.95 < error / known_error(phi, n) < 1.15  # Student's factor included
    g = np.mean([mean.correlation for mean in means])
    assert g == pytest.approx((1 + phi) / (1 - phi), rel=0.15)
    assert means[0].independent == pytest.approx(n / means[0].correlation)


@pytest.mark.parametrize(
    ("lengths", "told", "held"),
    [(100, 1.0, 0.955), (50, 1.0, 0.95), (20, 0.98, 0.94), (10, 0.82, 0.905),
     (5, 0.6, 0.82), (3, 0.5, 0.735)],
)  # fmt: skip
def test_errors_hold_the_truth_as_often_as_they_say(lengths, told, held):
    series = autoregressive(np.exp(-1 / 5), (5 * lengths, 2000), seed=2)
    error = mean_error(series)
    away = (np.abs(series.mean(axis=0)) / error)[np.isfinite(error)]
    assert np.mean(np.isfinite(error)) == pytest.approx(told, abs=0.03)
    assert np.mean(away < 1.96) == pytest.approx(held, abs=0.03)
    if lengths >= 20:  # Student's factor, made for two errors, is much for one
        assert 0.683 < np.mean(away < 1) < 0.76
    alone = [correlated_mean(x).error for x in series.T[:20]]
    np.testing.assert_allclose(error[:20], alone)


@pytest.mark.parametrize(("number", "larger"), [(32, 1.32), (200, 1.11)])
def test_the_error_of_independent_values_is_a_little_too_large_and_never_too_small(
    number, larger
):
    series = np.random.default_rng(6).standard_normal((number, 4000))
    error = mean_error(series)
    assert np.mean(error) * np.sqrt(number) == pytest.approx(larger, abs=0.04)
    assert 0.95 < np.mean(np.abs(series.mean(axis=0)) < 1.96 * error) < 0.99
    # and what a screen for noise would cost is what these have
    slow = autoregressive(np.exp(-1), (number, 4000), seed=7)
    missed = np.abs(slow.mean(axis=0)) > 1.96 * mean_error(slow)
    assert np.mean(missed) < 0.085


def test_series_of_few_correlation_times_are_called_too_short():
    for lengths, least in ((3, 0.4), (1, 0.6)):
        series = autoregressive(np.exp(-1 / 20), (20 * lengths, 400), seed=3)
        assert np.mean(np.isnan(mean_error(series))) > least


def test_the_error_of_a_histogram_with_slow_bins_is_honest_too():
    """Like the bins of a g(r): counts of a process that remembers, many at once."""
    rate = np.exp(0.5 * autoregressive(np.exp(-1 / 1.5), (32, 2000), seed=4))
    counts = np.random.default_rng(5).poisson(20 * rate)
    error = mean_error(counts)
    truth = 20 * np.exp(0.125 / (1 - np.exp(-2 / 1.5)))
    away = (np.abs(counts.mean(axis=0) - truth) / error)[np.isfinite(error)]
    assert 0.88 < np.mean(away < 1.96) < 0.98


def test_a_constant_has_no_error_and_a_few_values_tell_none():
    assert correlated_mean(np.full(9, 2.5)).error == 0
    single = correlated_mean(np.array([3.0]))
    assert single.value == 3
    assert np.isnan(single.error)
    assert np.isnan(mean_error(np.ones((1, 4)))).all()
    assert np.isnan(mean_error(np.array([[1.0], [3.0]]))).all()


def test_the_number_of_samples_never_grows_by_anticorrelation():
    assert inefficiency(np.resize([1.0, -1.0], 100)) == 1.0


def counted(n, time, number, rng):
    """Return how many of five bonds are there, each of which comes and goes."""
    flips = rng.random((5, n, number)) < 1 / (2 * time)
    states = rng.integers(0, 2, (5, 1, number)) + np.cumsum(flips, axis=1)
    return (states % 2).sum(axis=0) - 2.5


def oscillating(n, time, number, rng):
    """Return a damped oscillator in noise, as an atom of a crystal moves."""
    a, pad = np.exp(-1 / time), int(20 * time)
    noise = rng.normal(size=(n + pad, number))
    x = np.zeros((n + pad, number))
    for t in range(2, n + pad):
        x[t] = 2 * a * np.cos(0.3) * x[t - 1] - a * a * x[t - 2] + noise[t]
    return x[pad:]


def decaying(n, time, number, rng):
    return autoregressive(np.exp(-1 / time), (n, number), seed=rng)


def sokal(series, window=5.0):
    """Return the inefficiency by the other textbook: sums within some times."""
    n, x = len(series), series - series.mean()
    covariance = np.correlate(x, x, "full")[n - 1 :]
    sums = 2 * np.cumsum(covariance / covariance[0]) - 1
    enough = np.arange(n) >= window * sums / 2
    return np.clip(sums[np.argmax(enough)] if enough.any() else n, 1, n)


@pytest.mark.parametrize("kind", [decaying, counted, oscillating])
@pytest.mark.parametrize(("lengths", "least"), [(50, 0.92), (20, 0.89)])
def test_error_bars_hold_the_truth_down_to_20_correlation_times(kind, lengths, least):
    time = 4.0
    series = kind(int(2 * time * lengths), time, 500, np.random.default_rng(4)).T
    means = [correlated_mean(x) for x in series]
    covered = np.mean([abs(m.value) < 1.96 * m.error for m in means])
    assert least <= covered <= 1.0
    others = [x.std() * np.sqrt(sokal(x) / len(x)) for x in series]
    covered_otherwise = np.mean(np.abs(series.mean(axis=1)) < 1.96 * np.array(others))
    assert covered >= covered_otherwise


def test_a_line_is_found_with_an_honest_error():
    times = np.arange(800.0)
    series = autoregressive(0.9, (800, 200), seed=2).T
    lines = [trend(times, 0.01 * times + x) for x in series]
    hits = [abs(line.slope - 0.01) < 1.96 * line.error for line in lines]
    assert 0.88 < np.mean(hits) <= 1.0
    slopes = [line.slope for line in lines]
    assert np.mean([line.error for line in lines]) == pytest.approx(
        np.std(slopes), rel=0.15
    )
    assert trend(times, 3 + 2 * times).slope == pytest.approx(2)


def test_two_values_are_no_line():
    assert trend(np.arange(2.0), np.array([1.0, 2.0])).slope == 0.0
    assert trend(np.zeros(9), np.arange(9.0)).slope == 0.0


def test_the_start_of_a_run_that_settles_is_given_up():
    settled = np.random.default_rng(3).normal(size=1000)
    settling = settled + 20 * np.exp(-np.arange(1000) / 30)
    assert 80 <= equilibrated_from(settling) <= 300
    assert equilibrated_from(settled) <= 100


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_errors_of_independent_values_hold_95_percent(runs):
    values = np.random.default_rng(runs).normal(size=(runs, 20_000))
    held = np.abs(values.mean(axis=0)) < 1.96 * independent_error(values)
    assert held.mean() == pytest.approx(0.95, abs=0.006)


def test_one_value_tells_no_error():
    assert np.isnan(independent_error(np.array([1.0])))
