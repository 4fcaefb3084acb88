"""The command line as users meet it: their mistakes get one clear message."""

import json
import os
import shutil
from pathlib import Path

import pytest

from ionface.workflows.projects import sqlite_store
from ionface.workflows.study.study_files import builtin_names


@pytest.mark.slow
def test_a_process_of_its_own_ends_with_the_status_and_one_message(shell):
    assert shell("--version").returncode == 0
    assert "Usage: ionface" in shell("--help").stdout
    run = shell("run", "lpscl-inn")
    assert run.returncode == 1
    assert "did you mean 'lpscl-in'" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "lpscl-inn"], "did you mean 'lpscl-in'"),
        (["run", "lpscl-in", "--engine", "sevenet"], "did you mean 'sevennet'"),
        (["run", "lpscl-in", "--engine", "no.such.Calc"], "no calculator at"),
        (["build", "nowhere.yaml", "--out", "x"], "unknown study"),
        (["status", "--project", "nowhere"], "holds no ionface project"),
        (["report", "--project", "nowhere"], "holds no ionface project"),
        (["analyze", "energies", "nowhere"], "does not exist"),
        (["analyze", "rdf", "nowhere", "--pair", "In-S"], "does not exist"),
        (["analyze", "bonds", ".", "--pair", "In-S:long"], "no bond length"),
        (["analyze", "bonds", ".", "--pair", "In-Xx"], "'Xx'"),
    ],
)
def test_a_mistake_gets_one_message_and_status_1(cli, words, said):
    run = cli(*words)
    assert run.returncode == 1
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize(
    "words",
    [["run"], ["fly"], ["run", "lpscl-in", "--colour"], ["analyze", "rdf", "x"]],
)
def test_wrong_usage_is_status_2(cli, words):
    assert cli(*words).returncode == 2


@pytest.mark.slow
def test_studies_are_listed_for_people_and_for_machines(cli):
    text = cli("studies").stdout
    data = json.loads(cli("studies", "--json").stdout)
    assert [study["name"] for study in data] == builtin_names()
    for name in builtin_names():
        assert name in text


@pytest.mark.slow
def test_a_built_in_study_can_be_copied_and_changed(cli, tmp_path):
    text = cli("studies", "lpscl-in").stdout
    assert text.startswith("# Li6PS5Cl(100)")
    other = text.replace("termination: 0", "termination: Li4S/Li2PS4Cl")
    (tmp_path / "mine.yaml").write_text(other)
    run = cli("build", "mine.yaml", "--out", "m", "--json")
    assert run.returncode == 0, run.stderr
    (summary,) = json.loads(run.stdout)
    assert summary["atoms"] == 264
    assert summary["area"] == pytest.approx(97.2, abs=0.1)
    assert "Li4S/Li2PS4Cl" in summary["substrate"]


def test_build_writes_models_in_every_form(cli, study_file, tmp_path):
    from ionface.structures.labels import read_poscar
    from ionface.structures.model import from_json

    run = cli("build", study_file, "--out", "models", "--json")
    assert run.returncode == 0, run.stderr
    (summary,) = json.loads(run.stdout)
    model = from_json((tmp_path / "models" / "Al-Ag.json").read_text())
    assert summary["atoms"] == len(model.structure)
    labeled = read_poscar(tmp_path / "models" / "Al-Ag.vasp")
    phases = labeled.site_properties["phase"]
    assert phases.count("Al") == model.phases.count("Al")
    for suffix in ("cif", "png"):
        assert (tmp_path / "models" / f"Al-Ag.{suffix}").stat().st_size > 500


def test_a_whole_study_from_yaml_to_report(cli, study_file, tmp_path):
    first = cli("run", study_file, "--project", "p")
    assert first.returncode == 0, first.stderr
    assert "Al|Ag" in first.stdout
    assert "report:" in first.stdout
    assert "23 jobs run, 0 kept" in first.stderr
    again = cli("run", study_file, "--project", "p", "--json")
    answer = json.loads(again.stdout)
    assert answer["ran"] == []
    assert len(answer["kept"]) == 23
    states = json.loads(cli("status", "--project", "p", "--json").stdout)
    assert {state["state"] for state in states} == {"done"}
    energies = json.loads(cli("analyze", "energies", "p", "--json").stdout)
    assert energies["interfaces"] == answer["interfaces"]
    assert (tmp_path / "p" / "report.html").read_text().startswith("<!doctype html>")
    for name in ("energies.json", "energies.svg", "rdf-Al-Ag.json", "bonds-Al-Ag.svg"):
        assert (tmp_path / "p" / "results" / name).is_file()


