"""What a study's analyses become: results, files, sections of the report."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ionface.analysis.kind import Kind
from ionface.analysis.kinds import kinds, register
from ionface.analysis.report.page import Statements, Table
from ionface.analysis.result import Provenance, Result
from ionface.errors import IonfaceError
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.analyses import analyses_of
from ionface.workflows.study.study import DynamicsSpec
from ionface.workflows.study.study_files import load

# --- a user's own analysis, as it would stand in one file of theirs -------------------


@dataclass(frozen=True)
class ExtentSettings:
    """How far the atoms of one species are spread along an axis.

    Attributes:
        species: as in Al.
        axis: 0, 1 or 2.
    """

    species: str = "Al"
    axis: int = 2


@dataclass(frozen=True, repr=False)
class Extent(Result):
    """Spread of one species.

    Attributes:
        species: which.
        extent: Å, mean over the frames.
    """

    kind = "extent"
    figure = f"{__name__}:figure_extent"

    species: str
    extent: float

    def values(self) -> dict[str, Any]:
        return {"species": self.species, "extent": self.extent}

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> "Extent":
        return cls(data["species"], data["extent"], provenance=provenance)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        yield {"species": self.species, "extent (Å)": self.extent}

    def summary(self) -> str:
        return f"{self.species} {self.extent:.1f} Å"


def extent(trajectory, settings, progress=None):
    del progress
    atoms = trajectory.indices(settings.species)
    heights = trajectory.positions[:, atoms, settings.axis]
    spread = float((heights.max(axis=1) - heights.min(axis=1)).mean())
    return Extent(settings.species, spread, provenance=Provenance.of(trajectory))


def figure_extent(result, *, title=""):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle(title)
    figure.subplots().bar([0], [result.extent])
    return figure


def contents(result):
    table = Table(["species", "extent Å"], [[result.species, f"{result.extent:.2f}"]])
    return [table, Statements("", ["From the lowest to the highest atom."])]


EXTENT = Kind(
    Extent, "How far atoms spread", contents, "A bar.", ExtentSettings, extent
)

# --------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(kinds(), "extent", EXTENT)
    assert register(EXTENT) is EXTENT


def ask_for(study_file, analyses):
    text = study_file.read_text()
    study_file.write_text(
        text.replace(
            "    prerelax: 3\n", f"    prerelax: 3\n    analyses: {analyses}\n"
        )
    )
    return load(str(study_file))


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
    assert "From the lowest to the highest atom." in html
    assert html.index("<h2>Bonds in time") < html.index("<h2>How far atoms spread")
    written = json.loads((project.results / "extent-Al-Ag.json").read_text())
    assert written["extent"] == results.found["extent"]["Al|Ag"].extent > 1
    assert (project.results / "extent-Al-Ag.csv").is_file()
    assert (project.results / "extent-Al-Ag.png").read_bytes().startswith(b"\x89PNG")


def test_it_is_a_command_too(study_file, tmp_path):
    from typer.testing import CliRunner

    from ionface.workflows.cli import app

    words = ["analyze", "extent", "--help"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False).stdout
    assert "How far the atoms of one species" in shown
    assert "--axis" in shown


def test_a_run_that_is_too_short_for_one_analysis_keeps_the_others(
    study_file, tmp_path
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
    from dataclasses import replace

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
