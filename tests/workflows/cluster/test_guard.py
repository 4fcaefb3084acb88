"""A Firework is decoded and run only if it is one of our jobs."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster.batch import launch_ready
from ionface.workflows.cluster.guard import TASK, ForeignJobError, check_firework
from ionface.workflows.cluster.worker import work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def document(cluster, submitted):
    return cluster.launchpad.fireworks.find_one({"fw_id": 1})


def test_what_submit_writes_passes(document):
    check_firework(document)


def test_what_jobflow_adds_to_a_flow_in_the_place_of_a_job_passes(document):
    from jobflow.core.job import store_inputs

    document["spec"]["_tasks"][0]["job"] = store_inputs({"rounds": 2}).as_dict()
    check_firework(document)


EVIL = {
    "another task": {"_tasks": [{"_fw_name": "ScriptTask", "script": "id"}]},
    "two tasks": {"_tasks": [{"_fw_name": TASK}, {"_fw_name": TASK}]},
    "no task": {"_tasks": []},
    "a task beside it": {"_background_tasks": [{"_fw_name": "x"}]},
    "a class deep in it": {"notes": [{"deep": {"_fw_name": "{{os.system}}"}}]},
    "a duplicate finder": {"_dupefinder": {"_fw_name": "DupeFinderExact"}},
    "a class": {"notes": {"@module": "subprocess", "@class": "Popen"}},
    "a store": {"_tasks": [{"_fw_name": TASK, "job": {}, "store": {"path": "x"}}]},
}


@pytest.mark.parametrize("what", EVIL)
def test_what_would_run_something_else_is_refused(document, what):
    document["spec"] |= EVIL[what]
    with pytest.raises(ForeignJobError, match="Firework 1"):
        check_firework(document)


@pytest.mark.parametrize(
    "function",
    [
        {"@module": "os", "@callable": "system"},
        {"@module": "numpy.testing._private.utils", "@callable": "runstring"},
        {"@module": "numpy", "@callable": "load"},
        {"@module": "ionface.files", "@callable": "write_atomically"},
    ],
)
def test_a_job_of_any_other_function_is_neither_run_nor_changed(
    cluster, submitted, function
):
    job = "spec._tasks.0.job.function"
    cluster.launchpad.fireworks.update_one({"fw_id": 1}, {"$set": {job: function}})
    report = work(cluster)
    assert "none of ionface's own jobs" in report.failed["Firework 1"]
    assert not report.completed
    refused = launch_ready(cluster).refused[1]
    assert function["@callable"] in refused
    with pytest.raises(IonfaceError, match="none of ionface's own"):
        work(cluster, number=1)
    assert cluster.launchpad.get_fw_dict_by_id(1)["state"] == "READY"


def test_other_jobs_run_beside_one_that_is_refused(cluster, submitted):
    numbers = cluster.launchpad.get_fw_ids()
    cluster.launchpad.fireworks.update_one(
        {"fw_id": numbers[-1]}, {"$set": {"spec._background_tasks": []}}
    )
    report = work(cluster)
    assert len(report.completed) == len(numbers) - 1
    assert len(report.failed) == 1


def test_a_job_that_another_has_reserved_is_not_taken_too(cluster, submitted):
    from pathlib import Path

    from ionface.workflows.cluster.batch import reserve

    first, _ = reserve(cluster, 1, Path("/tmp"))
    assert first.fw_id == 1
    assert reserve(cluster, 1, Path("/tmp")) == (None, 0)
