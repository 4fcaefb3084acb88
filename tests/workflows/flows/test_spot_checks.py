"""Spot checks: a study's potential beside another engine on its own frames."""

import json
from dataclasses import replace

import numpy as np
import pytest
from jobflow import OutputReference
from pymatgen.core import Lattice, Structure

from ionface.analysis.yardstick.spot_checks import SpotChecks, is_first_principles
from ionface.errors import IonfaceError
from ionface.structures.clusters import CORE
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.ase.ase_engine import from_import_path
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.engines.registry import engine, job_engine
from ionface.workflows.engines.single_points import single_points
from ionface.workflows.flows.spot_checks import (
    _answer,
    _comparable,
    choose_frames,
    judge_frames,
)
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study import (
    EngineChoice,
    EngineNames,
    SpotCheckSpec,
    quickened,
)
from ionface.workflows.study.study_files import load, parse

LJ = "ase.calculators.lj.LennardJones"
EMT_PATH = "ase.calculators.emt.EMT"
FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
SYMBOLS = (["Ag"] * 2, ["Ag"] * 2, ["Ag"] * 2, ["Ag"] * 3, ["Ag"] * 4)
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


def test_a_potential_beside_its_own_labels_has_no_error(run_job):
    frames = []
    for number in range(2):
        frames.append(Structure(Lattice.cubic(4.1), ["Ag"] * 4, FCC))
        frames[-1].perturb(0.1, seed=number)
    emt = engine(EMT_PATH)
    points = single_points(emt, [f.to_ase_atoms(msonable=False) for f in frames], None)
    records = [
        RunRecord(f, p.energy, 0.0, True, 1, LEVEL, "none", forces=p.forces.tolist())
        for f, p in zip(frames, points, strict=True)
    ]
    found = SpotChecks.from_dict(judge_frames.original("Ag", emt, frames, records))
    assert found.judgement.overall.rmse < 1e-9
    assert found.judgement.overall.slope == pytest.approx(1)


@pytest.mark.parametrize(
    "same", [EMT_PATH, EngineChoice(calculator=EMT_PATH, functional="called otherwise")]
)
def test_a_potential_is_not_checked_by_itself(checked_study, same):
    study = replace(
        checked_study, spot_checks=replace(checked_study.spot_checks, engine=same)
    )
    with pytest.raises(
        IonfaceError, match=r"emt would be checked by itself.*change on"
    ):
        study_flow(study)


def points_of(study):
    """Return how the single points that check a study are called."""
    jobs = GraphWalk(study).engine_jobs
    return [j.name for j in jobs if j.metadata.get("part") == "spot check"]


def test_a_role_that_has_no_potential_is_left_out(checked_study, double):
    names = EngineNames(formation="vasp-double", dynamics=EMT_PATH)
    study = replace(checked_study, engine=names)
    assert points_of(study) == [
        f"Al|Ag spot check of dynamics: single point {n}" for n in (1, 2, 3)
    ]


def test_other_engines_of_the_same_energies_are_not_checked(checked_study):
    alone = replace(checked_study, dynamics=(), references=())
    assert points_of(replace(alone, beside=(LJ,))) == points_of(alone)


@pytest.mark.parametrize(
    "rest",
    [
        "phases: {elements: [Al, Ag]}",
        "surfaces: [{material: Al, miller: [1, 0, 0], layers: 3}]",
    ],
)
def test_a_study_without_an_interface_has_nothing_to_check(rest):
    study = parse(f"name: a\nengine: {EMT_PATH}\n{rest}\n{SPOTS}", "a.yaml")
    with pytest.raises(IonfaceError, match=r"the study has none.*or add an interface"):
        study_flow(study)


SEVERAL = """\
name: several
engine: ase.calculators.emt.EMT
lattice: literature
formation: []
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Ag.cif, name: Ag, miller: [1, 0, 0], layers: 2}
    max_area: 40
    vacuum: 12
dynamics:
  - {interface: Al|Ag, steps: 6, seeds: 2, temperature: 300, prerelax: 0}
  - {interface: Al|Ag, steps: 6, temperature: 900, analyses: [bonds]}
"""


@pytest.fixture(scope="module")
def several(computed_file, tmp_path_factory):
    """A finished project of two runs of one interface, the first of two seeds."""
    path = computed_file.with_name("several.yaml")
    path.write_text(SEVERAL + SPOTS)
    project = Project.create(tmp_path_factory.mktemp("s") / "p", load(str(path)))
    assert not runner.run(project).failed
    return Project.open(project.root)


