"""What `status` shows."""

import json
from datetime import timedelta

import pytest

from ionface.workflows.cluster.choosing import submission_of
from ionface.workflows.cluster.claiming import claim
from ionface.workflows.cluster.context import now
from ionface.workflows.cluster.overview import counts, lines, show
from ionface.workflows.cluster.worker import next_ready, work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_states_are_counted_by_their_names(cluster, submitted):
    work(cluster, limit=2)
    assert counts(lines(cluster)) == {"done": 2, "ready": 2, "waiting": 1} or counts(
        lines(cluster)
    ) == {"done": 2, "ready": 1, "waiting": 2}


def test_a_launch_without_a_sign_is_shown_as_lost(cluster, submitted):
    number = next_ready(cluster)
    raw = cluster.fireworks.find_one({"fw_id": number})
    _, launch = claim(cluster, raw, submitted.project / "runs" / "x")
    assert lines(cluster)[0].state == "running"
    gone = {"host": "n1", "queue_id": "5", "beat": now() - timedelta(hours=1)}
    cluster.runs.update_one({"_id": launch}, {"$set": gone})
    found = lines(cluster)[0]
    assert (found.state, found.queue_id) == ("lost", "5")
    assert "recover" in found.note


def test_a_failure_is_shown_with_its_cause_and_folder(cluster, submitted, capsys):
    number = next_ready(cluster)
    cluster.fireworks.update_one(
        {"fw_id": number},
        {"$set": {"spec._tasks.0.job.function_args": ["no-such-crystal", 4]}},
    )
    work(cluster, limit=1)
    show(cluster)
    text = capsys.readouterr().out
    assert "no-such-crystal" in text
    assert str(submitted.project / "runs")[:40] in text
    show(cluster, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["failed"] == 1
    assert told["jobs"][0]["folder"].startswith(str(submitted.project))


def test_a_project_s_own_submission_is_shown_alone(cluster, submitted, study, tmp_path):
    from ionface.workflows.cluster.resources import Requests
    from ionface.workflows.cluster.submission import submit

    submit(cluster, study, tmp_path / "second", Requests(), again=1)
    assert len(lines(cluster)) == 10
    mark = submission_of(submitted.project, False, False)
    assert len(lines(cluster, mark)) == 5


def test_a_project_that_is_run_here_is_no_question_for_a_cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("IONFACE_CLUSTER", str(tmp_path / "none"))
    assert submission_of(tmp_path / "x", True, False) is None
    assert submission_of(tmp_path / "x", True, True) == ""
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "my_launchpad.yaml").write_text("")
    assert submission_of(tmp_path / "x", True, False) == ""
    assert submission_of(tmp_path / "x", False, False) is None
