"""A study that grew goes on in its project; one that became another is refused."""

import json

import numpy as np
import pytest

from ionface.analysis.readers.opening import open_trajectory
from ionface.errors import IonfaceError
from ionface.workflows.projects import project as projects
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.study.study_files import load


@pytest.fixture
def grow(computed, computed_file):
    """Take up the computed project with a changed study."""

    def grown(old="", new="", more="", root=computed):
        text = computed_file.read_text().replace(old, new) + more
        path = computed_file.parent / "grown.yaml"
        path.write_text(text)
        return Project.create(root, load(str(path)))

    return grown


def ids(project):
    return {job.name: job.uuid for job, _ in project.jobs()}


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


def test_a_run_becomes_the_first_of_several_seeds(grow, computed):
    before = ids(Project.open(computed))
    after = ids(grow("windows: 3", "windows: 3\n    seeds: 2"))
    assert after["Al|Ag seed 0 dynamics 1"] == before["Al|Ag dynamics 1"]
    assert after["Al|Ag seed 1 dynamics 1"] not in before.values()


def test_a_relaxation_may_take_more_steps_and_goes_on(grow, computed):
    before = ids(Project.open(computed))
    after = ids(grow(more="relaxation: {steps: 40}\n"))
    assert after == before


def test_what_is_not_finished_may_change(study_file, tmp_path):
    before = ids(Project.create(tmp_path / "new", load(str(study_file))))
    text = study_file.read_text()
    study_file.write_text(text.replace("layers: 3", "layers: 4"))
    after = ids(Project.create(tmp_path / "new", load(str(study_file))))
    assert before.keys() == after.keys()
    assert before["Al|Ag build"] != after["Al|Ag build"]
    assert before["Al crystal"] == after["Al crystal"]


def test_analyses_change_on_stored_runs(grow, computed):
    before = ids(Project.open(computed))
    project = grow("cutoff: 5", "cutoff: 4")
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


@pytest.mark.parametrize("broken_at", ["flow.json", "study.yaml", "project.json"])
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
    after = ids(grow("steps: 30", "steps: 50"))
    assert after["Al|Ag dynamics 1"] == before["Al|Ag dynamics 1"]
    assert "Al|Ag dynamics 2" in after


def test_a_submitted_project_does_not_grow(grow, computed):
    (computed / "submission.json").write_text('{"submission": "key", "again": 0}')
    with pytest.raises(IonfaceError, match="those of its submission"):
        grow("steps: 30", "steps: 50")


def test_a_project_that_runs_does_not_grow(grow, computed):
    with (
        Project.open(computed).locked(),
        pytest.raises(IonfaceError, match="is being run"),
    ):
        grow("steps: 30", "steps: 50")