def test_every_run_of_an_interface_is_checked_and_none_takes_anothers_place(several):
    found = collect(several).found
    spots = found["spot_checks"]
    assert spots.keys() == {"Al|Ag dynamics", "Al|Ag 900 K dynamics"}
    cold, hot = (spot.judgement.overall.rmse for spot in spots.values())
    assert cold != hot
    assert found["bonds"].keys() == {"Al|Ag seed 0", "Al|Ag seed 1", "Al|Ag 900 K"}
    stored = {path.stem for path in (several.root / "trajectories").glob("*.ionf")}
    assert stored == {"Al-Ag-seed-0", "Al-Ag-seed-1", "Al-Ag-900-K"}


def test_the_report_tells_each_run_with_its_own_temperature(several, plain_figures):
    _, page = write_report(several)
    text = page.read_text()
    assert "dynamics of Al|Ag 900 K" in text
    for hot in (300, 900):
        assert f"4 atoms, {hot} K, " in text


def test_frames_of_a_run_are_chosen_from_all_its_seeds(several):
    chosen, hot = [
        job.function_args
        for job, _ in several.jobs()
        if job.name.endswith("spot check of dynamics: frames")
    ]
    relaxed, slabs, trajectories, *_ = chosen
    assert (relaxed, slabs, len(trajectories)) == (None, {}, 2)
    assert isinstance(hot[2], OutputReference)


def test_plans_know_the_clusters_that_will_be_cut(checked_study):
    walk = GraphWalk(checked_study)
    points = [j for j in walk.engine_jobs if j.metadata.get("part") == "spot check"]
    assert len(points) == 6
    assert all(1 < len(walk.start(job)) <= 10 for job in points)
    assert all(job.metadata["engine"] == LJ for job in points)


def test_plans_know_a_teacher_that_is_spelled_out(checked_study):
    told = EngineChoice(calculator=LJ, arguments={"sigma": 2.5}, cutoff=500)
    spots = replace(checked_study.spot_checks, engine=told)
    study = replace(checked_study, spot_checks=spots)
    tells = {"kind": "static", "role": "dynamics", "part": "spot check"}
    teacher = job_engine(study, tells | {"engine": str(told)})
    assert teacher.potential.arguments == {"sigma": 2.5}
    assert not teacher.in_process


def test_a_study_without_a_potential_has_nothing_to_check(checked_study, double):
    with pytest.raises(IonfaceError, match=r"but vasp-double is no potential; leave"):
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


@pytest.mark.parametrize("metal", [True, False])
def test_a_whole_frame_of_a_metals_interface_knows_its_metal(run_job, tmp_path, metal):
    """What its k-mesh, and whether an odd number of electrons is one, hang on."""
    whole = Structure(Lattice.cubic(4), ["Li", "Li", "O", "H"], FCC)
    phases = ["Li", "Li", "film", "film"] if metal else ["film"] * 4
    whole.add_site_property("phase", phases)
    record = RunRecord(whole, -1.0, 0.0, True, 1, LEVEL, str(tmp_path / "none"))
    frames = choose_frames.original(record, {}, None, 2, 60, "interface")
    assert [context(frame).metal for frame in frames] == [metal] * 2


def test_the_relaxed_interface_and_its_sides_are_taken_where_they_fit():
    """Clusters give no energies, so that no place is kept for them."""
    frames = [Structure(Lattice.cubic(9), s, FCC[: len(s)]) for s in SYMBOLS[:4]]
    for frame, origin in zip(
        frames, ["relaxation"] * 2 + ["film", "substrate"], strict=True
    ):
        frame.properties["origin"] = origin
    assert _answer(frames, 4) == [0, 2, 3]
    assert _answer(frames, 3) == [0]  # energies of two alike are compared first
    frames[2].add_site_property(CORE, [True, False])
    assert _answer(frames, 4) == [0]


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


def test_clusters_give_no_place_to_energies_that_do_not_count():
    frames = [Structure(Lattice.cubic(9), s, FCC[: len(s)]) for s in SYMBOLS]
    features = np.arange(5.0)[:, None]
    assert _comparable([0, 4], frames, features) == [0, 2]
    for frame in frames:
        frame.add_site_property(CORE, [False] * len(frame))
    assert _comparable([0, 4], frames, features) == [0, 4]


def test_what_is_first_principles_is_told_by_its_level():
    assert is_first_principles({"code": "gpaw"})
    assert is_first_principles({"code": "mine", "cutoff_ev": 500})
    mesh_alone = from_import_path(EMT_PATH, {}, "PBE", k_spacing=0.25)
    assert is_first_principles(mesh_alone.level_of_theory().as_dict())
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
