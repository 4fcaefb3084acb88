"""A study that grew goes on in its project; one that became another is refused."""

import json
from dataclasses import fields

import numpy as np
import pytest

from ionface.analysis.readers.opening import open_trajectory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.dft.program import DftProgram
from ionface.workflows.engines.durable import job_folder
from ionface.workflows.projects import project as projects
from ionface.workflows.projects import runner
from ionface.workflows.projects.extension import EXECUTION, Extension, extension
from ionface.workflows.projects.project import Project
from ionface.workflows.study.study_files import load
from ionface.workflows.study.vasp_settings import VaspSettings


@pytest.fixture
def grow(computed, computed_file):
    """Take up the computed project with a changed study."""

    def grown(old="", new="", more="", root=computed):
        return Project.create(root, grow_study(computed_file, old, new, more))

    return grown


def grow_study(computed_file, old="", new="", more=""):
    path = computed_file.with_name("grown.yaml")
    path.write_text(computed_file.read_text().replace(old, new) + more)
    return load(str(path))


def ids(project):
    return {each.name: each.uuid for each, _ in project.jobs()}


def frames(project, name="Al-Ag"):
    run = open_trajectory(project.root / "trajectories" / f"{name}.ionf")
    return np.array([run.frame(n).positions for n in range(len(run))])


def test_what_is_added_is_run_and_the_rest_kept(grow, computed):
    before = ids(Project.open(computed))
    project = grow(more="surfaces: [{material: Al, miller: [1, 0, 0], layers: 3}]\n")
    after = ids(project)
    assert before.items() <= after.items()
    outcome = runner.run(project)
    assert not outcome.failed
    assert len(outcome.kept) == len(before)
    assert len(outcome.ran) == len(after) - len(before)
    assert Project.open(computed).study == project.study


def test_a_longer_run_goes_on_where_the_shorter_one_ended(grow, computed, tmp_path):
    shorter = frames(Project.open(computed))
    project = grow("steps: 30", "steps: 50")
    assert not runner.run(project).failed
    longer = frames(project)
    assert len(longer) == 51
    np.testing.assert_array_equal(longer[:31], shorter)
    at_once = grow("steps: 30", "steps: 50", root=tmp_path / "at-once")
    assert not runner.run(at_once).failed
    np.testing.assert_allclose(longer, frames(at_once), atol=1e-5)
    assert json.loads((project.root / "project.json").read_text())["study"] == "al-ag"


def test_steps_between_two_lengths_can_be_reached_again(grow, computed):
    runs = ids(Project.open(computed))
    grow("steps: 30", "steps: 90")  # thought better of before it ran
    again = ids(grow("steps: 30", "steps: 30"))
    parts = {name for name in runs if "Al|Ag dynamics" in name}
    assert parts == {name for name in again if "Al|Ag dynamics" in name}
    assert all(again[name] == runs[name] for name in parts)
    assert "Al|Ag dynamics 4" in ids(grow("steps: 30", "steps: 36"))


def test_references_become_longer(grow, computed):
    before = ids(Project.open(computed))
    after = ids(grow("steps: 6,", "steps: 16,"))
    assert after["Al dynamics 1"] == before["Al dynamics 1"]
    assert "Al dynamics 2" in after


def test_seeds_are_added(study_file, tmp_path):
    text = study_file.read_text()
    before, after = (
        ids(created(study_file, tmp_path, text, f"windows: 3\n    seeds: {n}"))
        for n in (2, 3)
    )
    for seed in (0, 1):
        name = f"Al|Ag seed {seed} dynamics 1"
        assert after[name] == before[name]
    assert "Al|Ag seed 2 dynamics 1" in after


def created(study_file, tmp_path, text, new, old="windows: 3"):
    study_file.write_text(text.replace(old, new))
    return Project.create(tmp_path / "new", load(str(study_file)))


def job(uuid, name="build", **given):
    does = {"function": {"@callable": name}, "function_args": [given]}
    return {"uuid": uuid, "name": name, "function_kwargs": {}, "metadata": {}, **does}


def graph(*jobs):
    return json.dumps({"jobs": [{"jobs": list(jobs)}]})


def test_jobs_that_do_the_same_are_each_found_again():
    twice = graph(job("a1"), job("a2"), job("b1", "relax", of={"uuid": "a2"}))
    assert extension(twice, twice) == Extension(twice, ())
    later = graph(job("c1"), job("c2"), job("d1", "relax", of={"uuid": "c2"}))
    assert extension(twice, later) == Extension(twice, ())