@pytest.mark.slow
def test_rdf_of_a_project_and_of_its_trajectory_are_the_same(cli, computed, tmp_path):
    frames = computed / "trajectories" / "Al-Ag.ionf"
    options = ["--pair", "Al-Ag", "--cutoff", 5, "--bins", 50, "--windows", 3]
    for number, source in enumerate(("p", frames)):
        out = f"rdf{number}.json"
        run = cli("analyze", "rdf", source, *options, "--reference", "Al", "--out", out)
        assert run.returncode == 1  # aluminum has no Al-Ag pair
        assert "has none of the pairs" in run.stderr
        run = cli("analyze", "rdf", source, *options, "--out", out)
        assert run.returncode == 0, run.stderr
    results = [json.loads((tmp_path / f"rdf{i}.json").read_text()) for i in (0, 1)]
    assert results[0]["pairs"] == results[1]["pairs"]
    curves = results[0]["pairs"]["Al-Ag"]
    assert len(curves["r"]) == 50
    assert len(curves["g"]) == len(curves["n"]) == len(curves["first_peak"]) == 3
    assert results[0]["frames"] == 31
    assert (tmp_path / "rdf0.png").is_file()


def test_a_project_of_another_study_is_refused(
    cli, computed, computed_file, study_file, tmp_path
):
    other = tmp_path / "other.yaml"
    other.write_text(study_file.read_text().replace("layers: 3", "layers: 4"))
    run = cli("run", other, "--project", "p")
    assert run.returncode == 1
    assert "its study differs in interfaces" in run.stderr
    quick = cli("run", computed_file, "--project", "p", "--quick")
    assert quick.returncode == 1
    assert "without --quick" in quick.stderr


def test_a_project_of_another_level_of_theory_is_refused(
    cli, computed, computed_file, tmp_path
):
    path = tmp_path / "p" / "project.json"
    identity = json.loads(path.read_text())
    identity["levels"]["formation"]["version"] = "0.0.1"
    path.write_text(json.dumps(identity))
    run = cli("run", computed_file, "--project", "p")
    assert run.returncode == 1
    assert "another level of theory (formation: version: 0.0.1 ->" in run.stderr


