"""Following: new frames only, new bytes only, whatever happens to the file."""

import os

import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.tail import Follower, run_over
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import AnalysisError

CLOSING = "\n General timing and accounting informations for this job:\n" + 20 * " x\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "INCAR").write_text("IBRION = 0\nPOTIM = 2.0\nNBLOCK = 1\n")
    return tmp_path / "XDATCAR"


def looks(follower):
    return list(follower.look())


def replace(path, data):
    path.with_name("new").write_text(data)
    path.with_name("new").replace(path)


def joined(segments):
    positions = np.concatenate([s.positions for s in segments])
    return positions, np.concatenate([s.times_fs for s in segments])


@pytest.mark.parametrize("kind", ["xdatcar", "vasprun"])
@pytest.mark.parametrize("step", [7, 61, 300, 5000])
def test_a_file_that_grows_by_any_pieces_gives_each_frame_once(
    tmp_path, path, make_run, kind, step
):
    data = getattr(make_run(3 if step == 7 else 12), kind)().encode()
    path = tmp_path / {"xdatcar": "XDATCAR", "vasprun": "vasprun.xml"}[kind]
    path.write_bytes(b"")
    follower, segments = Follower(path), []
    with path.open("ab", buffering=0) as growing:
        for start in range(0, len(data), step):
            growing.write(data[start : start + step])
            segments += looks(follower)
            frames = open_if_possible(path)
            # The end of the last line is awaited.
            assert follower.frames in (frames, frames - 1)
    assert follower.bytes_read == len(data)
    follower.close()
    positions, times = joined(segments)
    whole = open_trajectory(path)
    np.testing.assert_array_equal(positions, whole.positions[: len(positions)])
    np.testing.assert_array_equal(times, whole.times_fs[: len(positions)])
    assert len(positions) == len(whole)


def open_if_possible(path):
    try:
        return len(open_trajectory(path, timestep_fs=1.0))
    except AnalysisError:
        return 0


def test_our_own_store_is_followed_record_by_record(tmp_path):
    path = tmp_path / "run.ionf"
    rng = np.random.default_rng(0)
    follower, segments = Follower(path), []
    assert looks(follower) == []  # not there yet
    with TrajectoryWriter.create(path, ["In", "S"], np.eye(3) * 9) as writer:
        for step in range(6):
            writer.append(step=step, time_fs=2.0 * step, positions=rng.random((2, 3)))
            segments += looks(follower)
            assert follower.frames == step + 1
    data = path.read_bytes()
    assert follower.bytes_read == len(data)
    with path.open("ab") as torn:
        torn.write(data[-50:-20])
    assert looks(follower) == []
    follower.close()
    positions, times = joined(segments)
    whole = open_trajectory(path)
    np.testing.assert_array_equal(positions, whole.positions)
    np.testing.assert_array_equal(times, whole.times_fs)


def test_a_damaged_record_is_told_once_it_stays(tmp_path, write_run):
    path = write_run(n_frames=3)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    follower = Follower(path)
    assert sum(map(len, looks(follower))) == 2
    with pytest.raises(AnalysisError, match="checksum is wrong"):
        looks(follower)
    follower.close()


def test_only_new_bytes_are_read(path, make_run):
    data = make_run(500).xdatcar().encode()
    path.write_bytes(data[:-400])
    follower = Follower(path)
    looks(follower)
    assert follower.bytes_read == len(data) - 400
    looks(follower)
    assert follower.bytes_read == len(data) - 400
    with path.open("ab") as growing:
        growing.write(data[-400:])
    looks(follower)
    assert follower.bytes_read == len(data)
    assert follower.frames == 500
    follower.close()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda path, data: os.truncate(path, 300), "cut short"),
        (lambda path, data: path.unlink(), "removed"),
        (replace, "replaced by another file"),
    ],
)
def test_a_file_that_does_not_go_on_is_told(path, run, harm, told):
    path.write_text(run.xdatcar())
    follower = Follower(path)
    assert sum(map(len, looks(follower))) == 6
    harm(path, run.xdatcar())
    with pytest.raises(AnalysisError, match=f"{told} while it was followed, after 6"):
        looks(follower)
    follower.close()


def test_damage_and_a_second_run_in_the_same_file_are_told(path, run):
    path.write_text(run.xdatcar() + "Direct configuration=     7\n" + "  garbage\n" * 5)
    follower = Follower(path)
    with pytest.raises(AnalysisError, match="beyond its 6 complete frames"):
        looks(follower)
    path.write_text(run.xdatcar() + run.xdatcar())
    follower = Follower(path)
    with pytest.raises(AnalysisError, match="another run goes on"):
        looks(follower)
    follower.close()


@pytest.mark.parametrize(
    ("given", "every", "interval"), [(None, 10, 20.0), (5.0, 10, 5.0), (5.0, 1, 5.0)]
)
def test_time_is_that_of_opening(path, run, given, every, interval):
    path.write_text(run.xdatcar(every=every, first=every))
    follower = Follower(path, given)
    times = np.concatenate([segment.times_fs for segment in looks(follower)])
    follower.close()
    assert times.tolist() == [interval * i for i in range(6)]
    assert times.tolist() == open_trajectory(path, given).times_fs.tolist()


def test_a_time_that_no_file_tells_is_demanded(path, run):
    (path.parent / "INCAR").unlink()
    path.write_text(run.xdatcar())
    follower = Follower(path)
    with pytest.raises(AnalysisError, match="timestep_fs="):
        looks(follower)
    follower.close()


def test_learned_forces_compressed_files_and_absurd_times_are_refused(tmp_path, run):
    path = tmp_path / "vasprun.xml"
    path.write_text(run.vasprun('  <i type="logical" name="ML_LMLFF"> T  </i>\n'))
    follower = Follower(path)
    with pytest.raises(AnalysisError, match="ML_LMLFF"):
        looks(follower)
    follower.close()
    with pytest.raises(AnalysisError, match="cannot grow"):
        Follower(tmp_path / "XDATCAR.gz")
    with pytest.raises(AnalysisError, match="must be positive"):
        Follower(path, -1.0)


def test_what_the_frames_are_worth_is_known_after_a_look(tmp_path, run, write_run):
    path = tmp_path / "vasprun.xml"
    path.write_text(run.vasprun())
    follower = Follower(path)
    assert follower.meta == {}
    looks(follower)
    assert follower.meta == open_trajectory(path).meta
    follower.close()
    follower = Follower(write_run(n_frames=2, meta={"quick": True}))
    looks(follower)
    assert follower.meta == {"quick": True}
    follower.close()


# --- whether a run is over ----------------------------------------------------------


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