def test_a_job_is_another_one_where_what_it_takes_is():
    before = graph(job("a1", layers=3), job("b1", "relax", of={"uuid": "a1"}))
    after = graph(job("c1", layers=4), job("d1", "relax", of={"uuid": "c1"}))
    assert extension(before, after).lost == (("a1", "build"), ("b1", "relax"))


def test_weights_are_known_by_what_is_in_them(tmp_path):
    files = [tmp_path / name for name in ("one", "same", "other")]
    for file, text in zip(files, ("w", "w", "v"), strict=True):
        file.write_text(text)
    one, same, other = (graph(job("a1", weights=str(file))) for file in files)
    assert not extension(one, same).lost
    assert extension(one, other).lost


def test_a_relaxation_may_take_more_steps(grow, computed):
    before = ids(Project.open(computed))
    after = ids(grow(more="relaxation: {steps: 40}\n"))
    assert after == before


EXECUTED_BY = {
    "mpi": DftProgram,
    "vasp_cmd": VaspSettings,
    "timestep": DynamicsSettings,
}


def test_settings_of_execution_are_settings():
    assert EXECUTED_BY.keys() == EXECUTION.keys()
    for mark, kind in EXECUTED_BY.items():
        assert {mark, *EXECUTION[mark]} <= {each.name for each in fields(kind)}


@pytest.mark.parametrize("mark", EXECUTION)
def test_a_job_is_the_same_one_however_it_is_executed(mark):
    def known(**given):
        return graph(job("a1", maker={mark: "x", "cutoff": 1, **given}))

    for key in EXECUTION[mark]:
        assert not extension(known(**{key: 1}), known(**{key: 2})).lost
        apart = [graph(job("a1", arguments={key: n})) for n in (1, 2)]
        assert key == mark or extension(*apart).lost  # it may mean anything elsewhere
    assert extension(known(), known(cutoff=2)).lost


def begun_with(study_file, tmp_path, before, after, engine):
    """Return the jobs of a project before and after a change, one of them begun."""
    text = study_file.read_text().replace("ase.calculators.emt.EMT", engine)
    study_file.write_text(f"{text}{before}\n")
    project = Project.create(tmp_path / "p", load(str(study_file)))
    jobs = {job.name: job for job, _ in project.jobs()}
    begun = job_folder(jobs["Al|Ag relax interface"])
    begun.mkdir()
    (begun / "relax.traj").touch()
    study_file.write_text(f"{text}{after}\n")
    project = Project.create(tmp_path / "p", load(str(study_file)))
    return jobs, {job.name: job for job, _ in project.jobs()}


def test_more_ranks_reach_a_relaxation_that_has_begun(study_file, tmp_path):
    pytest.importorskip("gpaw", reason="GPAW is not installed")
    before, after = "dft: {ranks: 1}", "dft: {ranks: 3, mpi: 'srun -n {ranks}'}"
    old, new = begun_with(study_file, tmp_path, before, after, "gpaw")
    assert {n: j.uuid for n, j in old.items()} == {n: j.uuid for n, j in new.items()}
    program = new["Al|Ag relax interface"].maker.potential
    assert (program.ranks, program.mpi) == (3, "srun -n {ranks}")


def test_hours_and_cores_reach_runs_of_vasp_that_have_begun(study_file, tmp_path):
    before, after = "vasp: {walltime: 1}", "vasp: {walltime: 9, cores: 8, ncore: 2}"
    old, new = begun_with(study_file, tmp_path, before, after, "vasp-double")
    assert {n: j.uuid for n, j in old.items()} == {n: j.uuid for n, j in new.items()}
    settings = new["Al|Ag relax interface"].maker.waves.settings
    assert (settings.walltime, settings.cores, settings.ncore) == (9, 8, 2)


def test_parts_of_a_run_may_become_shorter_where_they_have_not_begun(grow, computed):
    before = ids(Project.open(computed))
    after = ids(grow("segment: 12", "segment: 5"))
    assert after == before


@pytest.mark.parametrize("failed", [True, False])
def test_what_has_not_begun_or_has_failed_may_change(study_file, tmp_path, failed):
    text = study_file.read_text()
    project = created(study_file, tmp_path, text, "windows: 3")
    before = ids(project)
    (build,) = (j for j, _ in project.jobs() if j.name == "Al|Ag build")
    folder = job_folder(build)
    folder.mkdir(parents=True)
    if failed:
        (folder / "error.txt").write_text("no match")
        after = ids(created(study_file, tmp_path, text, "layers: 4", "layers: 3"))
        assert before.keys() == after.keys()
        assert before["Al|Ag build"] != after["Al|Ag build"]
        assert before["Al crystal"] == after["Al crystal"]
    else:  # it is under way, or was interrupted
        with pytest.raises(IonfaceError, match=r"1 of its computations .*build is the"):
            created(study_file, tmp_path, text, "layers: 4", "layers: 3")


