"""A worker may die at any moment; what it runs is stopped, set free and found again."""

import os
import signal
import subprocess
import time

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster import stopping
from ionface.workflows.cluster.stopping import Stopped, Stopper
from ionface.workflows.cluster.worker import work
from ionface.workflows.engines import progress

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def state(cluster, number):
    return cluster.launchpad.get_fw_dict_by_id(number)["state"]


def test_a_worker_runs_a_whole_study(cluster, submitted):
    report = work(cluster)
    assert len(report.completed) == 5
    assert not report.failed
    assert not report.later
    assert cluster.launchpad.get_fw_ids({"state": "COMPLETED"}, count_only=True) == 5
    assert cluster.store.count() == 5


def test_every_job_works_in_its_own_folder_of_the_project(cluster, submitted):
    work(cluster)
    results = list((submitted.project / "runs").glob("*/result.jsonl"))
    assert len(results) == 5
    assert (submitted.project / "trajectories" / "Al.ionf").is_file()


def test_what_a_job_writes_can_be_read_by_its_owner_alone(cluster, submitted):
    work(cluster, limit=1)
    for path in (submitted.project / "runs").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_job_that_failed_is_told_with_its_cause(cluster, submitted, monkeypatch):
    monkeypatch.setattr(
        "ionface.workflows.flows.jobs.read_crystal",
        lambda name: 1 / 0,
    )
    report = work(cluster)
    assert report.failed == {"Al crystal": "ZeroDivisionError: division by zero"}
    assert state(cluster, 1) == "FIZZLED"


def test_a_result_that_the_database_did_not_take_is_not_computed_again(
    cluster, submitted, monkeypatch
):
    from pymongo.errors import AutoReconnect

    def away(*arguments, **options):
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(type(cluster.store), "update", away)
        report = work(cluster, limit=1)
    assert report.later == {"Al crystal": "the database went away"}
    assert state(cluster, 1) == "READY"
    (result,) = (submitted.project / "runs").glob("*/result.jsonl")
    before = result.stat().st_mtime_ns
    assert len(work(cluster).completed) == 5
    assert result.stat().st_mtime_ns == before


def test_bookkeeping_that_failed_is_put_right_by_the_worker(
    cluster, submitted, monkeypatch
):
    from pymongo.errors import AutoReconnect

    def away(*arguments, **options):
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(cluster.launchpad, "complete_launch", away)
        report = work(cluster, limit=1)
    assert report.later == {"Al crystal": "the database went away"}
    assert len(work(cluster).completed) == 5


def test_each_launch_of_a_batch_job_knows_its_number(cluster, submitted, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    work(cluster, limit=1)
    assert cluster.launchpad.get_reservation_id_from_fw_id(1) == "77"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_job_that_was_stopped_between_two_steps_runs_again(
    cluster, submitted, monkeypatch, number
):
    steps = []

    def stop(done, total, note=""):
        steps.append(done)
        if len(steps) == 2:
            os.kill(os.getpid(), number)
        report_step(done, total, note)

    report_step = progress.report
    monkeypatch.setattr(progress, "report", stop)
    report = work(cluster)
    (reason,) = report.later.values()
    assert "asked by SIG" in reason
    monkeypatch.setattr(progress, "report", report_step)
    work(cluster)
    assert cluster.launchpad.get_fw_ids({"state": "COMPLETED"}, count_only=True) == 5


def test_a_job_is_stopped_before_the_wall_time():
    with Stopper(1.0, deadline=0.0).watching() as stopper:
        for _ in range(1000):
            if stopper.reason is not None:
                break
            time.sleep(0.01)
        with pytest.raises(Stopped):
            progress.report(1, None)
        assert stopper.reason == "the wall time is nearly over"


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGUSR1, "LSTOP"), (signal.SIGTERM, "LABORT")]
)
def test_vasp_is_asked_by_its_stopcar(tmp_path, number, word):
    run = tmp_path / "run-001"
    run.mkdir()
    (run / "INCAR").write_text("")
    program = subprocess.Popen(["sleep", "60"], cwd=run)
    elsewhere = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    try:
        with Stopper(60.0).watching():
            os.kill(os.getpid(), number)
        assert word in (run / "STOPCAR").read_text()
        stopping.end_programs(5.0)
        assert program.wait(5) == -signal.SIGTERM
        assert elsewhere.poll() is None
    finally:
        for process in (program, elsewhere):
            process.kill()
            process.wait()


def test_what_a_killed_worker_left_running_in_a_folder_is_ended(tmp_path):
    run = tmp_path / "job" / "run-001"
    run.mkdir(parents=True)
    orphan = subprocess.Popen(["sleep", "60"], cwd=run)
    other = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    try:
        stopping.end_orphans(tmp_path / "job")
        assert orphan.wait(5) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (orphan, other):
            process.kill()
            process.wait()


@pytest.mark.parametrize("folder", [None, "."])
def test_what_runs_where_a_job_of_no_folder_starts_is_left_alone(
    cluster, tmp_path, monkeypatch, folder
):
    """The worker of a Firework that jobflow's own manager wrote, started in $HOME."""
    from fireworks import Workflow
    from jobflow.managers.fireworks import job_to_firework

    from ionface.workflows.flows.jobs import repeated_crystal

    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    firework = job_to_firework(repeated_crystal("Al", 4), None)
    if folder:
        firework.spec["_launch_dir"] = str(tmp_path)
    cluster.launchpad.add_wf(Workflow([firework]))
    mine = subprocess.Popen(["sleep", "60"], cwd=tmp_path / "mine")
    try:
        assert work(cluster).completed
        assert mine.poll() is None
    finally:
        mine.kill()
        mine.wait()


@pytest.mark.parametrize(("off_s", "side"), [(3600, "ahead of"), (-100, "behind")])
def test_a_worker_whose_clock_is_off_takes_no_job(
    cluster, submitted, monkeypatch, off_s, side
):
    from datetime import UTC, datetime, timedelta

    from ionface.workflows.cluster import connection

    def server_time(_):
        return datetime.now(UTC) - timedelta(seconds=off_s)

    monkeypatch.setattr(connection, "server_time", server_time)
    with pytest.raises(IonfaceError, match=f"{side} the database's.*expiry_s"):
        work(cluster)
    assert state(cluster, 1) == "READY"
