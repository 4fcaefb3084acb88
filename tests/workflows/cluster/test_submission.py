"""Every job once: whatever is submitted, how often, from how many places."""

import json
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cli import cluster_commands
from ionface.workflows.cli.entry import answer
from ionface.workflows.cluster.resources import Requests
from ionface.workflows.cluster.submission import (
    connected_groups,
    rehearse,
    study_key,
    submit,
)
from ionface.workflows.cluster.worker import work

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def number_of_jobs(cluster, **query):
    return cluster.launchpad.get_fw_ids(query, count_only=True)


def test_a_submitted_study_waits_with_its_first_jobs_ready(cluster, submitted):
    assert number_of_jobs(cluster) == len(submitted.jobs) == 5
    assert number_of_jobs(cluster, state="READY") == 1
    assert number_of_jobs(cluster, state="WAITING") == 4
    mark = json.loads((submitted.project / "submission.json").read_text())
    assert mark["submission"] == submitted.key


def test_a_study_that_is_there_is_refused_before_it_is_planned(
    cluster, submitted, study_text, tmp_path, monkeypatch, capsys
):
    planned = []
    monkeypatch.setattr(cluster_commands, "_database", lambda **_: cluster)
    monkeypatch.setattr(cluster_commands, "_requests", lambda *_: planned.append(1))
    (tmp_path / "al-ref.yaml").write_text(study_text)
    words = ["submit", "al-ref.yaml", "--project", "project"]
    assert answer(words) == 1
    assert "submitted already" in capsys.readouterr().err
    assert not planned


def test_the_same_content_is_refused_whatever_it_is_called(
    cluster, submitted, study, tmp_path
):
    with pytest.raises(IonfaceError, match="submitted already"):
        submit(cluster, study, tmp_path / "project", Requests())
    renamed = replace(study, name="other", title="Another title")
    with pytest.raises(IonfaceError, match="then called 'al-ref'"):
        submit(cluster, renamed, tmp_path / "other", Requests())
    assert number_of_jobs(cluster) == 5
    assert not (tmp_path / "other").exists()


def test_other_content_and_a_repetition_on_purpose_are_taken(
    cluster, submitted, study, tmp_path
):
    submit(cluster, study, tmp_path / "second", Requests(), again=1)
    assert number_of_jobs(cluster) == 10
    hotter = replace(study, protocol="luo-2021")
    assert study_key(hotter) != study_key(study)


def test_a_project_is_submitted_once_whatever_the_repetition(cluster, submitted, study):
    with pytest.raises(IonfaceError, match="in the database already"):
        submit(cluster, study, submitted.project, Requests(), again=1)
    assert number_of_jobs(cluster) == 5


def test_of_two_submissions_at_once_one_is_taken(cluster, study, tmp_path, monkeypatch):
    from ionface.workflows.cluster import submission

    # threads stand for processes here, and another process is still at it
    monkeypatch.setattr(submission, "_still_at_it", lambda known: True)
    start, answers = Barrier(2), []

    def go(name):
        start.wait()
        try:
            answers.append(submit(cluster, study, tmp_path / name, Requests()))
        except IonfaceError as error:
            answers.append(str(error))

    threads = [Thread(target=go, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, str) for each in answers) == 1
    assert number_of_jobs(cluster) == 5


def test_a_submission_that_was_killed_half_way_is_made_whole(
    cluster, study, tmp_path, monkeypatch
):
    class KilledError(BaseException):
        pass

    insert = cluster.launchpad.bulk_add_wfs

    def killed(workflows):
        insert(workflows)
        cluster.launchpad.fireworks.delete_one({"state": "WAITING"})
        raise KilledError

    monkeypatch.setattr(cluster.launchpad, "bulk_add_wfs", killed)
    with pytest.raises(KilledError):
        submit(cluster, study, tmp_path / "project", Requests())
    monkeypatch.undo()
    assert number_of_jobs(cluster) == 4
    submit(cluster, study, tmp_path / "project", Requests())
    assert number_of_jobs(cluster) == 5
    assert cluster.launchpad.workflows.count_documents({}) == 1


@pytest.mark.slow
def test_after_lpad_reset_a_study_is_submitted_again_and_not_computed_again(
    cluster, submitted, study
):
    work(cluster, limit=3)
    results = {p: p.stat().st_mtime_ns for p in _results(submitted.project)}
    cluster.launchpad.reset("", require_password=False)
    assert number_of_jobs(cluster) == 0
    submit(cluster, study, submitted.project, Requests())
    assert len(work(cluster).completed) == 5
    after = {p: p.stat().st_mtime_ns for p in _results(submitted.project)}
    assert len(results) == 3
    assert results.items() <= after.items()


def _results(project):
    return (project / "runs").glob("*/result.jsonl")


def test_a_rehearsal_writes_nothing(cluster, study, tmp_path):
    would = rehearse(cluster, study, tmp_path / "project", Requests())
    assert len(would.jobs) == 5
    assert not (tmp_path / "project").exists()
    assert number_of_jobs(cluster) == 0


def test_jobs_that_do_not_depend_on_each_other_are_workflows_of_their_own():
    class Job:
        def __init__(self, uuid):
            self.uuid = uuid

    jobs = [(Job("a"), []), (Job("b"), ["a"]), (Job("c"), []), (Job("d"), ["c", "b"])]
    assert [len(group) for group in connected_groups(jobs)] == [4]
    assert [len(group) for group in connected_groups(jobs[:3])] == [2, 1]


def test_no_document_holds_a_store_and_so_no_password(cluster, submitted):
    for job in cluster.launchpad.fireworks.find({}):
        assert job["spec"]["_tasks"][0]["store"] is None


@pytest.mark.parametrize("name", ["a; rm -rf x", "$(id)", "a`id`", "a\nb", "-rf"])
def test_names_that_a_shell_could_act_on_are_refused(cluster, study, tmp_path, name):
    with pytest.raises(IonfaceError, match="could act on"):
        submit(cluster, replace(study, name=name), tmp_path / "project", Requests())
    assert number_of_jobs(cluster) == 0


def test_a_calculator_of_the_user_s_is_computed_like_any_other(
    cluster, study_file, tmp_path, monkeypatch
):
    (tmp_path / "my_calculator.py").write_text(
        "from ase.calculators.emt import EMT\nclass Mine(EMT):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from ionface.workflows.study import study_files

    text = study_file.read_text().replace(
        "ase.calculators.emt.EMT", "my_calculator.Mine"
    )
    study_file.write_text(text)
    submit(cluster, study_files.load(str(study_file)), tmp_path / "p", Requests())
    assert len(work(cluster).completed) == 5


def test_what_an_engine_does_asks_as_its_kind_does_and_all_else_is_light(
    cluster, submitted
):
    jobs = cluster.launchpad.fireworks.find({}, ["name", "spec._ionface"])
    kinds = {job["name"]: job["spec"]["_ionface"]["kind"] for job in jobs}
    assert kinds.pop("Al dynamics 1") == "dynamics"
    assert set(kinds.values()) == {"light"}
