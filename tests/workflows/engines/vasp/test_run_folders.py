"""The folder of a job: one job only, and nobody else at work in it."""

import subprocess
import sys
from dataclasses import replace

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.engines.vasp.incar import static_incar
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.run_folders import (
    carry_wavefunctions,
    check_idle,
    next_run_folder,
    run_folders,
    stamp,
)


@pytest.fixture
def run(li_2024, in_ledger):
    incar = static_incar(li_2024, in_ledger)
    return VaspRun(li_2024, in_ledger, incar, 0.28)


def test_run_folders_are_numbered_and_never_reused(tmp_path):
    for number in (1, 2, 3):
        folder = next_run_folder(tmp_path)
        assert folder.name == f"run-{number:03d}"
        folder.mkdir()
    assert [p.name for p in run_folders(tmp_path)] == ["run-001", "run-002", "run-003"]


def test_what_may_change_between_two_runs_does_not_make_another_job(tmp_path, run):
    stamp(tmp_path, run, "static")
    stamp(tmp_path, replace(run, incar={**run.incar, "NCORE": 8}), "static")
    with pytest.raises(IonfaceError, match="kind: static -> relax"):
        stamp(tmp_path, run, "relax")
    with pytest.raises(IonfaceError, match="SIGMA"):
        stamp(tmp_path, replace(run, incar={**run.incar, "SIGMA": 0.2}), "static")


def test_wavefunctions_are_moved_or_copied_if_there_are_any(tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    one.mkdir()
    assert not carry_wavefunctions(one, two, keep=False)
    (one / "WAVECAR").write_bytes(b"")  # VASP was killed before it wrote
    assert not carry_wavefunctions(one, two, keep=False)
    (one / "WAVECAR").write_bytes(b"psi")
    assert carry_wavefunctions(one, two, keep=True)
    assert (one / "WAVECAR").exists()
    assert carry_wavefunctions(two, three, keep=False)
    assert not (two / "WAVECAR").exists()


def test_a_vasp_that_outlived_its_job_is_not_joined_by_another(tmp_path):
    folder = tmp_path / "run-001"
    folder.mkdir()
    check_idle(tmp_path)
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], cwd=folder
    )
    try:
        with pytest.raises(IonfaceError, match=f"process {sleeper.pid} still runs"):
            check_idle(tmp_path)
    finally:
        sleeper.kill()
        sleeper.wait()
    check_idle(tmp_path)
