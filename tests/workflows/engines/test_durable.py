import contextlib
import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jobflow import Flow, JobStore, Response, run_locally
from maggma.stores import MemoryStore
from pymatgen.core import Lattice

from ionface.errors import BusyError, IonfaceError
from ionface.workflows.engines.durable import (
    RESULT,
    RUNS,
    durable_job,
    job_folder,
    read_result,
)

CALLS = []


@durable_job
def counted(text):
    """A job that remembers how often it was computed."""
    CALLS.append(text)
    Path("note.txt").write_text(text)
    return {"text": text, "cell": Lattice.cubic(2.0)}


@durable_job
def failing_at_first(text):
    here = Path("begun")
    if not here.exists():
        here.write_text(text)
        raise ValueError("interrupted")
    return here.read_text()


@durable_job
def replaced():
    CALLS.append("replaced")
    return Response(replace=counted("new"))


@pytest.fixture(autouse=True)
def fresh():
    CALLS.clear()


@pytest.fixture
def store():
    with JobStore(MemoryStore()) as store:
        yield store


@pytest.fixture
def in_project(tmp_path):
    def make(job):
        job.update_metadata({RUNS: str(tmp_path / "runs")})
        return job

    return make


def test_a_finished_job_returns_its_result_without_being_computed_again(
    in_project, store
):
    job = in_project(counted("once"))
    again = type(job).from_dict(job.as_dict())
    first = job.run(store).output
    assert again.run(store).output == first
    assert first["text"] == "once"
    assert CALLS == ["once"]


def test_objects_come_back_as_objects(in_project, store):
    job = in_project(counted("cell"))
    job.run(store)
    kept = read_result(job_folder(job), job.uuid)
    assert kept["cell"] == Lattice.cubic(2.0)


def test_a_job_goes_on_from_what_an_interrupted_attempt_left(in_project, store):
    job = in_project(failing_at_first("left"))
    with pytest.raises(ValueError, match="interrupted"):
        job.run(store)
    assert job.run(store).output == "left"


def test_where_a_job_started_is_where_it_ends(in_project, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for job in (counted("a"), failing_at_first("b")):
        with contextlib.suppress(ValueError):
            in_project(job).run(store)
        assert Path.cwd() == tmp_path


def test_equal_names_in_one_launch_root_share_nothing(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs = [counted("one"), counted("two")]
    for job in jobs:
        run_locally(Flow([job]), store=store, create_folders=True, log=False)
    notes = [(job_folder(job) / "note.txt").read_text() for job in jobs]
    assert notes == ["one", "two"]


@pytest.mark.parametrize(
    "started_in", ["launcher_2026", "job_2026-01-01-x", "block_2026/launcher_2026"]
)
def test_another_launch_folder_of_the_same_root_finds_the_job(
    started_in, store, tmp_path, monkeypatch
):
    job = counted("anywhere")
    for attempt in ("first", "second"):
        folder = tmp_path / started_in.replace("2026", attempt)
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        assert job.run(store).output["text"] == "anywhere"
    assert CALLS == ["anywhere"]


def test_a_rerun_of_jobflow_remote_finds_what_its_job_left(
    store, tmp_path, monkeypatch
):
    job = counted("there")
    started_in = tmp_path / "work" / "ab" / "cd" / "ef" / f"{job.uuid}_1"
    for _ in range(2):
        started_in.mkdir(parents=True)
        monkeypatch.chdir(started_in)
        assert job.run(store).output["text"] == "there"
        shutil.rmtree(tmp_path / "work" / "ab")  # a rerun begins in an empty folder
    assert CALLS == ["there"]
    assert [x.name for x in (tmp_path / "work").iterdir()] == ["ionface-runs"]


def test_a_job_that_another_process_computes_is_refused(in_project, store):
    job = in_project(counted("busy"))
    folder = job_folder(job)
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another process is computing"):
            job.run(store)
    assert job.run(store).output["text"] == "busy"


def test_the_lock_ends_with_a_process_that_is_killed(in_project, store):
    job = in_project(counted("killed"))
    folder = job_folder(job)
    folder.mkdir(parents=True)
    code = (
        "import fcntl, os, signal; f = open('.lock', 'w');"
        "fcntl.flock(f, fcntl.LOCK_EX); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=False)
    assert job.run(store).output["text"] == "killed"


def test_a_damaged_result_is_refused_with_the_way_out(in_project, store):
    job = in_project(counted("right"))
    job.run(store)
    path = job_folder(job) / RESULT
    path.write_text(path.read_text().replace('"right"', '"wrong"'))
    with pytest.raises(IonfaceError, match="Remove this file"):
        job.run(store)
    path.unlink()
    assert job.run(store).output["text"] == "right"


@pytest.mark.parametrize("text", ["", "{}\n{}\n", "[]", '{"sha256": 1}\nnull\n'])
def test_a_torn_result_is_refused(in_project, store, text):
    job = in_project(counted("torn"))
    job.run(store)
    (job_folder(job) / RESULT).write_text(text)
    with pytest.raises(IonfaceError, match="damaged"):
        job.run(store)


def test_the_result_of_another_job_is_refused(in_project, store):
    job = in_project(counted("mine"))
    job.run(store)
    path = job_folder(job) / RESULT
    first, body = path.read_text().split("\n", 1)
    head = json.loads(first) | {"uuid": "another"}
    path.write_text(json.dumps(head) + "\n" + body)
    with pytest.raises(IonfaceError, match="is of job another"):
        job.run(store)


def test_a_change_of_the_graph_is_no_result(in_project, store):
    job = in_project(replaced())
    job.run(store)
    assert not (job_folder(job) / RESULT).exists()


def test_a_call_that_is_no_job_computes_where_it_is(
    in_project, store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    in_project(counted("job")).run(store)
    counted.original("called")
    assert CALLS == ["job", "called"]
    assert (tmp_path / "note.txt").read_text() == "called"
