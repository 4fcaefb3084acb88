"""What ASE reads, and what it must not be handed; the forms are in test_forms.py."""

import gzip
import tracemalloc

import ase
import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms, FixCom, FixedPlane

from ionface.analysis.readers import open_trajectory, text
from ionface.errors import AnalysisError

CELL = np.diag([8.0, 9.0, 10.0])
COMMENT = 'Lattice="8 0 0 0 9 0 0 0 10" Properties=species:S:1:pos:R:3'


def frame(*comment, rows=("Li 0 0 0", "O 1 2 3")):
    return "\n".join([str(len(rows)), " ".join([COMMENT, *comment]), *rows]) + "\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name="run.xyz"):
        data = content.encode() if isinstance(content, str) else content
        packed = gzip.compress(data, 1) if name.endswith(".gz") else data
        (tmp_path / name).write_bytes(packed)
        return tmp_path / name

    return write


# --- what would fill the memory -----------------------------------------------------

LONG = "x" * (1 << 26)
HEAD = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.extxyz", LONG),
        ("a.extxyz", f"2\n{LONG}\nLi 0 0 0\nO 1 1 1\n"),
        ("a.extxyz", f"2\n\nLi 0 0 0{LONG}\nO 1 1 1\n"),
        ("a.lammpstrj", LONG),
        ("a.lammpstrj", HEAD + LONG),
        ("a.lammpstrj", f"{HEAD}1\nITEM: BOX BOUNDS pp pp pp\n{LONG}"),
        ("XDATCAR", LONG),
        ("vasprun.xml", "<modeling>" + LONG),
        ("OUTCAR", "vasp.6" + LONG),
    ],
    ids=lambda value: value[:30].replace("\n", " "),
)
def test_a_line_that_never_ends_does_not_fill_the_memory(write, name, content):
    path = write(content, name + ".gz")
    assert path.stat().st_size < len(content) / 100
    tracemalloc.start()
    with pytest.raises(AnalysisError):
        open_trajectory(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # vasprun.xml and OUTCAR may have long headers, which are looked through
    assert peak < (400e6 if name in ("vasprun.xml", "OUTCAR") else 40e6)


def test_a_frame_of_endless_short_lines_ends(write, monkeypatch):
    monkeypatch.setattr(text, "LONGEST_FRAME", 1 << 20)
    many = "9999999\n\n" + "Li 0 0 0\n" * (1 << 18)
    with pytest.raises(AnalysisError, match="a frame is longer than 1048576 bytes"):
        open_trajectory(write(many, "run.xyz.gz"))


def test_what_decompresses_without_end_is_refused(write, monkeypatch, tmp_path):
    monkeypatch.setattr(text, "LEAST_BOMB", 1 << 20)
    path = write(b"- of Ulm" + bytes(1 << 24), "run.traj.gz")
    with pytest.raises(AnalysisError, match="100 times its size, as no trajectory"):
        open_trajectory(path)


@pytest.mark.parametrize("count", ["0", "-1", "1e9", "99999999999", "two", "9" * 5000])
def test_absurd_numbers_of_atoms_are_none(write, count):
    for content in (f"{count}\n\nLi 0 0 0\n", f"{HEAD}{count}\nITEM: ATOMS id\n"):
        name = "run.lammpstrj" if "ITEM" in content else "run.xyz"
        with pytest.raises(AnalysisError, match="is no number of atoms"):
            open_trajectory(write(content, name))


# --- frames that cannot be ----------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("O 1 2 3", "O 1 2 3e+38", "farther than 10000 Å"),
        ("0 10", "0 2305000", "longer than 10000 Å"),
        ("0 9 0 ", "0 0.001 0 ", "less than 1 Å³ for each atom"),
        ("O 1 2 3", "O 1 2 nan", "no number"),
        ("O 1 2 3", "O 1 2", "cannot be read"),
        ("O 1 2 3", "O 1 2 x", "cannot be read"),
        ("2\n", "\n2\n", "follows an empty line"),
    ],
)
def test_frames_end_before_one_that_cannot_be(write, old, new, why):
    whole = frame()
    found = open_trajectory(write(whole * 2 + whole.replace(old, new, 1) + whole))
    np.testing.assert_array_equal(found.positions, [[[0, 0, 0], [1, 2, 3]]] * 2)
    assert why in found.skipped.reason


@pytest.mark.parametrize(
    ("name", "new"),
    [("run.xyz", "O 1 2 \n3"), ("run.xyz", "O 1 2 3.\n5"), ("run.xyz", "O 1 2 3\n7")],
)
def test_a_frame_that_no_other_follows_is_not_trusted(write, name, new):
    """A line end in its last number leaves a rest in a line of its own."""
    whole = frame()
    found = open_trajectory(write(whole + whole.replace("O 1 2 3", new) + whole, name))
    assert len(found) <= 1
    assert "cannot be read" in found.skipped.reason


