"""One launch, one owner; whatever breaks, the result or the folder is left."""

import os
import signal
import subprocess
import threading
import time

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster import claiming, worker
from ionface.workflows.cluster.claiming import claim
from ionface.workflows.cluster.delivery import upload_all
from ionface.workflows.cluster.spool import entries
from ionface.workflows.cluster.worker import next_ready, work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_worker_runs_a_whole_study(cluster, submitted):
    shift = work(cluster)
    assert len(shift.completed) == 5
    assert not shift.failed
    assert not shift.kept
    assert cluster.fireworks.count_documents({"state": "COMPLETED"}) == 5
    assert cluster.store.count() == 5
    assert not list(entries([cluster.settings.spool]))
    ended = {run["ended"] for run in cluster.runs.find({})}
    assert ended == {"COMPLETED"}


def test_what_a_job_writes_can_be_read_by_its_owner_alone(cluster, submitted):
    work(cluster, limit=1)
    for path in (submitted.project / "runs").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_of_two_workers_for_one_job_one_has_it(cluster, submitted):
    raw = cluster.fireworks.find_one({"state": "READY"})
    folder = submitted.project / "runs" / "x"
    start, told = threading.Barrier(2), []

    def go():
        start.wait()
        told.append(claim(cluster, raw, folder))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in told) == 1
    assert claim(cluster, raw, folder) is None


def test_two_batch_jobs_for_one_reservation_run_it_once(cluster, submitted):
    number = next_ready(cluster)
    cluster.launchpad.reserve_fw(cluster.fworker, ".", fw_id=number)
    raw = cluster.fireworks.find_one({"fw_id": number})
    assert claim(cluster, raw, submitted.project / "runs" / "x") is not None
    assert claim(cluster, raw, submitted.project / "runs" / "x") is None


def test_a_second_batch_job_that_comes_in_the_same_moment_finds_the_launch_taken(
    cluster, submitted, monkeypatch
):
    number = next_ready(cluster)
    cluster.launchpad.reserve_fw(cluster.fworker, ".", fw_id=number)
    raw = cluster.fireworks.find_one({"fw_id": number})
    folder = submitted.project / "runs" / "x"
    plain, second = claiming._checked_out, []

    def meanwhile(*arguments):
        monkeypatch.setattr(claiming, "_checked_out", plain)
        second.append(claim(cluster, raw, folder))
        return plain(*arguments)

    monkeypatch.setattr(claiming, "_checked_out", meanwhile)
    assert claim(cluster, raw, folder) is not None
    assert second == [None]


def test_an_outage_at_the_end_keeps_the_result_for_upload(
    cluster, submitted, monkeypatch
):
    from pymongo.errors import AutoReconnect

    def away(*arguments, **options):
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(type(cluster.store), "update", away)
        shift = work(cluster, limit=1)
    assert len(shift.kept) == 1
    assert len(list(entries([cluster.settings.spool]))) == 1
    assert cluster.store.count() == 0
    told = upload_all(cluster)
    assert len(told.sent) == 1
    assert cluster.store.count() == 1
    assert not list(entries([cluster.settings.spool]))
    assert len(work(cluster).completed) == 4


@pytest.mark.parametrize("back", [True, False])
def test_a_database_that_is_away_between_two_jobs_is_waited_for(
    cluster, submitted, monkeypatch, back
):
    from pymongo.errors import ServerSelectionTimeoutError

    answers, real = iter([False, back, True, True]), worker.next_ready

    def next_ready_or_away(cluster):
        if next(answers, True):
            return real(cluster)
        raise ServerSelectionTimeoutError("localhost:27017: refused")

    monkeypatch.setattr(worker, "next_ready", next_ready_or_away)
    monkeypatch.setattr(worker, "_await_database", lambda *told: back)
    if back:
        assert len(work(cluster, limit=2).completed) == 2
    else:
        with pytest.raises(IonfaceError, match="does not answer; nothing is lost"):
            work(cluster, limit=2)


def test_an_upload_that_is_repeated_changes_nothing(cluster, submitted, monkeypatch):
    from ionface.workflows.cluster import delivery

    monkeypatch.setattr(delivery, "_forget", lambda entry: None)
    work(cluster, limit=1)
    before = list(cluster.fireworks.find({}))
    upload_all(cluster)
    upload_all(cluster)
    assert list(cluster.fireworks.find({})) == before
    assert cluster.store.count() == 1


def test_a_job_that_fails_tells_its_cause_in_one_line(cluster, submitted):
    folder = next(iter([submitted.project / "runs"]))
    number = next_ready(cluster)
    cluster.fireworks.update_one(
        {"fw_id": number},
        {"$set": {"spec._tasks.0.job.function_args": ["no-such-crystal", 4]}},
    )
    shift = work(cluster, limit=1)
    (cause,) = shift.failed.values()
    assert "no-such-crystal" in cause
    assert "\n" not in cause
    run = cluster.runs.find_one({})
    assert run["cause"] == cause
    assert run["again"] is None  # it would fail again
    assert str(run["folder"]).startswith(str(folder))


def test_a_document_that_names_a_foreign_module_is_not_decoded(cluster, submitted):
    number = next_ready(cluster)
    cluster.fireworks.update_one(
        {"fw_id": number},
        {
            "$set": {
                "spec._tasks.0.job.function": {
                    "@module": "os",
                    "@callable": "system",
                    "@bound": None,
                }
            }
        },
    )
    shift = work(cluster, number=number)
    assert "outside the allowed packages" in next(iter(shift.failed.values()))
    assert cluster.fireworks.find_one({"fw_id": number})["state"] == "FIZZLED"
    assert cluster.runs.count_documents({}) == 0


