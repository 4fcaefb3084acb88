"""Every job once: whatever is submitted, how often, from how many places."""

import json
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster import submission
from ionface.workflows.cluster.graphs import components
from ionface.workflows.cluster.resources import Requests
from ionface.workflows.cluster.submission import digest, rehearse, submit


def test_a_submitted_study_waits_with_its_first_jobs_ready(cluster, submitted):
    states = [job["state"] for job in cluster.fireworks.find({})]
    assert len(states) == len(submitted.jobs) == 5
    assert states.count("READY") == 1
    assert states.count("WAITING") == 4
    mark = json.loads((submitted.project / "submission.json").read_text())
    assert mark["submission"] == submitted.digest


def test_the_same_content_is_refused_whatever_it_is_called(
    cluster, submitted, study, tmp_path
):
    with pytest.raises(IonfaceError, match="submitted already"):
        submit(cluster, study, tmp_path / "project", Requests())
    renamed = replace(study, name="other", title="Another title")
    with pytest.raises(IonfaceError, match="then called 'al-ref'"):
        submit(cluster, renamed, tmp_path / "other", Requests())
    assert cluster.fireworks.count_documents({}) == 5
    assert not (tmp_path / "other").exists()


def test_other_content_and_a_repetition_on_purpose_are_taken(
    cluster, submitted, study, tmp_path
):
    submit(cluster, study, tmp_path / "second", Requests(), again=1)
    assert cluster.fireworks.count_documents({}) == 10
    hotter = replace(study, protocol="luo-2021")
    assert digest(hotter) != digest(study)


def test_a_job_that_the_database_knows_is_refused(cluster, submitted, study, tmp_path):
    # the same project holds the same ids, whatever the repetition
    with pytest.raises(IonfaceError, match="in the database already"):
        submit(cluster, study, submitted.project, Requests(), again=1)
    assert cluster.fireworks.count_documents({}) == 5
    assert cluster.submissions.count_documents({}) == 1


def test_of_two_submissions_at_once_one_is_taken(cluster, study, tmp_path):
    start, told = Barrier(2), []

    def go(name):
        start.wait()
        try:
            told.append(submit(cluster, study, tmp_path / name, Requests()))
        except IonfaceError as error:
            told.append(str(error))

    threads = [Thread(target=go, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, str) for each in told) == 1
    assert cluster.fireworks.count_documents({}) == 5


def test_an_interrupted_submission_has_started_nothing_and_is_made_whole(
    cluster, study, tmp_path, monkeypatch
):
    class KilledError(BaseException):
        pass

    def killed(*arguments):
        raise KilledError

    with monkeypatch.context() as patch:
        # as kill -9 does: nothing is cleaned up
        patch.setattr(submission, "make_visible", killed)
        with pytest.raises(KilledError):
            submit(cluster, study, tmp_path / "project", Requests())
    assert cluster.fireworks.count_documents({"state": "READY"}) == 0
    cluster.submissions.update_one({}, {"$set": {"pid": 2**22 + 1}})
    submit(cluster, study, tmp_path / "project", Requests())
    assert cluster.fireworks.count_documents({}) == 5
    assert cluster.fireworks.count_documents({"state": "READY"}) == 1
    assert cluster.launchpad.workflows.count_documents({}) == 1


def test_a_rehearsal_writes_nothing(cluster, study, tmp_path):
    told = rehearse(cluster, study, tmp_path / "project", Requests())
    assert len(told.jobs) == 5
    assert not (tmp_path / "project").exists()
    assert cluster.fireworks.count_documents({}) == 0
    assert cluster.submissions.count_documents({}) == 0


def test_jobs_that_do_not_depend_on_each_other_are_workflows_of_their_own():
    class Job:
        def __init__(self, uuid):
            self.uuid = uuid

    jobs = [(Job("a"), []), (Job("b"), ["a"]), (Job("c"), []), (Job("d"), ["c", "b"])]
    assert [len(group) for group in components(jobs)] == [4]
    assert [len(group) for group in components(jobs[:3])] == [2, 1]


def test_no_document_holds_a_store_and_so_no_password(cluster, submitted):
    for job in cluster.fireworks.find({}):
        assert job["spec"]["_tasks"][0]["store"] is None


@pytest.mark.parametrize("name", ["a; rm -rf x", "$(id)", "a`id`", "a\nb", "-rf"])
def test_names_that_a_shell_could_act_on_are_refused(cluster, study, tmp_path, name):
    with pytest.raises(IonfaceError, match="could act on"):
        submit(cluster, replace(study, name=name), tmp_path / "project", Requests())
    assert cluster.submissions.count_documents({}) == 0
