"""What every engine owes: the same tests for all, also for one that lives here."""

from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    Engine,
    RelaxSettings,
    check_timestep,
)
from ionface.workflows.engines.records import check_frames
from ionface.workflows.engines.registry import GROUP, engine, study_engine
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.runner import run
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study_files import parse

SPRINGS = Path(__file__).with_name("springs")
EMT = "ase.calculators.emt.EMT"
POTENTIAL = [pytest.mark.mlip, pytest.mark.filterwarnings("ignore")]
NO_CP2K = pytest.mark.skipif(which("cp2k.psmp") is None, reason="CP2K is not installed")
NO_GPAW = pytest.mark.skipif(find_spec("gpaw") is None, reason="GPAW is not installed")
EVERY_ENGINE = [
    pytest.param("springs"),
    pytest.param(EMT),
    pytest.param("vasp-double"),
    pytest.param("gpaw", marks=[pytest.mark.slow, NO_GPAW]),
    pytest.param("cp2k", marks=[pytest.mark.slow, NO_CP2K]),
    pytest.param("sevennet", marks=[*POTENTIAL, pytest.mark.slow]),
    pytest.param("chgnet", marks=[*POTENTIAL, pytest.mark.slow]),
]
ELSEWHERE = {
    "vasp": "has a licence; vasp-double runs its Makers",
    "sevennet-l3i5": "the Makers and the package of sevennet, other weights",
    "sevennet-mf": "the same",
    "nep89": "needs weights of one's own, as do those below; their Makers are EMT's",
    "mace": "the same",
    "mattersim": "the same",
    "orb": "the same",
}
"""Engines of this package that no test here runs, and why."""
STUDY = """\
name: al-al
engine: {engine}
lattice: literature
interfaces:
  - name: Al|Al
    film: {{material: Al, miller: [1, 0, 0], layers: 2, name: film}}
    substrate: {{material: Al, miller: [1, 0, 0], layers: 2}}
    max_area: 20
    vacuum: 12
relaxation: {{fmax: 0.2}}
dynamics:
  - interface: Al|Al
    steps: 6
    segment: 3
    pairs: [Al-Al]
    cutoff: 3
    windows: 2
    prerelax: 2
vasp: {{dipole: 'off', k_spacing: 1.0}}
"""
LOOSE = {"cp2k": "dft: {cutoff: 1600}\n"}
"""Real settings that are loose: what is asked here are not the energies themselves."""


@pytest.fixture(params=EVERY_ENGINE)
def name(request, springs, monkeypatch):
    """The name of each engine, with what it needs to run here."""
    monkeypatch.setenv("IONFACE_VASP_CALCULATOR", EMT)
    return request.param


@pytest.fixture
def study(name):
    return parse(STUDY.format(engine=name) + LOOSE.get(name, ""), "al-al.yaml")


@pytest.fixture
def an_engine(study):
    return study_engine(study, "dynamics")


@pytest.fixture
def aluminum():
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    structure = Structure(Lattice.cubic(4.05), ["Al"] * 4, sites)
    structure.perturb(0.02, seed=1)
    structure.add_site_property("phase", ["left", "right"] * 2)
    return structure


# the others run whole studies elsewhere in the quick suite, or are slow anyway
OWN_FIRST = [
    EVERY_ENGINE[0],
    *(pytest.param(*each.values, marks=[*each.marks, pytest.mark.slow])
      for each in EVERY_ENGINE[1:]),
]  # fmt: skip


@pytest.mark.parametrize("name", OWN_FIRST, indirect=True)
def test_a_study_runs_from_build_to_report(study, plain_figures, tmp_path):
    project = Project.create(tmp_path / "p", study)
    outcome = run(project)
    assert not outcome.failed
    _, page = write_report(project)
    text = page.read_text()
    assert "Al|Al" in text
    assert "J/m²" in text
    assert run(project).ran == []  # nothing is computed twice


def test_it_has_the_whole_contract(an_engine, name):
    promised = {attribute for attribute in vars(Engine) if attribute[:1] != "_"}
    promised.add("name")
    assert promised <= set(dir(an_engine))
    assert name in (an_engine.name, EMT)
    assert an_engine.level_of_theory() == an_engine.level_of_theory()


def test_no_engine_of_this_package_is_forgotten():
    own = {
        entry.name for entry in entry_points(group=GROUP) if "ionface" in entry.value
    }
    here = {name for each in EVERY_ENGINE for name in each.values}
    assert own == (here - {"springs", EMT}) | ELSEWHERE.keys()


