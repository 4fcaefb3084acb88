"""A study of phases, from its YAML to hulls and contacts, on a cheap calculator."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError, StructureError
from ionface.workflows.flows.phases import phases_of
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.planning.input_folders import write_inputs
from ionface.workflows.projects import runner
from ionface.workflows.projects.phases import project_phases
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study import PhasesSpec
from ionface.workflows.study.study_files import load, parse

ALLOY = """\
name: al-ag
engine: ase.calculators.emt.EMT
relaxation: {fmax: 0.05}
phases:
  elements: [Al, Ag]
  extra: [Ag.cif, Al3Ag.cif]
  windows: [Al3Ag]
  contacts: ["Al:Ag"]
  against: Al
"""
DATA = Path(__file__).parents[2] / "data"


def jobs_of(study):
    """Return the jobs of a study that has phases alone."""
    return [job for phase in study_flow(study).jobs for job in phase.jobs]


@pytest.fixture(scope="module")
def alloy_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phases")
    shutil.copy(DATA / "Ag.cif", folder)
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    made = Structure(Lattice.cubic(4.2), ["Ag", "Al", "Al", "Al"], sites)
    made.to(str(folder / "Al3Ag.cif"))
    path = folder / "al-ag.yaml"
    path.write_text(ALLOY)
    return path


@pytest.fixture(scope="module")
def computed_phases(alloy_file):
    root = alloy_file.parent / "p"
    assert not runner.run(Project.create(root, load(str(alloy_file)))).failed
    return Project.open(root)


def test_each_phase_is_relaxed_in_its_own_cell(computed_phases):
    relaxed = {
        job.metadata["subject"]: job
        for job, _ in computed_phases.jobs()
        if job.metadata["task"] == "relax"
    }
    assert set(relaxed) == {"Al", "Ag", "Al3Ag"}
    assert {job.maker.settings.cell for job in relaxed.values()} == {"full"}
    document = computed_phases.store.query_one({"uuid": relaxed["Al3Ag"].uuid})
    final = document["output"]["structure"]["lattice"]["a"]
    assert final == pytest.approx(4.0, abs=0.15)  # it started from 4.2 Å
    assert final != pytest.approx(4.2, abs=0.01)


def test_their_energies_are_one_set(computed_phases):
    phases = project_phases(computed_phases)
    assert {phase.formula for phase in phases.phases} == {"Al", "Ag", "Al3Ag"}
    assert phases.level.code == "ase" or phases.level.functional


def test_hull_window_and_contact_stand_in_the_results(computed_phases):
    results = collect(computed_phases)
    assert results.found["hull"]["Al-Ag"].elements == ("Al", "Ag")
    assert results.found["window"]["Al-Ag"].windows[0].compound == "Al3Ag"
    assert results.found["contact"]["Al"].contacts[0].between == ("Al", "Ag")


def test_the_report_shows_them_and_keeps_the_energies(
    computed_phases, plain_figures, cli
):
    _, path = write_report(computed_phases)
    text = path.read_text()
    assert "Driving forces" in text
    assert "Stability windows" in text
    stored = computed_phases.results / "phases.json"
    assert len(json.loads(stored.read_text())["phases"]) == 3
    project = cli("analyze", "contact", computed_phases.root, "--between", "Al:Ag")
    assert project.returncode == 0, project.stderr
    again = cli("analyze", "contact", stored, "--between", "Al:Ag")
    assert again.stdout.splitlines()[:-1] == project.stdout.splitlines()[:-1]


def test_a_phase_that_two_systems_have_is_computed_once():
    study = parse(
        "name: two\nengine: ase.calculators.emt.EMT\n"
        "phases: [{elements: [Al]}, {elements: [Al, Cu]}]",
        "two",
    )
    subjects = [job.metadata["subject"] for job in jobs_of(study)]
    assert subjects == ["Al"] * 3


def test_layered_phases_keep_their_cells():
    engine = "ase.calculators.lj.LennardJones"
    study = parse(f"name: p\nengine: {engine}\nphases: {{elements: [P]}}", "p")
    cells = {
        job.maker.settings.cell
        for job in jobs_of(study)
        if job.metadata["task"] == "relax"
    }
    assert cells == {"fixed"}


def test_predicted_phases_come_on_demand():
    def formulas(**choices):
        spec = PhasesSpec(("Li", "In"), **choices)
        return {phase.formula for phase in phases_of(spec)}

    assert "LiIn3" not in formulas()
    assert "LiIn3" in formulas(observed_only=False)
    assert "Li2In" not in formulas(exclude=("Li2In",))


@pytest.mark.slow
def test_a_project_without_phases_says_so(computed):
    with pytest.raises(IonfaceError, match="its study has no `phases:`"):
        project_phases(Project.open(computed))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("elements: [Li, Xy]", "'Xy' is no element"),
        (
            "elements: [Li, In], windows: [LiCl]",
            "LiCl has Cl, which the system has not",
        ),
        ("elements: [Li, In], contacts: [LiIn]", "does not name two phases"),
        ("elements: [Li, In], windows: [LiIn], against: Na", "'Na' is not among"),
        ("elements: [Li, In], element: Li", "no such key; did you mean 'elements'?"),
        ("element: [Li, In]", "did you mean 'elements'?"),
    ],
)
def test_mistakes_in_a_study_are_one_sentence(changed, told):
    with pytest.raises(IonfaceError, match="phases") as raised:
        parse(f"name: x\nphases: {{{changed}}}", "x.yaml")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"extra": ("LiP",)}, "of this formula there are LiP_mp-9588"),
        ({"extra": ("Unobtainium",)}, "unknown phase 'Unobtainium'"),
        ({"extra": ("nowhere.cif",)}, "nowhere.cif"),
        ({"extra": ("LiCl",)}, "LiCl has Cl"),
        ({"extra": ("LAGP_disordered",)}, "partly occupied"),
        ({"exclude": ("LiSn",)}, "exclude: 'LiSn' is no phase of In-Li"),
    ],
)
def test_crystals_that_cannot_be_are_named(choices, told):
    with pytest.raises(StructureError) as raised:
        phases_of(PhasesSpec(("Li", "In"), **choices))
    assert told in str(raised.value)


@pytest.fixture
def vasp_alloy(alloy_file, double):
    """The same alloy with VASP; `double` is there for POTCARs and a calculator."""
    study = load(str(alloy_file))
    return replace(study, vasp=replace(study.vasp, k_spacing=1.0, prerelax="off"))


@pytest.mark.slow
def test_phases_by_vasp_are_relaxed_cell_and_all_and_make_a_hull(vasp_alloy, tmp_path):
    project = Project.create(tmp_path / "p", vasp_alloy.with_engine("vasp-double"))
    outcome = runner.run(project)
    assert not outcome.failed
    results, report = write_report(project)
    hull = results.found["hull"]["Al-Ag"]
    assert hull.provenance.emulated
    assert "emulated" in report.read_text().lower()
    phases = {phase.formula: phase for phase in project_phases(project).phases}
    assert set(phases) == {"Al", "Ag", "Al3Ag"}
    assert phases["Al3Ag"].level.code == "vasp"
    # both engines stand on one calculator, so that cells and energies are the same
    other = replace(vasp_alloy, engine="ase.calculators.emt.EMT")
    same = Project.create(tmp_path / "emt", other)
    assert not runner.run(same).failed
    for phase in project_phases(same).phases:
        mine = phases[phase.formula].per_atom
        assert mine == pytest.approx(phase.per_atom, abs=2e-3)


@pytest.mark.slow
def test_inputs_of_phases_are_one_folder_each(vasp_alloy, tmp_path):
    written = write_inputs(vasp_alloy.with_engine("vasp"), tmp_path / "inputs")
    poscars = sorted((tmp_path / "inputs").rglob("POSCAR"))
    names = {path.parent.parent.name for path in poscars}
    assert written
    assert len(poscars) >= 3
    for phase in ("Al", "Ag", "Al3Ag"):
        assert any(phase == name or name.startswith(f"{phase}") for name in names)
    relaxations = [p.parent / "INCAR" for p in poscars if "relax" in str(p)]
    assert all("ISIF = 3" in path.read_text() for path in relaxations)
