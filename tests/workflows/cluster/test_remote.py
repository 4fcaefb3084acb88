"""jobflow-remote as the manager: our refusals and states, on a stand-in for its API.

The package itself wants an older pymongo than our other dependencies and cannot be
installed beside them; what is called of it is `JobController.from_project_name`, its
`db`, `jobs` and `get_jobs_info`, and `submit_flow`.
"""

import sys
from enum import Enum
from types import ModuleType, SimpleNamespace

import mongomock
import pytest
from jobflow import JobStore
from maggma.stores import MemoryStore

from ionface.errors import IonfaceError
from ionface.workflows.cli.entry import answer
from ionface.workflows.cluster import remote
from ionface.workflows.projects.project import Project

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
        self.infos, self.handed = {}, []
        self.jobstore = JobStore(MemoryStore())
        self.jobstore.connect()

    def get_jobs_info(self, custom_query):
        return [self.infos[u] for u in custom_query["uuid"]["$in"] if u in self.infos]

    def submit_flow(self, flow):
        self.handed += flow.jobs
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


@pytest.fixture
def control_free(monkeypatch):
    """No jobflow-remote, whatever is installed."""
    monkeypatch.setitem(sys.modules, "jobflow_remote.jobs.jobcontroller", None)


def test_without_the_package_the_way_to_it_is_told(control_free, study, tmp_path):
    with pytest.raises(IonfaceError, match="environment of its own"):
        remote.submit_remote(study, tmp_path / "p")


def test_a_project_that_it_does_not_know_is_told_without_its_password(control):
    def refuse():
        raise ValueError("no project; mongodb://me:secret@host/db")

    sys.modules["jobflow_remote.jobs.jobcontroller"].JobController = SimpleNamespace(
        from_project_name=refuse
    )
    with pytest.raises(IonfaceError, match="jf project generate") as refused:
        remote.controller()
    assert "secret" not in str(refused.value)


def test_every_job_is_handed_over_once(control, study, tmp_path):
    assert remote.submit_remote(study, tmp_path / "p") == 5
    assert control.jobs.count_documents({}) == 5
    with pytest.raises(IonfaceError, match="never computed twice"):
        remote.submit_remote(study, tmp_path / "p")
    project = Project.open(tmp_path / "p")
    assert project.submission["manager"] == "jobflow-remote"


@pytest.mark.parametrize("taken", [0, 1])
def test_a_submission_that_fails_leaves_nothing_to_compute_twice(
    taken, control, study, tmp_path, monkeypatch
):
    def fail(flow):
        for job in flow.jobs[:taken]:
            control.jobs.insert_one({"uuid": job.uuid})
        raise ConnectionError("gone")

    monkeypatch.setattr(sys.modules["jobflow_remote"], "submit_flow", fail)
    with pytest.raises(IonfaceError, match="did not take study 'al-ref': gone"):
        remote.submit_remote(study, tmp_path / "p")
    assert remote.is_remote(tmp_path / "p") == bool(taken)


def test_its_machine_has_folders_of_its_own(control, study, tmp_path):
    remote.submit_remote(study, tmp_path / "p")
    assert all("runs" not in job.metadata for job in control.handed)


def test_its_states_are_told_in_our_words(control, study, tmp_path):
    remote.submit_remote(study, tmp_path / "p")
    infos = list(control.infos.values())
    infos[0].state, infos[0].run_dir = State.FAILED, "/scratch/x"
    infos[0].error = "Traceback\n  mongodb://me:secret@host: no VASP\n"
    infos[1].state = State.WAITING
    infos[2].state = State.PAUSED
    lines = remote.remote_lines(tmp_path / "p")
    assert [line.state for line in lines] == [
        "failed", "waiting", "paused", "ready", "ready",
    ]  # fmt: skip
    assert "no VASP" in lines[0].note
    assert "secret" not in lines[0].note
    assert lines[0].folder == "/scratch/x"


def test_import_takes_what_its_store_holds(control, study, tmp_path, capsys):
    remote.submit_remote(study, tmp_path / "p")
    started = control.handed[0]
    result = {
        "uuid": started.uuid,
        "index": 1,
        "name": started.name,
        "output": {"a": 1},
    }
    control.jobstore.update(result, key=["uuid", "index"])
    assert answer(["import", "--project", str(tmp_path / "p")]) == 0
    assert capsys.readouterr().out.startswith("1 results in")
    store = Project.open(tmp_path / "p").store
    assert store.query_one({"uuid": started.uuid}, load=True)["output"] == {"a": 1}
