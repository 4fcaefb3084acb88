"""Made spectra: the fit gives back what they were made of, and errors that hold it."""

import sys

import numpy as np
import pytest

from ionface.analysis.electrochemistry.cell import parse_cell
from ionface.analysis.electrochemistry.circuits import CIRCUITS, circuit
from ionface.analysis.electrochemistry.eis import Eis, fit_spectrum
from ionface.analysis.electrochemistry.kramers_kronig import kramers_kronig
from ionface.analysis.electrochemistry.spectrum import read_spectrum, spectrum_of
from ionface.errors import AnalysisError

F = np.geomspace(1e6, 1e-2, 81)
CELL = parse_cell("thickness_mm=0.5, diameter_mm=12, concentration_mol_per_l=1")
TRUE = {
    "blocking": (180.0, 2e-6, 0.88),
    "li-se-li": (50.0, 300.0, 1e-6, 0.85),
    "randles": (10.0, 100.0, 2e-5, 1.0, 20.0),
}


def impedance(name, frequency=F):
    return CIRCUITS[name].impedance(2 * np.pi * frequency, np.array(TRUE[name]))


@pytest.mark.parametrize("name", TRUE)
def test_a_made_spectrum_gives_back_its_circuit_and_obeys_kramers_kronig(name):
    found = fit_spectrum(spectrum_of(F[::-1], impedance(name)[::-1]), name, CELL)
    np.testing.assert_allclose(found.parameters, TRUE[name], rtol=1e-6)
    assert found.consistency.rms < 1e-4
    assert found.notes == ()
    resistance = TRUE[name][0]
    assert found.conductivity[0] == pytest.approx(
        0.05 / resistance / 1.130973, rel=1e-5
    )


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("scale", [1e-2, 1e4])
def test_guesses_hold_over_cells_of_all_sizes(name, scale):
    # a larger cell: all resistances up, all admittances down, and slower by 30
    found = fit_spectrum(spectrum_of(F / 30, scale * impedance(name)), name)
    assert found.parameters[0] == pytest.approx(scale * TRUE[name][0], rel=1e-5)
    assert found.misfit < 1e-6


def test_the_warburg_element_gives_the_diffusion_coefficient():
    found = fit_spectrum(spectrum_of(F, impedance("randles")), "randles", CELL)
    assert found.parameter("W")[0] == pytest.approx(20.00, abs=5e-6)
    assert found.diffusion[0] == pytest.approx(6.93e-15, rel=1e-3)
    # the slope of Z' below 1 Hz, which one reads off by hand, is off by R_ct | C_dl
    low = F < 1
    slope = np.polyfit((2 * np.pi * F[low]) ** -0.5, found.fitted().real[low], 1)[0]
    assert 20.0 < slope < 20.1


@pytest.mark.slow
def test_error_bars_hold_the_truth():
    rng, inside = np.random.default_rng(2), []
    z = impedance("li-se-li")
    for _ in range(60):
        noise = rng.normal(0, 0.004, (2, len(F)))
        found = fit_spectrum(
            spectrum_of(F, z * (1 + noise[0] + 1j * noise[1])), "li-se-li"
        )
        inside.append(np.abs(found.parameters - TRUE["li-se-li"]) < 1.96 * found.errors)
    assert 0.9 <= np.mean(inside) <= 0.99


def test_a_drifting_cell_fails_kramers_kronig_and_is_told():
    drift = 1 + 0.3 * np.linspace(0, 1, len(F)) ** 2
    found = fit_spectrum(spectrum_of(F, impedance("li-se-li") * drift), "li-se-li")
    assert not found.consistency.passed
    assert "FAILS Kramers-Kronig" in found.consistency.verdict
    assert "measure again" in found.consistency.verdict
    assert not found.as_dict()["kramers_kronig"]["passed"]


def test_the_wrong_sign_of_the_imaginary_part_is_seen():
    found = spectrum_of(F, impedance("randles").conj())
    np.testing.assert_allclose(found.impedance, impedance("randles"))
    assert "stored as -Z''" in found.notes[0]


def test_half_a_spectrum_mixed_up_fails_kramers_kronig():
    z = impedance("li-se-li")
    mixed = np.where(F < 3000, z.real + 0.3j * z.imag, z)
    assert not kramers_kronig(spectrum_of(F, mixed)).passed


