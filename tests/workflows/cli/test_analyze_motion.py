"""`ionface analyze msd`, `profile` and `checks`, on a run whose answers are known."""

import csv
import json

import numpy as np
import pytest

from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.analyze_motion import (
    analyze_checks,
    analyze_msd,
    analyze_profile,
)

FRAMES, HEIGHT = 400, 40.0


@pytest.fixture
def run_file(tmp_path):
    """Li walks in a slab of S (0-20 Å), In vibrates above it; 300 K."""
    rng = np.random.default_rng(0)
    species = ["Li"] * 20 + ["S"] * 40 + ["In"] * 40
    start = 12 * rng.random((100, 3))
    start[:, 2] = np.concatenate(
        [np.full(20, 10.0), np.linspace(1, 19, 40), np.linspace(21, 39, 40)]
    )
    walk = np.cumsum(rng.normal(0, 0.3, (FRAMES, 20, 3)), axis=0)
    path = tmp_path / "run.ionf"
    lattice = np.diag([12.0, 12.0, HEIGHT])
    with TrajectoryWriter.create(
        path, species, lattice, meta={"temperature_K": 300.0}
    ) as writer:
        for step in range(FRAMES):
            positions = start + rng.normal(0, 0.1, (100, 3))
            positions[:20] += walk[step]
            writer.append(
                step=step,
                time_fs=2.0 * step,
                positions=positions,
                potential_energy=-300.0 + rng.normal(),
                temperature=300 + rng.normal() * 300 * np.sqrt(2 / 300),
                conserved=-290.0 + 1e-4 * rng.normal(),
            )
    return path


def table_rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_msd_writes_numbers_a_table_and_a_figure(run_file, tmp_path, capsys):
    out = tmp_path / "msd.json"
    analyze_msd([run_file], ["Li", "In"], None, out, as_json=False, drift=["In"])
    data = json.loads(out.read_text())
    found = {(d["species"], d["direction"]): d for d in data["diffusion"]}
    low, high = found["Li", "3d"]["d_interval_cm2_per_s"]
    assert low < 0.1 * 0.09 / 2 / 2.0 < high  # step variance over 2 dt, in cm²/s
    assert found["In", "3d"]["d_cm2_per_s"] is None
    assert found["In", "3d"]["verdict"].startswith("not diffusive")
    assert data["drift"] == "mean of the 40 In atoms subtracted"
    rows = table_rows(out.with_suffix(".csv"))
    assert len(rows) == FRAMES
    assert float(rows[7]["Li 3d (Å²)"]) == data["msd"]["Li"]["3d"][7]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "diffusive" in capsys.readouterr().out


def test_layers_are_named_and_json_is_what_is_written(run_file, tmp_path, capsys):
    out = tmp_path / "msd.json"
    analyze_msd(
        [run_file], ["S"], None, out, as_json=True, drift=["none"], layers=[0, 10, 20]
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert {d["species"] for d in printed["diffusion"]} == {
        "S",
        "S, 0.0-10.0 Å",
        "S, 10.0-20.0 Å",
    }


def test_profile_writes_densities_and_the_interphase(run_file, tmp_path, capsys):
    out = tmp_path / "profile.json"
    analyze_profile([run_file], [], "In:S", 3, None, out, as_json=False)
    data = json.loads(out.read_text())
    volume = data["area"] * data["cell_height"] / len(data["heights"])
    for name, number in (("Li", 20), ("S", 40), ("In", 40)):
        sums = np.sum(data["densities"][name], axis=1) * volume
        np.testing.assert_allclose(sums, number)
    positions = np.array(data["interphase"]["positions"])
    np.testing.assert_allclose(positions[:, 0], 20, atol=1.0)
    assert np.array(data["interphase"]["widths"]).max() < 3
    assert len(table_rows(out.with_suffix(".csv"))) == 3 * len(data["heights"])
    assert (tmp_path / "profile-interphase.png").is_file()
    assert "front at" in capsys.readouterr().out


def test_checks_find_the_target_in_the_file_and_doubt_another(
    run_file, tmp_path, capsys
):
    out = tmp_path / "checks.json"
    analyze_checks([run_file], None, None, out, as_json=False)
    assert json.loads(out.read_text())["verdict"] == "sound"
    assert "mean temperature" in capsys.readouterr().out
    analyze_checks([run_file], 400.0, None, out, as_json=True)
    assert json.loads(capsys.readouterr().out)["verdict"].startswith("doubtful: mean")
    assert table_rows(out.with_suffix(".csv"))[0]["verdict"] == "doubtful"


def test_mistakes_are_told_with_the_way_out(run_file, tmp_path):
    out = tmp_path / "x.json"
    with pytest.raises(IonfaceError, match="does not exist"):
        analyze_checks([tmp_path / "nowhere"], None, None, out, as_json=True)
    with pytest.raises(IonfaceError, match="stands alone"):
        analyze_msd([run_file], [], None, out, as_json=True, drift=["all", "S"])
    for text in ("In", "In:", ":S"):
        with pytest.raises(IonfaceError, match="does not name two phases"):
            analyze_profile([run_file], [], text, 3, None, out, as_json=True)
    with pytest.raises(IonfaceError, match=r"give --out .*x\.json"):
        analyze_checks([run_file], None, None, tmp_path / "x.png", as_json=True)
    with pytest.raises(AnalysisError, match="no 'Cl'"):
        analyze_msd([run_file], ["Cl"], None, out, as_json=True)
    assert not out.exists()


def test_the_commands_are_there(cli, run_file):
    run = cli("analyze", "msd", run_file, "--species", "Li", "--drift", "S", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["atoms"] == {"Li": 20}
    run = cli("analyze", "profile", run_file, "--between", "In", "--out", "p.json")
    assert run.returncode == 1
    assert "does not name two phases" in run.stderr
    run = cli("analyze", "checks", run_file, "--temperature", "300")
    assert run.returncode == 0, run.stderr
    assert "sound" in run.stderr
