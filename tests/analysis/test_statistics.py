import numpy as np
import pytest

from ionface.analysis.statistics import blocked_error, correlated_mean, inefficiency


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
def test_blocking_finds_the_known_error_of_a_correlated_series(phi):
    n = 4096
    found = blocked_error(autoregressive(phi, (n, 60)))
    assert found.mean() == pytest.approx(known_error(phi, n), rel=0.12)


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9, 0.97])
def test_the_correlation_time_gives_the_known_error_too(phi):
    n = 4096
    series = autoregressive(phi, (n, 40), seed=1).T
    means = [correlated_mean(x) for x in series]
    error = np.mean([mean.error for mean in means])
    assert error == pytest.approx(known_error(phi, n), rel=0.1)
    g = np.mean([mean.correlation for mean in means])
    assert g == pytest.approx((1 + phi) / (1 - phi), rel=0.15)
    assert means[0].independent == pytest.approx(n / means[0].correlation)


def test_the_error_covers_the_true_mean_as_often_as_it_says():
    series = autoregressive(0.9, (2000, 300), seed=2)
    away = np.abs(series.mean(axis=0)) / blocked_error(series)
    assert np.mean(away < 1) == pytest.approx(0.68, abs=0.08)
    assert np.mean(away < 2) == pytest.approx(0.95, abs=0.05)


def test_a_constant_and_a_single_value_have_no_correlation():
    assert correlated_mean(np.full(9, 2.5)).error == 0
    single = correlated_mean(np.array([3.0]))
    assert single.value == 3
    assert np.isnan(single.error)
    assert single.as_dict()["error"] is None
    assert np.isnan(blocked_error(np.ones((1, 4)))).all()


def test_two_values_give_the_textbook_error():
    assert blocked_error(np.array([[1.0], [3.0]]))[0] == pytest.approx(1.0)


def test_the_number_of_samples_never_grows_by_anticorrelation():
    assert inefficiency(np.resize([1.0, -1.0], 100)) == 1.0
