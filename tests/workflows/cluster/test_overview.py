"""The state of a cluster's jobs, in our words."""

import pytest

from ionface.workflows.cluster.overview import counts, job_lines
from ionface.workflows.cluster.resources import Requests
from ionface.workflows.cluster.submission import submit
from ionface.workflows.cluster.worker import work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_every_job_is_told_by_its_state(cluster, submitted):
    assert counts(job_lines(cluster)) == {"ready": 1, "waiting": 4}
    work(cluster, limit=1)
    assert counts(job_lines(cluster))["done"] == 1


def test_a_launch_without_a_sign_is_lost(cluster, submitted, batch_system):
    pad = cluster.launchpad
    _, launch_id = pad.reserve_fw(cluster.fworker, "/tmp", fw_id=1)
    pad.set_reservation_id(launch_id, "5")
    batch_system.known = {"5": "x"}
    assert job_lines(cluster)[0].state == "queued"
    assert job_lines(cluster)[0].note == "running"  # as the queue calls it
    batch_system.known = None
    assert job_lines(cluster)[0].state == "unknown"
    batch_system.known = {}
    line = job_lines(cluster)[0]
    assert (line.state, line.batch_id) == ("lost", "5")
    assert "recover" in line.note


def test_a_failure_is_told_with_its_cause_and_folder(cluster, submitted, monkeypatch):
    monkeypatch.setattr("ionface.workflows.flows.jobs.read_crystal", lambda name: 1 / 0)
    work(cluster)
    line = job_lines(cluster)[0]
    assert line.state == "failed"
    assert "division by zero" in line.note
    assert line.folder.startswith(str(submitted.project / "runs"))


def test_a_project_s_own_submission_is_told_alone(cluster, submitted, study, tmp_path):
    submit(cluster, study, tmp_path / "second", Requests(), again=1)
    assert len(job_lines(cluster)) == 10
    assert len(job_lines(cluster, submitted.key)) == 5
