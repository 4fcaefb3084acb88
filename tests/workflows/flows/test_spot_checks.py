"""Spot checks: a study's potential beside another engine on its own frames."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.analysis.yardstick.spot_checks import SpotChecks, is_first_principles
from ionface.errors import IonfaceError
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.flows.spot_checks import choose_frames
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study import SpotCheckSpec, quickened
from ionface.workflows.study.study_files import load, parse

LJ = "ase.calculators.lj.LennardJones"
EMT_PATH = "ase.calculators.emt.EMT"
FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
LEVEL = {"code": "x", "version": "1", "functional": "PBE"}
SPOTS = f"spot_checks: {{engine: {LJ}, frames: 3, most_atoms: 10}}\n"


@pytest.fixture
def checked_study(study_file):
    study_file.write_text(study_file.read_text() + SPOTS)
    return load(str(study_file))


@pytest.fixture(scope="module")
def checked(computed_file, tmp_path_factory):
    """A finished project whose potential was checked by another one."""
    path = computed_file.with_name("checked.yaml")
    text = computed_file.read_text() + SPOTS
    for more, fewer in (("steps: 30", "steps: 6"), ("segment: 12", "segment: 6")):
        text = text.replace(more, fewer)
    text = text.replace("references: [Al]", "analyses: [bonds]")
    start = text.index("references:\n")
    path.write_text(text[:start] + text[text.index("lattice:") :])
    root = tmp_path_factory.mktemp("checked") / "p"
    outcome = runner.run(Project.create(root, load(str(path))))
    assert not outcome.failed
    return Project.open(root)


def test_each_answer_of_a_potential_has_its_error_bar(checked):
    found = collect(checked).found["spot_checks"]
    assert found.keys() == {"Al|Ag", "Al|Ag dynamics"}
    for spot in found.values():
        assert isinstance(spot, SpotChecks)
        assert spot.judgement.engine == "emt"
        assert spot.judgement.overall.frames == len(spot.frames) == 3
        assert all(len(frame.species) <= 10 for frame in spot.frames)
        assert spot.judgement.overall.rmse > 0.01  # the two do not agree
        assert spot.provenance.level_of_theory["code"] == "ase"


@pytest.mark.slow
def test_two_potentials_are_a_spread_and_no_error(checked):
    spot = collect(checked).found["spot_checks"]["Al|Ag"]
    assert "a spread of two potentials" in spot.against
    assert spot.line().startswith("force spread")


def test_the_ledger_and_the_report_say_it(checked, plain_figures):
    results = collect(checked)
    (entry,) = results.energies.entries
    assert any(check.startswith("force spread") for check in entry.checks)
    _, page = write_report(checked)
    assert "spread of two potentials" in page.read_text()
    stored = json.loads((checked.results / "spot_checks-Al-Ag.json").read_text())
    again = SpotChecks.from_dict(stored)
    np.testing.assert_allclose(again.frames[0].forces, again.frames[0].forces)
    assert again.line() == results.found["spot_checks"]["Al|Ag"].line()


@pytest.mark.slow
def test_a_potential_beside_itself_has_no_error(checked_study, tmp_path):
    same = replace(checked_study.spot_checks, engine=EMT_PATH)
    study = replace(checked_study, spot_checks=same, dynamics=(), references=())
    project = Project.create(tmp_path / "same", study)
    assert not runner.run(project).failed
    spot = collect(project).found["spot_checks"]["Al|Ag"]
    assert spot.judgement.overall.rmse < 1e-9
    assert spot.judgement.overall.slope == pytest.approx(1)


def test_plans_know_the_clusters_that_will_be_cut(checked_study):
    walk = GraphWalk(checked_study)
    points = [j for j in walk.engine_jobs if j.metadata.get("part") == "spot check"]
    assert len(points) == 6
    assert all(1 < len(walk.start(job)) <= 10 for job in points)
    assert all(job.metadata["engine"] == LJ for job in points)


def test_a_study_without_a_potential_has_nothing_to_check(checked_study, double):
    with pytest.raises(IonfaceError, match=r"Al\|Ag is computed with vasp-double"):
        study_flow(replace(checked_study, engine="vasp-double"))


def test_a_rehearsal_takes_few(checked_study):
    assert quickened(checked_study).spot_checks.frames == 2


@pytest.mark.parametrize(
    ("spelled", "said"),
    [
        ("{engine: gpaw, frames: 1}", "spot_checks.frames: must be above 1"),
        ("{engine: gpaw, frame: 8}", "did you mean 'frames'"),
        ("{frames: 8}", "spot_checks.engine: this key is required"),
        ("{engine: gpaw, region: surface}", "spot_checks.region"),
    ],
)
def test_mistakes_are_told_with_their_line(spelled, said):
    text = f"name: a\nphases: {{elements: [Li, In]}}\nspot_checks: {spelled}\n"
    with pytest.raises(IonfaceError, match=f"line 3: .*{said}|{said}"):
        parse(text, "a.yaml")


@pytest.mark.slow
def test_too_few_frames_are_shaken_so_that_none_stands_twice(run_job, tmp_path):
    silver = Structure(Lattice.cubic(4.1), ["Ag"] * 4, FCC)
    record = RunRecord(silver, -1.0, 0.0, True, 1, LEVEL, str(tmp_path / "none"))
    chosen = choose_frames.original(record, {}, None, 3, 60, "interface")
    assert len(chosen) == 3
    moved = [np.abs(c.cart_coords - silver.cart_coords).max() for c in chosen]
    assert moved[0] == 0
    assert moved[1] > 0.01


@pytest.mark.parametrize("count", [2, 3])
def test_two_frames_have_one_composition_so_that_energies_compare(
    run_job, tmp_path, count
):
    """Sides of an interface differ from it more than its own frames do."""

    def record(*symbols):
        made = Structure(Lattice.cubic(4.1), symbols, FCC[: len(symbols)])
        return RunRecord(made, -1.0, 0.0, True, 1, LEVEL, str(tmp_path / "none"))

    sides = {"film": record("Ag", "Ag"), "substrate": record("Cu", "Cu", "Cu")}
    whole = record("Ag", "Ag", "Cu", "Cu")
    chosen = choose_frames.original(whole, sides, None, count, 60, "interface")
    assert len(chosen) == count
    formulas = [frame.composition for frame in chosen]
    assert formulas.count(whole.structure.composition) == 2


def test_what_is_first_principles_is_told_by_its_level():
    assert is_first_principles({"code": "gpaw"})
    assert is_first_principles({"code": "mine", "cutoff_ev": 500})
    assert not is_first_principles({"code": "vasp", "emulated": True})
    assert not is_first_principles({"code": "sevenn", "weights": "ab"})
    assert SpotCheckSpec("gpaw").most_atoms == 60


AL_LIF = """\
name: al-lif
engine: sevennet
lattice: literature
interfaces:
  - name: Al|LiF
    film: {material: Al, miller: [1, 0, 0], layers: 2, name: film}
    substrate: {material: LiF, miller: [1, 0, 0], layers: 1}
    max_area: 10
    vacuum: 8
