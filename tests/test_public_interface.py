"""What users import: every name is there, says what it is, and its examples run."""

import doctest
import inspect
import subprocess
import sys

import pytest

import ionface

NAMES = [name for name in ionface.__all__ if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_explains_itself(name):
    value = getattr(ionface, name)
    assert len(inspect.getdoc(value) or "") > 60
    assert name in dir(ionface)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_public_name_run(name):
    value = getattr(ionface, name)
    module = inspect.getmodule(value)
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in finder.find(value, name, module=module):
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


def test_the_package_s_own_example_runs():
    assert doctest.testmod(ionface).failed == 0


def test_importing_ionface_imports_nothing_else():
    code = "import sys, ionface; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pymatgen", "jobflow"} & set(run.stdout.split())


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="no attribute 'rfd'"):
        ionface.rfd  # noqa: B018


def test_a_user_s_own_module_named_like_a_room_is_no_obstacle(tmp_path):
    (tmp_path / "analysis.py").write_text("raise RuntimeError('the wrong one')")
    code = "import ionface; print(ionface.open_trajectory.__name__)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.stdout == "open_trajectory\n", run.stderr


def test_the_version_is_the_distribution_s():
    assert ionface.__version__.count(".") == 2
