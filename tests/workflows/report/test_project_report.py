"""What a study's analyses become: results, files, sections of the report."""

import importlib
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ionface.analysis.kinds import kinds
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.analyses import analyses_of
from ionface.workflows.study.study import DynamicsSpec
from ionface.workflows.study.study_files import load

DOCS = Path(__file__).parents[3] / "docs" / "studies.md"


@pytest.fixture(autouse=True)
def extent(tmp_path, monkeypatch):
    """The analysis that docs/studies.md shows, in a file of its own."""
    section = DOCS.read_text("utf-8").partition("## Your own analysis")[2]
    folder = tmp_path / "own"
    folder.mkdir()
    code = section.partition("```python\n")[2].partition("```")[0]
    (folder / "extent.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module("extent")
    kinds().pop("extent")
    del sys.modules["extent"]


def ask_for(study_file, analyses):
    text = study_file.read_text()
    study_file.write_text(
        text.replace(
            "    prerelax: 3\n", f"    prerelax: 3\n    analyses: {analyses}\n"
        )
    )
    return load(str(study_file))


@pytest.mark.slow
def test_a_users_own_analysis_is_run_by_a_study_and_stands_in_the_report(
    study_file, tmp_path
):
    study = ask_for(study_file, "[bonds, {extent: {species: Ag}}]")
    project = Project.create(tmp_path / "p", study)
    assert not runner.run(project).failed
    results, page = write_report(project)
    assert results.found["extent"]["Al|Ag"].species == "Ag"
    assert set(results.found["bonds"]) == {"Al|Ag"}
    html = page.read_text()
    assert "<h2>How far atoms spread</h2>" in html
    assert "From the first to the last atom." in html
    assert html.index("<h2>Bonds in time") < html.index("<h2>How far atoms spread")
    written = json.loads((project.results / "extent-Al-Ag.json").read_text())
    assert written["extent"] == results.found["extent"]["Al|Ag"].extent > 1
    assert (project.results / "extent-Al-Ag.csv").is_file()
    assert (project.results / "extent-Al-Ag.svg").read_text().startswith("<?xml")


def test_a_rehearsal_says_what_it_was_in_its_own_numbers(
    study_file, plain_figures, tmp_path
):
    from ionface.workflows.study.study import quickened

    project = Project.create(tmp_path / "p", quickened(load(str(study_file))))
    html = write_report(project)[1].read_text()
    assert "0.06 ps of Al|Ag" in html  # 30 steps of 2 fs
    assert "forces below 0.2 eV/Å" in html


@pytest.mark.slow
def test_files_tell_what_the_analysis_was_asked_for(computed):
    _, page = write_report(Project.open(computed))
    captions = re.findall("<figcaption>(.*?)</figcaption>", page.read_text())
    of_run = [
        c for c in captions if re.search(r" \d+ atoms, 300 K, \S+ ps, ase \S+ EMT", c)
    ]
    assert len(of_run) == 3  # RDF, bonds, checks; the crystal beside is no model
    told = json.loads((computed / "results" / "rdf-Al-Ag.json").read_text())
    assert told["settings"]["pairs"] == ["Al-Ag"]
    assert told["settings"]["windows"] == 3
    assert told["units"]["r"] == "Å"


def test_every_result_of_a_project_can_be_taken_away(computed, tmp_path):
    pytest.importorskip("pandas")
    results = collect(Project.open(computed))
    every = [
        results.energies,
        *(r for of in results.found.values() for r in of.values()),
    ]
    assert {"energies", "rdf", "bonds", "path"} <= {result.kind for result in every}
    for result in every:
        frame = result.to_pandas()
        assert len(frame) > 0, result.kind
        table = result.to_csv(tmp_path / "x.csv").read_text("utf-8").splitlines()
        assert len(table) == len(frame) + 1
        assert table[0].split(",")[0].strip('"') == frame.columns[0]
        assert result.plot().axes, result.kind


def test_it_is_a_command_too():
    from typer.testing import CliRunner

    from ionface.workflows.cli import app

    words = ["analyze", "extent", "--help"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False).stdout
    assert "How far the atoms of one species are spread" in shown
    assert "--axis" in shown


def test_a_run_that_is_too_short_for_one_analysis_keeps_the_others(
    study_file, plain_figures, tmp_path
):
    study_file.write_text(study_file.read_text().replace("steps: 30", "steps: 1"))
    study = ask_for(study_file, "[rdf, msd]")
    project = Project.create(tmp_path / "p", study)
    assert not runner.run(project).failed
    results, page = write_report(project)
    assert "Al|Ag" in results.found["rdf"]
    why = results.refused["msd"]["Al|Ag"]
    assert "Al|Ag: no result" in page.read_text()
    assert why[:20] in page.read_text()


def test_an_analysis_takes_what_the_run_says(study_file):
    run = DynamicsSpec("Al|Ag", 10, ("Al-Ag", "Al-Al"), cutoff=5.0, windows=3)
    run = replace(run, analyses=("rdf", {"layers": {"windows": 2}}, "checks"))
    assert analyses_of(run, 300.0) == {
        "rdf": {"pairs": ["Al-Ag", "Al-Al"], "cutoff": 5.0, "windows": 3,
                "references": []},
        "layers": {"pair": "Al-Ag", "windows": 2},
        "checks": {"temperature": 300.0},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("analyses", "message"),
    [
        ("[rdv]", "unknown analysis 'rdv'; did you mean 'rdf'"),
        ("[{rdf: {bin: 3}}]", r"rdf has no \['bin'\]"),
        ("[{rdf: {bins: many}}]", "bins='many' is no int"),
        ("[energies]", "unknown analysis 'energies'"),
    ],
)
def test_an_analysis_that_cannot_be_is_refused_before_anything_runs(
    study_file, tmp_path, analyses, message
):
    with pytest.raises(IonfaceError, match=message):
        Project.create(tmp_path / "p", ask_for(study_file, analyses))
    assert not (tmp_path / "p" / "project.json").exists()


def test_a_project_without_results_has_a_report_that_says_so(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    results, page = write_report(project)
    assert not results.energies.entries
    html = page.read_text()
    assert "jobs are not done" in html
    assert "<h2>Formation energies" not in html


@pytest.mark.slow
def test_seeds_are_runs_of_their_own_and_one_verdict(study_file, tmp_path):
    text = study_file.read_text()
    study_file.write_text(
        text.replace("    prerelax: 3\n", "    prerelax: 3\n    seeds: 2\n")
    )
    project = Project.create(tmp_path / "p", load(str(study_file)))
    names = [job.name for job, _ in project.jobs()]
    assert names.count("Al|Ag pre-relax") == 1
    assert not runner.run(project).failed
    results, page = write_report(project)
    together = results.found["replicas"]["Al|Ag"]
    assert list(together.runs) == ["seed 0", "seed 1"]
    assert together.verdicts["Al-Ag"].runs == 2
    assert {"Al|Ag seed 0", "Al|Ag seed 1"} <= set(results.found["rdf"])
    assert results.found["rdf"]["Al|Ag seed 1"].references
    first, second = (
        Trajectory.open(project.root / "trajectories" / f"Al-Ag-seed-{k}.ionf")
        for k in (0, 1)
    )
    assert (first.positions[-1] != second.positions[-1]).any()
    assert (first.positions[0] == second.positions[0]).all()
    assert "<h2>Independent runs together" in page.read_text()