def test_analyses_change_on_stored_runs(grow, computed):
    before = ids(Project.open(computed))
    old, mine = computed / "results" / "msd-Al-Ag.csv", computed / "results" / "notes"
    for path in (old, mine):
        path.touch()
    project = grow("cutoff: 5", "cutoff: 4")
    assert not old.exists(), "of what is asked for no more"
    assert mine.exists()
    outcome = runner.run(project)
    assert not outcome.failed
    assert len(outcome.ran) < 5
    assert ids(project)["Al|Ag dynamics 1"] == before["Al|Ag dynamics 1"]


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ("layers: 3", "layers: 4", "build"),
        ("steps: 30", "steps: 20", "dynamics 2"),
        ("vacuum: 12", "vacuum: 13", "build"),
    ],
)
def test_what_replaces_a_computation_is_refused_and_nothing_changes(
    grow, computed, old, new, first
):
    before = {
        name: (computed / name).read_bytes() for name in ("flow.json", "study.yaml")
    }
    with pytest.raises(IonfaceError, match=rf"{first} is the first.*give another"):
        grow(old, new)
    assert before == {name: (computed / name).read_bytes() for name in before}


def test_a_refused_study_leaves_none_of_its_files(grow, computed, computed_file):
    before = sorted((computed / "inputs").rglob("*"))
    other = computed_file.with_name("Other.cif")
    other.write_text(computed_file.with_name("Ag.cif").read_text() + "\n# other\n")
    study = grow_study(computed_file, "Ag.cif", "Other.cif")
    for ask in (Project.check, Project.create):
        with pytest.raises(IonfaceError, match="give another `project`"):
            ask(computed, study)
    assert sorted((computed / "inputs").rglob("*")) == before


def test_a_study_that_grows_by_a_file_brings_it(grow, computed, computed_file):
    other = computed_file.with_name("Other.cif")
    other.write_text(computed_file.with_name("Ag.cif").read_text() + "\n# other\n")
    more = "surfaces: [{material: Other.cif, miller: [1, 0, 0], layers: 3}]\n"
    Project.check(computed, grow_study(computed_file, more=more))
    assert not list(computed.glob("inputs/*/Other.cif"))
    project = grow(more=more)
    (kept,) = computed.glob("inputs/*/Other.cif")
    assert kept.read_bytes() == other.read_bytes()
    text = (project.root / "flow.json").read_text()
    assert str(kept) in text
    other.unlink()
    assert not runner.run(project).failed


def test_a_joined_trajectory_goes_once_a_longer_one_is_there(grow, computed):
    (shorter,) = joined(computed)
    project = grow("steps: 30", "steps: 50")
    project.drop_replaced()
    assert joined(computed) == [shorter]  # until then it is all there is
    assert not runner.run(project).failed
    (longer,) = joined(computed)
    assert longer != shorter
    assert len(open_trajectory(longer)) == len(frames(project)) == 51


def joined(root):
    return sorted(root.glob("runs/Al-Ag.trajectory.*/trajectory.ionf"))


@pytest.mark.parametrize("broken_at", ["study.yaml", "project.json"])
def test_an_interrupted_extension_can_be_repeated(
    grow, computed, monkeypatch, broken_at
):
    before = ids(Project.open(computed))
    write = projects.write_atomically

    def killed(path, text):
        if path.name == broken_at:
            raise KeyboardInterrupt
        write(path, text)

    monkeypatch.setattr(projects, "write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        grow("steps: 30", "steps: 50")
    monkeypatch.undo()
    project = grow("steps: 30", "steps: 50")
    assert ids(project)["Al|Ag dynamics 1"] == before["Al|Ag dynamics 1"]
    assert "Al|Ag dynamics 5" in ids(project)
    assert project.identity["root"] == str(computed)  # it is a copy of another one


def test_a_submitted_project_does_not_grow(grow, computed):
    computed = computed.rename(computed.with_name("{p}"))  # a name of any kind
    (computed / "submission.json").write_text('{"submission": "key", "again": 0}')
    with pytest.raises(IonfaceError, match="those of its submission"):
        grow("steps: 30", "steps: 50", root=computed)


def test_a_project_that_runs_does_not_grow(grow, computed):
    with (
        Project.open(computed).locked(),
        pytest.raises(IonfaceError, match="is being run"),
    ):
        grow("steps: 30", "steps: 50")
