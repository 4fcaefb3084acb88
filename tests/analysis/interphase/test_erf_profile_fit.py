import numpy as np
import pytest
from scipy.special import ndtr

from ionface.analysis.interphase.erf_profile_fit import (
    TEN_TO_NINETY,
    find_block,
    fit_fronts,
    overlap,
)
from ionface.errors import AnalysisError

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
    assert lower.rising
    assert not upper.rising
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
    assert front.rising
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
