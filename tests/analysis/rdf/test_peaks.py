import numpy as np
import pytest

from ionface.analysis.rdf.rdf_result import (
    SMOOTHING,
    broaden,
    first_peak,
    smoothed_error,
)

R = (np.arange(200) + 0.5) * 0.04


def gaussian(center, height, width=0.15):
    return height * np.exp(-((R - center) ** 2) / (2 * width**2))


def peak_of(g, error=0.0):
    return first_peak(R, g, np.cumsum(g), np.full_like(g, error))


@pytest.mark.parametrize("center", [1.5, 2.503, 2.519, 4.0])
def test_the_position_is_finer_than_a_bin(center):
    assert peak_of(gaussian(center, 3.0)).r == pytest.approx(center, abs=0.005)


def test_the_first_of_two_peaks_is_taken_even_if_it_is_lower():
    g = gaussian(2.6, 0.5) + gaussian(4.5, 4.0)
    peak = peak_of(g)
    assert peak.r == pytest.approx(2.6, abs=0.02)
    assert peak.height == pytest.approx(0.5, rel=0.05)
    assert 3.0 < peak.minimum < 4.2
    assert peak.coordination == pytest.approx(gaussian(2.6, 0.5).sum(), rel=0.01)


def test_a_ripple_within_its_error_is_no_peak():
    g = gaussian(2.6, 0.5) + gaussian(4.5, 4.0)
    assert peak_of(g, error=1.0).r == pytest.approx(4.5, abs=0.02)
    assert peak_of(g, error=0.1).r == pytest.approx(2.6, abs=0.02)


def test_there_is_no_peak_in_nothing_nor_in_a_plain_rise():
    assert peak_of(np.zeros_like(R)) is None
    assert peak_of(R) is None


def test_unknown_errors_do_not_hide_a_peak():
    assert peak_of(gaussian(2.6, 3.0), error=np.nan) is not None


def test_smoothing_keeps_the_sum_and_a_width_below_a_bin_does_nothing():
    g = gaussian(4.0, 1.0)
    assert broaden(R, g, 0.2).sum() == pytest.approx(g.sum())
    np.testing.assert_array_equal(broaden(R, g, 0.001), g)


def test_a_single_line_is_found_in_its_own_bin():
    line = np.zeros_like(R)
    line[70] = 5.0
    peak = peak_of(line)
    assert peak.r == pytest.approx(R[70], abs=1e-9)
    assert peak.height == 5.0


def test_the_error_of_the_smoothed_curve_is_that_of_smoothed_noise():
    noise = np.random.default_rng(0).normal(0, 0.3, (4000, len(R)))
    smooth = np.array([broaden(R, row, SMOOTHING) for row in noise])
    told = smoothed_error(R, np.full_like(R, 0.3))
    np.testing.assert_allclose(told[20:-20], smooth.std(axis=0)[20:-20], rtol=0.06)
