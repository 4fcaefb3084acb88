"""A run is over only where something says so."""

import pytest

from ionface.analysis.readers.ending import run_over
from ionface.analysis.trajectory.store import TrajectoryWriter

CLOSING = "\n General timing and accounting informations for this job:\n" + 20 * " x\n"


def test_a_store_is_finished_when_its_writer_lets_go(write_run):
    path = write_run(n_frames=3)
    assert run_over(path)
    with TrajectoryWriter.resume(path):
        assert not run_over(path)
    assert run_over(path)


def test_a_vasprun_is_finished_when_it_is_closed(tmp_path, run):
    path, whole = tmp_path / "vasprun.xml", run.vasprun()
    path.write_text(whole)
    assert run_over(path)
    path.write_text(whole.replace("</modeling>", ""))
    assert not run_over(path)


@pytest.mark.parametrize(
    ("name", "text", "over"),
    [
        ("OUTCAR", CLOSING, True),
        ("OUTCAR", "Iteration 3", False),
        ("vasprun.xml", "</calculation>\n</modeling>\n", True),
        ("vasprun.xml", "</calculation>\n", False),
    ],
)
def test_what_stands_beside_an_xdatcar_tells(tmp_path, run, name, text, over):
    path = tmp_path / "XDATCAR"
    path.write_text(run.xdatcar())
    assert not run_over(path)  # nothing beside it
    (tmp_path / name).write_text("x" * 10**5 + text)
    assert run_over(path) == over


def test_a_file_that_is_not_there_is_not_over(tmp_path):
    assert not run_over(tmp_path / "XDATCAR")
