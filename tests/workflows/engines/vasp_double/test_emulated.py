"""What a stand-in computed says so everywhere, and stands beside no real energy."""

import csv
import json
import re

import pytest

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.ledger import book
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import LedgerError
from ionface.workflows.engines.vasp_double.emulated import (
    emulated_paths,
    marked,
    marked_rows,
    title,
)
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study_files import parse

STUDY = """\
name: al-ag
engine: {engine}
interfaces:
  - name: Al|Ag
    film: {{material: Al, miller: [1, 0, 0], layers: 2}}
    substrate: {{material: Al, miller: [1, 0, 0], layers: 2, name: Ag}}
    max_area: 20
    vacuum: 12
relaxation: {{fmax: 0.1, steps: 60}}
dynamics:
  - {{interface: Al|Ag, steps: 8, pairs: [Al-Al], prerelax: 1, windows: 2}}
vasp: {{dipole: 'off', k_spacing: 1.0}}
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """The same study on the stand-in, and on the potential itself."""
    folder = tmp_path_factory.mktemp("projects")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IONFACE_VASP_CALCULATOR", "emt")
        patch.delenv("CUSTODIAN_WALLTIME_START", raising=False)
        for engine in ("vasp-double", "ase.calculators.emt.EMT"):
            study = parse(STUDY.format(engine=engine), "al-ag")
            project = Project.create(folder / engine, study)
            assert not runner.run(project).failed
            write_report(project)
            found[engine] = project
    return found["vasp-double"], found["ase.calculators.emt.EMT"]


def test_every_json_file_with_numbers_says_so(projects):
    emulated, real = projects
    names = {path.name for path in emulated.results.glob("*.json")}
    assert names >= {"energies.json", "rdf-Al-Ag.json", "bonds-Al-Ag.json"}
    for name in names:
        assert json.loads((emulated.results / name).read_text())["emulated"] is True
        assert "emulated" not in json.loads((real.results / name).read_text())


def test_the_report_says_so_at_its_top_at_every_table_and_every_level(projects):
    emulated, real = projects
    html = (emulated.root / "report.html").read_text()
    captions = re.findall(r"</table></div>(.{0,80})", html)
    assert captions
    assert all("Emulated: a stand-in made these outputs" in c for c in captions)
    assert html.count('<span class="emulated">EMULATED</span>') == 2  # two levels
    assert "Emulated" not in (real.root / "report.html").read_text()


def test_every_figure_of_numbers_is_marked(projects, monkeypatch):
    from ionface.analysis.figures import style as figure_style
    from ionface.workflows.projects.results import collect
    from ionface.workflows.report.report_figures import write_figures

    marks = []
    drawn = figure_style.mark

    def watched(figure, *, quick, emulated):
        marks.append(emulated)
        drawn(figure, quick=quick, emulated=emulated)

    monkeypatch.setattr(figure_style, "mark", watched)
    emulated, real = projects
    written = write_figures(emulated, collect(emulated))
    numbers = [kind for kind in written if not kind.startswith("model:")]
    assert marks == [True] * len(numbers)
    marks.clear()
    write_figures(real, collect(real))
    assert marks == [False] * len(numbers)


def test_analyses_of_emulated_frames_say_so_in_every_file(
    projects, tmp_path, monkeypatch, capsys
):
    from ionface.analysis.figures import style as figure_style
    from ionface.workflows.cli.analyze_frames import analyze_bonds, analyze_rdf
    from ionface.workflows.cli.analyze_motion import (
        analyze_checks,
        analyze_msd,
        analyze_profile,
    )
    from ionface.workflows.cli.analyze_reactions import analyze_reactions

    marks = []
    drawn = figure_style.mark
    monkeypatch.setattr(
        figure_style,
        "mark",
        lambda figure, **told: (marks.append(told["emulated"]), drawn(figure, **told)),
    )

    def files(path, folder):
        folder.mkdir()
        analyze_rdf([path], ["Al-Al"], 4.0, 40, 2, [], None, folder / "a.json", False)
        analyze_bonds([path], ["Al-Al"], 2, None, folder / "b.json", False)
        analyze_reactions([path], ["Al-Al"], [], 2, None, folder / "c.json", False)
        analyze_msd([path], [], None, folder / "d.json", False)
        analyze_profile([path], [], None, 2, None, folder / "e.json", False)
        analyze_checks([path], 300.0, None, folder / "f.json", False)
        texts = [p.read_text() for p in sorted(folder.glob("*.csv"))]
        tables = [csv.DictReader(text.splitlines()) for text in texts]
        jsons = [json.loads(p.read_text()) for p in sorted(folder.glob("*.json"))]
        return [next(t) for t in tables], jsons, capsys.readouterr().out

    emulated, real = projects
    rows, texts, printed = files(emulated.root, tmp_path / "emulated")
    assert len(rows) == 3
    assert {row["emulated"] for row in rows} == {"True"}
    assert [text["emulated"] for text in texts] == [True] * 6
    assert marks == [True] * 6
    assert printed.count("EMULATED") >= 5
    marks.clear()
    rows, texts, printed = files(real.root, tmp_path / "real")
    assert not any("emulated" in found for found in (*rows, *texts))
    assert marks == [False] * 6
    assert "EMULATED" not in printed


def test_paths_of_every_kind_are_recognized(projects):
    emulated, real = projects
    (trajectory,) = (emulated.root / "trajectories").glob("*.ionf")
    part = next(emulated.runs.glob("*/run-001"))
    for path in (emulated.root, trajectory, part, part.parent, part / "XDATCAR"):
        if path.name.startswith("Al-Ag.relax"):
            continue
        assert emulated_paths([path]), path
    (trajectory,) = (real.root / "trajectories").glob("*.ionf")
    assert not emulated_paths([real.root, trajectory, real.runs])


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


def test_nothing_is_said_of_what_is_real():
    assert title(False) == ""
    assert title(False, "QUICK") == "QUICK"
    assert title(True, "QUICK").startswith("EMULATED")
    assert marked({"a": 1}, False) == {"a": 1}
    assert list(marked_rows([{"a": 1}], False)) == [{"a": 1}]
