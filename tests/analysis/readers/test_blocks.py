import tempfile

import numpy as np
import pytest

from ionface.analysis.readers import blocks, open_trajectory
from ionface.analysis.readers.blocks import to_cartesian
from ionface.errors import AnalysisError


def test_cartesian_positions_are_the_matrix_product():
    rng = np.random.default_rng(0)
    fractional = rng.normal(size=(4, 7, 3))
    for lattices in (rng.normal(size=(1, 3, 3)), rng.normal(size=(4, 3, 3))):
        expected = fractional @ lattices
        np.testing.assert_allclose(to_cartesian(fractional, lattices), expected, 1e-12)


def test_a_frame_gives_the_same_bits_alone_and_among_others():
    rng = np.random.default_rng(1)
    fractional, lattice = rng.normal(size=(64, 33, 3)), rng.normal(size=(1, 3, 3))
    together = to_cartesian(fractional, lattice)
    for index in range(64):
        alone = to_cartesian(fractional[index : index + 1], lattice)
        np.testing.assert_array_equal(alone[0], together[index])


@pytest.fixture
def source(tmp_path, run):
    path = tmp_path / "XDATCAR"
    path.write_text(run.xdatcar())
    return path


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


@pytest.mark.parametrize("in_memory", [0, 300, 1 << 20])
def test_frames_are_the_same_in_memory_and_on_the_disk(
    source, run, monkeypatch, in_memory
):
    monkeypatch.setattr(blocks, "IN_MEMORY", in_memory)
    found = open_trajectory(source, 2.0)
    assert is_mapped(found.positions) == (in_memory < 1000)
    np.testing.assert_allclose(found.positions, run.positions, atol=1e-12)


def test_frames_on_the_disk_leave_no_file(source, monkeypatch, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(blocks, "IN_MEMORY", 0)
    assert is_mapped(open_trajectory(source, 2.0).positions)
    assert not list(folder.iterdir())


def test_no_room_on_the_disk_is_told(source, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(blocks, "IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda prefix: Full())
    with pytest.raises(AnalysisError, match="No space left on device; set TMPDIR"):
        open_trajectory(source, 2.0)


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_a_cell_that_changes_late_and_a_torn_end_are_kept(
    tmp_path, run, monkeypatch, in_memory
):
    monkeypatch.setattr(blocks, "IN_MEMORY", in_memory)
    text = run.xdatcar()
    wider = text.replace("    8.000000", "    8.500000")
    path = tmp_path / "XDATCAR"
    path.write_text(text + wider.replace("=     ", "=    1")[:-30])
    found = open_trajectory(path, 2.0)
    assert len(found) == 11
    assert "11 complete frames" in found.skipped.reason
    assert found.segments[0].lattices[:, 0, 0].tolist() == [8.0] * 6 + [8.5] * 5
