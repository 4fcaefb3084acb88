"""Both papers' studies, quick, on the pretrained potentials: minutes long."""

import json

import pytest

from ionface.analysis.reactions.bonds import bonds
from ionface.analysis.trajectory.trajectory import Trajectory

pytestmark = [pytest.mark.slow, pytest.mark.mlip]


@pytest.fixture
def run(tmp_path):
    import subprocess
    import sys

    def command(*words):
        return subprocess.run(
            [sys.executable, "-m", "ionface", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return command


def test_the_formation_study_gives_a_gain_at_every_interface(run, tmp_path):
    done = run("run", "lagp-pdol-li", "--quick", "--project", "p", "--json")
    assert done.returncode == 0, done.stderr
    entries = {e["name"]: e for e in json.loads(done.stdout)["interfaces"]}
    assert entries.keys() == {"Li|P-DOL", "LAGP|Li", "LAGP|P-DOL"}
    for entry in entries.values():
        assert entry["delta_e"] < 0
        assert entry["level_of_theory"]["code"] == "sevenn"
    # the paper's ranking: lithium binds to LAGP by far the strongest
    assert entries["LAGP|Li"]["sigma_j_per_m2"] == min(
        entry["sigma_j_per_m2"] for entry in entries.values()
    )
    assert "Quick run" in (tmp_path / "p" / "report.html").read_text()


def test_the_dynamics_study_keeps_ps4_whole_and_the_bath_temperature(run, tmp_path):
    done = run("run", "lpscl-in", "--quick", "--project", "p")
    assert done.returncode == 0, done.stderr
    frames = Trajectory.open(tmp_path / "p" / "trajectories" / "LPSCl-In.ionf")
    assert frames.n_frames == 201
    assert frames.times_fs[-1] == 400.0
    phosphorus = len(frames.indices("P"))
    counts = bonds(frames, ["P-S"]).counts["P-S"]
    assert (counts == 4 * phosphorus).all()
    temperature = frames.scalars["temperature"][50:].mean()
    assert temperature == pytest.approx(300, rel=0.15)