def test_a_folder_with_other_things_in_it_is_refused(cli, study_file, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("important")
    run = cli("run", study_file, "--project", "home")
    assert run.returncode == 1
    assert "not empty and holds no ionface project" in run.stderr
    assert os.listdir(tmp_path / "home") == ["thesis.tex"]  # noqa: PTH208


@pytest.mark.slow
def test_a_truncated_store_is_explained_and_left_alone(
    cli, computed, computed_file, tmp_path
):
    path = tmp_path / "p" / "store.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    for words in (["status"], ["run", computed_file], ["report"]):
        run = cli(*words, "--project", "p")
        assert run.returncode == 1
        assert "damaged or truncated" in run.stderr
    assert path.read_bytes() == data[: len(data) // 2]


def test_a_project_where_nothing_can_be_written_is_explained(cli, study_file, tmp_path):
    (tmp_path / "file").write_text("")
    run = cli("run", study_file, "--project", "file/below")
    assert run.returncode == 1
    assert "not a directory" in run.stderr


@pytest.mark.slow
def test_a_moved_project_still_finds_its_trajectories(
    cli, computed, computed_file, tmp_path
):
    shutil.move(tmp_path / "p", tmp_path / "elsewhere")
    run = cli("run", computed_file, "--project", "elsewhere")
    assert run.returncode == 0, run.stderr
    assert "0 jobs run, 23 kept" in run.stderr


def test_a_file_with_a_cut_polyanion_is_refused(cli, study_file, tmp_path):
    from ionface.structures.crystals.library import crystal

    cut = crystal("Li3PS4_gamma")
    first_sulfur = next(i for i, s in enumerate(cut) if s.specie.symbol == "S")
    cut.remove_sites([first_sulfur])
    cut.to(str(tmp_path / "cut.vasp"), fmt="poscar")
    study = tmp_path / "cut.yaml"
    text = study_file.read_text().partition("dynamics:")[0]
    text = text.replace("ase.calculators.emt.EMT", "chgnet")
    study.write_text(text.replace("Ag.cif", "cut.vasp"))
    run = cli("build", study, "--out", "models")
    assert run.returncode == 1
    assert "cut polyanion" in run.stderr
    assert "3 ligands instead of the 4 of a whole PS4" in run.stderr


def test_doctor_tells_what_is_there(cli):
    run = cli("doctor", "--json")
    found = {finding["subject"]: finding for finding in json.loads(run.stdout)}
    assert found["pymatgen"]["state"] == "ok"
    assert found["library"]["detail"] == "47 crystals"
    assert run.returncode in (0, 1)


def test_the_folder_of_an_output_is_made_before_anything_is_computed(cli, tmp_path):
    run = cli("analyze", "rdf", "nowhere", "--pair", "In-S", "--out", "new/x/rdf.json")
    assert "does not exist" in run.stderr
    assert (tmp_path / "new" / "x").is_dir()
    (tmp_path / "file").touch()
    run = cli("analyze", "rdf", "nowhere", "--pair", "In-S", "--out", "file/rdf.json")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr


def test_a_time_step_that_no_vibration_allows_is_refused(cli, study_file):
    text = study_file.read_text().replace(
        "segment: 12", "segment: 12\n    timestep: 60"
    )
    study_file.write_text(text)
    run = cli("run", study_file, "--project", "p")
    assert run.returncode == 1
    assert "timestep: 60 fs is longer than atoms' vibrations allow" in run.stderr


@pytest.mark.slow
def test_a_content_that_the_cell_cannot_hold_is_told_with_what_it_holds(cli, tmp_path):
    layer = "material: LiGe2(PO4)3, miller: [1, 0, 0], layers: 5"
    (tmp_path / "lagp.yaml").write_text(
        "name: lagp\ninterfaces:\n  - name: LAGP|Li\n    vacuum: 20\n"
        "    film: {material: Li, miller: [1, 1, 0], layers: 3, lattice: {a: 3.44}}\n"
        f"    substrate: {{{layer}, doping: {{dopant: Al, host: Ge, x: 0.33}}}}\n"
    )
    run = cli("build", "lagp.yaml", "--out", "m")
    assert run.returncode == 0, run.stderr
    said = " ".join(run.stderr.split())
    assert "note: LAGP|Li: x = 0.3 instead of 0.33" in said


def test_one_bad_interface_does_not_stop_the_others(cli, study_file, tmp_path):
    text = study_file.read_text().partition("dynamics:")[0]
    bad = (
        "  - name: Al|none\n"
        "    film: {material: Al, miller: [1, 0, 0], layers: 3, termination: 99}\n"
        "    substrate: {material: Ag.cif, miller: [1, 0, 0], layers: 3}\n"
    )
    head, _, good = text.partition("interfaces:\n")
    study_file.write_text(head + "interfaces:\n" + bad + good)
    run = cli("build", study_file, "--out", "m", "--json")
    assert run.returncode == 1
    assert [s["name"] for s in json.loads(run.stdout)] == ["Al|Ag"]
    assert (tmp_path / "m" / "Al-Ag.vasp").is_file()
    said = " ".join(run.stderr.split())
    assert (
        "al-ag.yaml, line 4: interfaces.0: Al(1, 0, 0) has no single termination 99"
        in said
    )


NO_LITHIUM = "was not made for Li in Al|Ag"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ase.calculators.emt.EMT", "gaussian", "unknown engine 'gaussian'"),
        ("pairs: [Al-Ag]", "pairs: [Li-S]", "there will be no Li"),
        ("[Al-Ag]\n    references: [Al]\n    cutoff: 5", "[Ag-Ag]", NO_LITHIUM),
    ],
)
@pytest.mark.parametrize("command", ["build", "run"])
def test_what_no_engine_can_do_is_refused_before_anything_is_made(
    cli, study_file, tmp_path, command, old, new, said
):
    text = study_file.read_text().replace(old, new)
    if said is NO_LITHIUM:
        text = text.replace("material: Al,", "material: Li,")
    study_file.write_text(text)
    where = {"build": ["--out", "made"], "run": ["--project", "made"]}[command]
    run = cli(command, study_file, *where)
    assert run.returncode == 1
    assert said in " ".join(run.stderr.split())
    assert not (tmp_path / "made" / "project.json").exists()
    assert not list(tmp_path.glob("made/*.vasp"))


