"""`ionface plan` and `ionface inputs` as users call them."""

import json

import pytest
from typer.testing import CliRunner

from ionface.errors import IonfaceError
from ionface.workflows.cli import app

STUDY = """\
name: al-al
lattice: literature
interfaces:
  - name: Al|Al2
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Al2}
    max_area: 20
    vacuum: 12
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "al-al.yaml"
    path.write_text(STUDY)
    return str(path)


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_plan_is_a_table_and_json(study):
    shown = call("plan", study, "--engine", "vasp")
    assert shown.exit_code == 0
    assert "Al|Al2 relax interface" in shown.output
    assert "core-hours" in shown.output
    found = json.loads(call("plan", study, "--engine", "vasp", "--json").stdout)
    assert {job["kind"] for job in found["jobs"]} == {"relax", "static"}
    assert found["core_hours"] > 0


def test_a_budget_that_is_too_small_is_refused(study):
    refused = call("plan", study, "--engine", "vasp", "--budget", 0.01)
    assert isinstance(refused.exception, IonfaceError)
    assert "above the budget" in str(refused.exception)


@pytest.mark.slow
def test_a_potential_s_plan_is_the_time_on_this_machine(study):
    emt = ["--engine", "ase.calculators.emt.EMT"]
    shown = call("plan", study, *emt)
    assert shown.exit_code == 0, shown.exception
    assert "on this machine (emt: " in shown.output
    found = json.loads(call("plan", study, *emt, "--json").stdout)
    assert found["jobs"] == []
    assert {each["engine"] for each in found["potentials"]} == {"emt"}
    assert all(each["seconds"] > 0 for each in found["potentials"])


def test_another_engine_has_no_vasp_inputs(study, tmp_path):
    refused = call("inputs", study, "--out", tmp_path / "out", "--engine", "chgnet")
    assert "written for VASP" in str(refused.exception)


def test_inputs_are_written_with_names_of_potcars_where_asked(study, tmp_path):
    done = call("inputs", study, "--out", tmp_path / "out", "--spec")
    assert done.exit_code == 0, done.exception
    specs = list((tmp_path / "out").rglob("POTCAR.spec"))
    assert {path.read_text() for path in specs} == {"Al\n"}
