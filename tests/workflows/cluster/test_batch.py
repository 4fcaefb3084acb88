"""Ready jobs into the queue; nothing of a document reaches a shell."""

import subprocess
from dataclasses import replace

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster import batch
from ionface.workflows.cluster.batch import launch_ready
from ionface.workflows.cluster.init import template_text
from ionface.workflows.cluster.queues import Queue


@pytest.fixture
def handed(monkeypatch):
    """The scripts that were handed to a queue that takes them."""
    scripts = []

    def submit(self, script, folder):
        scripts.append((folder / script).read_text())
        return str(100 + len(scripts))

    monkeypatch.setattr(Queue, "submit", submit)
    return scripts


@pytest.fixture
def with_queue(cluster, submitted, tmp_path):
    """A function that returns the cluster with a queue of some kind."""

    def make(kind):
        template = tmp_path / f"{kind}.sh"
        template.write_text(template_text(f"{kind}.sh"))
        settings = {
            "_fw_name": "CommonAdapter",
            "_fw_q_type": kind.upper(),
            "_fw_template_file": str(template),
            "rocket_launch": "exec python -m ionface worker --singleshot",
            "signal": "B:USR1@300",
        }
        return replace(cluster, queue=replace(cluster.queue, settings=settings))

    return make


@pytest.mark.parametrize("kind", ["slurm", "pbs", "sge"])
def test_a_batch_script_execs_the_worker_of_its_job(with_queue, handed, kind):
    cluster = with_queue(kind)
    assert launch_ready(cluster).jobs == {1: "101"}
    (script,) = handed
    last = script.strip().splitlines()[-1]
    assert last == "exec python -m ionface worker --singleshot --fw_id 1"
    assert "$$" not in script
    assert f"IONFACE_CLUSTER={cluster.settings.folder}" in script
    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0
    assert cluster.launchpad.get_reservation_id_from_fw_id(1) == "101"
    assert not launch_ready(cluster).jobs  # it is in the queue already


def test_no_more_jobs_are_queued_than_allowed(with_queue, handed, batch_system):
    batch_system.known = {"1": "x", "2": "y"}
    assert not launch_ready(with_queue("slurm"), most=2).jobs
    assert launch_ready(with_queue("slurm"), most=3).jobs


@pytest.mark.parametrize(
    ("key", "value"), [("queue", "x\nrm -rf /"), ("mem", "$(id)"), ("nodes", "1;id")]
)
def test_a_resource_in_a_document_that_is_a_command_is_refused(
    with_queue, handed, key, value
):
    cluster = with_queue("slurm")
    cluster.launchpad.update_spec([1], {"_queueadapter": {key: value}})
    assert "batch script" in launch_ready(cluster).refused[1]
    assert not handed
    assert cluster.launchpad.get_fw_ids({"state": "READY"}) == [1]  # given back


def test_a_document_brings_no_command_of_its_own(with_queue, handed):
    cluster = with_queue("slurm")
    evil = {"pre_rocket": "touch x", "rocket_launch": "evil", "signal": "none"}
    cluster.launchpad.update_spec([1], {"_queueadapter": evil})
    launch_ready(cluster)
    assert "evil" not in handed[0]
    assert "touch" not in handed[0]


def test_a_queue_that_refuses_gets_the_job_again_later(with_queue, monkeypatch):
    cluster = with_queue("slurm")

    def refuse(self, script, folder):
        raise IonfaceError("invalid account")

    monkeypatch.setattr(Queue, "submit", refuse)
    assert "invalid account" in launch_ready(cluster).refused[1]
    monkeypatch.setattr(Queue, "submit", lambda self, script, folder: "7")
    assert launch_ready(cluster).jobs == {1: "7"}


def test_the_script_is_its_owner_s_alone(with_queue, handed, submitted):
    launch_ready(with_queue("slurm"))
    (script,) = submitted.project.rglob(batch.SCRIPT)
    assert script.stat().st_mode & 0o077 == 0
