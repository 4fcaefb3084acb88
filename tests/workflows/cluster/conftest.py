"""A cluster in this process: FireWorks on a mongomock database, a queue of our own."""

import os
import threading
from pathlib import Path

import mongomock
import pytest

from ionface.workflows.cluster.connection import Cluster
from ionface.workflows.cluster.large_documents import FittingStore
from ionface.workflows.cluster.queues import Queue
from ionface.workflows.cluster.settings import ClusterSettings

# mongomock replaces a document in two steps; FireWorks' sign of life, a thread of its
# own, may find none between them, where a real database always has one
BETWEEN = "ignore::pytest.PytestUnhandledThreadExceptionWarning"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(BETWEEN))


STUDY = """\
name: al-ref
engine: ase.calculators.emt.EMT
interfaces: []
references:
  - {crystal: Al, pairs: [Al-Al], steps: 4, min_atoms: 4}
"""


@pytest.fixture
def study_text():
    return STUDY


@pytest.fixture
def study_file(tmp_path, study_text):
    path = tmp_path / "al-ref.yaml"
    path.write_text(study_text)
    return path


@pytest.fixture
def study(study_file):
    from ionface.workflows.study import study_files

    return study_files.load(str(study_file))


class BatchSystem:
    """Stands for the queue's commands; `known` are ids of jobs, None is no answer."""

    def __init__(self):
        self.known = {}

    def __call__(self, command):
        if self.known is None:
            return None
        return "".join(f"{k}|RUNNING|{v}\n" for k, v in self.known.items())


@pytest.fixture
def batch_system():
    return BatchSystem()


@pytest.fixture
def cluster(tmp_path, batch_system, monkeypatch):
    """A database and a store in memory, and a queue that `batch_system` answers for."""
    import fireworks.core.launchpad as pad
    import jobflow
    from fireworks import FWorker, LaunchPad
    from maggma.stores import MemoryStore
    from mongomock.gridfs import enable_gridfs_integration

    enable_gridfs_integration()
    monkeypatch.setattr(pad, "MongoClient", mongomock.MongoClient)
    monkeypatch.setattr(jobflow.SETTINGS, "JOB_STORE", None)  # a worker sets it
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IONFACE_CLUSTER", str(tmp_path / "conf"))
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0)
    os.umask(mask)
    settings = ClusterSettings(
        folder=tmp_path / "conf", expiry_s=0.1, blind_expiry_s=0.2, patience_s=0.3
    )
    launchpad = LaunchPad(host="localhost", name="test", strm_lvl="CRITICAL")
    launchpad.connection.drop_database("test")
    store = FittingStore(MemoryStore(), {"data": MemoryStore()})
    store.connect()
    queue = Queue("SLURM", {"_fw_q_type": "SLURM"}, batch_system)
    cluster = Cluster(settings, launchpad, store, queue, FWorker())
    cluster.initialize()
    yield cluster
    for thread in threading.enumerate():
        # FireWorks' sign of life gives a last one after the job has ended
        if "ping_launch" in thread.name:
            thread.join(10)
    launchpad.connection.drop_database("test")
    os.umask(mask)


@pytest.fixture
def submitted(cluster, study, tmp_path):
    """The study, in the database."""
    from ionface.workflows.cluster.resources import Requests
    from ionface.workflows.cluster.submission import submit

    return submit(cluster, study, tmp_path / "project", Requests())