relaxation: {fmax: 0.2, steps: 10}
dynamics:
  - interface: Al|LiF
    steps: 20
    segment: 20
    analyses: [bonds]
    prerelax: 2
spot_checks: {engine: gpaw, frames: 2}
vasp: {dipole: 'off', k_spacing: 1.2}
"""


@pytest.mark.slow
@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore")
def test_a_potential_has_its_error_against_electrons_in_the_report(tmp_path):
    pytest.importorskip("gpaw", reason="GPAW is not installed")
    project = Project.create(tmp_path / "p", parse(AL_LIF, "al-lif.yaml"))
    assert not runner.run(project).failed
    results = collect(project)
    found = results.found["spot_checks"]
    assert found.keys() == {"Al|LiF", "Al|LiF dynamics"}
    for spot in found.values():
        assert is_first_principles(spot.teacher)
        assert len(spot.frames) == 2
        for frame in spot.frames:  # at 300 eV they sum up to 0.3
            assert np.abs(frame.forces.sum(axis=0)).max() < 0.03
        assert 0.005 < spot.judgement.overall.rmse < 1.0
    heated = found["Al|LiF dynamics"].judgement
    assert 0.1 < heated.overall.slope < 1.3
    assert 0.0005 < heated.energy_rmse < 0.2
    (entry,) = results.energies.entries
    assert any(check.startswith("force error") for check in entry.checks)
    _, page = write_report(project)
    text = page.read_text()
    assert "sevennet against gpaw" in text
    assert f"Energies: {1000 * heated.energy_rmse:.1f} meV/atom" in text
