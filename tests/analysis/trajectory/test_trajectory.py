import numpy as np
import pytest

from ionface.analysis.trajectory.joining import join
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import TrajectoryError, UnknownTimeError


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
        assert read.skipped.count == (rest != 0)
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
        assert read.skipped.count


def test_random_bytes_are_no_trajectory(tmp_path):
    path = tmp_path / "noise"
    path.write_bytes(np.random.default_rng(0).bytes(10000))
    with pytest.raises(TrajectoryError, match="not an ionface trajectory"):
        Trajectory.open(path)
    with pytest.raises(TrajectoryError, match="cannot read"):
        Trajectory.open(tmp_path / "absent")


def test_blocks_and_frames_walk_through_the_same_atoms(write_run):
    paths = [write_run(f"{i}.iftraj", n_frames=5, first=5 * i, seed=i) for i in (0, 1)]
    joined = join([Trajectory.open(path) for path in paths])
    stacked = np.concatenate([block.positions for block in joined.blocks(2)])
    np.testing.assert_array_equal(stacked, joined.positions)
    for index in range(-10, 10):
        np.testing.assert_array_equal(joined.frame(index).positions, stacked[index])
    with pytest.raises(IndexError):
        joined.frame(10)


def test_between_gives_the_frames_asked_for_across_segments(write_run):
    paths = [write_run(f"{i}.iftraj", n_frames=5, first=5 * i, seed=i) for i in (0, 1)]
    joined = join([Trajectory.open(path) for path in paths])
    for start in range(11):
        for stop in range(start, 11):
            part = joined.between(start, stop)
            assert part.steps.tolist() == list(range(start, stop))


def test_an_unknown_species_is_told_with_those_that_exist(write_run):
    read = Trajectory.open(write_run())
    assert read.indices("S").tolist() == [1, 3]
    with pytest.raises(TrajectoryError, match=r"no 'Cl'.*\['In', 'S'\]"):
        read.indices("Cl")


def test_a_trajectory_without_frames_says_so_when_it_is_needed(write_run):
    empty = Trajectory.open(write_run(n_frames=0))
    assert (len(empty), empty.skipped.count) == (0, 0)
    assert empty.times_fs.shape == (0,)
    with pytest.raises(TrajectoryError, match="no complete frame"):
        _ = empty.lattice


CELL = np.diag([4.0, 5.0, 6.0])


def test_arrays_make_a_trajectory_and_ase_gives_them_back():
    positions = np.random.default_rng(0).random((3, 2, 3))
    made = Trajectory.from_arrays(
        ["In", "S"], CELL, positions, 2.0, scalars={"potential_energy": np.arange(3.0)}
    )
    assert made.times_fs.tolist() == [0.0, 2.0, 4.0]
    images = made.to_ase()
    assert [atoms.get_potential_energy() for atoms in images] == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal([a.positions for a in images], positions)
    np.testing.assert_array_equal(images[0].cell.array, CELL)
    assert [frame.step for frame in made] == [0, 1, 2]


def test_the_time_is_asked_for_where_it_is_needed():
    made = Trajectory.from_arrays(["Li"], CELL, np.zeros((2, 1, 3)))
    assert np.isnan(made.times_or_nan_fs).all()
    with pytest.raises(UnknownTimeError, match="timestep_fs="):
        _ = made.times_fs
    assert Trajectory.from_arrays(["Li"], CELL, np.zeros((1, 3))).times_fs == [0.0]


@pytest.mark.parametrize(
    ("lattice", "positions", "complaint"),
    [
        (CELL, np.zeros((2, 2, 3)), r"shape \(n_frames, 1, 3\)"),
        (np.zeros((3, 3, 3)), np.zeros((2, 1, 3)), r"\(3, 3\) or \(2, 3, 3\)"),
        (CELL, np.full((2, 1, 3), np.nan), "finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(lattice, positions, complaint):
    with pytest.raises(TrajectoryError, match=complaint):
        Trajectory.from_arrays(["Li"], lattice, positions)


def test_a_trajectory_is_told_in_a_line(write_run):
    read = Trajectory.open(write_run(n_frames=6))
    assert repr(read).startswith("<Trajectory: 6 frames of In2S2; 0 to 0.01 ps; ")
    made = Trajectory.from_arrays(["Li"], CELL, np.zeros((2, 1, 3)))
    assert repr(made) == "<Trajectory: 2 frames of Li1; unknown times>"


@pytest.mark.parametrize("varies", [False, True])
def test_what_is_written_comes_back(tmp_path, varies):
    rng = np.random.default_rng(1)
    cells = CELL + rng.random((4, 3, 3)) if varies else CELL
    fixed = np.array([[True, True, True], [False, False, True]])
    made = Trajectory.from_arrays(
        ["Li", "F"],
        cells,
        rng.random((4, 2, 3)),
        1.0,
        scalars={"temperature": np.arange(4.0), "e_0_energy": np.arange(4.0)},
        meta={"quick": True},
        notes=("a gap",),
        fixed=fixed,
        pbc=(True, True, False),
    )
    made.write(tmp_path / "a.ionf")
    read = Trajectory.open(tmp_path / "a.ionf")
    np.testing.assert_array_equal(read.positions, made.positions)
    np.testing.assert_array_equal(read.times_fs, made.times_fs)
    np.testing.assert_array_equal(read.frame(3).lattice, made.frame(3).lattice)
    np.testing.assert_array_equal(read.scalars["temperature"], np.arange(4.0))
    assert (read.notes, read.pbc) == (made.notes, made.pbc)
    np.testing.assert_array_equal(read.fixed, fixed)
    assert read.meta["quick"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.ionf"]
