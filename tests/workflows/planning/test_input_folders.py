"""Directories for those who submit by hand, and scripts that do what they say."""

import contextlib
import os
import subprocess
from dataclasses import replace

import numpy as np
import psutil
import pytest
from pymatgen.io.vasp import Incar, Kpoints, Poscar

from ionface.errors import IonfaceError
from ionface.structures.specs import RegistryScan
from ionface.workflows.planning.input_folders import write_inputs
from ionface.workflows.study.study_files import parse
from ionface.workflows.study.vasp_settings import VaspSettings

STUDY = """\
name: al-al
lattice: literature
interfaces:
  - name: Al|Al2
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Al2}
    max_area: 20
    vacuum: 12
dynamics:
  - {interface: Al|Al2, steps: 10, pairs: [Al-Al], prerelax: 5}
"""

FAKE = """\
#!/bin/bash
cp POSCAR CONTCAR; echo waves > WAVECAR
"""
DYING = """\
#!/bin/bash
touch CONTCAR vasprun.xml; exit 3
"""


@pytest.fixture(scope="module")
def study():
    return parse(STUDY, "al-al.yaml").with_engine("vasp")


@pytest.fixture(scope="module")
def written(study, tmp_path_factory, shared_library):
    out = tmp_path_factory.mktemp("inputs") / "out"
    return out, write_inputs(study, out).jobs


def test_every_directory_has_its_four_files_and_a_script(written):
    out, entries = written
    for entry in entries:
        for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR", "job.sh"):
            assert (entry.folder / name).stat().st_size
        Kpoints.from_file(entry.folder / "KPOINTS")
        incar = Incar.from_file(entry.folder / "INCAR")
        assert ("LDIPOL" in incar) == (entry.folder / "first" / "INCAR").is_file()
        assert os.access(entry.folder / "job.sh", os.X_OK)
    names = [entry.folder.name for entry in entries]
    assert names[:2] == ["01-relax-interface", "02-static-interface"]
    readme = (out / "README.md").read_text()
    assert all(name in readme for name in names)


def test_dynamics_start_with_velocities(written):
    _, entries = written
    dynamics = next(e for e in entries if e.job.kind == "dynamics")
    assert len(Poscar.from_file(dynamics.folder / "POSCAR").velocities) == len(
        dynamics.job.run.structure
    )


def test_without_a_library_the_names_are_written(study, tmp_path, monkeypatch):
    from pymatgen.core import SETTINGS

    monkeypatch.delitem(SETTINGS, "PMG_VASP_PSP_DIR", raising=False)
    entries = write_inputs(study, tmp_path / "out").jobs
    assert (entries[0].folder / "POTCAR.spec").read_text() == "Al\n"
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "POTCARs are named, not written" in readme
    assert "`first/`" in readme  # a slab with vacuum
    assert not (entries[0].folder / "POTCAR").exists()


def test_bulk_crystals_are_the_first_turn_where_the_engine_gives_the_lattice(
    study, tmp_path, shared_library
):
    out = tmp_path / "out"
    written = write_inputs(replace(study, lattice="engine"), out)
    names = {str(entry.folder.relative_to(out)): entry for entry in written.jobs}
    first = [name for name, entry in names.items() if not entry.waits]
    assert first == ["Al/01-relax-bulk", "Al/02-static-bulk"]  # of both sides
    assert all((out / name / "POSCAR").is_file() for name in first)
    assert Incar.from_file(out / first[0] / "INCAR")["ISIF"] == 3
    waiting = [entry for entry in written.jobs if entry.waits]
    assert len(waiting) == 10
    assert not any((entry.folder / "POSCAR").exists() for entry in waiting)
    said = written.waiting["Al|Al2"]
    assert said.startswith("run Al/01-relax-bulk; once")
    assert f"- Al|Al2: {said}." in (out / "README.md").read_text()
    assert "lattice: literature" in (out / "README.md").read_text()


def test_what_is_left_out_has_no_bulk_relaxed_for_it(study, tmp_path, shared_library):
    scanned = replace(
        study.interfaces[0], name="scanned", scan=RegistryScan(spacing=1.0)
    )
    both = replace(study, lattice="engine", interfaces=(*study.interfaces, scanned))
    written = write_inputs(both, tmp_path / "out")
    assert list(written.left_out) == ["scanned"]
    assert {entry.job.subject for entry in written.jobs} == {"Al", "Al|Al2"}


