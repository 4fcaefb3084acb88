"""What a project shows of its runs is what they left, or it is told."""

import pytest

from ionface.errors import TrajectoryError
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.trajectories import open_shown, shown_trajectories
from ionface.workflows.report.project_report import write_report


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    return bytes(data)


def cut(path):
    return path.read_bytes()[: path.stat().st_size * 2 // 3]


@pytest.fixture(params=[flipped, cut])
def damaged(computed, request):
    """A project whose trajectory is not what its run left any more."""
    path = shown_trajectories(computed)[0]
    data = request.param(path)
    path.unlink()  # a second name of a file that stays as it is
    path.write_bytes(data)
    return computed


def test_a_whole_trajectory_is_opened(computed):
    path = shown_trajectories(computed)[0]
    assert len(open_shown(Project.open(computed), path)) == 31


def test_a_damaged_one_is_refused(damaged):
    path = shown_trajectories(damaged)[0]
    with pytest.raises(TrajectoryError, match="not the trajectory that was recorded"):
        open_shown(Project.open(damaged), path)


def test_analyses_and_export_refuse_it(damaged, cli):
    for words in (("analyze", "rdf", "p", "--pair", "Al-Ag"), ("export", "p")):
        answer = cli(*words)
        assert answer.returncode == 1
        assert "not the trajectory that was recorded" in answer.stderr


def test_the_report_shows_the_rest_and_tells_it(damaged, plain_figures):
    write_report(Project.open(damaged))
    page = (damaged / "report.html").read_text()
    assert "Damaged files" in page
    assert "J/m²" in page


def test_a_damaged_file_by_path_tells_what_was_left_out(damaged, cli):
    path = shown_trajectories(damaged)[0]
    answer = cli("analyze", "rdf", path, "--pair", "Al-Ag")
    assert answer.returncode == 0
    assert "left out" in answer.stderr
