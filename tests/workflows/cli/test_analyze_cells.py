"""Measurements of cells on the command line."""

import json

import numpy as np

from ionface.analysis.electrochemistry.circuits import CIRCUITS


def spectrum(folder):
    f = np.geomspace(1e6, 1e-2, 61)
    z = CIRCUITS["li-se-li"].impedance(2 * np.pi * f, np.array([50, 300, 1e-6, 0.85]))
    rows = [f"{a},{b.real},{-b.imag}" for a, b in zip(f, z, strict=True)]
    path = folder / "cell.csv"
    path.write_text("\n".join(["f (Hz),Z' (Ohm),-Z'' (Ohm)", *rows]))
    return path


def test_a_spectrum_gives_its_circuit_and_conductivity(cli, tmp_path):
    geometry = "thickness_cm=0.05, area_cm2=1"
    told = cli(
        "analyze",
        "eis",
        spectrum(tmp_path),
        "--circuit",
        "li-se-li",
        "--cell",
        geometry,
    )
    assert told.returncode == 0, told.stderr
    assert "obeys Kramers-Kronig" in told.stdout
    assert {p.name for p in tmp_path.iterdir()} == {
        "cell.csv", "eis.json", "eis.csv", "eis.png"
    }  # fmt: skip
    found = json.loads((tmp_path / "eis.json").read_text())
    assert abs(found["conductivity_s_per_cm"] - 1e-3) < 1e-8
    assert found["parameters"]["R"]["unit"] == "Ω"


def test_transference_in_the_units_of_the_bench(cli):
    words = (
        *("--initial-current", 10, "--steady-current", 6),
        *("--initial-resistance", 300, "--steady-resistance", 320),
    )
    assert "t+ = 0.51980" in cli("analyze", "transference", *words).stdout
    as_json = cli("analyze", "transference", *words, "--json").stdout
    assert abs(json.loads(as_json)["transference_number"] - 0.51980) < 5e-6
    refused = cli("analyze", "transference", *words, "--voltage", 2)
    assert refused.returncode == 1
    assert "take I0 R0 = 0.003 V" in refused.stderr


def test_arrhenius_takes_a_measured_table(cli, tmp_path):
    (tmp_path / "s.csv").write_text("T (°C),σ (mS/cm)\n25,0.96\n45,1.9\n70,4.1\n")
    told = cli("analyze", "arrhenius", "s.csv", "--at", 330)
    assert told.returncode == 0, told.stderr
    assert "Ea of σT" in told.stdout
    assert json.loads((tmp_path / "arrhenius.json").read_text())["at_k"] == 330
    assert cli("analyze", "arrhenius", "no.csv").returncode == 1