def test_a_directory_of_another_study_is_refused(written, study):
    out, _ = written
    other = replace(study, name="other")
    with pytest.raises(IonfaceError, match="study 'al-al', not 'other'"):
        write_inputs(other, out)
    foreign = out.parent / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").touch()
    with pytest.raises(IonfaceError, match="not empty"):
        write_inputs(study, foreign)


def test_frozen_slabs_wait_for_the_interface_and_dynamics_do_not(study, tmp_path):
    inputs = write_inputs(replace(study, slabs="frozen"), tmp_path / "out", spec=True)
    without = {entry.job.task for entry in inputs.jobs if entry.waits}
    assert without == {
        "static film", "static substrate",
    }  # fmt: skip
    assert not any((e.folder / "POSCAR").exists() for e in inputs.jobs if e.waits)
    assert not inputs.left_out
    assert "03-static-film, 04-static-substrate" in inputs.waiting["Al|Al2"]


def test_a_missing_potcar_is_refused_before_anything_is_written(
    study, tmp_path, potcar_library
):
    (potcar_library / "POTCAR.Al").unlink()
    with pytest.raises(IonfaceError, match="no POTCAR Al"):
        write_inputs(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def submit(tmp_path):
    """Run a job's script with a fake VASP in the place of srun."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def run(folder, vasp=FAKE):
        (programs / "srun").write_text(vasp)
        (programs / "srun").chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "job.sh"],
            cwd=folder,
            env={"PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_scripts_hand_positions_on_and_dynamics_go_on_from_the_last_state(
    study, submit, tmp_path, shared_library
):
    entries = write_inputs(study, tmp_path / "out").jobs
    by_task = {entry.job.task: entry.folder for entry in entries}
    assert submit(by_task["static interface"]).returncode  # nothing to start from
    assert not submit(by_task["relax interface"]).returncode
    moved = Poscar.from_file(by_task["relax interface"] / "CONTCAR")
    shifted = moved.structure.copy()
    shifted.translate_sites(range(len(shifted)), [0, 0, 0.125])
    Poscar(shifted).write_file(by_task["relax interface"] / "CONTCAR")
    assert not submit(by_task["static interface"]).returncode
    for name in ("POSCAR", "first/POSCAR"):
        taken = Poscar.from_file(by_task["static interface"] / name).structure
        np.testing.assert_allclose(
            taken.frac_coords % 1, shifted.frac_coords % 1, atol=1e-8
        )
    assert not submit(by_task["pre-relax"]).returncode
    dynamics = by_task["dynamics"]
    velocities = Poscar.from_file(dynamics / "POSCAR").velocities
    for _ in range(3):
        assert not submit(dynamics).returncode
    runs = sorted(path.name for path in dynamics.glob("run-*"))
    assert runs == ["run-001", "run-002", "run-003"]
    for run in runs:
        state = Poscar.from_file(dynamics / run / "POSCAR")
        np.testing.assert_allclose(state.velocities, velocities)
    before, after = ((dynamics / run) for run in runs[:2])
    assert (after / "POSCAR").read_bytes() == (before / "CONTCAR").read_bytes()


def test_dynamics_do_not_go_on_from_a_run_that_died_before_its_first_step(
    study, submit, tmp_path, shared_library
):
    dynamics = write_inputs(study, tmp_path / "out").jobs[-1].folder
    (dynamics / ".started").touch()  # as if the pre-relaxation had been taken
    assert not submit(dynamics).returncode
    assert submit(dynamics, DYING).returncode == 3
    assert submit(dynamics).returncode
    assert len(list(dynamics.glob("run-*"))) == 2
    assert not sleepers(tmp_path)


def sleepers(folder):
    """Return the processes that a script has left to sleep."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "sleep" and process.cwd().startswith(str(folder)):
                found.append(process)
    return found


def test_the_wall_time_of_the_study_is_in_the_script(study, tmp_path):
    given = VaspSettings(walltime=1.5, cores=32, memory=100, vasp_cmd="mpirun vasp")
    inputs = write_inputs(replace(study, vasp=given), tmp_path / "out", spec=True)
    script = (inputs.jobs[0].folder / "job.sh").read_text()
    assert "--time=01:30:00" in script
    assert "--ntasks=32" in script
    assert "--mem=100G" in script
    assert 'VASP="mpirun vasp"' in script
