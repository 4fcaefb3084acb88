import numpy as np
import pytest

from ionface.analysis.diffusion.arrhenius import (
    arrhenius,
    arrhenius_of,
)
from ionface.analysis.diffusion.diffusion import diffusion_coefficients
from ionface.analysis.run_checks.temperature import KB
from ionface.errors import AnalysisError

TEMPERATURES = np.array([600.0, 700.0, 850.0, 1000.0])


def line(temperatures, d0=0.02, ea=0.35):
    return d0 * np.exp(-ea / (KB * np.asarray(temperatures)))


def test_exact_points_give_the_exact_line():
    d = line(TEMPERATURES)
    found = arrhenius(TEMPERATURES[::-1], d[::-1], 0.1 * d[::-1])
    assert found.ea == pytest.approx(0.35)
    assert found.d0 == pytest.approx(0.02)
    assert found.at(300).coefficient == pytest.approx(line(300))
    assert found.at(300).outside
    assert not found.at(800).outside
    assert found.chi2_per_freedom == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(found.temperatures, TEMPERATURES)


def test_two_points_are_the_line_through_both_with_the_errors_of_both():
    # Ea = kB ln(D2/D1) / (1/T1 - 1/T2), and its error that of the logarithm
    d = line([600.0, 900.0])
    found = arrhenius([600.0, 900.0], d, [0.1 * d[0], 0.2 * d[1]])
    assert found.ea == pytest.approx(0.35)
    span = (1 / 600 - 1 / 900) / KB
    assert found.ea_error == pytest.approx(np.hypot(0.1, 0.2) / span)
    assert found.chi2_per_freedom is None
    assert "two temperatures" in found.notes[0]


def test_error_bars_of_the_energy_and_of_300_kelvin_hold_the_truth():
    rng = np.random.default_rng(0)
    energy = room = 0
    for _ in range(400):
        true = line(TEMPERATURES)
        d = true * np.exp(rng.normal(0, 0.1, 4))
        found = arrhenius(TEMPERATURES, d, 0.1 * d)
        energy += abs(found.ea - 0.35) < 1.96 * found.ea_error
        low, high = found.at(300).interval
        room += low < line(300) < high
    assert 0.92 < energy / 400 <= 1.0
    assert 0.92 < room / 400 <= 1.0


def test_an_extrapolation_without_the_covariance_would_be_wrong():
    d = line(TEMPERATURES)
    found = arrhenius(TEMPERATURES, d, 0.1 * d)
    correlation = found.covariance[0, 1] / (found.log_d0_error * found.ea_error)
    assert correlation > 0.95
    naive = np.hypot(found.log_d0_error, found.ea_error / (KB * 300))
    assert found.at(300).log_error < naive
    # inside the range it is no worse than a single point
    assert found.at(780).log_error < 0.1


def test_points_that_scatter_too_much_widen_the_error():
    d = line(TEMPERATURES) * np.array([1, 2, 0.5, 1])
    found = arrhenius(TEMPERATURES, d, 0.01 * d)
    assert found.chi2_per_freedom > 100
    assert found.ea_error > 0.05
    assert "scatter more" in found.notes[0]


@pytest.mark.parametrize("temperatures", [[600.0], [600.0, 600.0]])
def test_one_temperature_is_refused(temperatures):
    with pytest.raises(AnalysisError, match="two temperatures at least"):
        arrhenius(temperatures, [1e-5] * len(temperatures), [1e-6] * len(temperatures))


def test_what_is_not_positive_is_refused():
    with pytest.raises(AnalysisError, match="errors must be positive"):
        arrhenius([600, 700], [1e-5, 2e-5], [0.0, 1e-6])
    with pytest.raises(AnalysisError, match="coefficients must be positive"):
        arrhenius([600, 700], [-1e-5, 2e-5], [1e-6, 1e-6])
    with pytest.raises(AnalysisError, match="one value and one error"):
        arrhenius([600, 700], [2e-5], [1e-6])
    with pytest.raises(AnalysisError, match="a temperature is positive"):
        arrhenius([600, 700], [1e-5, 2e-5], [1e-6, 1e-6]).at(0)


def test_results_of_runs_are_fitted_and_upper_bounds_are_refused(from_its_file):
    rng = np.random.default_rng(0)
    shapes = {t: np.sqrt(2 * 1e4 * line(t)) for t in (600.0, 800.0)}
    runs = {
        t: diffusion_coefficients(
            np.cumsum(rng.normal(0, step, (400, 60, 3)), axis=0), 1e4
        )[0]
        for t, step in shapes.items()
    }
    found = arrhenius_of(runs)
    assert abs(found.ea - 0.35) < 3 * found.ea_error
    assert found.as_dict()["d_300k_extrapolated"]
    again = from_its_file(found)
    assert again.at(700).log_error == pytest.approx(found.at(700).log_error)
    assert again.runs[600.0].coefficient == runs[600.0].coefficient
    caged = diffusion_coefficients(rng.normal(0, 0.1, (400, 60, 3)), 1e4)
    runs[300.0] = caged[0]
    with pytest.raises(AnalysisError, match=r"upper bound is no point.*300 K"):
        arrhenius_of(runs)