def test_brackets_in_names_are_printed_as_they_are(cli, study_file):
    text = study_file.read_text().replace("Al|Ag", "Al[fcc]|Ag [/b]")
    study_file.write_text(text)
    run = cli("build", study_file, "--out", "m")
    assert run.returncode == 0, run.stderr
    assert "Al[fcc]|Ag [/b]" in run.stdout
    assert "[Fm-3m axes]" in run.stdout


@pytest.mark.slow
def test_status_tells_what_was_interrupted_and_fails_for_what_failed(
    cli, study_file, monkeypatch
):
    def stop(*_):
        raise KeyboardInterrupt

    name = "ionface.workflows.flows.jobs.build_interface"
    monkeypatch.setattr(name, stop)
    assert cli("run", study_file, "--project", "p").returncode == 130
    monkeypatch.undo()
    run = cli("status", "--project", "p", "--json")
    states = {s["job"]: s["state"] for s in json.loads(run.stdout)}
    assert run.returncode == 0
    assert states["Al|Ag build"] == "interrupted"
    assert states["Al|Ag ledger"] == "waiting"
    monkeypatch.setattr(name, lambda *_: 1 / 0)
    assert cli("run", study_file, "--project", "p").returncode == 1
    assert cli("status", "--project", "p").returncode == 1


@pytest.mark.slow
def test_a_foreign_project_is_run_by_who_says_so(cli, computed, tmp_path):
    assert cli("bundle", "export", "b.tar", "--project", "p").returncode == 0
    assert cli("bundle", "import", "b.tar", "--project", "q").returncode == 0
    assert cli("status", "--project", "q").returncode == 0
    study = tmp_path / "q" / "study.yaml"
    run = cli("run", study, "--project", "q")
    assert run.returncode == 1
    assert "engine ase.calculators.emt.EMT" in run.stderr
    assert cli("run", study, "--project", "q", "--trust").returncode == 0
    assert cli("run", study, "--project", "q").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", ["extxyz", "traj", "xdatcar"])
def test_trajectories_are_exported_for_other_programs(cli, computed, tmp_path, form):
    from ase.io import iread

    run = cli("export", "p", "--as", form, "--out", "out")
    assert run.returncode == 0, run.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    stems = ["Al-Ag", "Al"]
    assert names == {
        f"XDATCAR-{s}" if form == "xdatcar" else f"{s}.{form}" for s in stems
    }
    (path,) = (p for p in (tmp_path / "out").iterdir() if "Al-Ag" in p.name)
    assert sum(1 for _ in iread(path, ":")) == 31


@pytest.mark.parametrize(("form", "suffix"), [("poscar", "vasp"), ("cif", "cif")])
def test_relaxed_structures_are_exported_in_one_form(
    cli, computed, tmp_path, form, suffix
):
    from ase.io import read

    assert cli("export", "p", "--format", form, "--out", "out").returncode == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    parts = {"interface", "film", "substrate", "film_unstrained"}
    assert names == {f"Al-Ag-{part}.{suffix}" for part in parts}
    atoms = read(tmp_path / "out" / f"Al-Ag-interface.{suffix}")
    assert set(atoms.get_chemical_symbols()) == {"Al", "Ag"}


def test_nothing_relaxed_is_said_with_the_way_out(cli, computed, tmp_path):
    (computed / "store.sqlite").unlink()
    run = cli("export", "p", "--format", "cif")
    assert run.returncode == 1
    assert "holds no relaxed structure" in run.stderr
    assert "--format extxyz" in run.stderr


