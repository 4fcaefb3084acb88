"""Studies of deposition: from YAML to the report, and what dynamics tell of a cell."""

import json
from pathlib import Path

import pytest

from ionface.analysis.deposition.cell import PRESETS
from ionface.analysis.deposition.deposition import STATE, deposit
from ionface.analysis.diffusion.arrhenius import arrhenius
from ionface.errors import IonfaceError
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study import quickened
from ionface.workflows.study.study_files import load, parse, to_yaml

pytest.importorskip("skfem", reason="scikit-fem is not installed")

CELLS = """\
name: two-cells
deposition:
  - &cell
    name: A
    electrolyte: qcpe
    capacity_mah_per_cm2: 0.02
    steps: 10
    kinetics: {exchange_current_a_per_m2: 1000}
    geometry: {width_um: 4, thickness_um: 20, columns: 8, rows: 8}
    seed: {amplitude_um: 0.1}
  - {<<: *cell, name: B, electrolyte: qcpe-pdol}
"""


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "p", parse(CELLS, "cells"))


def test_a_study_of_cells_runs_and_is_reported(project, plain_figures, monkeypatch):
    monkeypatch.setattr(
        "ionface.analysis.figures.deposition_figure.film", lambda result: b"GIF89a"
    )
    outcome = runner.run(project)
    assert outcome.ran == ["A deposition", "B deposition"]
    results, page = write_report(project)
    grown = results.found["deposition"]
    assert grown["A"].last.amplitude > grown["B"].last.amplitude
    html = page.read_text()
    for text in (
        "Deposition of lithium",
        "Side by side",
        "Sand&#x27;s time",
        "image/gif",
    ):
        assert text in html
    assert "protocol" not in html.partition("</header>")[0]
    names = {path.name for path in project.results.iterdir()}
    assert {f"deposition-A.{end}" for end in ("json", "csv", "svg", "gif")} <= names
    assert runner.run(project).kept == ["A deposition", "B deposition"]


def test_a_stopped_job_goes_on_from_its_state(project, monkeypatch):
    cell = project.study.deposition[0]
    (job, _), _ = project.jobs()
    folder = runner.job_folder(job)
    folder.mkdir(parents=True)

    def stop(done, total, note):
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deposit(cell, folder, stop)
    before = (folder / STATE).stat().st_mtime_ns
    note = runner.states(project)[0].note
    assert note.startswith("step 5, 0.01 mAh/cm², amplitude 0.1")
    heard = []
    monkeypatch.setattr(
        "ionface.workflows.engines.progress.report",
        lambda done, total, note: heard.append(done),
    )
    runner.run(project)
    assert heard[0] == 6  # the fifth step was kept last
    assert (folder / STATE).stat().st_mtime_ns > before


def test_presets_differ_in_conductivity_alone_and_say_that_they_are_assumed():
    a, b = parse(CELLS, "cells").deposition
    assert a.electrolyte == PRESETS["qcpe"]
    assert b.electrolyte.conductivity_ms_per_cm == 1.48
    assert "assumed" in a.electrolyte.source
    assert "Table S1" in b.electrolyte.source


def test_a_study_of_cells_survives_yaml_and_has_a_rehearsal():
    study = parse(CELLS, "cells")
    assert parse(to_yaml(study), "again") == study
    quick = quickened(load("qcpe-deposition"))
    assert [cell.capacity_mah_per_cm2 for cell in quick.deposition] == [0.1, 0.1]
    assert study_flow(quick).jobs[0].function_args[1] is True


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("qcpe-pdol", "lagp", "unknown electrolyte 'lagp'; have"),
        ("width_um: 4", "width_mm: 4", "no such key; did you mean 'width_um'"),
        ("electrolyte: qcpe\n", "electrolyte: {}\n", "needs conductivity_ms_per_cm or"),
        ("columns: 8", "columns: 2", "must not be below 8"),
        ("name: B", "name: A", "the name 'A' stands twice"),
        ("deposition:", "deposit:", "no such key; did you mean 'deposition'"),
    ],
)
def test_mistakes_are_told(old, new, message):
    with pytest.raises(IonfaceError, match=message):
        parse(CELLS.replace(old, new, 1), "cells")


def test_an_empty_study_is_told():
    with pytest.raises(IonfaceError, match="nothing to compute"):
        parse("name: nothing\n", "empty")


def test_what_physics_forbids_is_told_before_anything_runs():
    study = parse(
        CELLS.replace("steps", "current_ma_per_cm2: 50\n    steps", 1), "cells"
    )
    with pytest.raises(IonfaceError, match="above the limiting current"):
        study_flow(study)


# --- from dynamics --------------------------------------------------------------------


def bridged(tmp_path, told):
    text = CELLS.replace("electrolyte: qcpe\n", f"electrolyte: {told}\n", 1)
    (tmp_path / "study.yaml").write_text(text)
    return load(str(tmp_path / "study.yaml")).deposition[0]


