"""The library speaks of arguments, the terminal of flags."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cli.entry import _message
from ionface.workflows.cli.wording import told_in_flags
from ionface.workflows.projects.project import Project
from ionface.workflows.study.convergence import variants
from ionface.workflows.study.study import quickened
from ionface.workflows.study.study_files import parse

EMT = "ase.calculators.emt.EMT"
STUDY = f"""\
name: al
engine: {EMT}
surfaces: [{{material: Al, miller: [1, 1, 1], layers: 2}}]
"""

JOINED = f"""\
name: al
engine: {EMT}
interfaces:
  - name: Al|Al
    film: {{material: Al, miller: [1, 0, 0], layers: 1, name: film}}
    substrate: {{material: Al, miller: [1, 0, 0], layers: 1}}
"""


@pytest.fixture
def study():
    return parse(STUDY, "al")


def refusal(call):
    with pytest.raises(IonfaceError) as caught:
        call()
    return caught.value


def another_name(study, root):
    return Project.create(
        root / "p", parse(STUDY.replace("name: al", "name: other"), "other")
    )


def rehearsed(study, root):
    return Project.create(root / "p", quickened(study))


def full_folder(study, root):
    return Project.create(root, study)


def no_project(study, root):
    return Project.open(root)


@pytest.mark.parametrize(
    ("call", "said", "told"),
    [
        (another_name, "give another `project`", "give another --project"),
        (rehearsed, "made without `quick`", "made without --quick"),
        (full_folder, "give `project` a new", "give --project a new"),
        (no_project, "`ionface.run` made", "`ionface run --project` made"),
    ],
)
def test_a_refused_project_is_told_in_arguments_and_on_a_terminal_in_flags(
    study, tmp_path, call, said, told
):
    Project.create(tmp_path / "p", study)
    error = refusal(lambda: call(study, tmp_path))
    assert said in str(error)
    assert "--" not in str(error)
    assert told in _message(error)


@pytest.mark.parametrize(
    ("setting", "said", "told"),
    [("q", "settings=q: have", "--converge q: have"),
     ("k", "or engine=vasp", "or --engine vasp")],
)  # fmt: skip
def test_settings_of_a_convergence_are_told_in_flags_on_a_terminal(setting, said, told):
    study = parse(JOINED, "al")

    def converge():
        with told_in_flags({"settings": "--converge"}):
            variants(study, [setting], plane_waves=False)

    plain = refusal(lambda: variants(study, [setting], plane_waves=False))
    assert said in str(plain)
    assert "--" not in str(plain)
    assert told in _message(refusal(converge))
