"""A wall time of 30 s, as a user meets it: the same command until all is done."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from ionface.analysis.trajectory.trajectory import Trajectory

STEPS = 150
STUDY = f"""\
name: al-ag
engine: vasp-double
lattice: literature
interfaces:
  - name: Al|Ag
    film: {{material: Al, miller: [1, 0, 0], layers: 2}}
    substrate: {{material: Al, miller: [1, 0, 0], layers: 2, name: Ag}}
    max_area: 20
    vacuum: 12
formation: []
dynamics:
  - {{interface: Al|Ag, steps: {STEPS}, pairs: [Al-Al], prerelax: 3}}
"""


@pytest.fixture
def run(tmp_path):
    """Run `ionface run` once, in a process of its own: one batch job."""

    def once(study, project, fault=""):
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "IONFACE_VASP_CALCULATOR": "emt",
            "IONFACE_VASP_SHIFT": "-5",
            "IONFACE_VASP_FAULT": fault,
        }
        environment.pop("CUSTODIAN_WALLTIME_START", None)
        done = subprocess.run(
            [sys.executable, "-m", "ionface", "run", study, "--project", project],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return once


def frames(project):
    return Trajectory.open(project / "trajectories" / "Al-Ag.ionf")


@pytest.mark.slow
def test_many_segments_are_one_long_run_frame_for_frame(run, tmp_path):
    (tmp_path / "long.yaml").write_text(STUDY)
    (tmp_path / "short.yaml").write_text(
        STUDY + "vasp: {walltime: 0.00834, reserve: 12}\n"
    )
    assert run("long.yaml", "long").returncode == 0
    messages = []
    for _ in range(12):
        done = run("short.yaml", "short", fault="slow:0.3")
        if done.returncode == 0:
            break
        messages.append(" ".join(done.stderr.split()))
    assert done.returncode == 0
    assert len(messages) >= 2
    assert all("by the wall time" in text for text in messages)
    assert all("run the same command again" in text for text in messages)
    one, many = frames(tmp_path / "long"), frames(tmp_path / "short")
    assert one.steps.tolist() == many.steps.tolist() == list(range(STEPS))
    np.testing.assert_allclose(many.times_fs, one.times_fs)
    np.testing.assert_allclose(many.positions, one.positions, atol=2e-6)
    (folder,) = (tmp_path / "short" / "runs").glob("*dynamics*")
    checks = json.loads((folder / "restarts.json").read_text())
    assert len(checks) == len(messages)
    assert all(check["repeated"] for check in checks)
