"""Reading is never running, and takes bounded memory."""

import json
import os

import pytest
from pymatgen.core import Lattice

from ionface import documents
from ionface.documents import check_yaml, decode, read_json, text_of
from ionface.errors import IonfaceError

BUILD = {"@module": "ionface.workflows.flows.jobs", "@callable": "build"}
ZEN = {"@module": "this", "@class": "Zen"}


def test_plain_classes_of_others_are_decoded():
    cell = Lattice.cubic(4)
    assert decode(cell.to_json(), "x") == cell


def test_our_jobs_are_decoded():
    assert hasattr(decode(json.dumps({"function": BUILD}), "x")["function"], "original")


@pytest.mark.parametrize(
    "named",
    [
        {"@module": "os", "@callable": "system"},
        {"@module": "numpy.testing", "@callable": "runstring"},
        ZEN,
        {"@module": "subprocess", "@class": "Popen"},
        # of our own package, but no job, and no data
        {"@module": "ionface.files", "@callable": "write_atomically"},
        {"@module": "ionface.files", "@class": "os"},
        {"@module": "ionface.__main__", "@class": "x"},
        # of allowed packages, but not data
        {"@module": "pymatgen.io.vasp.inputs", "@class": "PotcarSingle"},
        {"@module": "jobflow.core.store", "@class": "JobStore"},
        {"@module": "monty.os", "@callable": "makedirs_p"},
    ],
)
def test_what_is_none_of_ours_is_refused_by_its_name(named):
    with pytest.raises(IonfaceError, match="none of ionface's own"):
        decode(json.dumps({"deep": [[{"inner": named}]]}), "flow.json")


def test_refusing_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for kind in ("@class", "@callable"):
        with pytest.raises(IonfaceError, match=r"trap\.Trap"):
            decode(json.dumps({"@module": "trap", kind: "Trap"}), "x")
    assert not (tmp_path / "sprung").exists()


def test_a_class_inside_another_ones_description_is_refused():
    bound = {**BUILD, "@bound": {"@module": "os", "@class": "Popen"}}
    with pytest.raises(IonfaceError, match=r"os\.Popen"):
        decode(json.dumps(bound), "x")


def test_an_installed_engine_brings_its_own_jobs_and_makers(monkeypatch):
    maker = {"@module": "atomate2.forcefields.jobs", "@class": "ForceFieldRelaxMaker"}
    with pytest.raises(IonfaceError, match="none of ionface's own"):
        documents.check_names(maker, "x")
    packages = frozenset({"ionface", "somebodys"})
    monkeypatch.setattr(documents, "_engine_packages", lambda: packages)
    documents.check_names(maker, "x")


@pytest.mark.parametrize("text", ['{"a": ', "[1, 2", "nul"])
def test_what_is_no_json_is_called_damaged(text):
    with pytest.raises(IonfaceError, match="is damaged"):
        read_json(text, "flow.json")


def test_a_description_that_does_not_fit_its_class_is_called_damaged():
    with pytest.raises(IonfaceError, match="does not describe"):
        decode(
            '{"@module": "pymatgen.core.lattice", "@class": "Lattice", "matrix": [1]}',
            "x",
        )


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_without_end_is_refused(opening):
    for depth in (300, 100_000):
        text = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
        with pytest.raises(IonfaceError, match=r"deeper than|damaged"):
            decode(text, "flow.json")


def test_a_document_larger_than_memory_is_refused_unread(monkeypatch):
    monkeypatch.setattr(documents, "MOST_MEMORY", 5_000)
    assert read_json(json.dumps(list(range(90))), "x") == list(range(90))
    for large in (list(range(150)), [{}] * 30, [[]] * 60):
        with pytest.raises(IonfaceError, match="MB of memory, above"):
            read_json(json.dumps(large), "x")


def test_aliases_count_as_what_they_stand_for():
    check_yaml("a: &x [1, 2]\nb: *x\n", "x")
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    with pytest.raises(IonfaceError, match="aliases"):
        check_yaml(bomb, "study.yaml")


def test_an_alias_of_what_holds_it_is_refused():
    with pytest.raises(IonfaceError, match="aliases"):
        check_yaml("a: &a [1, *a]\n", "x")


def test_yaml_nested_without_end_is_refused():
    with pytest.raises(IonfaceError, match="deeper than"):
        check_yaml("[" * 100_000, os.devnull)


def test_a_file_larger_than_memory_is_refused_unread(tmp_path):
    path = tmp_path / "flow.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # of holes: it takes no disk
    with pytest.raises(IonfaceError, match="MB of any document"):
        text_of(path)
    with pytest.raises(IonfaceError, match="give structures as files"):
        check_yaml("a: " + 6_000_000 * "x", "study.yaml")
