"""Potentials that have a name: one table says what they are, users bring weights."""

import hashlib
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from ionface.errors import IonfaceError, NotInstalledError
from ionface.workflows.engines.ase import named_potentials
from ionface.workflows.engines.ase.named_potentials import (
    SCALES,
    are_one,
    facts_of_level,
    potentials,
    pretrained,
    said_of_level,
)
from ionface.workflows.engines.registry import engine
from ionface.workflows.study.study import EngineChoice
from ionface.workflows.study.study_files import load, parse, to_yaml

ROOT = Path(__file__).parents[4]
STUDY = """\
name: mine
engine: {name: mace, weights: mine.model}
phases: {elements: [Li, In]}
"""


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "mine.model"
    path.write_bytes(b"numbers")
    return path


@pytest.fixture
def installed(monkeypatch):
    """Every package is there; none is imported before an energy is asked for."""
    here = find_spec("ase")
    monkeypatch.setattr(named_potentials, "find_spec", lambda _: here)


def test_each_potential_of_the_table_is_an_entry_point_and_none_is_forgotten():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["ionface.engines"]
    module = "ionface.workflows.engines.ase.named_potentials"
    ours = {name: path for name, path in entries.items() if path.startswith(module)}
    assert ours.keys() == potentials().keys()
    for name, path in ours.items():
        made = getattr(named_potentials, path.partition(":")[2])
        assert made.args == (name,)


def test_every_potential_states_licence_scale_and_source():
    for name, facts in potentials().items():
        assert facts.scale in SCALES, name
        assert facts.licence, name
        assert facts.source, name
        assert facts.weights or facts.takes, name


def test_weights_of_ones_own_are_named_by_a_path_or_in_a_study(
    weights, installed, monkeypatch
):
    by_path = engine(f"mace:{weights}").level_of_theory()
    spelled = EngineChoice(name="mace", weights=str(weights), functional="PBE")
    in_study = engine(spelled).level_of_theory()
    assert by_path.weights == hashlib.sha256(b"numbers").hexdigest()
    assert by_path.differences(in_study) == {"functional": ("unspecified", "PBE")}
    assert engine(spelled).potential.arguments == {"model_paths": str(weights)}


def test_a_modal_is_part_of_the_level_of_theory(weights, installed):
    given = {"name": "sevennet", "weights": str(weights)}
    one, other = (
        engine(EngineChoice(**given, arguments={"modal": modal})).level_of_theory()
        for modal in ("PBE", "R2SCAN")
    )
    assert one.differences(other).keys() == {"model"}
    assert "modal PBE" in one.model


def test_a_study_finds_weights_beside_itself_and_is_written_as_it_was_read(
    tmp_path, weights
):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    study = load(str(path))
    assert study.engine.weights == str(weights)
    assert parse(to_yaml(study), "again").engine == study.engine
    assert study.with_engine(f"orb:{weights}").engine == f"orb:{weights}"
    assert str(study.engine) == f"mace:{weights}"


def test_a_path_on_the_command_line_does_not_depend_on_where_one_stands(
    tmp_path, monkeypatch
):
    study = parse(STUDY, "mine.yaml")
    monkeypatch.chdir(tmp_path)
    assert study.with_engine("mace:a.model").engine == f"mace:{tmp_path / 'a.model'}"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("mace", "comes without weights; name your own"),
        ("mace:nowhere.model", r"no file 'nowhere.model'"),
        ("chgnet:mine.model", r"takes no weights of your own; these do: \['sevennet'"),
        (EngineChoice(name="mce"), r"no potential is called 'mce'; have \['chgnet'"),
    ],
)
def test_weights_that_cannot_be_had_are_asked_for(choice, said, installed):
    with pytest.raises(IonfaceError, match=said):
        engine(choice)


def test_a_package_that_is_missing_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "orb_models", None)
    with pytest.raises(NotInstalledError, match=r"'orb_models'.*pip install orb-mod"):
        engine("orb:here")


def test_a_study_that_names_two_engines_or_none_is_refused():
    spelled = "{name: mace, calculator: a.B}"
    text = STUDY.replace("{name: mace, weights: mine.model}", spelled)
    with pytest.raises(IonfaceError, match="line 2: engine: must name a calculator"):
        parse(text, "mine.yaml")
    with pytest.raises(ValueError, match="must name a calculator"):
        EngineChoice(functional="PBE")


def test_what_is_said_of_numbers_follows_the_table():
    said = {
        name: said_of_level({"model": facts.model, "functional": facts.functional})
        for name, facts in potentials().items()
    }
    assert "raw PBE scale" in said["sevennet-l3i5"]
    assert "Materials Project corrections" in said["chgnet"]
    assert sum("no results" in sentence for sentence in said.values()) == 1
    unknown = said_of_level({"model": "EMT()", "functional": "unspecified"})
    assert unknown.startswith("EMT(): what its totals may be compared with is not kn")


def test_what_is_known_of_weights_that_users_bring_holds_of_these(weights, installed):
    told = engine(f"nep89:{weights}").level_of_theory().as_dict()
    assert told["functional"] == potentials()["nep89"].functional
    assert "its numbers are no results" in said_of_level(told)
    named = EngineChoice(name="nep89", weights=str(weights), functional="PBE")
    told = engine(named).level_of_theory().as_dict()
    assert told["functional"] == "PBE"
    assert "its numbers are no results" in said_of_level(told)


def test_nothing_of_the_packages_weights_is_said_of_ones_own(weights, installed):
    told = engine(f"sevennet:{weights}").level_of_theory().as_dict()
    assert told["functional"] == "unspecified"
    assert facts_of_level(told) is None


def test_potentials_of_the_same_weights_are_one_whatever_they_are_called(
    weights, installed
):
    path = "ase.calculators.emt.EMT"
    given = {"name": "sevennet", "weights": str(weights)}
    copied = weights.with_name("copy.model")
    copied.write_bytes(weights.read_bytes())
    other = weights.with_name("other.model")
    other.write_bytes(b"other numbers")
    mine = engine(EngineChoice(**given)).potential
    named = engine(EngineChoice(**{**given, "functional": "PBE"})).potential
    modal = engine(EngineChoice(**given, arguments={"modal": "PBE"})).potential
    assert are_one(mine, named)
    assert are_one(mine, engine(f"sevennet-l3i5:{copied}").potential)
    assert not are_one(mine, modal)
    assert not are_one(mine, engine(f"sevennet:{other}").potential)
    assert not are_one(mine, engine(path).potential)


def test_a_calculator_that_does_not_find_the_gpu_is_told_of_it(weights, monkeypatch):
    module = ModuleType("told")
    module.Calculator = lambda **arguments: arguments
    monkeypatch.setitem(sys.modules, "told", module)
    torch = ModuleType("torch")
    monkeypatch.setitem(sys.modules, "torch", torch)
    for there, device in ((True, "cuda"), (False, "cpu")):
        torch.cuda = ModuleType("cuda")
        torch.cuda.is_available = lambda there=there: there
        made = named_potentials.Potential("x", "told.Calculator", device="device")
        assert made.load() == {"device": device}


@pytest.mark.slow
@pytest.mark.mlip
@pytest.mark.parametrize("name", ["sevennet-l3i5", "sevennet-mf"])
def test_weights_that_wheels_carry_are_told_apart(name):
    pytest.importorskip("sevenn")
    found = pretrained(name).level_of_theory()
    assert found.differences(pretrained("sevennet").level_of_theory()).keys() == {
        "model",
        "weights",
    }
