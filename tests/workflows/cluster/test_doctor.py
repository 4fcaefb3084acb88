"""What `doctor` says of a cluster."""

from functools import partial

import pytest

from ionface.workflows.cluster import doctor
from ionface.workflows.cluster.connection import open_cluster
from ionface.workflows.cluster.init import Answers, initialize


@pytest.fixture
def configured(tmp_path, monkeypatch):
    for name in ("FW_CONFIG_FILE", "JOBFLOW_CONFIG_FILE", "ATOMATE2_CONFIG_FILE"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.setenv("IONFACE_CLUSTER", str(tmp_path / "conf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # nothing listens there
    initialize(None, Answers(port=1, queue="none"))
    monkeypatch.setattr(doctor, "open_cluster", partial(open_cluster, patience_s=0.05))
    return tmp_path / "conf"


def found():
    return {each.subject: each for each in doctor.cluster_findings()}


def test_a_database_that_does_not_answer_is_told_with_the_way_out(configured):
    told = found()
    assert told["database"].state == "broken"
    assert "localhost:1" in told["database"].detail
    assert told["files' modes"].state == "ok"


def test_a_file_that_others_can_read_is_told(configured):
    (configured / "ionface.yaml").chmod(0o644)
    assert "chmod 600" in found()["files' modes"].way_out


def test_another_fireworks_configuration_that_would_win_is_told(configured, tmp_path):
    (tmp_path / "FW_config.yaml").write_text("PING_TIME_SECS: 3600\n")
    assert "taken before" in found()["FW_config.yaml"].detail


def test_a_queue_without_exec_is_told(cluster, monkeypatch, tmp_path):
    from dataclasses import replace

    program = tmp_path / "sbatch"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    queue = replace(cluster.queue, settings={"rocket_launch": "rlaunch singleshot"})
    told = {f.subject: f for f in doctor._queue(replace(cluster, queue=queue))}
    assert told["queue"].state == "ok"
    assert told["queue template"].state == "broken"
    assert "exec" in told["rocket_launch"].detail