def test_an_energy_keeps_order_and_labels(an_engine, aluminum, run_job):
    record = run_job("static", an_engine.static().make(aluminum))
    assert np.isfinite(record.energy)
    assert record.converged
    assert record.structure.site_properties["phase"] == ["left", "right"] * 2
    assert np.allclose(record.structure.frac_coords, aluminum.frac_coords)
    assert record.term("x").level.code == an_engine.level_of_theory().code
    if record.forces is not None:  # without them, nobody's spot checks can ask it
        free = np.linalg.norm(record.forces, axis=1)
        assert free.max() == pytest.approx(record.max_force, rel=1e-3)
        moved = aluminum.copy()
        moved.translate_sites([0], [0.01, 0, 0], frac_coords=False)
        more = run_job("moved", an_engine.static().make(moved))
        slope = (more.energy - record.energy) / 0.01
        mean = (more.forces[0][0] + record.forces[0][0]) / 2
        assert slope == pytest.approx(-mean, abs=0.02)  # the force on this very atom


def test_a_relaxation_ends_below_the_force_or_says_that_it_did_not(
    an_engine, aluminum, run_job
):
    settings = RelaxSettings(fmax=0.05, steps=3, must_converge=False)
    record = run_job("relax", an_engine.relax(settings).make(aluminum))
    assert record.converged == (record.max_force <= 0.05)
    assert record.structure.lattice == aluminum.lattice


def test_segments_follow_each_other_step_by_step(an_engine, aluminum, run_job):
    maker = an_engine.dynamics(DynamicsSettings(steps=4, timestep=1.0, seed=3))
    first = run_job("first", maker.make(aluminum, None))
    second = run_job("second", maker.make(aluminum, first))
    frames = [record.trajectory.open(Path.cwd().parent) for record in (first, second)]
    steps = np.concatenate([frame.steps for frame in frames])
    assert list(np.diff(steps)) == [1] * (len(steps) - 1)
    assert second.last_step - first.last_step == 4
    for record, frame in zip((first, second), frames, strict=True):
        check_frames(record, frame)


def test_a_frame_is_written_every_stride_and_at_most_the_last_beside(
    an_engine, aluminum, run_job
):
    settings = DynamicsSettings(steps=6, timestep=1.0, seed=3, stride=3)
    maker = an_engine.dynamics(settings)
    first = run_job("first", maker.make(aluminum, None))
    second = run_job("second", maker.make(aluminum, first))
    begins = 0
    for record in (first, second):
        steps = set(record.trajectory.open(Path.cwd().parent).steps)
        every = {n for n in range(begins, record.last_step) if n % 3 == 0}
        assert steps - {record.last_step} == every
        begins = record.last_step + 1


@pytest.mark.slow
def test_an_engine_that_computes_in_process_has_a_calculator(an_engine, aluminum):
    if not an_engine.in_process:
        with pytest.raises(IonfaceError, match="does not compute in process"):
            an_engine.calculator()
        return
    atoms = aluminum.to_ase_atoms(msonable=False)
    atoms.calc = an_engine.calculator()
    assert np.isfinite(atoms.get_potential_energy())


def test_a_trajectory_without_temperatures_is_refused(tmp_path):
    from ionface.analysis.trajectory.trajectory import Trajectory
    from ionface.analysis.trajectory.writer import TrajectoryWriter
    from ionface.workflows.engines.records import DynamicsRecord

    path = tmp_path / "bare.ionf"
    with TrajectoryWriter.create(path, ["Al"], np.eye(3) * 4) as frames:
        frames.append(step=0, time_fs=0.0, positions=np.zeros((1, 3)))
    record = DynamicsRecord(None, None, 0, 0, {}, "runs/dynamics")
    with pytest.raises(IonfaceError, match="without temperature and potential_energy"):
        check_frames(record, Trajectory.open(path))


def test_hydrogen_is_refused_a_long_time_step():
    water = Structure(Lattice.cubic(8), ["H", "O"], [[0, 0, 0], [0.1, 0, 0]])
    check_timestep(water, 1.0)
    with pytest.raises(IonfaceError, match="1 fs or less, or insist with so"):
        check_timestep(water, 2.0, "so")


def test_the_engine_of_these_tests_stands_in_the_documentation():
    docs = Path(__file__).parents[3] / "docs" / "studies.md"
    code = (SPRINGS / "springs_engine.py").read_text()
    assert code in docs.read_text()


def test_an_engine_is_found_by_its_entry_point(springs):
    assert engine("springs").level_of_theory().code == "springs"
    with pytest.raises(IonfaceError, match="did you mean 'springs'"):
        engine("spring")


@pytest.mark.parametrize("name", [EMT, "vasp-double", "vasp"])
def test_an_engine_is_shown_by_its_class_and_name(name):
    found = engine(name)
    assert repr(found) == f"{type(found).__name__}({found.name!r})"


def test_a_study_is_shown_in_one_line():
    assert repr(parse(STUDY.format(engine=EMT), "s")) == "Study('al-al': Al|Al)"
