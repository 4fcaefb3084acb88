import numpy as np
import pytest
from scipy.stats import chi2

from ionface.analysis.diffusion.msd import msd_by_atom
from ionface.analysis.diffusion.msd_fit import (
    chi2_interval,
    collective_factor,
    fit_slope,
    lag_window,
    msd_covariance,
    objection_to,
    returns,
)
from ionface.errors import AnalysisError

LAGS = lag_window(400, 0.1, 0.5)
ALIKE = np.repeat((0.3 + 0.06 * LAGS.lags)[:, None], 25, axis=1)


def test_atoms_without_any_spread_are_as_uncertain_as_random_walkers():
    # all MSDs on one line: the spread tells nothing, the model does
    fit = fit_slope(ALIKE, LAGS, 1.0, 3)
    assert fit.slope == pytest.approx(0.06)
    assert fit.offset == pytest.approx(0.3)
    assert fit.slope_error == pytest.approx(0.06 * LAGS.slope_noise / np.sqrt(75))
    # for a straight line the exponent changes as the bend does, but for the weights
    assert 0.5 < fit.exponent_error * np.sqrt(75) / LAGS.bend_noise < 1.5


def test_atoms_that_differ_are_as_uncertain_as_their_spread():
    factors = np.linspace(0.0, 2.0, 25)
    fit = fit_slope(ALIKE * factors, LAGS, 1.0, 3)
    assert fit.slope_error == pytest.approx(0.06 * np.std(factors, ddof=1) / 5)


@pytest.mark.parametrize("factors", [np.ones(25), np.linspace(0, 2, 25)])
def test_common_motion_multiplies_either_variance(factors):
    alone, together = (fit_slope(ALIKE * factors, LAGS, g, 3) for g in (1.0, 4.0))
    assert together.slope_error == pytest.approx(2 * alone.slope_error)
    assert together.exponent_error == pytest.approx(2 * alone.exponent_error, rel=0.05)


def test_the_exponent_is_that_of_the_slope_whatever_the_offset():
    for offset in (0, 30):
        fit = fit_slope(ALIKE + offset, LAGS, 1.0, 3)
        assert fit.exponent == pytest.approx(1.0)
        assert objection_to(fit, 3.0) == ""
    assert returns(fit_slope(ALIKE + 0.5, LAGS, 1e-9, 3), 3) == ()
    assert "fast returns: 30 Å²" in returns(fit_slope(ALIKE + 30, LAGS, 1e-9, 3), 3)[0]
    for power in (0.5, 0.8, 2.0):
        curve = np.repeat((LAGS.lags**power)[:, None], 25, axis=1)
        fit = fit_slope(7.0 + curve, LAGS, 1e-6, 3)
        assert fit.exponent == pytest.approx(power, abs=0.01)
    flat = fit_slope(np.full_like(ALIKE, 4.0), LAGS, 1.0, 3)
    assert np.isnan(flat.exponent)
    assert "only an upper bound" in objection_to(flat, 0.0)


def test_an_interval_is_that_of_a_chi_squared_mean():
    # 10 squared Gaussians of variance 1: relative error sqrt(2 / 10)
    low, high = chi2_interval(1.0, np.sqrt(0.2))
    assert low == pytest.approx(10 / chi2.ppf(0.975, 10))
    assert high == pytest.approx(10 / chi2.ppf(0.025, 10))
    low, high = chi2_interval(1.0, 0.01)
    assert (low, high) == pytest.approx((1 - 0.0196, 1 + 0.0196), abs=1e-3)
    low, high = chi2_interval(-1.0, 1.0)
    assert (low, high) == pytest.approx((-2.96, 0.96), abs=1e-2)


def test_the_collective_factor_counts_how_many_move_as_one():
    rng = np.random.default_rng(0)
    positions = np.cumsum(rng.normal(size=(4000, 12, 3)), axis=0)
    assert collective_factor(positions, 5) == pytest.approx(1.0, abs=0.15)
    threes = np.repeat(positions[:, :4], 3, axis=1)
    assert collective_factor(threes, 5) == pytest.approx(3.0, rel=0.1)
    assert collective_factor(np.zeros((50, 2, 3)), 5) == 1.0


def test_the_covariance_is_that_of_many_simulated_walks():
    lags = np.array([1, 4, 12, 30])
    walks = np.cumsum(np.random.default_rng(0).normal(size=(60, 12000, 3)), axis=0)
    curves = msd_by_atom(walks, lags).reshape(4, -1)
    expected = msd_covariance(60, lags)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(np.cov(curves) / scale, expected / scale, atol=0.04)


def test_one_long_displacement_has_the_variance_of_a_squared_gaussian():
    # one origin only: Var(x²) = 2 sigma⁴
    assert msd_covariance(11, np.array([10]))[0, 0] == pytest.approx(2 * 10**2)


def test_weights_return_slope_and_bend_exactly_where_there_is_no_noise():
    window = lag_window(500, 0.1, 0.5)
    assert window.slope @ (3.7 + 0.25 * window.lags) == pytest.approx(0.25)
    assert window.bend @ (3.7 + 0.25 * window.lags) == pytest.approx(0.0, abs=1e-9)
    curved = window.lags * np.log(window.lags)
    assert window.bend @ curved == pytest.approx(1.0)
    assert (window.lags[0], window.lags[-1]) == (50, 250)


def test_long_runs_are_as_noisy_as_short_ones_at_the_same_fractions():
    short, long = lag_window(2000, 0.1, 0.5), lag_window(24_000, 0.1, 0.5)
    assert long.slope_noise == pytest.approx(short.slope_noise, rel=0.01)
    assert long.slope @ long.lags == pytest.approx(1.0)
    assert long.lags[-1] == 12_000


def test_generalized_weights_are_less_noisy_than_a_plain_fit():
    window = lag_window(400, 0.1, 0.5)
    covariance = msd_covariance(400, window.lags)
    centered = window.lags - window.lags.mean()
    plain = centered / (centered @ centered)
    assert window.slope_noise < 0.7 * np.sqrt(plain @ covariance @ plain)


def test_windows_without_room_are_refused():
    with pytest.raises(AnalysisError, match="0 < start < stop < 1"):
        lag_window(100, 0.5, 0.1)
    with pytest.raises(AnalysisError, match="5 frames have 2 lags"):
        lag_window(5, 0.1, 0.5)
