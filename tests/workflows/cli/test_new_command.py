"""A study that `ionface new` wrote is read, and builds what was promised."""

import io
import json
import re

import pytest

from ionface.workflows.study.study_files import load

EMT = "ase.calculators.emt.EMT"


@pytest.fixture
def new(cli, study_file):
    """`ionface new mine.yaml` beside a CIF file of silver."""
    return lambda *words: cli("new", "mine.yaml", *words)


@pytest.mark.slow
def test_what_it_wrote_builds_the_model_it_told_of(new, cli, tmp_path):
    run = new("--film", "Al", "--substrate", "Ag.cif", "--engine", EMT, "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)["model"]
    built = cli("build", "mine.yaml", "--out", "m", "--json")
    (summary,) = json.loads(built.stdout)
    assert summary["atoms"] == told["atoms"]
    assert summary["area"] == pytest.approx(told["area"])


@pytest.mark.slow
def test_lattices_may_relax_and_the_study_still_builds(new, cli, tmp_path):
    """`run` relaxes both crystals first: here, one of them by 2.5 %."""
    assert new("--film", "Al", "--substrate", "Ag.cif", "--engine", EMT).returncode == 0
    silver = tmp_path / "Ag.cif"
    text = silver.read_text()
    edge = re.search(r"_cell_length_a\s+(\S+)", text)[1]
    silver.write_text(text.replace(edge, str(1.025 * float(edge))))
    assert cli("build", "mine.yaml", "--out", "m").returncode == 0


def test_every_answer_arrives_in_the_study(new, tmp_path):
    facets = ("--film-facet", "111", "--substrate-facet", "1,1,1")
    run = new(
        "--film", "Al", "--substrate", "Ag.cif", "--engine", EMT, *facets,
        "--thickness", "6", "--picoseconds", "0.5", "--temperature", "450",
        "--pair", "Ag-Al",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    study = load(str(tmp_path / "mine.yaml"))
    (interface,), (dynamics,) = study.interfaces, study.dynamics
    assert interface.film.miller == interface.substrate.miller == (1, 1, 1)
    assert interface.film.thickness == 6
    assert interface.substrate.material == str(tmp_path / "Ag.cif")
    assert study.engine == EMT
    assert dynamics.steps * dynamics.timestep == 500  # fs
    assert dynamics.temperature == 450
    assert dynamics.pairs == ("Ag-Al",)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_it_asks_for_what_was_not_given(new, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal(f"Al\nAg.cif\n{EMT}\n0.2\n"))
    run = new()
    assert run.returncode == 0, run.stderr
    study = load(str(tmp_path / "mine.yaml"))
    assert study.interfaces[0].name == "Al|Ag"
    assert study.engine == EMT
    assert study.dynamics[0].steps == 100


def test_without_dynamics_they_stand_there_as_a_comment(new, tmp_path):
    new("--film", "Al", "--substrate", "Ag.cif", "--engine", EMT)
    text = (tmp_path / "mine.yaml").read_text()
    assert not load(str(tmp_path / "mine.yaml")).dynamics
    assert "# dynamics:\n#   - interface: Al|Ag" in text
    head, _, comment = text.partition("# dynamics:")
    whole = head + "dynamics:" + comment.replace("\n# ", "\n")
    (tmp_path / "more.yaml").write_text(whole)
    assert load(str(tmp_path / "more.yaml")).dynamics[0].pairs == ("Ag-Al",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--film", "Al"), "give --substrate"),
        (("--film", "Alu", "--substrate", "Al"), "'Alu'"),
        (("--film", "Al", "--substrate", "Ag.cif", "--film-facet", "x"), "'x' is no"),
        (("--film", "Al", "--substrate", "Ag.cif", "--engine", "mase"), "'mase'"),
        (
            ("--film", "Al", "--substrate", "Ag.cif", "--engine", EMT, "--pair",
             "Li-S", "--picoseconds", "1"),
            "there will be no Li",
        ),
    ],
)  # fmt: skip
def test_a_wrong_answer_leaves_no_file(new, tmp_path, words, said):
    run = new(*words)
    assert run.returncode == 1
    assert said in run.stderr
    assert not (tmp_path / "mine.yaml").exists()


def test_a_file_that_is_there_is_not_replaced(new, tmp_path):
    (tmp_path / "mine.yaml").write_text("mine")
    run = new("--film", "Al", "--substrate", "Ag.cif")
    assert run.returncode == 1
    assert "--force" in run.stderr
    assert (tmp_path / "mine.yaml").read_text() == "mine"


def test_the_schema_knows_every_key_of_a_study_and_its_unit(cli):
    schema = json.loads(cli("schema").stdout)
    run = schema["$defs"]["DynamicsSpec"]["properties"]
    assert run["timestep"]["description"].startswith("fs;")
    assert schema["additionalProperties"] is False
    bare = [
        f"{name}.{key}"
        for name, part in ({"Study": schema} | schema["$defs"]).items()
        for key, value in part.get("properties", {}).items()
        if not value.get("description")
    ]
    assert bare == []
