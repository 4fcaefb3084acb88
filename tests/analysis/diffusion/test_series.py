import numpy as np
import pytest

from ionface.analysis.diffusion.series import (
    equilibrated_from,
    inefficiency,
    mean_error,
    trend,
)


def correlated(rng, n, tau):
    """An autoregressive series of unit variance: exp(-t/tau) between neighbors."""
    phi = np.exp(-1 / tau)
    noise = rng.normal(size=n) * np.sqrt(1 - phi**2)
    series = np.empty(n)
    series[0] = rng.normal()
    for i in range(1, n):
        series[i] = phi * series[i - 1] + noise[i]
    return series


def test_independent_values_count_fully_and_correlated_ones_by_their_time():
    rng = np.random.default_rng(0)
    assert inefficiency(rng.normal(size=20000)) == pytest.approx(1, abs=0.1)
    # (1 + phi) / (1 - phi) for an autoregressive series
    phi = np.exp(-1 / 20)
    expected = (1 + phi) / (1 - phi)
    assert inefficiency(correlated(rng, 40000, 20)) == pytest.approx(expected, rel=0.25)
    assert inefficiency(np.ones(50)) == 1.0


def test_the_error_of_a_mean_holds_the_truth_two_times_in_three():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        series = correlated(rng, 1000, 10)
        hits += abs(series.mean()) < mean_error(series)
    assert 0.55 < hits / 200 < 0.8
    assert mean_error(np.array([3.0])) == 0.0


def test_a_line_is_found_with_an_honest_error():
    rng = np.random.default_rng(2)
    times = np.arange(800.0)
    hits = 0
    for _ in range(200):
        line = trend(times, 0.01 * times + correlated(rng, 800, 10))
        hits += abs(line.slope - 0.01) < 1.96 * line.error
    assert 0.88 < hits / 200 <= 1.0
    assert trend(times, 3 + 2 * times).slope == pytest.approx(2)


def test_the_start_of_a_run_that_settles_is_given_up():
    rng = np.random.default_rng(3)
    settled = rng.normal(size=1000)
    settling = settled + 20 * np.exp(-np.arange(1000) / 30)
    assert 80 <= equilibrated_from(settling) <= 300
    assert equilibrated_from(settled) <= 100
