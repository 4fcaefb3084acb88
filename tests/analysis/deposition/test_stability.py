"""Closed forms: limits that the literature knows, and what they refuse."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.deposition.cell import (
    MOLAR_VOLUME,
    DepositionSpec,
    Electrolyte,
    Geometry,
    Kinetics,
    Seed,
    preset,
)
from ionface.analysis.deposition.stability import (
    FlatFront,
    check,
    limiting_current,
    overpotential,
    plating,
    regime,
    sands_time,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY
from ionface.errors import AnalysisError

QCPE = preset("qcpe")
THICK = 100e-6


def flat(i0=10.0, current=20.0, **kinetics):
    return FlatFront(QCPE, Kinetics(i0, **kinetics), THICK, current)


def test_independent_ions_close_the_diffusion_coefficient_from_the_conductivity():
    back = Electrolyte(diffusion_m2_per_s=QCPE.diffusion)
    assert back.conductivity == pytest.approx(QCPE.conductivity)
    # where no anion moves, φ = (RT/F) ln c for independent ions, whatever t+
    assert QCPE.potential_slope == pytest.approx(1.0)
    assert replace(QCPE, transference_number=0.2).potential_slope == pytest.approx(1.0)
    assert preset("qcpe-pdol").diffusion / QCPE.diffusion == pytest.approx(1.48 / 0.96)


def test_lithium_grows_by_its_molar_volume():
    assert pytest.approx(4.84978, abs=5e-6) == 1e6 * 3.6e4 * MOLAR_VOLUME / FARADAY


def test_limiting_current_uses_up_the_salt_at_the_front():
    most = limiting_current(QCPE, THICK)
    assert flat(current=most).surface == pytest.approx(0.0, abs=1e-12)
    assert flat(current=most / 2).surface == pytest.approx(0.5)
    # Sand's time by its definition: the concentration c0 (1 - √(t/τ)) has the slope
    # that carries the current
    tau, i = sands_time(QCPE, 20.0), 20.0
    lost = 2 * i * (1 - QCPE.transference_number) / FARADAY
    lost *= math.sqrt(tau / (math.pi * QCPE.diffusion))
    assert lost == pytest.approx(QCPE.concentration)


def test_fast_kinetics_without_surface_energy_grow_as_mullins_and_sekerka_say():
    # ω = v k in the limit of B >> K, times tanh(kL) of the far electrode
    front = flat(i0=1e9, surface_energy_j_per_m2=1e-12)
    k = np.array([2 * math.pi / 50e-6])
    velocity = MOLAR_VOLUME * 20.0 / FARADAY
    expected = velocity * k * np.tanh(k * THICK)
    np.testing.assert_allclose(front.growth_rate(k), expected, rtol=1e-3)


def test_slow_kinetics_grow_at_a_rate_without_wavelength():
    # the paper's exponents or ours: K >> B, and ω = (Vm/F) B g
    front = flat(i0=1e-3, surface_energy_j_per_m2=1e-12)
    rates = front.growth_rate(2 * math.pi / np.array([2e-6, 5e-6, 10e-6]))
    assert np.ptp(rates) / rates.mean() < 0.1


def test_the_critical_wave_neither_grows_nor_shrinks_and_the_fastest_is_a_maximum():
    front = flat(1000.0)
    critical, (fastest, rate) = front.critical(), front.fastest()
    k = 2 * math.pi / np.array([critical, fastest, 0.99 * fastest, 1.01 * fastest])
    found = front.growth_rate(k)
    assert abs(found[0]) < 1e-12
    assert found[1] == pytest.approx(rate)
    assert rate > max(found[2:])
    assert 1e6 * critical == pytest.approx(1.58, abs=0.01)
    assert 1e6 * fastest == pytest.approx(3.66, abs=0.01)


@pytest.mark.parametrize(
    ("exponents", "shift_mv"), [("default", 59.2), ("paper", 29.6)]
)
def test_equilibrium_shifts_with_concentration_by_the_sum_of_the_exponents(
    exponents, shift_mv
):
    kinetics = Kinetics(10.0, exponents)
    eta = [overpotential(kinetics, u, 1e-9) for u in (1.0, 10.0)]
    assert 1e3 * QCPE.thermal_voltage * (eta[1] - eta[0]) == pytest.approx(
        shift_mv, abs=0.05
    )


def test_kinetics_have_the_slopes_that_they_state():
    kinetics, u, eta, step = Kinetics(7.0, "paper"), 0.6, -1.3, 1e-6
    i, by_u, by_psi = plating(kinetics, np.array(u), np.array(eta))
    assert (plating(kinetics, u + step, eta)[0] - i) / step == pytest.approx(by_u)
    assert -(plating(kinetics, u, eta + step)[0] - i) / step == pytest.approx(
        by_psi, rel=1e-5
    )


def test_a_better_conductor_grows_longer_and_slower_waves():
    made = [
        regime(DepositionSpec("cell", preset(name), kinetics=Kinetics(1000.0)))
        for name in ("qcpe", "qcpe-pdol")
    ]
    assert made[1].fastest_wavelength_um > made[0].fastest_wavelength_um
    assert made[1].fastest_growth_per_s < made[0].fastest_growth_per_s
    ratio = made[1].limiting_current_a_per_m2 / made[0].limiting_current_a_per_m2
    assert ratio == pytest.approx(1.48 / 0.96)


def test_the_error_of_d_reaches_the_fastest_wavelength():
    certain = DepositionSpec("cell", QCPE, kinetics=Kinetics(1000.0))
    doubtful = replace(certain, electrolyte=replace(QCPE, relative_error=0.1))
    assert regime(certain).fastest_wavelength_error_um == 0
    found = regime(doubtful)
    # by hand: half the difference of the wavelengths of D e^±0.1
    both = [
        regime(
            replace(certain, electrolyte=QCPE.scaled(math.exp(s)))
        ).fastest_wavelength_um
        for s in (-0.1, 0.1)
    ]
    assert found.fastest_wavelength_error_um == pytest.approx((both[1] - both[0]) / 2)
    assert found.fastest_wavelength_error_um > 0.05


REFUSED = {
    "limit": (
        {"current_ma_per_cm2": 5.0},
        r"5 mA/cm² is above the limiting current of 3.95 mA/cm²: the salt at the front "
        r"is used up after about 99.68 s \(Sand's time\), and 0.5 mAh/cm² take 360 s",
    ),
    "coarse": (
        {"geometry": Geometry(width_um=100.0)},
        r"elements of 2.5 µm are too coarse for the critical wavelength of 1.34 µm.*"
        r"give 188 columns",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_computed_is_refused_with_the_way_out(case):
    changed, message = REFUSED[case]
    with pytest.raises(AnalysisError, match=message):
        check(replace(DepositionSpec("cell", QCPE), **changed))


def test_more_than_the_limiting_current_may_flow_for_less_than_sands_time():
    short = DepositionSpec("cell", QCPE, 5.0, capacity_mah_per_cm2=0.1)
    assert check(short).surface_concentration is None


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (Seed(wavelength_um=7.0), "a wave of 7 µm does not fit a strip of 20 µm"),
        (Seed(amplitude_um=60.0), "start with a quarter at most"),
    ],
)
def test_seeds_that_do_not_fit_are_refused(seed, message):
    with pytest.raises(AnalysisError, match=message):
        DepositionSpec("cell", QCPE, seed=seed)


def test_an_electrolyte_of_which_nothing_is_known_is_refused():
    with pytest.raises(AnalysisError, match="needs conductivity_ms_per_cm or"):
        Electrolyte()
    with pytest.raises(AnalysisError, match="number of 1 leaves no gradient of salt"):
        replace(QCPE, transference_number=1.0)
    with pytest.raises(AnalysisError, match="unknown electrolyte 'lagp'; have"):
        preset("lagp")