def test_a_document_that_names_another_project_is_refused(cluster, submitted, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    number = next_ready(cluster)
    cluster.fireworks.update_one(
        {"fw_id": number}, {"$set": {"spec._ionface.project": str(victim)}}
    )
    shift = work(cluster, number=number)
    assert "not submitted from there" in next(iter(shift.failed.values()))
    assert not list(victim.iterdir())


@pytest.mark.parametrize("name", ["../../victim", "a/../../b"])
def test_a_job_stays_below_its_project_whatever_its_name(cluster, submitted, name):
    from ionface.workflows.cluster.graphs import job_folder

    raw = cluster.fireworks.find_one({"state": "READY"})
    folder = job_folder(raw["spec"], name)
    assert folder.is_relative_to((submitted.project / "runs").resolve())


def test_sigterm_stops_a_computation_in_this_process_and_it_goes_on_later(
    cluster, submitted, monkeypatch
):
    from ionface.workflows.engines.ase import md

    work(cluster, limit=1)
    plain = md.ThermostattedRun._record

    def slow(self, writer):
        plain(self, writer)
        if self.step == 2 and not cluster.runs.find_one({"ended": "FIZZLED"}):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    monkeypatch.setattr(md.ThermostattedRun, "_record", slow)
    dynamic = cluster.fireworks.find_one({"name": {"$regex": "dynamics"}})["fw_id"]
    shift = work(cluster, number=dynamic)
    assert "asked by SIGTERM" in next(iter(shift.failed.values()))
    assert cluster.runs.find_one({"ended": "FIZZLED"})["again"] == "stopped"
    from ionface.workflows.cluster.reconcile import recover

    assert recover(cluster).rerun == [dynamic]
    assert len(work(cluster).completed) == 4
    from ionface.analysis.trajectory.trajectory import Trajectory

    (frames,) = (submitted.project / "trajectories").glob("*.ionf")
    assert Trajectory.open(frames).steps.tolist() == [0, 1, 2, 3, 4]


def test_a_heartbeat_is_given_while_a_job_runs(cluster, submitted, monkeypatch):
    seen = []

    def look(*arguments, **options):
        run = cluster.runs.find_one({})
        before = run["beat"]
        limit = time.monotonic() + 5
        while time.monotonic() < limit and len(seen) == 0:
            if cluster.runs.find_one({})["beat"] != before:
                seen.append(True)
            time.sleep(0.02)
        raise ValueError("enough")

    monkeypatch.setattr("ionface.workflows.cluster.execution._run", look)
    work(cluster, limit=1)
    assert seen


def test_a_full_disk_is_called_so_and_tried_again(cluster, submitted, monkeypatch):
    import errno

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ionface.workflows.cluster.execution._run", full)
    shift = work(cluster, limit=1)
    assert "the disk of" in next(iter(shift.failed.values()))
    assert cluster.runs.find_one({})["again"] == "disk"


def test_a_result_goes_to_the_job_s_folder_where_the_spool_is_full(
    cluster, submitted, monkeypatch
):
    from ionface.workflows.cluster import spool

    plain, wrote = spool._write, []

    def full(path, data):
        if path.is_relative_to(cluster.settings.spool):
            raise OSError(28, "No space left on device")
        wrote.append(path)
        plain(path, data)

    monkeypatch.setattr(spool, "_write", full)
    shift = work(cluster, limit=1)
    assert len(shift.completed) == 1
    assert wrote[0].name == "ionface.result"


def test_a_worker_goes_home_before_its_wall_time(cluster, submitted, monkeypatch):
    monkeypatch.setattr(worker, "next_ready", lambda cluster: None)
    begun = time.monotonic()
    work(cluster, walltime_s=1.0, idle_s=60)
    assert time.monotonic() - begun < 3


def _marked(folder, launch):
    from ionface.workflows.cluster.processes import MARK, mark_of

    return subprocess.Popen(
        ["sleep", "60"], env={**os.environ, MARK: mark_of(launch, folder)}
    )


def test_what_an_earlier_launch_left_is_ended_and_nothing_of_another_database(
    cluster, submitted, tmp_path
):
    from ionface.workflows.cluster.graphs import job_folder

    raw = cluster.fireworks.find_one({"state": "READY"})
    cluster.fireworks.update_one(
        {"fw_id": raw["fw_id"]}, {"$set": {"archived_launches": [77]}}
    )
    ours = _marked(job_folder(raw["spec"], raw["name"]), 77)
    another = _marked(tmp_path / "another", 77)
    try:
        work(cluster, number=raw["fw_id"])
        assert ours.poll() is not None
        assert another.poll() is None
    finally:
        for process in (ours, another):
            process.kill()
            process.wait()


def test_a_job_s_marks_and_clock_do_not_reach_the_next_one(
    cluster, submitted, monkeypatch
):
    from ionface.workflows.cluster import execution
    from ionface.workflows.cluster.processes import MARK

    plain, seen = execution._run, []

    def run(*arguments):
        seen.append((os.environ.get(execution.CLOCK), os.environ[MARK]))
        os.environ[execution.CLOCK] = "2026-01-01 00:00:00"  # as custodian does
        return plain(*arguments)

    monkeypatch.setattr(execution, "_run", run)
    work(cluster, limit=2)
    assert [clock for clock, _ in seen] == [None, None]
    assert len({mark for _, mark in seen}) == 2
    assert execution.CLOCK not in os.environ
    assert MARK not in os.environ