def test_a_flipped_bit_far_away_is_seen_in_a_traj(tmp_path):
    images = [ase.Atoms("LiO", [[0, 0, 0], [1, 2, 3]], cell=CELL, pbc=True)] * 3
    images[1] = images[1].copy()
    images[1].positions[1, 2] = 3.5e38
    ase.io.write(tmp_path / "run.traj", images)
    found = open_trajectory(tmp_path / "run.traj")
    assert (len(found), found.skipped.count) == (1, 1)


def test_rows_of_other_species_exchanged_are_refused(write):
    whole = frame()
    other = frame(rows=("O 1 2 3", "Li 0 0 0"))
    with pytest.raises(AnalysisError, match="change between frames"):
        open_trajectory(write(whole + other))


# --- times --------------------------------------------------------------------------


def test_times_that_frames_tell_are_theirs(write):
    content = "".join(frame(f"time_ps={t} step={s}") for t, s in ((1, 5), (1.5, 9)))
    found = open_trajectory(write(content))
    assert found.times_fs.tolist() == [0, 500]
    assert found.steps.tolist() == [0, 4]
    assert found.notes == ()


def test_a_time_without_a_unit_is_taken_in_fs_and_noted(write):
    found = open_trajectory(write(frame("Time=1") + frame("Time=3")))
    assert found.times_fs.tolist() == [0, 2]
    assert "taken to be in fs" in found.notes[0]


def test_a_given_time_goes_before_and_is_noted(write):
    path = write(frame("time_fs=1") + frame("time_fs=3"))
    found = open_trajectory(path, timestep_fs=4.0)
    assert found.times_fs.tolist() == [0, 4]
    assert "4 fs between frames as given; it says 2" in found.notes[0]
    assert open_trajectory(path, timestep_fs=2.0).notes == ()


@pytest.mark.parametrize("times", [(0, 0, 0), (0, 1, None)])
def test_times_that_tell_nothing_leave_it_unknown(write, times):
    words = ["" if t is None else f"time_fs={t}" for t in times]
    assert not open_trajectory(write("".join(map(frame, words)))).timed


def test_times_that_restart_begin_a_segment(write):
    moving = [(f"O 1 2 {3 + i / 10}", t) for i, t in enumerate((0, 1, 2, 0, 1))]
    rows = [frame(f"time_fs={t}", rows=("Li 0 0 0", row)) for row, t in moving]
    found = open_trajectory(write("".join(rows)))
    assert len(found) == 5
    assert any("restart" in note for note in found.notes)


# --- cells and constraints ----------------------------------------------------------


@pytest.mark.parametrize(
    ("lattice", "expected"),
    [
        ([8, 9, 10], CELL),
        ([8, 9, 10, 90, 90, 90], CELL),
        (CELL, CELL),
        (CELL.ravel(), CELL),
        ([2, 2, 2, 90, 90, 60], [[2, 0, 0], [1, 3**0.5, 0], [0, 0, 2]]),
    ],
)
def test_a_cell_is_given_in_the_usual_ways(write, lattice, expected):
    path = write("2\n\nLi 0 0 0\nO 1 1 1\n")
    found = open_trajectory(path, lattice=lattice)
    np.testing.assert_allclose(found.lattice, expected, atol=1e-12)
    assert found.pbc == (True, True, True)


@pytest.mark.parametrize("lattice", [[8, 9], [8, 9, 0], [8, 9, 10, 90, 90, 180]])
def test_what_is_no_cell_is_refused(write, lattice):
    path = write("2\n\nLi 0 0 0\nO 1 1 1\n")
    with pytest.raises(AnalysisError, match="is no cell; give three lengths"):
        open_trajectory(path, lattice=lattice)


def test_a_cell_that_the_file_tells_is_not_replaced(write, tmp_path, run):
    (tmp_path / "XDATCAR").write_text(run.xdatcar())
    for path in (write(frame()), tmp_path / "XDATCAR"):
        with pytest.raises(AnalysisError, match="tells its own cell"):
            open_trajectory(path, lattice=[8, 9, 10])


def test_constraints_that_hold_no_coordinate_are_noted(tmp_path):
    atoms = ase.Atoms("LiO2", [[0, 0, 0], [1, 2, 3], [4, 4, 4]], cell=CELL, pbc=True)
    atoms.set_constraint([FixAtoms([0]), FixedPlane([1], [0, 0, 1]), FixCom()])
    ase.io.write(tmp_path / "run.traj", atoms)
    for source in (tmp_path / "run.traj", [atoms]):
        found = open_trajectory(source)
        assert found.fixed.tolist() == [[True] * 3, [False] * 3, [False] * 3]
        assert "FixedPlane, FixCom are not followed" in found.notes[0]


@pytest.mark.parametrize("number", [-3, 119, 300])
def test_numbers_that_no_element_has_are_refused(tmp_path, number):
    atoms = ase.Atoms("LiF", positions=[[0, 0, 0], [2, 0, 0]], cell=[9, 9, 9])
    atoms.numbers[1] = number
    path = tmp_path / "run.traj"
    with ase.io.trajectory.TrajectoryWriter(path) as writer:
        writer.write(atoms)
    with pytest.raises(AnalysisError, match=f"atomic numbers from .*{number}.*damaged"):
        open_trajectory(path)
