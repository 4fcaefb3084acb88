"""Whole runs in processes of their own, as a queue starts them."""

import re
import shutil
import time

import numpy as np
import pytest
from pymatgen.io.vasp import Oszicar, Outcar, Xdatcar

from ionface.analysis.readers.vasprun import VasprunStream
from ionface.errors import InputError

from .conftest import DYNAMICS, RELAX, STATIC

# pymatgen's Xdatcar leaves its file open
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _steps(folder):
    return list(VasprunStream(folder / "vasprun.xml").steps())


def _same(one, other):
    return (
        (one.fractional == other.fractional).all()
        and (one.forces == other.forces).all()
        and one.energies == other.energies
    )


@pytest.mark.parametrize("extra", ["", "SMASS = -3\n", "SMASS = 0.8\n"])
def test_segments_are_one_long_run_frame_for_frame(run_folder, here, extra):
    tags = extra + DYNAMICS.replace("SMASS = 0\n", "") if extra else DYNAMICS
    whole = run_folder(tags.replace("NSW = 8", "NSW = 22"), name="whole")
    here(whole)
    parts = run_folder(tags, name="parts")
    frames = []
    for _ in range(3):
        here(parts)
        steps = _steps(parts)
        if frames:
            assert _same(steps[0], frames.pop())
        frames += steps
        shutil.copy(parts / "CONTCAR", parts / "POSCAR")
    assert len(frames) == 8 + 7 + 7
    assert all(_same(a, b) for a, b in zip(_steps(whole), frames, strict=True))
    assert (whole / "CONTCAR").read_text() == (parts / "CONTCAR").read_text()


def test_processes_in_a_row_are_one_long_run(run_folder, double):
    whole = run_folder(DYNAMICS.replace("NSW = 8", "NSW = 15"), name="whole")
    parts = run_folder(DYNAMICS, name="parts")
    assert double(whole).returncode == 0
    assert double(parts).returncode == 0
    before = _steps(parts)
    shutil.copy(parts / "CONTCAR", parts / "POSCAR")
    assert double(parts).returncode == 0
    frames = before + _steps(parts)[1:]
    assert all(_same(a, b) for a, b in zip(_steps(whole), frames, strict=True))


def test_lstop_ends_after_the_step_and_leaves_a_state_to_go_on_from(run_folder, here):
    folder = run_folder(DYNAMICS)
    (folder / "STOPCAR").write_text("LSTOP = .TRUE.\n")
    printed = here(folder)
    assert "soft stop encountered" in printed
    outcar = Outcar(folder / "OUTCAR")
    assert outcar.is_stopped
    assert outcar.run_stats["Elapsed time (sec)"] >= 0
    assert len(_steps(folder)) == 1
    assert not (folder / "STOPCAR").exists()
    shutil.copy(folder / "CONTCAR", folder / "POSCAR")
    here(folder)
    whole = run_folder(DYNAMICS, name="whole")
    here(whole)
    assert all(_same(a, b) for a, b in zip(_steps(folder), _steps(whole), strict=True))


def test_labort_ends_within_the_step_with_an_energy_that_is_not_converged(
    run_folder, here
):
    folder = run_folder(STATIC)
    here(folder)
    right = _steps(folder)[0].energies["e_0_energy"]
    (folder / "STOPCAR").write_text("LABORT = .TRUE.\n")
    assert "hard stop encountered" in here(folder)
    (step,) = _steps(folder)
    assert step.scf_steps == 3
    assert abs(step.energies["e_0_energy"] - right) > 0.01
    assert "hard stop" in (folder / "OUTCAR").read_text()
    assert Oszicar(folder / "OSZICAR").final_energy == pytest.approx(
        step.energies["e_0_energy"], rel=1e-7
    )


def test_nsw_limits_a_relaxation_and_a_rerun_finishes_it(run_folder, here):
    folder = run_folder(RELAX.replace("NSW = 60", "NSW = 6"))
    assert "reached required accuracy" not in here(folder)
    assert len(_steps(folder)) == 6
    for _ in range(8):
        shutil.copy(folder / "CONTCAR", folder / "POSCAR")
        if "reached required accuracy" in here(folder):
            break
    last = _steps(folder)[-1]
    assert np.linalg.norm(last.forces, axis=1).max() < 0.02
    assert "reached required accuracy" in (folder / "OUTCAR").read_text()


def test_files_grow_while_it_runs(run_folder):
    import subprocess
    import sys

    from .conftest import environment_of

    folder = run_folder(DYNAMICS.replace("NSW = 8", "NSW = 50"))
    command = [
        sys.executable,
        "-m",
        "ionface.workflows.engines.vasp_double",
        "--fault",
        "slow:0.15",
    ]
    with subprocess.Popen(
        command, cwd=folder, env=environment_of(), stdout=subprocess.DEVNULL
    ) as process:
        try:
            counts = []
            deadline = time.monotonic() + 30
            while len(set(counts)) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
                if (folder / "OSZICAR").is_file():
                    counts.append((folder / "OSZICAR").read_text().count("T="))
            done = len(
                re.findall("</calculation>", (folder / "vasprun.xml").read_text())
            )
            frames = len(Xdatcar(folder / "XDATCAR").structures)
        finally:
            process.kill()
    assert 1 <= done < 50
    assert abs(frames - done) <= 1
    assert len(_steps(folder)) >= done


@pytest.mark.parametrize("missing", ["INCAR", "POSCAR", "POTCAR.spec"])
def test_a_missing_input_ends_the_run_with_a_word(run_folder, double, missing):
    folder = run_folder(STATIC)
    (folder / missing).unlink()
    run = double(folder)
    assert run.returncode == 1
    assert missing.partition(".")[0] in run.stderr
    assert missing.partition(".")[0] in run.stdout  # VASP's own channel
    assert "Traceback" not in run.stderr
    assert not (folder / "OUTCAR").exists()


def test_species_that_differ_are_refused(run_folder, here):
    folder = run_folder(STATIC)
    (folder / "POTCAR.spec").write_text("Cu\nAl\n")
    with pytest.raises(InputError, match="POTCAR has Cu Al, POSCAR has Al Cu"):
        here(folder)
