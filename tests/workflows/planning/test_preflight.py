"""`ionface run` refuses what cannot work before anything is made, in one message."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cli.study_commands import run_study
from ionface.workflows.planning import preflight
from ionface.workflows.planning.plan import plan
from ionface.workflows.study.study_files import load, parse

EMT = "ase.calculators.emt.EMT"
ANY = "ase.calculators.lj.LennardJones"  # knows every element
STUDY = """\
name: al-ag
engine: vasp
interfaces:
  - name: Al|Ag
    film: &al {{material: Al, miller: [1, 0, 0], layers: 2, lattice: literature}}
    substrate: {{<<: *al, name: Al2}}
    max_area: 20
    vacuum: {vacuum}
vasp:
  vasp_cmd: {command}
  prerelax: off
  {more}
"""


@pytest.fixture
def refused(tmp_path, potcar_library, capsys):
    """Run a study file with VASP; return the one message that it is refused with."""

    def run(more="cores: 64", vacuum=12, command="ls"):
        path = tmp_path / "al-ag.yaml"
        path.write_text(STUDY.format(more=more, vacuum=vacuum, command=command))
        project = tmp_path / "p"
        with pytest.raises(IonfaceError) as found:
            run_study(load(str(path)), project, as_json=False)
        assert not project.exists()
        assert capsys.readouterr().out == ""
        return str(found.value)

    return run


def test_no_vasp_command(refused, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "which", lambda _: None)
    message = refused(command="null")
    assert "no VASP command" in message
    assert "vasp: {vasp_cmd: srun vasp_std}" in message


def test_a_command_that_is_no_program_here(refused):
    assert "'vsap_std' cannot be started here" in refused(command="vsap_std")


def test_no_potcar_directory(refused, monkeypatch):
    from pymatgen.core import SETTINGS

    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", "/nowhere/at/all")
    message = refused()
    assert "/nowhere/at/all, which does not exist" in message
    monkeypatch.delitem(SETTINGS, "PMG_VASP_PSP_DIR")
    assert "pmg config --add PMG_VASP_PSP_DIR" in refused()


def test_a_potcar_that_is_missing(refused, potcar_library):
    (potcar_library / "POTCAR.Al").unlink()
    message = refused()
    assert "no POTCAR Al of PBE_54" in message
    assert "potcars: {Al: NAME}" in message


def test_an_element_without_a_potcar(refused, monkeypatch):
    from ionface.workflows.engines.vasp import potcars

    monkeypatch.delitem(potcars.RECOMMENDED, "Al")
    message = refused()
    assert "no POTCAR is recommended here for Al" in message
    assert "vasp: {potcars: {Al: Al}}" in message


@pytest.mark.slow
def test_a_wall_time_too_short_for_one_step(refused):
    message = refused("cores: 1\n  walltime: 0.168\n  incar: {NBANDS: 6000}")
    assert "one step of Al|Ag" in message
    assert "vasp.walltime more hours" in message


def test_a_wall_time_within_its_reserve_is_told_with_its_line(refused):
    message = refused("walltime: 0.1")
    assert "al-ag.yaml, line 9: vasp: vasp.walltime: 0.1 h leave no time" in message
    assert "Value error" not in message


def test_a_dipole_in_a_sandwich(refused):
    message = refused("dipole: on", vacuum=0)
    assert "vasp.dipole: on contradicts vacuum: 0 of Al|Ag" in message
    assert "set dipole to auto" in message


def test_a_word_where_vasp_expects_a_number_is_told_with_its_line(refused):
    message = refused("incar: {ENCUT: abc}")
    assert "line 9" in message
    assert "ENCUT: 'abc' is not the number that VASP expects" in message


def test_two_values_for_one_key_are_told_with_their_line(refused):
    message = refused("incar: {NSW: 3}")
    assert "line 9" in message
    assert "NSW is set by relaxation.steps" in message


def test_a_project_of_another_study_is_refused_before_models_are_built(
    tmp_path, study_of_potentials, monkeypatch
):
    from ionface.workflows.projects.project import Project

    project = Project.create(tmp_path / "p", study_of_potentials)
    built = []
    monkeypatch.setattr(preflight, "check_study", lambda *a, **k: built.append(1))
    study = load("lpscl-in").with_engine("vasp-double")
    with pytest.raises(IonfaceError, match="never mixed: give another `project`"):
        run_study(study, project.root, as_json=False)
    assert not built


@pytest.fixture
def study_of_potentials():
    text = STUDY.format(more="cores: 1", vacuum=12, command="ls")
    study = parse(text.replace("off", "'off'"), "al-ag.yaml")
    return study.with_engine(EMT)


def test_potentials_need_no_vasp(study_of_potentials):
    assert not preflight.check_study(study_of_potentials, here=True).lines


@pytest.mark.slow
def test_the_command_line_shows_a_refusal_without_a_traceback(tmp_path):
    import os
    import subprocess

    (tmp_path / "s.yaml").write_text(
        STUDY.format(more="dipole: on", vacuum=0, command="ls")
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "ionface", "run", "s.yaml", "--project", "p"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("ionface: ") == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "p").exists()


@pytest.fixture(scope="module")
def both_kinds():
    """Energies by VASP and dynamics by a potential, or the other way round."""
    from ionface.workflows.study.study import EngineNames

    study = replace(load("li-zn"), lattice="literature")
    plain = replace(study, interfaces=study.interfaces[:1])
    return lambda **names: replace(plain, engine=EngineNames(**names))


@pytest.mark.slow
def test_only_jobs_that_vasp_does_are_planned(both_kinds):
    energies = both_kinds(formation="vasp-double", dynamics=ANY)
    planned = preflight.check_study(energies, here=True)
    assert {line.job.kind for line in planned.lines} == {"relax", "static"}
    assert not any("dynamics" in line.job.name for line in planned.lines)
    dynamics = both_kinds(formation=ANY, dynamics="vasp-double")
    planned = preflight.check_study(dynamics, here=True)
    assert [line.job.task for line in planned.lines] == ["pre-relax", "dynamics"]


def test_needs_are_named_as_the_jobs_of_the_flow(both_kinds, monkeypatch, tmp_path):
    from ionface.workflows.flows.study_flow import study_flow

    study = both_kinds(formation="vasp-double", dynamics="vasp-double")
    found = preflight.needs(preflight.check_study(study, here=False))
    names = {job.name for job, _ in study_flow(study).iterflow()}
    assert set(found) <= names
    engines_jobs = {
        n for n in names if {"relax", "static", "dynamics"} & set(n.split())
    }
    assert set(found) == engines_jobs | {n for n in names if "pre-relax" in n}
    one = found["Li|LiZn relax interface"]
    assert one.tasks == 1
    real = preflight.needs(plan(study.with_engine("vasp")))["Li|LiZn relax interface"]
    assert real.tasks == 64
    assert real.hours == pytest.approx(real.core_hours / 64)
