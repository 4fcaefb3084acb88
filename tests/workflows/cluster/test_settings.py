"""The configuration: written once, private, explained, checked."""

import stat

import pytest
import yaml

from ionface.errors import IonfaceError
from ionface.workflows.cluster.init import FILES, Answers, initialize
from ionface.workflows.cluster.settings import config_folder, load_settings

SECRET = "pa$$: 'w\"ord #1"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("FW_CONFIG_FILE", "JOBFLOW_CONFIG_FILE", "ATOMATE2_CONFIG_FILE"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.setenv("IONFACE_CLUSTER", str(tmp_path / "conf"))
    return tmp_path / "conf"


@pytest.mark.parametrize("queue", ["slurm", "pbs", "sge", "none"])
def test_every_file_is_written_private_explained_and_valid(folder, queue):
    written = initialize(None, Answers(queue=queue))
    names = {path.name for path in written}
    assert names >= set(FILES) - {"my_qadapter.yaml"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        if path.suffix == ".yaml":
            assert isinstance(yaml.safe_load(path.read_text()), dict), path
            assert path.read_text().startswith("#"), path
    assert load_settings().folder == folder


def test_what_is_there_is_not_replaced_without_asking(folder):
    initialize(None, Answers())
    path = folder / "ionface.yaml"
    path.write_text("reruns: 3\n")
    assert not initialize(None, Answers())[path]
    assert path.read_text() == "reruns: 3\n"
    assert initialize(None, Answers(), replace=lambda path: True)[path]
    assert "expiry_s" in path.read_text()
    assert (folder / "ionface.yaml.before").read_text() == "reruns: 3\n"


def test_a_password_is_written_whatever_it_holds(folder):
    initialize(None, Answers(username="me"), password=SECRET)
    pad = yaml.safe_load((folder / "my_launchpad.yaml").read_text())
    store = yaml.safe_load((folder / "jobflow.yaml").read_text())["JOB_STORE"]
    assert pad["password"] == SECRET
    assert store["docs_store"]["password"] == SECRET
    holders = [
        p.name for p in folder.iterdir() if p.is_file() and 'w\\"ord' in p.read_text()
    ]
    assert sorted(holders) == ["jobflow.yaml", "my_launchpad.yaml"]


def test_no_command_takes_a_password():
    from typer.main import get_command

    from ionface.workflows.cli import app

    for command in get_command(app).commands.values():
        for parameter in command.params:
            assert "password" not in str(parameter.opts)


def test_a_secret_that_others_can_read_is_refused(folder):
    initialize(None, Answers())
    (folder / "my_launchpad.yaml").chmod(0o644)
    with pytest.raises(IonfaceError, match="chmod 600"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heartbeats: 3", "unknown key 'heartbeats'"),
        ("expiry_s: soon", "valid number"),
        ("expiry_s: 0", "greater than 0"),
        ("document_limit_mb: 20", "less than 16"),
        ("[1, 2]", "must be a mapping"),
    ],
)
def test_settings_that_cannot_work_are_explained(folder, text, message):
    initialize(None, Answers())
    (folder / "ionface.yaml").write_text(text)
    with pytest.raises(IonfaceError, match=message):
        load_settings()


def test_without_a_configuration_the_way_out_is_told(folder):
    with pytest.raises(IonfaceError, match="ionface init-cluster"):
        load_settings()
    assert config_folder() == folder


@pytest.mark.parametrize("account", ["x; rm -rf y", "$(id)", "a\nb"])
def test_an_account_for_a_shell_is_refused(folder, account):
    with pytest.raises(IonfaceError, match="batch script"):
        initialize(None, Answers(account=account))