def test_the_wrong_circuit_is_told():
    found = fit_spectrum(spectrum_of(F, impedance("randles")), "blocking")
    assert any("choose another one" in note for note in found.notes)


def test_what_the_spectrum_does_not_tell_is_uncertain():
    high = F[F > 3e4]
    noise = np.random.default_rng(0).normal(0, 1e-3, (2, len(high)))
    z = impedance("randles", high) * (1 + noise[0] + 1j * noise[1])
    found = fit_spectrum(spectrum_of(high, z), "randles")
    assert any("wider range of frequencies" in note for note in found.notes)


HEADERS = {
    "frequency (Hz),Z' (Ohm),-Z'' (Ohm)": (1, -1),
    "freq/Hz;Re(Z)/Ohm;-Im(Z)/Ohm": (1, -1),
    "frequency_Hz\tZ_re_ohm\tZ_im_ohm": (1, 1),
    "f [kHz],Zreal [kOhm],Zimag [kOhm]": (1e-3, 1),
    "": (1, 1),
}


@pytest.mark.parametrize("header", HEADERS)
def test_csv_files_are_read_by_their_headers(tmp_path, header):
    scale, sign = HEADERS[header]
    mark = next((mark for mark in (";", "\t") if mark in header), ",")
    z = scale * impedance("randles")
    rows = [
        mark.join(f"{v:.10g}" for v in (scale * f, x.real, sign * x.imag))
        for f, x in zip(F, z, strict=True)
    ]
    path = tmp_path / "z.csv"
    path.write_text("\n".join(filter(None, [header, *rows])))
    found = read_spectrum(path)
    np.testing.assert_allclose(found.frequency, F, rtol=1e-9)
    np.testing.assert_allclose(found.impedance, impedance("randles"), rtol=1e-7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f,Z',Z''\n1,2,-3\n", "has 1 frequencies; a circuit needs 6"),
        ("f,volt,Z''\n1,2,-3\n", "no column with the real part Z'"),
        (
            "f,Z',Z''\n" + "".join(f"{k},-2,-3\n" for k in range(1, 9)),
            "no passive cell",
        ),
        ("f,Z',Z''\n" + "".join(f"{k},2,-3\n" for k in range(8)), "frequency of 0 Hz"),
    ],
)
def test_what_is_no_spectrum_is_told(tmp_path, text, message):
    path = tmp_path / "z.csv"
    path.write_text(text)
    with pytest.raises(AnalysisError, match=message):
        read_spectrum(path)


def test_instruments_need_impedance_py_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "impedance", None)
    path = tmp_path / "cell.DTA"
    path.write_text("EXPLAIN\n")
    with pytest.raises(
        AnalysisError, match=r"ionface\[eis\].*export the spectrum as CSV"
    ):
        read_spectrum(path)


def test_an_instruments_file_is_read_where_impedance_py_is(tmp_path):
    pytest.importorskip("impedance", reason="impedance.py is not installed")
    z = impedance("randles")
    path = tmp_path / "cell.z"
    rows = [
        "\t".join(map(str, (f, 0, 0, 0, x.real, x.imag, 0, 0, 0)))
        for f, x in zip(F, z, strict=True)
    ]
    path.write_text("\n".join(["ZPLOT2 ASCII", "End Comments", *rows]))
    found = read_spectrum(path)
    np.testing.assert_allclose(found.impedance, z, rtol=1e-9)


def test_no_file_of_its_instrument_is_told_where_impedance_py_is(tmp_path):
    pytest.importorskip("impedance", reason="impedance.py is not installed")
    path = tmp_path / "cell.z"
    path.write_text("nothing\n")
    with pytest.raises(AnalysisError, match="cannot be read as a file of zplot"):
        read_spectrum(path)


def test_a_result_survives_its_file_and_is_drawn():
    found = fit_spectrum(spectrum_of(F, impedance("randles")), "randles", CELL)
    back = Eis.from_dict(found.as_dict())
    assert back.as_dict() == found.as_dict()
    texts = [t.get_text() for axes in back.plot().axes for t in axes.texts]
    assert "obeys Kramers-Kronig" in texts


def test_an_unknown_circuit_is_told():
    with pytest.raises(AnalysisError, match="unknown circuit 'R-C'; have"):
        circuit("R-C")
