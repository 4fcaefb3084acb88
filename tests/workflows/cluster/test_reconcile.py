"""What is lost and what is not: a job that lives is never started twice."""

import os
from datetime import timedelta

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster import processes, reconcile
from ionface.workflows.cluster.claiming import claim
from ionface.workflows.cluster.context import now
from ionface.workflows.cluster.liveness import judge, reservation
from ionface.workflows.cluster.queues import QueueJob
from ionface.workflows.cluster.reconcile import recover
from ionface.workflows.cluster.worker import next_ready, work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
JOB = {"5": QueueJob("5", "RUNNING")}


def run(cluster, quiet_s=0.0, **more):
    beat = now() - timedelta(seconds=quiet_s)
    return {
        "queue_id": "5",
        "host": "n1",
        "pid": 1,
        "started": "1",
        "beat": beat,
        **more,
    }


@pytest.mark.parametrize(
    ("queue", "quiet_s", "verdict"),
    [
        (JOB, 0, "alive"),
        (JOB, 1e6, "alive"),  # silent, but the queue has it: a hung network
        (None, 1e6, "unknown"),  # the queue does not answer
        ({}, 0, "alive"),  # an orphan that still gives signs
        ({}, 80, "alive"),
        ({}, 100, "dead"),
    ],
)
def test_queue_and_signs_of_life_decide_together(cluster, queue, quiet_s, verdict):
    from dataclasses import replace

    settings = replace(cluster.settings, heartbeat_s=60, expiry_s=90)
    assert judge(run(cluster, quiet_s), queue, None, settings, "login") == verdict


def test_on_the_same_machine_the_process_itself_is_looked_at(cluster):
    mine = {"pid": os.getpid(), "started": processes.started(os.getpid()), "host": "h"}
    alive = run(cluster, 1e6, **mine)
    assert judge(alive, {}, None, cluster.settings, "h") == "alive"
    other = {**alive, "started": "1"}  # the number was given to another process
    assert judge(other, {}, None, cluster.settings, "h") == "dead"


def test_a_worker_without_a_queue_has_five_heartbeats(cluster):
    quiet = run(cluster, 200, queue_id=None)
    assert judge(quiet, {}, None, cluster.settings, "login") == "alive"
    assert judge({**quiet, "beat": None}, {}, None, cluster.settings, "x") == "dead"


def test_a_sign_in_the_folder_counts_when_the_database_was_away(cluster, tmp_path):
    (tmp_path / ".ionface-alive").touch()
    quiet = run(cluster, 1e6, folder=str(tmp_path))
    assert judge(quiet, {}, None, cluster.settings, "login") == "alive"


@pytest.fixture
def dead(cluster, submitted):
    """A launch whose worker was killed after it had begun."""
    number = next_ready(cluster)
    raw = cluster.fireworks.find_one({"fw_id": number})
    folder = submitted.project / "runs" / "x"
    _, launch = claim(cluster, raw, folder)
    cluster.runs.update_one(
        {"_id": launch},
        {
            "$set": {
                "queue_id": "5",
                "host": "n1",
                "beat": now() - timedelta(seconds=1000),
            }
        },
    )
    return number, launch


def test_a_dead_launch_is_noticed_and_its_job_runs_again_once(cluster, dead):
    number, launch = dead
    told = recover(cluster)
    assert list(told.lost) == [number]
    assert told.rerun == [number]
    assert "no sign for" in told.lost[number]
    assert cluster.runs.find_one({"_id": launch})["ended"] == "lost"
    assert recover(cluster).quiet
    assert len(work(cluster).completed) == 5
    ended = [
        r["_id"] for r in cluster.runs.find({"fw_id": number, "ended": "COMPLETED"})
    ]
    assert len(ended) == 1


def test_a_living_launch_is_left_alone(cluster, dead, asked):
    asked.known = {"5": "if1.1.x"}
    assert recover(cluster).quiet
    asked.known = None
    told = recover(cluster)
    assert told.quiet
    assert told.unknown == 1


def test_a_result_in_the_spool_is_delivered_instead_of_computed_again(
    cluster, submitted, monkeypatch
):
    from pymongo.errors import AutoReconnect

    from ionface.workflows.cluster import delivery

    def away(*arguments, **options):
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_complete", away)
        work(cluster, limit=1)
    cluster.runs.update_one({}, {"$set": {"queue_id": "5", "host": "n1", "beat": None}})
    told = recover(cluster)
    assert len(told.delivered.sent) == 1
    assert not told.lost
    assert not told.rerun
    assert cluster.store.count() == 1


