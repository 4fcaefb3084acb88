"""What is lost runs again; what the queue or a process works on is left alone."""

import fcntl
import time
from pathlib import Path

import pytest

from ionface.workflows.cluster.batch import batch_name
from ionface.workflows.cluster.recovery import cause_of, may_repeat, recover
from ionface.workflows.cluster.worker import work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def state(cluster, number=1):
    return cluster.launchpad.get_fw_dict_by_id(number)["state"]


def begun(cluster, batch_id=None):
    """Check out the first job as a worker does that is killed afterwards."""
    pad = cluster.launchpad
    _, launch_id = pad.reserve_fw(cluster.fworker, "/tmp", fw_id=1)
    if batch_id:
        pad.set_reservation_id(launch_id, batch_id)
    firework, _ = pad.checkout_fw(cluster.fworker, "/tmp", fw_id=1)
    folder = Path(firework.spec["_launch_dir"])
    folder.mkdir(parents=True)
    pad.change_launch_dir(launch_id, str(folder))
    return folder


def test_there_is_nothing_to_recover_of_a_study_that_waits(cluster, submitted):
    assert recover(cluster).quiet


def test_a_running_job_whose_batch_job_is_gone_runs_again(cluster, submitted):
    begun(cluster, "5")
    time.sleep(0.15)
    assert recover(cluster).again == {1: "its batch job is gone"}
    assert state(cluster) == "READY"
    assert len(work(cluster).completed) == 5


def test_what_the_queue_knows_is_alive_however_silent(cluster, submitted, batch_system):
    begun(cluster, "5")
    batch_system.known = {"5": "if1.1.x"}
    time.sleep(0.15)
    assert recover(cluster).quiet
    assert state(cluster) == "RUNNING"


def test_a_queue_that_does_not_answer_proves_nothing(cluster, submitted, batch_system):
    begun(cluster, "5")
    batch_system.known = None
    time.sleep(0.15)
    assert recover(cluster).unknown == 1
    assert state(cluster) == "RUNNING"


