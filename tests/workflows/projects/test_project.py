"""A project directory: whole or not there, and never of two studies at once."""

import errno
import json
import os
import threading
from dataclasses import replace

import pytest
import yaml

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.projects import project as projects
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.study.input_files import by_content
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
        "inputs",
    }
    assert by_content(project.study)[0] == by_content(study)[0]


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
    assert len(seen) == 23


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
    assert Project.create(tmp_path / "p", study).jobs()


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
    with pytest.raises(IonfaceError, match=r"names 'os\.build'"):
        Project.open(project.root).jobs()


def test_a_project_keeps_the_files_that_its_study_names(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    (kept,) = (project.root / "inputs").glob("*/Ag.cif")
    assert kept.read_bytes() == (tmp_path / "Ag.cif").read_bytes()
    written = (project.root / "study.yaml").read_text()
    assert str(tmp_path) not in written
    assert f"material: inputs/{kept.parent.name}/Ag.cif" in written


def test_a_file_that_was_changed_makes_another_study(study_file, tmp_path):
    Project.create(tmp_path / "p", load(str(study_file)))
    cif = tmp_path / "Ag.cif"
    cif.write_text(cif.read_text() + "# larger\n")
    with pytest.raises(IonfaceError, match=r"Ag\.cif is not the file that it was made"):
        Project.create(tmp_path / "p", load(str(study_file)))


def test_a_copy_that_was_changed_is_refused(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    (kept,) = (project.root / "inputs").glob("*/Ag.cif")
    kept.write_text(kept.read_text() + "# larger\n")
    with pytest.raises(IonfaceError, match=r"inputs/\w+/Ag\.cif is not the file any"):
        load(str(project.root / "study.yaml"))


def test_where_a_file_lies_makes_no_other_study(study_file, tmp_path):
    first = Project.create(tmp_path / "p", load(str(study_file)))
    (tmp_path / "other").mkdir()
    for name in ("Ag.cif", study_file.name):
        (tmp_path / name).rename(tmp_path / "other" / name)
    again = Project.create(tmp_path / "p", load(str(tmp_path / "other" / "al-ag.yaml")))
    assert [j.uuid for j, _ in first.jobs()] == [j.uuid for j, _ in again.jobs()]


def test_a_project_runs_from_its_own_copy_where_the_file_is_gone(study_file, tmp_path):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    (tmp_path / "Ag.cif").unlink()
    with pytest.raises(IonfaceError, match=r"run its own study\.yaml"):
        Project.create(tmp_path / "p", load(str(study_file)))
    own = load(str(project.root / "study.yaml"))
    assert Project.create(tmp_path / "p", own).study == project.study


@pytest.mark.slow
def test_a_project_that_was_moved_builds_of_the_files_that_moved_with_it(
    study_file, tmp_path
):
    project = Project.create(tmp_path / "p", load(str(study_file)))
    project.root.rename(tmp_path / "elsewhere é")
    (tmp_path / "Ag.cif").unlink()
    moved = Project.open(str(tmp_path / "elsewhere é"))
    build = next(job for job, _ in moved.jobs() if job.name == "Al|Ag build")
    (spec, *_) = build.function_args
    assert spec.substrate.material.startswith(str(tmp_path / "elsewhere é" / "inputs"))
    assert runner.run(moved).failed == {}


NEWER = {
    "study.yaml": ("lattice", "surfaces", "deposition", "phases"),
    "RelaxSettings": ("cell", "shared", "like_dynamics"),
}
"""Keys that projects of format 2 have not had from the start."""


def without_newer(value):
    """Return the graph of a project as an earlier version wrote it."""
    if isinstance(value, list):
        return [without_newer(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = NEWER.get(value.get("@class"), ())
    return {k: without_newer(v) for k, v in value.items() if k not in dropped}


def test_a_project_that_spelled_out_gpaws_basis_is_still_the_same_study(
    study_file, tmp_path
):
    study = load(str(study_file))
    root = Project.create(tmp_path / "p", study).root
    told = yaml.safe_load((root / "study.yaml").read_text())
    told["dft"] = {**told.get("dft", {}), "basis": "dzp"}
    (root / "study.yaml").write_text(yaml.safe_dump(told))
    assert Project.create(root, study).study.dft.basis is None


def test_a_project_from_before_lattices_were_chosen_has_published_ones(
    study_file, tmp_path
):
    study = replace(load(str(study_file)), lattice="literature")
    root = Project.create(tmp_path / "p", study).root
    told = yaml.safe_load((root / "study.yaml").read_text())
    for key in NEWER["study.yaml"]:
        told.pop(key, None)
    (root / "study.yaml").write_text(yaml.safe_dump(told))
    graph = without_newer(json.loads((root / "flow.json").read_text()))
    (root / "flow.json").write_text(json.dumps(graph))
    old = Project.open(root)
    assert old.study.lattice == "literature"
    assert Project.create(root, study).jobs()
    relaxations = [j for j, _ in old.jobs() if j.metadata.get("kind") == "relax"]
    assert {job.maker.settings.cell for job in relaxations} == {"fixed"}
    assert not any(job.maker.settings.shared for job in relaxations)
