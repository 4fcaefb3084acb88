"""A project directory: whole or not there, and never of two studies at once."""

import errno
import json
import os

import pytest

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.projects import project as projects
from ionface.workflows.projects.project import Project
from ionface.workflows.study.study_files import load


def test_a_new_project_holds_what_the_design_says(study_file, tmp_path):
    study = load(str(study_file))
    project = Project.create(tmp_path / "p", study)
    found = {path.name for path in project.root.iterdir()}
    assert found == {
        "study.yaml",
        "project.json",
        "flow.json",
        "runs",
        "trajectories",
        "results",
    }
    assert project.study == study


def test_a_project_is_taken_up_again_with_the_same_job_ids(study_file, tmp_path):
    study = load(str(study_file))
    first = Project.create(tmp_path / "p", study)
    second = Project.create(tmp_path / "p", study)
    assert [j.uuid for j, _ in first.jobs()] == [j.uuid for j, _ in second.jobs()]


def test_parents_come_before_their_children(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    seen = set()
    for job, parents in project.jobs():
        assert set(parents) <= seen
        seen.add(job.uuid)
    assert len(seen) == 21


@pytest.mark.parametrize("broken_at", ["study.yaml", "flow.json", "project.json"])
def test_an_interrupted_creation_can_be_repeated(
    study_file, tmp_path, monkeypatch, broken_at
):
    study = load(str(study_file))

    def killed(path, text):
        if path.name == broken_at:
            raise KeyboardInterrupt
        write_atomically(path, text)

    monkeypatch.setattr(projects, "write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        Project.create(tmp_path / "p", study)
    monkeypatch.undo()
    assert Project.create(tmp_path / "p", study).study == study


def test_a_full_disk_while_creating_is_one_clear_message(
    study_file, tmp_path, monkeypatch
):
    def full(path, _text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(projects, "write_atomically", full)
    with pytest.raises(IonfaceError, match="the disk is full"):
        Project.create(tmp_path / "p", load(str(study_file)))


def test_the_lock_ends_with_its_holder(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    with project.locked():
        assert project.is_running()
        with (
            pytest.raises(IonfaceError, match=f"process {os.getpid()}"),
            project.locked(),
        ):
            pass
    assert not project.is_running()


def test_the_identity_tells_levels_and_quickness(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    identity = json.loads((project.root / "project.json").read_text())
    assert identity["quick"] is False
    assert identity["levels"]["formation"]["code"] == "ase"
    assert identity["levels"]["dynamics"]["model"] == "EMT()"
