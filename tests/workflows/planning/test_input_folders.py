"""Directories for those who submit by hand, and scripts that do what they say."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp import Incar, Kpoints, Poscar

from ionface.errors import IonfaceError
from ionface.workflows.engines.registry import configured
from ionface.workflows.engines.vasp.vasp_engine import vasp
from ionface.workflows.planning.batch_script import batch_script
from ionface.workflows.planning.input_folders import write_inputs
from ionface.workflows.study.study_files import parse

STUDY = """\
name: al-al
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
# four ionic steps at most, or fewer where NSW says so; CONTCAR is the POSCAR
n=$(awk '/^NSW/ {print $3}' INCAR); [ "$n" -gt 4 ] && n=4; [ "$n" -lt 1 ] && n=1
for i in $(seq $n); do echo '</calculation>'; done > vasprun.xml
cp POSCAR CONTCAR; echo waves > WAVECAR
"""
DYING = """\
#!/bin/bash
touch CONTCAR vasprun.xml; exit 3
"""


@pytest.fixture(scope="module")
def study():
    return parse(STUDY, "al-al.yaml")


@pytest.fixture(scope="module")
def written(study, tmp_path_factory, shared_library):
    out = tmp_path_factory.mktemp("inputs") / "out"
    return out, write_inputs(study, configured(vasp(), study), out)


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
    entries = write_inputs(study, configured(vasp(), study), tmp_path / "out")
    assert (entries[0].folder / "POTCAR.spec").read_text() == "Al\n"
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "POTCARs are named, not written" in readme
    assert "`first/`" in readme  # a slab with vacuum
    assert not (entries[0].folder / "POTCAR").exists()


def test_a_directory_of_another_study_is_refused(written, study):
    from dataclasses import replace

    out, _ = written
    other = replace(study, name="other")
    engine = configured(vasp(), study)
    with pytest.raises(IonfaceError, match="study 'al-al', not 'other'"):
        write_inputs(other, engine, out)
    foreign = out.parent / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").touch()
    with pytest.raises(IonfaceError, match="not empty"):
        write_inputs(study, engine, foreign)


def test_frozen_slabs_cannot_be_written_in_advance(study, tmp_path):
    from dataclasses import replace

    with pytest.raises(IonfaceError, match="frozen are cut from the relaxed"):
        write_inputs(
            replace(study, slabs="frozen"), configured(vasp(), study), tmp_path / "out"
        )


def test_a_missing_potcar_is_refused_before_anything_is_written(
    study, tmp_path, potcar_library
):
    (potcar_library / "POTCAR.Al").unlink()
    with pytest.raises(IonfaceError, match="no POTCAR Al"):
        write_inputs(study, configured(vasp(), study), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def submit(tmp_path):
    """Run a job's script with a fake VASP in the place of srun."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "srun").write_text(FAKE)
    (programs / "srun").chmod(0o755)

    def run(folder, vasp=FAKE):
        (programs / "srun").write_text(vasp)
        path = f"{programs}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "job.sh"],
            cwd=folder,
            env={"PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == (3 if vasp == DYING else 0), done.stderr
        return done

    return run


@pytest.mark.skipif(not shutil.which("awk"), reason="needs awk")
def test_scripts_hand_positions_on_and_go_on_until_all_steps_are_done(written, submit):
    _, entries = written
    by_task = {entry.job.task: entry.folder for entry in entries}
    submit(by_task["relax interface"])
    moved = Poscar.from_file(by_task["relax interface"] / "CONTCAR")
    shifted = moved.structure.copy()
    shifted.translate_sites(range(len(shifted)), [0, 0, 0.125])
    Poscar(shifted).write_file(by_task["relax interface"] / "CONTCAR")
    submit(by_task["static interface"])
    for name in ("POSCAR", "first/POSCAR"):
        taken = Poscar.from_file(by_task["static interface"] / name).structure
        np.testing.assert_allclose(
            taken.frac_coords % 1, shifted.frac_coords % 1, atol=1e-8
        )
    submit(by_task["pre-relax"])
    dynamics = by_task["dynamics"]
    for _ in range(4):
        submit(dynamics)
    parts = sorted(p.name for p in dynamics.glob("part-*"))
    # ten steps by four a run, each later run repeating one: 4, 7, 10
    assert parts == ["part-001", "part-002", "part-003"]
    steps = [Incar.from_file(dynamics / part / "INCAR")["NSW"] for part in parts]
    assert steps == [10, 7, 4]
    assert len(Poscar.from_file(dynamics / "part-002" / "POSCAR").velocities)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs Linux's /proc")
def test_a_part_that_died_before_its_first_step_is_put_aside(written, submit, tmp_path):
    _, entries = written
    folder = tmp_path / "dynamics"
    shutil.copytree(next(e.folder for e in entries if e.job.kind == "dynamics"), folder)
    for old in (*folder.glob("part-*"), *folder.glob(".started")):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    (tmp_path / "03-pre-relax").mkdir(exist_ok=True)
    script = (folder / "job.sh").read_text()
    for line in script.splitlines():
        if "/CONTCAR POSCAR >" in line:
            (tmp_path / line.split("../")[1].split("/")[0]).mkdir(exist_ok=True)
    for before in tmp_path.glob("*-pre-relax"):
        shutil.copy(folder / "POSCAR", before / "CONTCAR")
    submit(folder)
    submit(folder, DYING)
    submit(folder, DYING)
    assert not _sleepers(folder)
    submit(folder)
    assert len(list(folder.glob("aside-*/part-002"))) == 2
    parts = sorted(folder.glob("part-*"))
    assert [part.name for part in parts] == ["part-001", "part-002"]
    assert [Incar.from_file(part / "INCAR")["NSW"] for part in parts] == [10, 7]
    assert (parts[1] / "POSCAR").read_text() == (parts[0] / "CONTCAR").read_text()


def _sleepers(folder):
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (path / "comm").read_text().strip() == "sleep" and (
                path / "cwd"
            ).resolve().is_relative_to(folder):
                found.append(path.name)
    return found


def test_the_wall_time_of_the_study_is_in_the_script(study, written):
    from dataclasses import replace

    from ionface.workflows.study.vasp_settings import VaspSettings

    job = written[1][0].job
    given = VaspSettings(walltime=1.5, cores=32, memory=100, vasp_cmd="mpirun vasp")
    run = replace(job.run, waves=replace(job.run.waves, settings=given))
    script = batch_script(replace(job, run=run), None)
    assert "--time=01:30:00" in script
    assert "--ntasks=32" in script
    assert "--mem=100G" in script
    assert 'VASP="mpirun vasp"' in script
