"""A trajectory in the forms of other programs holds the same frames."""

import numpy as np
import pytest
from ase.io import read

from ionface.analysis.trajectory.exporting import FORMS, export, file_name
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError

CELL = np.array([[6.0, 0, 0], [1.0, 7.0, 0], [0, 0, 9.0]])


def frames(number=4, cell=CELL):
    random = np.random.default_rng(1)
    positions = random.random((number, 3, 3)) @ CELL
    return Trajectory.from_arrays(["Li", "P", "Li"], cell, positions, timestep_fs=2.0)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_holds_all_frames(tmp_path, form):
    given = frames()
    path = export(given, tmp_path / file_name("run", form), form)
    images = read(path, ":")
    assert len(images) == 4
    for image, frame in zip(images, given, strict=True):
        assert image.get_chemical_symbols() == ["Li", "P", "Li"]
        assert np.allclose(image.cell, CELL, atol=1e-5)
        offset = (image.positions - frame.positions) @ np.linalg.inv(CELL)
        assert np.allclose(offset, np.rint(offset), atol=1e-4)


def test_extended_xyz_tells_step_and_time(tmp_path):
    path = export(frames(), tmp_path / "x.extxyz", "extxyz")
    assert [image.info["time_fs"] for image in read(path, ":")] == [0, 2, 4, 6]
    assert "temperature_K" not in path.read_text()  # nobody knows it


def test_an_xdatcar_says_how_far_apart_its_frames_are(tmp_path):
    path = export(frames(), tmp_path / "XDATCAR", "xdatcar")
    assert path.read_text().startswith("Li2P1, 2 fs between frames\n")


def test_nothing_is_written_of_no_frame(tmp_path):
    empty = frames().between(0, 0)
    with pytest.raises(TrajectoryError, match="no frame"):
        export(empty, tmp_path / "x.traj", "traj")
    assert not list(tmp_path.iterdir())