def test_a_job_gives_signs_of_life_or_holds_its_lock(cluster, submitted):
    folder = begun(cluster)
    assert recover(cluster).quiet  # a sign of life, just now
    time.sleep(0.25)
    with (folder / ".lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert recover(cluster).quiet
    assert recover(cluster).again == {1: "it gives no sign of life"}


def test_a_job_whose_batch_job_left_the_queue_without_starting_is_ready_again(
    cluster, submitted
):
    _, launch_id = cluster.launchpad.reserve_fw(cluster.fworker, "/tmp", fw_id=1)
    cluster.launchpad.set_reservation_id(launch_id, "5")
    assert recover(cluster).again == {1: "its batch job is gone"}
    assert state(cluster) == "READY"


def test_a_batch_job_whose_number_was_never_noted_is_found_by_its_name(
    cluster, submitted, batch_system, monkeypatch
):
    from ionface.workflows.cluster import recovery

    cluster.launchpad.reserve_fw(cluster.fworker, "/tmp", fw_id=1)
    monkeypatch.setattr(recovery, "_age_s", lambda time, now: 61.0)
    batch_system.known = {"9": batch_name(1, 1, "Al crystal")}
    assert recover(cluster).quiet
    batch_system.known = {"9": batch_name(1, 11, "Al crystal")}
    assert recover(cluster).again == {1: "its batch job was never submitted"}


def test_a_start_that_was_interrupted_is_repeated(cluster, submitted, monkeypatch):
    monkeypatch.setattr(cluster.launchpad, "get_new_launch_id", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cluster.launchpad.reserve_fw(cluster.fworker, "/tmp", fw_id=1)
    monkeypatch.undo()
    assert state(cluster) == "RESERVED"
    time.sleep(0.15)
    assert recover(cluster).again == {1: "its start was interrupted"}
    assert len(work(cluster).completed) == 5


def test_what_failed_by_itself_runs_again_only_if_asked(
    cluster, submitted, monkeypatch
):
    name = "ionface.workflows.flows.jobs.read_crystal"
    with monkeypatch.context() as patch:
        patch.setattr(name, lambda crystal: 1 / 0)
        work(cluster)
    assert recover(cluster).quiet
    assert "division by zero" in recover(cluster, failed=True).again[1]
    assert len(work(cluster).completed) == 5


def test_after_many_tries_a_person_is_asked(cluster, submitted):
    for _ in range(cluster.settings.reruns):
        begun(cluster, "5").rmdir()
        time.sleep(0.12)
        assert recover(cluster).again
    begun(cluster, "5")
    time.sleep(0.12)
    assert 1 in recover(cluster).exhausted
    assert state(cluster) == "RUNNING"
    assert recover(cluster, failed=True).again


def test_a_second_start_of_a_running_job_ends_well(cluster, submitted):
    """`lpad rerun_fws` on a running job: the second start meets the lock."""
    folder = begun(cluster, "5")
    with (folder / ".lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        cluster.launchpad.rerun_fw(1)
        report = work(cluster, limit=1)
        assert "another process is computing" in report.failed["Al crystal"]
        assert recover(cluster).quiet  # the first one is still at it
    assert recover(cluster).again == {1: "another process was computing it"}
    assert len(work(cluster).completed) == 5


def test_a_child_that_was_not_told_of_its_parents_end_is_woken(cluster, submitted):
    work(cluster, limit=1)
    children = cluster.launchpad.get_fw_ids({"state": "READY"})
    assert children
    # as a database leaves it that goes away between two steps of FireWorks
    cluster.launchpad.fireworks.update_many(
        {"state": "READY"}, {"$set": {"state": "WAITING"}}
    )
    assert sorted(recover(cluster).told) == sorted(children)
    assert len(work(cluster).completed) == 4


def test_what_a_person_stopped_stays_stopped(cluster, submitted):
    begun(cluster, "5")
    cluster.launchpad.defuse_fw(1)
    time.sleep(0.15)
    assert recover(cluster).quiet
    assert state(cluster) == "DEFUSED"
    cluster.launchpad.reignite_fw(1)
    assert len(work(cluster).completed) == 5


def failed(trace):
    return {"action": {"stored_data": {"_exception": {"_stacktrace": trace}}}}


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("pymongo.errors.AutoReconnect: gone", "the database went away"),
        ("OSError: [Errno 28] No space left on device", "the disk was full"),
        ("ionface.errors.BusyError: x", "another process was computing it"),
        ("x.ReturnCodeError: Job return code is -9. Terminating...", "VASP was killed"),
        ("x.ReturnCodeError: Job return code is -11. Terminating...", None),
        ("ionface.errors.KilledError: VASP failed in x", "its program was killed"),
        ("ionface.errors.IonfaceError: not converged", None),
        ("ValueError: pymongo.errors.AutoReconnect", None),
    ],
)
def test_only_faults_of_the_machine_are_repeated_unasked(last, reason):
    assert may_repeat(failed(f"Traceback\n  File x\n{last}\n")) == reason


def test_a_cause_is_the_message_whatever_its_lines_without_a_password():
    trace = "Traceback:\n  File x\nionface.errors.IonfaceError: no\n  mongodb://a:b@c/d"
    assert cause_of(failed(trace)) == "no mongodb://c/d"
    assert cause_of({}) == "no cause was recorded"


@pytest.mark.parametrize("off_s", [-3600, 3600])
def test_signs_of_life_are_judged_by_the_database_s_clock(
    cluster, submitted, monkeypatch, off_s
):
    """The machine that looks may be an hour off; it knows the server's time."""
    from datetime import UTC, datetime, timedelta

    from ionface.workflows.cluster import recovery

    class Off(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=off_s)

    cluster.launchpad.reserve_fw(cluster.fworker, "/tmp", fw_id=1)
    monkeypatch.setattr(recovery, "datetime", Off)
    monkeypatch.setattr(recovery, "server_time", lambda _: datetime.now(UTC))
    (job,) = recovery.open_jobs(cluster)
    assert abs(recovery._age_s(job.job["updated_on"], job.now)) < 60
