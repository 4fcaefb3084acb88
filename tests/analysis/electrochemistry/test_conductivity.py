import numpy as np
import pytest

from ionface.analysis.arrhenius_line import arrhenius_line
from ionface.analysis.electrochemistry.conductivity import (
    Conductivities,
    conductivities,
    measured_conductivities,
)
from ionface.analysis.run_checks.temperature import KB
from ionface.errors import AnalysisError

KELVIN = np.linspace(298.15, 343.15, 10)  # 25 to 70 °C
SIGMA = 40.0 / KELVIN * np.exp(-0.3 / (KB * KELVIN))


def test_sigma_t_gives_the_energy_and_sigma_alone_does_not():
    found = conductivities(KELVIN[::-1], SIGMA[::-1])
    assert found.line.ea == pytest.approx(0.3, abs=1e-9)
    assert arrhenius_line(KELVIN, SIGMA).ea == pytest.approx(0.2725, abs=1e-4)
    at_60 = 40.0 / 333.15 * np.exp(-0.3 / (KB * 333.15))
    assert found.conductivity(333.15)[0] == pytest.approx(at_60)


def test_scatter_of_points_without_errors_becomes_the_error_of_the_line():
    rng, missed = np.random.default_rng(1), 0
    for _ in range(300):
        line = conductivities(KELVIN, SIGMA * np.exp(rng.normal(0, 0.05, 10))).line
        missed += abs(line.ea - 0.3) > 2.306 * line.ea_error  # t of 8 freedoms, 95 %
    assert 0.02 < missed / 300 < 0.09


def test_a_table_is_read_in_celsius_and_millisiemens(tmp_path):
    path = tmp_path / "sigma.csv"
    rows = [
        f"{t - 273.15:.2f};{1e3 * s:.12g}" for t, s in zip(KELVIN, SIGMA, strict=True)
    ]
    text = "\n".join(["# disc 3", "T (°C);σ (mS/cm)", *rows])
    path.write_text(text.replace(".", ","))  # as a German spreadsheet writes it
    found = measured_conductivities(path)
    assert found.line.ea == pytest.approx(0.3, abs=1e-6)
    back = Conductivities.from_dict(found.as_dict())
    assert back.line.ea == found.line.ea
    assert back.as_dict() == found.as_dict()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("T (K),rate (1/s)\n300,1\n310,2\n", "no column with the conductivity in S/cm"),
        ("T (K),σ (S/cm)\n25,1\n35,2\n", "25 K, beyond 100-2500 K; check whether"),
        ("T (K),σ (S/cm)\n300,1\n300,2\n", "needs two temperatures at least"),
        ("T (K),σ (S/cm)\n300,1\n310,-2\n", "must be positive numbers"),
        ("T (K),σ (S/cm)\n300,1\n310,none\n", "row 3: '310,none' is no row of 2 numb"),
        ("nothing here\n", "holds no row of numbers"),
    ],
)
def test_a_table_that_is_none_is_told(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(AnalysisError, match=message):
        measured_conductivities(path)
