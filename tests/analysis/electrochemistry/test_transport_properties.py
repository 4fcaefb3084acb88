import pytest

from ionface.analysis.electrochemistry.cell import parse_cell
from ionface.analysis.electrochemistry.transport_properties import (
    FARADAY,
    conductivity_of_diffusion,
    diffusion_of_conductivity,
    ionic_conductivity,
    transference_number,
    warburg_diffusion,
)
from ionface.errors import AnalysisError


def test_a_published_conductivity_follows_from_its_disc():
    # 18.6 Ω cm² over 0.548 mm are printed as 2.95 mS/cm, of a disc of 18 mm
    cell = parse_cell("thickness_mm=0.548, diameter_mm=18")
    assert 1e4 * cell.area == pytest.approx(2.545, abs=5e-4)
    resistance = 18.6 / (1e4 * cell.area)
    sigma = 10 * ionic_conductivity(cell.thickness, resistance, cell.area)
    assert sigma == pytest.approx(2.95, abs=5e-3)


def test_bruce_vincent_by_hand():
    # of 10 mV the interfaces take 3 mV at first, 1.92 mV in the end
    t = transference_number(10e-6, 6e-6, 300, 320, 10e-3)
    assert t == pytest.approx(0.6 * 7 / 8.08, abs=1e-12)
    assert t == pytest.approx(0.51980, abs=5e-6)
    # a cell that is connected the other way round tells the same
    assert transference_number(-10e-6, -6e-6, 300, 320, -10e-3) == pytest.approx(t)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((10e-6, 6e-6, 1000, 320, 10e-3), r"I0 R0 = 0.01 V, no less than the voltage"),
        ((10e-6, 6e-6, 1200, 320, 10e-3), r"I0 R0 = 0.012 V"),
        ((10e-6, 9e-6, 300, 1500, 10e-3), r"Is Rs = 0.0135 V"),
        ((10e-6, -6e-6, 300, 320, 10e-3), "give all with one sign"),
        ((10e-6, 6e-6, 300, 320, -10e-3), "give all with one sign"),
        ((10e-6, 0.0, 300, 320, 10e-3), "give all with one sign"),
        ((10e-6, 6e-6, -300, 320, 10e-3), "initial resistance must be a positive"),
    ],
)
def test_what_no_cell_can_show_is_refused(given, message):
    with pytest.raises(AnalysisError, match=message):
        transference_number(*given)


def test_warburg_diffusion_has_the_fourth_power_of_charge_and_faraday():
    area = parse_cell("diameter_mm=12").area
    d = warburg_diffusion(20.0, area, 1000.0)
    assert d == pytest.approx(6.93e-15, rel=1e-3)
    # from its definition: σ = RT / (n²F²A√2) (1 / (C √D)), solved for σ
    sigma = 8.314462618 * 298.15 / (FARADAY**2 * area * 2**0.5 * 1000.0 * d**0.5)
    assert sigma == pytest.approx(20.0)
    assert warburg_diffusion(20.0, area, 1000.0, charge=2) == pytest.approx(d / 16)
    printed = warburg_diffusion(20.0, area, 1000.0, as_printed=True)
    assert printed == pytest.approx(6.45e-5, rel=1e-2)


def test_nernst_einstein_goes_both_ways_and_knows_atoms():
    # z² e² n D / (V kB T): 10 ions per 1000 Å³ with 1e-2 cm²/s at 300 K
    concentration = 10 / 1e-27 / 6.02214076e23  # mol/m³
    sigma = 0.01 * conductivity_of_diffusion(1e-12, concentration, 300.0)
    by_hand = (1.602176634e-19) ** 2 * 1e28 * 1e-12 / (1.380649e-23 * 300) / 100
    assert sigma == pytest.approx(by_hand)
    back = diffusion_of_conductivity(100 * sigma, concentration, 300.0)
    assert back == pytest.approx(1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thickness=0.1", "'thickness=0.1' is nothing of a cell; write thickness_cm"),
        ("thickness_cm=wide", "no number behind its ="),
        ("thickness_cm=-1", "thickness must be a positive number"),
        ("thickness_cm=1, thickness_mm=10", "tells its thickness twice"),
        ("area_cm2=1, diameter_mm=10", "its area and its diameter"),
    ],
)
def test_a_cell_that_is_none_is_told(text, message):
    with pytest.raises(AnalysisError, match=message):
        parse_cell(text)


def test_a_cell_may_tell_its_temperature_in_either_unit():
    assert parse_cell("temperature_c=25").temperature == pytest.approx(298.15)
    assert parse_cell("temperature_k=330").temperature == 330
