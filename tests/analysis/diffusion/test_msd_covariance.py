import numpy as np
import pytest

from ionface.analysis.diffusion.msd import msd_by_atom
from ionface.analysis.diffusion.msd_covariance import lag_window, msd_covariance
from ionface.errors import AnalysisError


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


def test_weights_return_slope_and_exponent_exactly_where_there_is_no_noise():
    window = lag_window(500, 0.1, 0.5)
    assert window.slope @ (3.7 + 0.25 * window.lags) == pytest.approx(0.25)
    curve = 2.0 * window.lags**0.6
    assert window.exponent @ np.log(curve) == pytest.approx(0.6)
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