def test_a_launch_that_was_given_up_and_comes_back_with_its_result_is_taken(
    cluster, submitted, monkeypatch
):
    from pymongo.errors import AutoReconnect

    from ionface.workflows.cluster import delivery
    from ionface.workflows.cluster.delivery import upload_all

    def away(*arguments, **options):
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_complete", away)
        work(cluster, limit=1)
    (path,) = cluster.settings.spool.glob("*.result")
    hidden = path.rename(path.with_suffix(".hidden"))
    cluster.runs.update_one({}, {"$set": {"queue_id": "5", "host": "n1", "beat": None}})
    for file in (submitted.project / "runs").rglob(".ionface-alive"):
        file.unlink()
    assert recover(cluster).rerun
    hidden.rename(path)
    assert len(upload_all(cluster).sent) == 1
    assert len(work(cluster).completed) == 4


def test_a_reservation_whose_batch_job_is_gone_is_given_back(
    cluster, submitted, asked, monkeypatch
):
    number = next_ready(cluster)
    _, launch = cluster.launchpad.reserve_fw(cluster.fworker, ".", fw_id=number)
    cluster.launchpad.set_reservation_id(launch, "7")
    asked.known = {"7": "x"}
    monkeypatch.setattr(reconcile, "SETTLE_S", -1)
    assert recover(cluster).quiet
    asked.known = {}
    assert recover(cluster).freed == [number]
    assert cluster.fireworks.find_one({"fw_id": number})["state"] == "READY"
    # the batch job that comes late finds its launch taken
    assert cluster.runs.find_one({"_id": launch})["ended"] == "cancelled"


def test_a_batch_job_that_the_database_did_not_learn_of_is_found_by_its_name(
    cluster, submitted, asked
):
    number = next_ready(cluster)
    _, launch = cluster.launchpad.reserve_fw(cluster.fworker, ".", fw_id=number)
    asked.known = {"9": f"if{number}.{launch}.Al"}
    recover(cluster)
    found = cluster.launchpad.launches.find_one({"launch_id": launch})
    assert reservation(found) == "9"


def test_of_two_recoveries_at_once_one_works(cluster, submitted):
    with reconcile._Lease(cluster), pytest.raises(IonfaceError, match="another"):
        recover(cluster)
    assert recover(cluster).quiet


def test_a_job_that_was_tried_too_often_waits_for_a_person(cluster, dead, monkeypatch):
    from dataclasses import replace

    fewer = replace(cluster, settings=replace(cluster.settings, reruns=0))
    told = recover(fewer)
    assert not told.rerun
    assert list(told.exhausted) == [dead[0]]
    assert recover(fewer, failed=True).rerun == [dead[0]]


def test_a_job_that_failed_by_itself_runs_again_only_when_asked(cluster, submitted):
    number = next_ready(cluster)
    cluster.fireworks.update_one(
        {"fw_id": number},
        {"$set": {"spec._tasks.0.job.function_args": ["no-such-crystal", 4]}},
    )
    work(cluster, limit=1)
    assert recover(cluster).quiet
    cluster.fireworks.update_one(
        {"fw_id": number}, {"$set": {"spec._tasks.0.job.function_args": ["Al", 4]}}
    )
    assert recover(cluster, failed=True).rerun == [number]
    assert len(work(cluster).completed) == 5


def test_a_child_that_was_forgotten_when_its_parent_ended_is_found(cluster, submitted):
    work(cluster, limit=1)
    ready = list(cluster.fireworks.find({"state": "READY"}))
    assert ready
    # as if the process had died between the parent and its children
    for job in ready:
        cluster.fireworks.update_one(
            {"_id": job["_id"]}, {"$set": {"state": "WAITING"}}
        )
    told = recover(cluster)
    assert sorted(told.mended) == sorted(job["fw_id"] for job in ready)
    assert len(work(cluster).completed) == 4


@pytest.mark.parametrize("state", ["RUNNING", "RESERVED"])
def test_a_dead_job_that_fireworks_calls_fizzled_by_accident_runs_again(
    cluster, dead, state
):
    # its refresh marks a job so when the database goes away in the middle of it
    number, launch = dead
    cluster.fireworks.update_one({"fw_id": number}, {"$set": {"state": "FIZZLED"}})
    cluster.launchpad.launches.update_one(
        {"launch_id": launch}, {"$set": {"state": state}}
    )
    assert recover(cluster).rerun == [number]
    assert len(work(cluster).completed) == 5


def test_a_living_job_that_fireworks_calls_fizzled_by_accident_is_left_alone(
    cluster, dead, asked
):
    number, _ = dead
    cluster.fireworks.update_one({"fw_id": number}, {"$set": {"state": "FIZZLED"}})
    asked.known = {"5": "if1.1.x"}
    assert recover(cluster).quiet
