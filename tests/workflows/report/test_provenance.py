"""What a stand-in computed says so everywhere, and stands beside no real energy."""

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.ledger import book
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.figures import style
from ionface.analysis.figures.pointer import Drawn
from ionface.analysis.kinds import analyses
from ionface.analysis.result import Provenance
from ionface.errors import LedgerError
from ionface.workflows.cli import app
from ionface.workflows.cli.analyze_files import open_frames
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report import project_report
from ionface.workflows.study.study_files import parse

STUDY = """\
name: al-ag
engine: {engine}
lattice: literature
interfaces:
  - name: Al|Ag
    film: {{material: Al, miller: [1, 0, 0], layers: 2}}
    substrate: {{material: Al, miller: [1, 0, 0], layers: 2, name: Ag}}
    max_area: 20
    vacuum: 12
relaxation: {{fmax: 0.1, steps: 60}}
dynamics:
  - interface: Al|Ag
    steps: 12
    pairs: [Al-Al]
    prerelax: 1
    windows: 2
    analyses: [rdf, bonds, reactions, profile, checks]
vasp: {{dipole: 'off', k_spacing: 1.0}}
"""


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The same study on the stand-in, and on the potential itself.

    Each with whether its figures were marked, in the order of their making.
    """
    folder = tmp_path_factory.mktemp("projects")
    found = []
    mark = style.mark
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IONFACE_VASP_CALCULATOR", "emt")
        patch.delenv("CUSTODIAN_WALLTIME_START", raising=False)
        # drawing takes longer than computing; a figure is marked before
        plain = Drawn("<svg/>", "<svg/>", [])
        patch.setattr(project_report, "drawn", lambda figure: plain)
        for engine in ("vasp-double", "ase.calculators.emt.EMT"):
            marks = []
            patch.setattr(
                style,
                "mark",
                lambda figure, worth, marks=marks: (
                    marks.append(worth.emulated),
                    mark(figure, worth),
                ),
            )
            study = parse(STUDY.format(engine=engine), "al-ag")
            project = Project.create(folder / engine, study)
            assert not runner.run(project).failed
            project_report.write_report(project)
            found.append((project, marks))
    return found


@pytest.fixture
def projects(reported):
    return [project for project, _ in reported]


def test_every_json_file_with_numbers_says_so(projects):
    emulated, real = projects
    names = {path.name for path in emulated.results.glob("*.json")}
    assert names >= {"energies.json", "rdf-Al-Ag.json", "bonds-Al-Ag.json"}
    assert names >= {f"{k}-Al-Ag.json" for k in ("reactions", "profile", "checks")}
    for name in names:
        assert json.loads((emulated.results / name).read_text())["emulated"] is True
        assert "emulated" not in json.loads((real.results / name).read_text())


def test_the_report_says_so_at_its_top_at_every_table_and_every_level(projects):
    emulated, real = projects
    html = (emulated.root / "report.html").read_text()
    captions = re.findall(r"</table></div>(.{0,80})", html)
    assert captions
    assert all("EMULATED: numbers of a stand-in" in c for c in captions)
    marks = html.count('<span class="emulated">EMULATED</span>')
    assert marks == 3  # two levels, and the model that can be turned
    assert "EMULATED" not in (real.root / "report.html").read_text()


def test_every_figure_of_numbers_is_marked(reported):
    for (project, marks), expected in zip(reported, (True, False), strict=True):
        figures = list(project.results.glob("*.svg"))
        assert figures
        assert marks == [expected] * len(figures)


ALL = [
    ("rdf", "--pair", "Al-Al", "--cutoff", "4"),
    ("bonds", "--pair", "Al-Al"),
    ("reactions", "--pair", "Al-Al"),
    ("msd", "--drift", "none"),
    ("profile",),
    ("layers", "--pair", "Al-Al"),
    ("checks", "--temperature", "300"),
]


@pytest.mark.slow
def test_every_analysis_of_emulated_frames_says_so_in_every_file(projects, tmp_path):
    assert {name for name, *_ in ALL} == set(analyses())

    def analyzed(project, name, *flags):
        out = tmp_path / f"{project.root.name}-{name}.json"
        words = ["analyze", name, str(project.root), *flags, "--out", str(out)]
        printed = CliRunner().invoke(app, words, catch_exceptions=False).stdout
        table = out.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
        return printed, json.loads(out.read_text()), next(csv.DictReader(table))

    emulated, real = projects
    for words in ALL:
        printed, data, row = analyzed(emulated, *words)
        assert data["emulated"] is True
        assert row["emulated"] == "True"
        assert "EMULATED" in printed
        printed, data, row = analyzed(real, *words)
        assert "emulated" not in data
        assert "emulated" not in row
        assert "EMULATED" not in printed


@pytest.mark.slow
def test_frames_of_every_kind_of_path_know_their_worth(projects):
    emulated, real = projects
    (trajectory,) = (emulated.root / "trajectories").glob("*.ionf")
    xdatcar = next(emulated.runs.glob("*dynamics*/*/XDATCAR"))
    for path in (emulated.root, trajectory, xdatcar.parent, xdatcar):
        assert Provenance.of(open_frames([Path(path)])).emulated, path
    (trajectory,) = (real.root / "trajectories").glob("*.ionf")
    for path in (real.root, trajectory):
        assert not Provenance.of(open_frames([Path(path)])).emulated


def term(name, composition, *, emulated):
    level = LevelOfTheory("vasp", "6.4.3", "PBE", cutoff_ev=480.0, emulated=emulated)
    return EnergyTerm(
        name=name,
        energy=-1.0,
        composition=composition,
        lattice=[[3, 0, 0], [0, 3, 0], [0, 0, 20]],
        level=level,
        finished=True,
        converged=True,
        max_force=0.01,
        source=name,
    )


def test_the_ledger_refuses_an_emulated_energy_beside_a_real_one():
    interface = term("interface", {"Al": 1, "Ag": 1}, emulated=False)
    film = term("film", {"Al": 1}, emulated=False)
    substrate = term("substrate", {"Ag": 1}, emulated=False)
    assert book("ok", interface, {"Al": film, "Ag": substrate})
    stand_in = term("film", {"Al": 1}, emulated=True)
    with pytest.raises(LedgerError, match="emulated: False against True"):
        book("no", interface, {"Al": stand_in, "Ag": substrate})
