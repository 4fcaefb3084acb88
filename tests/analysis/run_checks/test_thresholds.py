import numpy as np
import pytest

from ionface.analysis.run_checks.thresholds import (
    canonical_deviation,
    fluctuation,
    mean_temperature,
    temperature_trend,
)


def test_canonical_deviation_is_that_of_simulated_momenta():
    momenta = np.random.default_rng(0).normal(size=(20000, 30))
    heat = 500 * np.mean(momenta**2, axis=1)
    assert heat.std() == pytest.approx(canonical_deviation(500, 30), rel=0.03)


def test_a_small_offset_is_sound_and_so_is_a_large_one_that_noise_explains():
    rng = np.random.default_rng(0)
    exact, off = 301 + rng.normal(0, 1, 500), 310 + rng.normal(0, 1, 500)
    assert mean_temperature(exact, 300.0).verdict == "sound"  # significant, but small
    assert mean_temperature(off, 300.0).verdict == "doubtful"
    noisy = 310 + rng.normal(0, 60, 12)
    assert mean_temperature(noisy, 300.0).verdict == "sound"
    assert mean_temperature(exact[:2], 300.0).verdict == "unknown"


def test_short_series_are_unknown_or_get_the_benefit_of_the_doubt():
    rng = np.random.default_rng(1)
    assert fluctuation(rng.normal(300, 20, 5), 300.0, 300).verdict == "unknown"
    few = rng.normal(300, 0.7 * canonical_deviation(300, 300), 12)
    assert fluctuation(few, 300.0, 300).verdict == "sound"
    many = rng.normal(300, 0.7 * canonical_deviation(300, 300), 5000)
    assert fluctuation(many, 300.0, 300).verdict == "doubtful"
    assert temperature_trend(np.arange(5.0), np.ones(5)).verdict == "unknown"
