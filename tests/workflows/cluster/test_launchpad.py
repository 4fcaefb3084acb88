"""What we rely on of FireWorks: each public call does what our layer takes it to do.

FireWorks is pinned to one minor version; these are what to look at before the next.
"""

import inspect

import pytest
from fireworks import FWAction, LaunchPad

CALLS = (
    "bulk_add_wfs",
    "cancel_reservation",
    "change_launch_dir",
    "delete_wf",
    "detect_lostruns",
    "from_dict",
    "get_fw_dict_by_id",
    "get_fw_ids",
    "pause_fw",
    "rerun_fw",
    "reserve_fw",
    "reset",
    "resume_fw",
    "set_reservation_id",
)


@pytest.mark.parametrize("name", CALLS)
def test_the_call_is_there_and_public(name):
    assert callable(getattr(LaunchPad, name))
    assert not name.startswith("_")


def test_ours_calls_nothing_else_of_it():
    import re
    from pathlib import Path

    from ionface.workflows import cluster

    folder = Path(inspect.getfile(cluster)).parent
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.py")))
    called = set(re.findall(r"(?:\bpad|launchpad|LaunchPad)\.([a-z_]+)\(", text))
    assert called <= set(CALLS)
    written = r"(?:fireworks|launches|workflows)\.(?:insert|update|replace|delete)"
    assert not re.search(written, text)


def state(cluster, number=1):
    return cluster.launchpad.get_fw_dict_by_id(number)["state"]


def test_bulk_add_wfs_makes_roots_ready(cluster, submitted):
    assert state(cluster, 1) == "READY"
    assert cluster.launchpad.get_fw_ids({"state": "WAITING"}, count_only=True) == 4


def test_reserve_fw_takes_one_ready_job_and_its_launch_keeps_the_number(
    cluster, submitted
):
    pad = cluster.launchpad
    firework, launch_id = pad.reserve_fw(cluster.fworker, "/tmp")
    assert (firework.fw_id, state(cluster)) == (1, "RESERVED")
    pad.set_reservation_id(launch_id, "12")
    assert pad.reserve_fw(cluster.fworker, "/tmp") == (None, None)
    _, running = pad.checkout_fw(cluster.fworker, "/tmp", fw_id=1)
    assert running == launch_id
    (launch,) = pad.get_fw_dict_by_id(1)["launches"]
    assert launch["state_history"][0]["reservation_id"] == "12"
    assert [entry["state"] for entry in launch["state_history"]] == [
        "RESERVED",
        "RUNNING",
    ]


def test_cancel_reservation_gives_the_job_back(cluster, submitted):
    _, launch_id = cluster.launchpad.reserve_fw(cluster.fworker, "/tmp")
    cluster.launchpad.cancel_reservation(launch_id)
    assert state(cluster) == "READY"


def test_change_launch_dir_is_told_by_the_launch(cluster, submitted):
    _, launch_id = cluster.launchpad.reserve_fw(cluster.fworker, "/tmp")
    cluster.launchpad.change_launch_dir(launch_id, "/there")
    (launch,) = cluster.launchpad.get_fw_dict_by_id(1)["launches"]
    assert launch["launch_dir"] == "/there"


def test_rerun_fw_sets_a_running_job_free_and_keeps_count(cluster, submitted):
    pad = cluster.launchpad
    pad.checkout_fw(cluster.fworker, "/tmp", fw_id=1)
    assert state(cluster) == "RUNNING"
    pad.rerun_fw(1)
    job = pad.get_fw_dict_by_id(1)
    assert job["state"] == "READY"
    assert len(job["archived_launches"]) == 1


def test_detect_lostruns_puts_right_a_job_that_does_not_know_that_it_ended(
    cluster, submitted
):
    pad = cluster.launchpad
    _, launch_id = pad.checkout_fw(cluster.fworker, "/tmp", fw_id=1)
    # half of `complete_launch`: the database went away after its first step
    ended = {"state": "COMPLETED", "action": FWAction().to_dict()}
    pad.launches.update_one({"launch_id": launch_id}, {"$set": ended})
    assert state(cluster) == "RUNNING"
    assert pad.detect_lostruns(refresh=True)[2] == [1]
    assert state(cluster) == "COMPLETED"


def test_pause_and_resume_make_it_look_at_the_parents(cluster, submitted):
    pad = cluster.launchpad
    pad.fireworks.update_one({"fw_id": 1}, {"$set": {"state": "WAITING"}})
    assert pad.pause_fw(1) is not None
    assert state(cluster) == "PAUSED"
    pad.resume_fw(1)
    assert state(cluster) == "READY"


def test_delete_wf_removes_a_workflow_whose_jobs_are_there_in_part(cluster, submitted):
    pad = cluster.launchpad
    pad.fireworks.delete_one({"fw_id": 1})
    pad.delete_wf(1)
    assert pad.get_fw_ids({}) == []
    assert pad.workflows.count_documents({}) == 0


def test_reset_without_a_password_spares_a_database_in_use(cluster, submitted):
    with pytest.raises(ValueError, match="greater than"):
        cluster.launchpad.reset("", require_password=False, max_reset_wo_password=0)
    assert cluster.launchpad.get_fw_ids({}, count_only=True) == 5
