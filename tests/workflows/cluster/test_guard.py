"""What a document, a name or a path may not do."""

import pytest
import yaml

from ionface.errors import IonfaceError
from ionface.workflows.cluster import guard
from ionface.workflows.cluster.guard import (
    check_document,
    check_inside,
    check_modules,
    check_name,
    check_queue_value,
)
from ionface.workflows.cluster.resources import KINDS
from ionface.workflows.cluster.settings import read_yaml
from ionface.workflows.study.study_files import builtin_names, load


@pytest.mark.parametrize("sign", sorted(guard.SHELL))
def test_every_sign_that_a_shell_acts_on_is_refused(sign):
    with pytest.raises(IonfaceError, match="could act on"):
        check_name(f"Li{sign}LiF", "name")


@pytest.mark.parametrize("study", builtin_names())
def test_the_names_of_the_built_in_studies_are_accepted(study):
    for spec in load(study).interfaces:
        check_name(spec.name, "name")


@pytest.mark.parametrize("value", ["1; id", "a\nb", "$(id)", "`id`", "a|b", "a&b"])
def test_a_resource_that_could_start_a_command_is_refused(value):
    with pytest.raises(IonfaceError, match="batch script"):
        check_queue_value("queue", value)


def test_paths_outside_a_folder_are_refused_also_through_links(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    assert check_inside(inside / "a", inside, "it") == inside / "a"
    for path in (inside / ".." / "out", inside / "link" / "x", outside):
        with pytest.raises(IonfaceError, match="lies outside"):
            check_inside(path, inside, "it")


@pytest.mark.parametrize(
    "data",
    [
        {"@module": "os", "@callable": "system"},
        {"a": [{"b": {"@module": "subprocess", "@class": "Popen"}}]},
        {"potential": {"calculator": "os.system"}},
        {"@module": "pickle", "@callable": "loads"},
        {"x": {"_fw_name": "{{fireworks.user_objects.firetasks.ScriptTask}}"}},
    ],
)
def test_a_document_that_would_import_something_else_is_refused(data):
    with pytest.raises(IonfaceError, match="outside the allowed packages"):
        check_modules(data, "document")


def test_packages_are_allowed_by_the_settings_alone():
    data = {"@module": "mymodels.potential", "@class": "Mine"}
    with pytest.raises(IonfaceError):
        check_modules(data, "document")
    check_modules(data, "document", ["mymodels"])
    check_modules({"calculator": "ase.calculators.emt.EMT"}, "document")


@pytest.mark.parametrize(
    "task", ["ScriptTask", "{{os.system}}", "PyTask", None, "{{jobflow.other.Task}}"]
)
def test_only_jobs_of_jobflow_are_run(task):
    document = {"fw_id": 1, "spec": {"_tasks": [{"_fw_name": task, "script": "id"}]}}
    with pytest.raises(IonfaceError, match="only jobs of jobflow"):
        check_document(document)


def test_yaml_that_would_make_an_object_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: !!python/object/apply:os.system [id]\n")
    with pytest.raises(IonfaceError, match="not valid YAML"):
        read_yaml(path)


def test_a_message_about_broken_yaml_does_not_quote_it(tmp_path):
    path = tmp_path / "my_launchpad.yaml"
    path.write_text("host: x\npassword: [hunter2\n")
    with pytest.raises(IonfaceError) as told:
        read_yaml(path)
    assert "hunter2" not in str(told.value)


def test_nothing_of_the_cluster_unpickles():
    from pathlib import Path

    for path in Path(guard.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert "pickle" not in text.replace("unpickled", ""), path
        assert "yaml.load(" not in text, path
        assert "shell=True" not in text, path
    assert yaml.safe_load is not None
    assert KINDS
