"""The database's password is in two private files, and nowhere else."""

import os
import subprocess
import sys

import pytest

SECRET = "hunter2-is-my-password"


@pytest.fixture
def environment(tmp_path):
    return {
        **os.environ,
        "IONFACE_CLUSTER": str(tmp_path / "conf"),
        "IONFACE_DB_PASSWORD": SECRET,
        "OMP_NUM_THREADS": "1",
    }


def ionface(environment, folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "ionface", *words],
        env=environment, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_password_is_never_said_even_when_everything_fails(environment, tmp_path):
    words = ("--username", "me", "--port", "1", "--queue", "none")
    told = [ionface(environment, tmp_path, "init-cluster", *words)]
    path = tmp_path / "conf" / "my_launchpad.yaml"
    path.write_text(path.read_text().replace("5000", "50"))
    told.append(ionface(environment, tmp_path, "--debug", "status", "--cluster"))
    assert told[-1].returncode == 1
    assert SECRET in path.read_text()
    for done in told:
        assert SECRET not in done.stdout + done.stderr
    holders = [
        file
        for file in tmp_path.rglob("*")
        if file.is_file() and SECRET in file.read_text(errors="replace")
    ]
    assert {file.name for file in holders} == {"jobflow.yaml", "my_launchpad.yaml"}
    for file in holders:
        assert file.stat().st_mode & 0o077 == 0


def test_the_address_in_an_error_loses_its_password():
    from ionface.workflows.cluster.connection import without_secrets

    text = f"timeout: mongodb+srv://me:{SECRET}@db.example.org/x?y"
    assert without_secrets(text) == "timeout: mongodb+srv://db.example.org/x?y"


def test_no_document_of_a_finished_study_holds_it(cluster, submitted):
    from ionface.workflows.cluster.worker import work

    cluster.launchpad.password = SECRET
    work(cluster)
    for name in cluster.launchpad.db.list_collection_names():
        for document in cluster.launchpad.db[name].find({}):
            assert SECRET not in str(document)
    for document in cluster.store.query({}):
        assert SECRET not in str(document)
    for path in submitted.project.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
