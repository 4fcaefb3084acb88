import numpy as np
import pytest

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError


def test_positions_are_a_view_of_the_file(write_run):
    read = Trajectory.open(write_run(n_frames=7, n_atoms=3))
    assert read.positions.shape == (7, 3, 3)
    base = read.positions
    while not isinstance(base, np.memmap):
        base = base.base
    assert read.times_fs.tolist() == [2.0 * i for i in range(7)]
    assert read.energies.tolist() == [-float(i) for i in range(7)]


def test_a_file_cut_at_any_byte_yields_only_whole_frames(write_run):
    path = write_run(n_frames=3)
    whole = Trajectory.open(path)
    expected = np.array(whole.positions)
    data = path.read_bytes()
    header, size = 4096, (len(data) - 4096) // 3
    for length in range(header, len(data)):
        path.write_bytes(data[:length])
        read = Trajectory.open(path)
        frames, rest = divmod(length - header, size)
        assert read.n_frames == frames
        assert read.complete == (rest == 0)
        assert bool(read.skipped.reason) == (rest != 0)
        np.testing.assert_array_equal(read.positions, expected[:frames])


def test_a_file_cut_inside_its_header_is_refused(write_run):
    path = write_run(n_frames=1)
    data = path.read_bytes()
    for length in [0, 1, 7, 8, 23, 24, 100, 4095]:
        path.write_bytes(data[:length])
        with pytest.raises(TrajectoryError, match=r"not an ionface|damaged"):
            Trajectory.open(path)


def test_a_flipped_bit_anywhere_in_a_frame_drops_that_frame_alone(write_run):
    path = write_run(n_frames=3, n_atoms=1)
    data = path.read_bytes()
    size = (len(data) - 4096) // 3
    for offset in range(4096 + size, 4096 + 2 * size):
        damaged = bytearray(data)
        damaged[offset] ^= 0x10
        path.write_bytes(damaged)
        read = Trajectory.open(path)
        assert read.steps.tolist() == [0, 2]
        assert read.skipped.count == 1
        assert "frame 1" in read.skipped.reason


def test_a_flipped_bit_anywhere_in_the_header_never_gives_wrong_frames(write_run):
    path = write_run(n_frames=2, n_atoms=1)
    data = path.read_bytes()
    used = len(data[:4096].rstrip(b"\0"))
    for offset in range(used):
        damaged = bytearray(data)
        damaged[offset] ^= 0x04
        path.write_bytes(damaged)
        try:
            read = Trajectory.open(path)
        except TrajectoryError:
            continue
        assert read.n_frames == 0
        assert not read.complete


def test_random_bytes_are_no_trajectory(tmp_path):
    path = tmp_path / "noise"
    path.write_bytes(np.random.default_rng(0).bytes(10000))
    with pytest.raises(TrajectoryError, match="not an ionface trajectory"):
        Trajectory.open(path)
    with pytest.raises(TrajectoryError, match="cannot read"):
        Trajectory.open(tmp_path / "absent")


def test_blocks_and_frames_walk_through_the_same_atoms(write_run):
    paths = [write_run(f"{i}.iftraj", n_frames=5, first=5 * i, seed=i) for i in (0, 1)]
    joined = Trajectory.join(paths)
    stacked = np.concatenate([block.positions for block in joined.blocks(2)])
    np.testing.assert_array_equal(stacked, joined.positions)
    for index in range(-10, 10):
        np.testing.assert_array_equal(joined.frame(index).positions, stacked[index])
    with pytest.raises(IndexError):
        joined.frame(10)


def test_between_gives_the_frames_asked_for_across_segments(write_run):
    paths = [write_run(f"{i}.iftraj", n_frames=5, first=5 * i, seed=i) for i in (0, 1)]
    joined = Trajectory.join(paths)
    for start in range(11):
        for stop in range(start, 11):
            part = joined.between(start, stop)
            assert part.steps.tolist() == list(range(start, stop))


def test_the_digest_belongs_to_the_frames_and_not_to_the_files(write_run):
    whole = Trajectory.open(write_run("a.iftraj", n_frames=6))
    again = Trajectory.join([whole.between(0, 2), whole.between(2, 6)])
    other = Trajectory.open(write_run("b.iftraj", n_frames=6, seed=9))
    assert whole.digest() == again.digest()
    assert whole.digest() != other.digest()
    assert whole.digest() != whole.between(0, 5).digest()


def test_an_unknown_species_is_told_with_those_that_exist(write_run):
    read = Trajectory.open(write_run())
    assert read.indices("S").tolist() == [1, 3]
    with pytest.raises(TrajectoryError, match=r"no 'Cl'.*\['In', 'S'\]"):
        read.indices("Cl")


def test_a_trajectory_without_frames_says_so_when_it_is_needed(write_run):
    empty = Trajectory.open(write_run(n_frames=0))
    assert (len(empty), empty.complete) == (0, True)
    assert empty.times_fs.shape == (0,)
    with pytest.raises(TrajectoryError, match="no complete frame"):
        _ = empty.lattice
