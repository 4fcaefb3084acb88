"""`ionface build`: models, lists, and what could not be built."""

import json

import pytest

STUDY = """\
name: two
lattice: literature
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Ag.cif, miller: [1, 0, 0], layers: 2}
    max_strain: 0.03
    max_area: 20
  - name: none
    film: {material: Li, miller: [1, 0, 0], layers: 2}
    substrate: {material: Ag.cif, miller: [1, 0, 0], layers: 2}
    max_strain: 0.001
    max_area: 20
"""


def test_one_interface_that_cannot_be_does_not_stop_the_others(cli, study_file):
    study_file.write_text(STUDY.replace("- name: Al|Ag", "- name: sound"))
    run = cli("build", study_file, "--out", "models")
    assert run.returncode == 1
    assert "not built: " in run.stderr
    assert "interfaces.1: no match of Li(100)" in run.stderr
    written = {path.suffix for path in (study_file.parent / "models").glob("sound.*")}
    assert written == {".json", ".vasp", ".cif", ".png"}
    assert "sound" in run.stdout


@pytest.mark.slow
def test_cuts_and_matches_are_listed_on_request(cli, study_file):
    run = cli("build", study_file, "--out", "models", "--terminations", "--matches")
    assert run.returncode == 0
    assert "cuts of Al" in run.stdout
    assert "matches of Al|Ag, 0 is built" in run.stdout
    assert (study_file.parent / "models" / "Al-Ag-matches.png").is_file()


@pytest.mark.slow
def test_published_lattices_are_told_where_an_engine_will_relax_them(cli, study_file):
    plain = cli("build", study_file, "--out", "a")
    assert "lattices" not in plain.stderr
    text = study_file.read_text()
    study_file.write_text(text.replace("lattice: literature", "lattice: engine"))
    told = cli("build", study_file, "--out", "b", "--json")
    assert json.loads(told.stdout)[0]["name"] == "Al|Ag"
    told = cli("build", study_file, "--out", "b")
    assert "lattices of Al, Ag are those of the files" in told.stderr


@pytest.mark.slow
def test_a_build_that_fails_in_a_run_is_told_with_its_line_too(cli, study_file):
    head, _, bad = STUDY.split("  - name: ")
    study_file.write_text(f"{head}  - name: {bad}".replace("Li,", "Al,"))
    run = cli(
        "run", study_file, "--project", "p", "--engine", "ase.calculators.emt.EMT"
    )
    assert run.returncode == 1
    told = "".join(run.stderr.split())  # a narrow terminal breaks long paths
    assert f"failed:nonebuild:{study_file},line4:interfaces.0:nomatch" in told