@pytest.mark.slow
def test_relaxed_structures_lie_in_the_results(cli, computed, tmp_path):
    from ase.io import read

    assert cli("report", "--project", "p").returncode == 0
    folder = tmp_path / "p" / "results" / "structures"
    parts = {"interface", "film", "substrate", "film_unstrained"}
    assert {path.name for path in folder.iterdir()} == {
        f"Al-Ag-{part}.{suffix}"
        for part in parts
        for suffix in ("vasp", "cif", "extxyz")
    }
    whole = read(folder / "Al-Ag-interface.extxyz")
    assert whole.get_potential_energy() < 20
    assert len(whole) == len(read(folder / "Al-Ag-interface.cif"))
    assert len(whole) == len(read(folder / "Al-Ag-interface.vasp", format="vasp"))
    assert "results/structures/" in (tmp_path / "p" / "report.html").read_text()


def test_no_help_text_is_cut(cli):
    for words in ([], ["analyze"], ["bundle"]):
        said = cli(*words, "--help").stdout
        commands = said.partition("Commands:")[2]
        assert commands
        assert "..." not in commands


def test_help_sorts_the_commands_into_groups(cli):
    said = cli("--help").stdout
    daily, _, rest = said.partition("Commands for VASP and clusters:")
    assert "  run " in daily
    assert "  new " in daily
    assert "  submit " in rest
    assert "  analyze " in rest.partition("Commands on results:")[2]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("pl", "plan"),
        ("analyze rd", "rdf"),
        ("run lps", "lpscl-in"),
        ("run mi", "mine.yaml"),
        ("run --qu", "--quick"),
    ],
)
@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_shells_complete_commands_studies_and_options(
    cli, tmp_path, monkeypatch, words, offered, shell_name
):
    (tmp_path / "mine.yaml").touch()
    line = f"ionface {words}"
    monkeypatch.setenv("_IONFACE_COMPLETE", f"complete_{shell_name}")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert offered in cli().stdout


@pytest.mark.parametrize("shell_name", ["zsh", "fish"])
def test_shells_show_whole_sentences_beside_what_they_complete(
    cli, monkeypatch, shell_name
):
    monkeypatch.setenv("_IONFACE_COMPLETE", f"complete_{shell_name}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "ionface ")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    offered = cli().stdout
    assert "Write tables, figures, structures and one report.html." in offered
    assert "..." not in offered


@pytest.mark.slow
def test_a_terminal_that_goes_away_leaves_a_message(shell, study_file, tmp_path):
    import signal
    import subprocess
    import sys
    import time

    log = tmp_path / "log"
    study_file.write_text(study_file.read_text().replace("steps: 30", "steps: 6000"))
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "ionface", "run", str(study_file), "--project", "p"],
            cwd=tmp_path,
            stderr=stderr,
            stdout=subprocess.DEVNULL,
        )
        while "[1/" not in log.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 1
    assert "run the same command again to go on" in log.read_text()


@pytest.mark.slow
def test_a_project_that_is_read_only_is_looked_at_and_reported_elsewhere(
    cli, computed, tmp_path, monkeypatch
):
    """An archive, or a colleague's folder."""
    before = {path: path.stat().st_mtime_ns for path in computed.rglob("*")}
    # root may write anywhere: what the store asks the system is answered for it
    monkeypatch.setattr(
        sqlite_store.os,
        "access",
        lambda path, _: computed not in [*Path(path).parents, Path(path)],
    )
    for words in (
        ["status", "--project", "p"],
        ["analyze", "energies", "p"],
        ["analyze", "bonds", "p", "--pair", "Al-Ag", "--out", "elsewhere/bonds.json"],
        ["report", "--project", "p", "--out", "elsewhere"],
        ["export", "p", "--out", "elsewhere"],
    ):
        run = cli(*words)
        assert run.returncode == 0, run.stderr
    assert (tmp_path / "elsewhere" / "report.html").is_file()
    assert (tmp_path / "elsewhere" / "results" / "energies.json").is_file()
    assert before == {path: path.stat().st_mtime_ns for path in computed.rglob("*")}


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_layer_that_cannot_be_made_is_told_with_its_line(cli, study_file, command):
    study_file.write_text(
        study_file.read_text().replace("material: Al,", "material: Ol,")
    )
    run = cli(command, study_file)
    assert run.returncode == 1
    said = " ".join(run.stderr.split())
    assert "al-ag.yaml, line 4: interfaces.0: Al|Ag: unknown material 'Ol'" in said
