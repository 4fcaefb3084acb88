"""Ready jobs into the queue; nothing of a document reaches a shell."""

import subprocess

import pytest

from ionface.workflows.cluster import launching
from ionface.workflows.cluster.init import template_text
from ionface.workflows.cluster.launching import launch_ready
from ionface.workflows.cluster.worker import next_ready


@pytest.fixture
def ready(cluster, submitted, tmp_path, monkeypatch):
    """A cluster whose queue takes scripts; what was handed to it."""
    from dataclasses import replace

    from ionface.workflows.cluster.queues import Queue

    handed = []

    def submit(self, script, folder):
        handed.append((folder / script).read_text())
        return str(100 + len(handed))

    monkeypatch.setattr(Queue, "submit", submit)

    def made(kind):
        template = tmp_path / f"{kind}.sh"
        template.write_text(template_text(f"{kind}.sh"))
        settings = {
            "_fw_name": "CommonAdapter",
            "_fw_q_type": {"slurm": "SLURM", "pbs": "PBS", "sge": "SGE"}[kind],
            "_fw_template_file": str(template),
            "rocket_launch": "exec python -m ionface worker --singleshot",
            "signal": "B:USR1@300",
        }
        queue = replace(cluster.queue, settings=settings)
        return replace(cluster, queue=queue)

    return made, handed


@pytest.mark.parametrize("kind", ["slurm", "pbs", "sge"])
def test_a_batch_script_execs_the_worker_of_its_job(ready, kind):
    made, handed = ready
    cluster = made(kind)
    number = next_ready(cluster)
    told = launch_ready(cluster)
    assert told.jobs == {number: "101"}
    (script,) = handed
    last = script.strip().splitlines()[-1]
    assert last == f"exec python -m ionface worker --singleshot --fw_id {number}"
    assert "$$" not in script
    assert f"IONFACE_CLUSTER={cluster.settings.folder}" in script
    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0
    launch = cluster.launchpad.launches.find_one({"fw_id": number})
    from ionface.workflows.cluster.liveness import reservation

    assert reservation(launch) == "101"
    assert not launch_ready(cluster).jobs  # it is in the queue already


def test_no_more_jobs_are_queued_than_allowed(ready, asked):
    made, _ = ready
    asked.known = {"1": "x", "2": "y"}
    assert not launch_ready(made("slurm"), most=2).jobs
    assert launch_ready(made("slurm"), most=3).jobs


def test_a_resource_in_a_document_that_is_a_command_is_refused(ready):
    made, handed = ready
    cluster = made("slurm")
    cluster.fireworks.update_one(
        {"state": "READY"}, {"$set": {"spec._queueadapter.queue": "x\nrm -rf /"}}
    )
    told = launch_ready(cluster)
    assert "batch script" in next(iter(told.refused.values()))
    assert not handed
    assert cluster.fireworks.count_documents({"state": "READY"}) == 1  # given back


def test_a_queue_that_refuses_gets_the_job_again_later(ready, monkeypatch):
    from ionface.errors import IonfaceError
    from ionface.workflows.cluster.queues import Queue

    made, _ = ready
    cluster = made("slurm")

    def refuse(self, script, folder):
        raise IonfaceError("invalid account")

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "submit", refuse)
        assert "invalid account" in next(iter(launch_ready(cluster).refused.values()))
    assert len(launch_ready(cluster).jobs) == 1


def test_a_job_outside_of_any_workflow_is_not_started(ready):
    made, handed = ready
    cluster = made("slurm")
    cluster.launchpad.workflows.delete_many({})
    assert not launch_ready(cluster).jobs
    assert not handed


def test_the_script_is_its_owner_s_alone(ready, submitted):
    made, _ = ready
    launch_ready(made("slurm"))
    (script,) = submitted.project.rglob(launching.SCRIPT)
    assert script.stat().st_mode & 0o077 == 0
