"""Whole runs in processes of their own, as a queue starts them."""

import io
import shutil

import numpy as np
import pytest
from pymatgen.io.vasp import Oszicar, Outcar

from ionface.analysis.readers.vasprun import VasprunStream
from ionface.workflows.engines.vasp_double.emulate import (
    Stop,
    emulate,
    stop_requested,
)
from ionface.workflows.engines.vasp_double.faults import Faults
from ionface.workflows.engines.vasp_double.model import model

from .conftest import DYNAMICS, RELAX, STATIC


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


@pytest.mark.slow
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
    """Every step is on the disk before the next one is computed."""
    folder = run_folder(DYNAMICS)
    grown = []

    class Watching(Faults):
        def within(self, number):
            lines = (folder / "OSZICAR").read_text().count("T=")
            steps = (folder / "vasprun.xml").read_text().count("</calculation>")
            frames = (folder / "XDATCAR").read_text().count("configuration")
            grown.append((number - 1, lines, steps, frames))

    quiet = io.StringIO()
    emulate(folder, model("emt"), Watching(folder, [], quiet, quiet))
    assert grown == [(n, n, n, n) for n in range(8)]


STOPCARS = {
    "LSTOP = .TRUE.": Stop.SOFT,
    "lstop = t\n": Stop.SOFT,
    "LABORT = .TRUE.\n": Stop.HARD,
    "LSTOP = .TRUE.\nLABORT = .TRUE.": Stop.HARD,
    "LSTOP = .FALSE.": None,
    "LSTOP = what\n": None,
    "": None,
}


@pytest.mark.parametrize("text", STOPCARS)
def test_stopcar_asks_for_an_end_after_the_step_or_within_it(tmp_path, text):
    assert stop_requested(tmp_path) is None
    (tmp_path / "STOPCAR").write_text(text)
    assert stop_requested(tmp_path) is STOPCARS[text]