def line(tmp_path, name="results/arrhenius.json"):
    """Write an Arrhenius line of Li with 5 % of error at each of four temperatures."""
    found = arrhenius(
        [300, 330, 360, 400], d := [5e-7, 1e-6, 2e-6, 5e-6], [0.05 * v for v in d]
    )
    data = found.as_dict() | {"species": "Li"}
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))
    return found


def test_diffusion_of_a_project_and_its_error_reach_the_fastest_wavelength(tmp_path):
    found = line(tmp_path).at(330)
    cell = bridged(tmp_path, "{diffusion_from: ., temperature_k: 330}")
    e = cell.electrolyte
    # D of the salt is 2 (1 - t+) D+; 1 Å²/fs are 1e-5 m²/s
    assert e.diffusion == pytest.approx(1.2 * found.coefficient * 1e-5)
    assert e.relative_error == pytest.approx(found.log_error)
    assert "arrhenius.json" in e.source
    # independent ions: D+ and D- of t+ = 0.4
    both = found.coefficient * 1e-5 / 0.4
    expected = 96485.33**2 * 1000 * both / (8.314463 * 330)
    assert e.conductivity == pytest.approx(expected, rel=1e-5)
    from ionface.analysis.deposition.stability import regime

    assert regime(cell).fastest_wavelength_error_um > 0
    again = parse(to_yaml(load(str(tmp_path / "study.yaml"))), "again")
    assert again.deposition[0].electrolyte == e


BRIDGES = {
    "nothing": (
        "{diffusion_from: ., temperature_k: 300}",
        r"holds no result of diffusion; .* whose study analyzes msd: \{species:",
    ),
    "nowhere": (
        "{diffusion_from: away, temperature_k: 300}",
        "away does not exist; diffusion_from takes a project whose study",
    ),
    "temperature": ("{diffusion_from: .}", "temperature_k is needed as a number"),
    "species": (
        "{diffusion_from: line.json, species: Na, temperature_k: 300}",
        r"tells no diffusion of Na .*; it has \['Li'\]",
    ),
    "other": (
        "{diffusion_from: study.yaml, temperature_k: 300}",
        "is no result of ionf",
    ),
}


@pytest.mark.parametrize("case", BRIDGES)
def test_what_gives_no_diffusion_is_told(case, tmp_path):
    told, message = BRIDGES[case]
    line(tmp_path, "line.json")
    with pytest.raises(IonfaceError, match=message):
        bridged(tmp_path, told)


def test_of_several_results_one_is_to_be_named(tmp_path):
    for name in ("arrhenius-A.json", "arrhenius-B.json"):
        line(tmp_path, f"results/{name}")
    with pytest.raises(IonfaceError, match=r"2 results .*-A.json, .*-B.json; name one"):
        bridged(tmp_path, "{diffusion_from: ., temperature_k: 300}")


def test_one_cell_needs_no_list():
    alone = CELLS.partition("  - {<<")[0].replace("  - &cell\n", "")
    assert parse(alone, "alone").deposition == parse(CELLS, "cells").deposition[:1]


def test_an_upper_bound_is_no_coefficient(tmp_path, in_motion):
    Path(tmp_path / "msd.json").write_text(json.dumps(in_motion(caged=True).as_dict()))
    with pytest.raises(
        IonfaceError, match=r"no diffusion coefficient of Li, .* or hotter"
    ):
        bridged(tmp_path, "{diffusion_from: msd.json, temperature_k: 300}")
    (tmp_path / "free.json").write_text(json.dumps(in_motion().as_dict()))
    cell = bridged(tmp_path, "{diffusion_from: free.json, temperature_k: 300}")
    assert cell.electrolyte.diffusion == pytest.approx(1.2 * 0.0125e-5, rel=0.3)
    assert 0 < cell.electrolyte.relative_error < 0.5


@pytest.fixture
def in_motion():
    """Return a function that gives the MSD of walkers with D = 0.0125 Å²/fs."""
    import numpy as np

    from ionface.analysis.kinds import analysis
    from ionface.analysis.trajectory.trajectory import Trajectory

    def result(caged=False):
        steps = np.random.default_rng(0).normal(0, 0.5, (2000, 40, 3))
        walk = 0.1 * steps if caged else np.cumsum(steps, axis=0)
        cell = np.diag([30.0, 30.0, 30.0])
        run = Trajectory.from_arrays(["Li"] * 40, cell, walk, timestep_fs=10.0)
        kind = analysis("msd")
        return kind.analyze(run, kind.configured({"drift": "none"}), None)

    return result


@pytest.mark.parametrize("words", [("build", "--out", "models"), ("plan",)])
def test_a_study_without_atoms_has_nothing_to_build_or_plan(cli, words):
    told = cli(words[0], "qcpe-deposition", *words[1:])
    assert told.returncode == 1
    assert "qcpe-deposition has no interfaces" in told.stderr
