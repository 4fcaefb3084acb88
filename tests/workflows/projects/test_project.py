"""A project directory: whole or not there, and never of two studies at once."""

import errno
import json
import os
import threading

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


def test_a_project_of_another_format_is_refused_with_the_way_to_its_results(
    study_file, tmp_path
):
    study = load(str(study_file))
    project = Project.create(tmp_path / "p", study)
    path = project.root / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 1}))
    for use in (Project.open, lambda root: Project.create(root, study)):
        with pytest.raises(
            IonfaceError, match=r"analyze rdf .*trajectories"
        ) as refused:
            use(tmp_path / "p")
        assert "results/energies.json" in str(refused.value)


def test_the_graph_is_decoded_once_and_each_job_is_told_its_folders(
    study_file, tmp_path, monkeypatch
):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    read = []
    whole = Project.flow
    monkeypatch.setattr(Project, "flow", lambda self: read.append(1) or whole(self))
    jobs = [project.jobs() for _ in range(3)]
    assert read == [1]
    assert {job.metadata["runs"] for job, _ in jobs[0]} == {str(project.runs)}


def test_looking_whether_a_project_runs_does_not_keep_it_from_running(
    study_file, tmp_path
):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    over = threading.Event()

    def look():
        while not over.is_set():
            project.is_running()

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(50):
            with project.locked():
                pass
    finally:
        over.set()
        for watcher in watchers:
            watcher.join()


def test_a_graph_that_names_foreign_code_is_not_decoded(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    path = project.root / "flow.json"
    path.write_text(path.read_text().replace('"ionface.workflows.flows.jobs"', '"os"'))
    with pytest.raises(IonfaceError, match="names 'os'"):
        Project.open(project.root).jobs()
