"""How a report was made: what it cites, and what it tells of the run."""

import getpass
import json
import re
from importlib import resources
from importlib.metadata import version

import pytest
import yaml

from ionface.workflows.engines.circumstances import together
from ionface.workflows.engines.durable import RESULT, made_how
from ionface.workflows.projects.project import Project
from ionface.workflows.report.how_made import _commands, _entries, how_made
from ionface.workflows.study.study import quickened
from ionface.workflows.study.study_files import load

POTENTIALS = yaml.safe_load(
    (resources.files("ionface.workflows.engines.ase") / "potentials.yaml").read_text()
)
FOUND = r"(?:doi:|arXiv:)(10\.\d+/[\w.-]+|\d{4}\.\d+)"


def entries_of(word):
    return [entry for used, entry in _entries() if used == word]


@pytest.mark.parametrize("name", POTENTIALS)
def test_every_named_potential_is_cited_as_its_table_says(name):
    potential = POTENTIALS[name]
    word = re.split(r"[^a-z0-9]+", potential["package"].lower())[0]
    cited = entries_of(f"code {word}") + entries_of("model mf")
    assert cited
    if source := re.search(FOUND, potential["source"]):
        assert any(f"{{{source[1]}}}" in entry for entry in cited)


def test_entries_can_be_found_and_read():
    keys = [re.match(r"@\w+\{(\w+),", entry)[1] for _, entry in _entries()]
    assert len(keys) == len(set(keys)) > 20
    for _, entry in _entries():
        assert entry.count("{") == entry.count("}")
        assert re.search(r"(doi = \{10\.\d{4,}/\S+\}|eprint = \{\d{4}\.\d{5}\})", entry)
        for field in ("title", "author", "year"):
            assert re.search(rf"\b{field} = \{{\S", entry)


JOB = {"ended": "2026-01-31T23:50:00+00:00", "seconds": 5000.0, "processors": 2,
       "machine": "x86_64", "versions": {"numpy": "2.1", "torch": "2.8"}}  # fmt: skip


def test_versions_that_changed_while_it_ran_are_all_told():
    later = {**JOB, "ended": "2026-02-01T00:10:00+00:00", "processors": 16,
             "versions": {"numpy": "2.2"}}  # fmt: skip
    told = together([JOB, later])
    assert told["numpy"] == "2.1, 2.2"
    assert told["torch"] == "2.8"
    assert "2.8 h together, each with 2 or 16 processors" in told["computed"]
    assert told["computed"].endswith("ended 2026-01-31 to 2026-02-01")


def test_a_report_tells_of_the_run_and_names_nobody(computed):
    (facts, *_) = how_made(Project.open(computed))
    assert facts.values["computed"].startswith("23 jobs, ")
    assert {"python", "numpy", "ase", "pymatgen"} <= facts.values.keys()
    assert any(name.startswith("inputs/") for name in facts.values)
    told = " ".join(map(str, [*facts.values, *facts.values.values()]))
    assert "/" not in re.sub(r"inputs/\w+/Ag.cif", "", told)
    assert getpass.getuser() not in told.split()


def test_results_of_an_earlier_version_tell_nothing_and_are_read(computed):
    path = next((computed / "runs").glob(f"*relax*/{RESULT}"))
    first, body = path.read_text().split("\n", 1)
    head = json.loads(first)
    assert made_how(path.parent) == head.pop("made")
    path.write_text(f"{json.dumps(head)}\n{body}")
    assert made_how(path.parent) is None
    (facts, *_) = how_made(Project.open(computed))
    assert facts.values["computed"].startswith("22 jobs, ")


def test_the_packages_of_added_engines_are_installed_to_repeat_it(springs, study_file):
    study = load(str(study_file))
    own = f"pip install ionface=={version('ionface')}\n"
    assert _commands(study).startswith(own)
    added = _commands(study.with_engine("springs"))
    assert added.startswith(own.replace("\n", " springs==1.0\n"))


def test_only_a_built_in_study_is_repeated_by_its_name(study_file):
    assert "built-in" not in _commands(load(str(study_file)))
    study = quickened(load("li-zn"))
    assert _commands(study).endswith("ionface run li-zn --quick\n")
