"""`ionface analyze arrhenius`, on random walkers whose activation energy is known."""

import json

import numpy as np
import pytest

from ionface.analysis.run_checks.run_checks import KB
from ionface.analysis.trajectory.store import TrajectoryWriter
from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.analyze_arrhenius import analyze_arrhenius

EA, STEP = 0.25, 2.0  # eV, fs
FRAMES, WALKERS = 600, 60


def walk(path, temperature, *, measured=True, moving=True):
    """Write walkers with D = D0 exp(-Ea / kT) in a frame of S at rest; return D."""
    rng = np.random.default_rng(round(temperature))
    coefficient = 0.5 * np.exp(-EA / (KB * temperature))  # Å²/fs
    width = np.sqrt(2 * coefficient * STEP) if moving else 0.0
    start = 12 * rng.random((WALKERS + 20, 3))
    steps = rng.normal(0, width or 1e-9, (FRAMES, WALKERS, 3))
    species = ["Li"] * WALKERS + ["S"] * 20
    with TrajectoryWriter.create(path, species, np.diag([12.0] * 3)) as writer:
        for step, moved in enumerate(np.cumsum(steps, axis=0)):
            positions = start + rng.normal(0, 0.02, start.shape)
            positions[:WALKERS] += moved
            heat = {"temperature": temperature} if measured else {}
            writer.append(step=step, time_fs=STEP * step, positions=positions, **heat)
    return coefficient


@pytest.fixture
def runs(tmp_path):
    paths = [tmp_path / f"{t}.ionf" for t in (600, 800, 1000)]
    for path in paths:
        walk(path, float(path.stem))
    return paths


def test_the_activation_energy_of_walkers_is_found(runs, tmp_path, capsys):
    out = tmp_path / "arrhenius.json"
    analyze_arrhenius(
        runs[::-1], "Li", [], 700.0, None, out, as_json=False, drift=["S"]
    )
    data = json.loads(out.read_text())
    assert abs(data["ea_ev"] - EA) < 3 * data["ea_error_ev"]
    assert data["ea_error_ev"] < 0.1 * EA
    assert sorted(data["diffusion"]) == ["1000.0", "600.0", "800.0"]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert len(out.with_suffix(".csv").read_text().splitlines()) == 4
    assert "interpolated" in capsys.readouterr().out


def test_given_temperatures_take_the_place_of_measured_ones(runs, tmp_path, capsys):
    out = tmp_path / "arrhenius.json"
    analyze_arrhenius(
        runs, "Li", [300.0, 400.0, 500.0], 300.0, None, out, as_json=True, drift=["S"]
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert abs(printed["ea_ev"] - EA / 2) < 3 * printed["ea_error_ev"]  # half of T


def test_runs_that_make_no_line_are_refused(runs, tmp_path):
    out = tmp_path / "arrhenius.json"

    def refused(error, message, paths, temperatures=()):
        with pytest.raises(error, match=message):
            analyze_arrhenius(
                paths, "Li", temperatures, 300.0, None, out, as_json=True, drift=["S"]
            )

    refused(IonfaceError, "1 run: an activation energy needs", runs[:1])
    refused(IonfaceError, "1 temperatures for 2 runs", runs[:2], [300.0])
    refused(IonfaceError, "as a run before it", [runs[0], runs[0]])
    silent, still = tmp_path / "silent.ionf", tmp_path / "still.ionf"
    walk(silent, 700.0, measured=False)
    walk(still, 700.0, moving=False)
    refused(IonfaceError, "tells no temperature", [runs[0], silent])
    refused(AnalysisError, "an upper bound is no point", [runs[0], still])
    assert not out.exists()
