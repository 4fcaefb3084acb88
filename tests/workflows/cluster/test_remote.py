"""jobflow-remote as the manager: our refusals and states, on a stand-in for its API.

The package itself wants an older pymongo than our other dependencies and cannot be
installed beside them; what is called of it is `JobController.from_project_name`, its
`db`, `jobs` and `get_jobs_info`, and `submit_flow`.
"""

import json
import subprocess
import sys
from enum import Enum
from types import ModuleType, SimpleNamespace

import mongomock
import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster import remote

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class State(Enum):
    WAITING = "WAITING"
    READY = "READY"
    FAILED = "FAILED"
    PAUSED = "PAUSED"


class Controller:
    def __init__(self):
        self.db = mongomock.MongoClient()["remote"]
        self.jobs = self.db["jobs"]
        self.infos = {}

    def get_jobs_info(self, custom_query):
        return [self.infos[u] for u in custom_query["uuid"]["$in"] if u in self.infos]

    def submit_flow(self, flow):
        for number, job in enumerate(flow.jobs, start=len(self.infos) + 1):
            self.jobs.insert_one({"uuid": job.uuid})
            self.infos[job.uuid] = SimpleNamespace(
                db_id=str(number), name=job.name, state=State.READY, error=None,
                remote=None, run_dir=None,
            )  # fmt: skip


@pytest.fixture
def control(monkeypatch):
    """Stand in for the package, with a database in memory."""
    found = Controller()
    package = ModuleType("jobflow_remote")
    package.submit_flow = found.submit_flow
    inner = ModuleType("jobflow_remote.jobs.jobcontroller")
    inner.JobController = SimpleNamespace(from_project_name=lambda: found)
    monkeypatch.setitem(sys.modules, "jobflow_remote", package)
    monkeypatch.setitem(sys.modules, "jobflow_remote.jobs.jobcontroller", inner)
    return found


def submit(study_file, project, *, dry_run=False, again=0, as_json=False):
    return remote.submit_remote(
        [str(study_file)], project, None,
        quick=False, dry_run=dry_run, again=again, as_json=as_json,
    )  # fmt: skip


def test_without_the_package_the_way_to_it_is_told(study_file, tmp_path):
    with pytest.raises(IonfaceError, match="environment of its own"):
        submit(study_file, tmp_path / "p")


def test_a_project_that_it_does_not_know_is_told_without_its_password(control):
    def refuse():
        raise ValueError("no project; mongodb://me:secret@host/db")

    sys.modules["jobflow_remote.jobs.jobcontroller"].JobController = SimpleNamespace(
        from_project_name=refuse
    )
    with pytest.raises(IonfaceError, match="jf project generate") as refused:
        remote.controller()
    assert "secret" not in str(refused.value)


def test_every_job_is_handed_over_once(control, study_file, tmp_path, capsys):
    assert submit(study_file, tmp_path / "p") == 0
    assert "handed al-ref to jobflow-remote: 5 jobs" in capsys.readouterr().out
    assert control.jobs.count_documents({}) == 5
    with pytest.raises(IonfaceError, match="submitted already"):
        submit(study_file, tmp_path / "p")
    with pytest.raises(IonfaceError, match="submitted already"):
        submit(study_file, tmp_path / "other")
    with pytest.raises(IonfaceError, match="never computed twice"):
        submit(study_file, tmp_path / "p", again=1)  # the same jobs
    assert submit(study_file, tmp_path / "other", again=1) == 0
    assert control.jobs.count_documents({}) == 10


def test_a_dry_run_hands_nothing_over(study_file, tmp_path, capsys):
    assert submit(study_file, tmp_path / "p", dry_run=True, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["submitted"][0]["jobs"] == 5
    assert not (tmp_path / "p").exists()


def test_a_submission_that_was_killed_is_taken_over(control, study_file, tmp_path):
    process = subprocess.Popen(["true"])
    process.wait()
    submit(study_file, tmp_path / "p")
    control.jobs.delete_many({})
    control.infos.clear()
    rows = control.db[remote.SUBMISSIONS]
    rows.update_many({}, {"$set": {"state": "adding", "pid": process.pid}})
    assert submit(study_file, tmp_path / "p") == 0
    assert rows.find_one({})["state"] == "done"
    rows.update_many({}, {"$set": {"state": "adding", "pid": 1}})  # it lives
    with pytest.raises(IonfaceError, match="submitted already"):
        submit(study_file, tmp_path / "p")


def test_its_states_are_told_in_our_words(control, study_file, tmp_path, capsys):
    submit(study_file, tmp_path / "p")
    infos = list(control.infos.values())
    infos[0].state, infos[0].run_dir = State.FAILED, "/scratch/x"
    infos[0].error = "Traceback\n  mongodb://me:secret@host: no VASP\n"
    infos[1].state = State.WAITING
    infos[2].state = State.PAUSED
    lines = remote.lines()
    assert [line.state for line in lines] == [
        "failed", "waiting", "paused", "ready", "ready",
    ]  # fmt: skip
    assert "no VASP" in lines[0].note
    assert "secret" not in lines[0].note
    capsys.readouterr()
    remote.show(everything=True, as_json=False)
    assert "/scratch/x" in capsys.readouterr().out.replace("\n", "")
    remote.show("another", everything=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["jobs"] == []
