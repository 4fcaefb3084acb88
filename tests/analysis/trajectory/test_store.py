import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ionface.analysis.trajectory.store import (
    PAGE,
    STRESSES,
    Header,
    encode_header,
    read_header,
    seal,
    store_digest,
    valid_records,
)
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import TrajectoryError

CELL = np.array([[9.0, 0, 0], [2.0, 8.0, 0], [0, 1.0, 7.0]])

CHILD = """
import os, sys, resource
import numpy as np
from ionface.analysis.trajectory.writer import TrajectoryWriter
path, end = sys.argv[1:]
if end == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096 + 1000, resource.RLIM_INFINITY))
writer = TrajectoryWriter.create(path, ["Li", "F"], np.eye(3) * 5)
for step in range(10**9):
    writer.append(step=step, time_fs=2.0 * step, positions=np.full((2, 3), step * 0.1))
    if end == "exit" and step == 6:
        os._exit(9)
    print(step, flush=True)
"""


def start_child(path, end, **options):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), end], text=True, **options
    )


def test_every_field_of_a_frame_comes_back(tmp_path):
    path = tmp_path / "run.iftraj"
    rng = np.random.default_rng(1)
    positions, velocities = rng.normal(size=(2, 3, 3))
    with TrajectoryWriter.create(
        path,
        ["Li", "P", "S"],
        None,
        velocities=True,
        thermostat=2,
        pbc=(1, 1, 0),
        sources=["job 7"],
        meta={"quick": True},
    ) as writer:
        writer.append(
            step=4,
            time_fs=8.0,
            positions=positions,
            velocities=velocities,
            thermostat=[0.1, 0.2],
            lattice=CELL,
            potential_energy=-3.0,
            kinetic_energy=0.5,
            temperature=300.0,
            conserved=-2.5,
        )
    read = Trajectory.open(path)
    frame = read.frame(0)
    assert (read.species, read.pbc) == (("Li", "P", "S"), (True, True, False))
    assert (read.sources, read.meta) == (("job 7",), {"quick": True})
    assert (frame.step, frame.time_fs) == (4, 8.0)
    np.testing.assert_array_equal(frame.positions, positions)
    np.testing.assert_array_equal(frame.velocities, velocities)
    np.testing.assert_array_equal(frame.thermostat, [0.1, 0.2])
    np.testing.assert_array_equal(frame.lattice, CELL)
    assert frame.scalars == {
        "potential_energy": -3.0,
        "kinetic_energy": 0.5,
        "temperature": 300.0,
        "conserved": -2.5,
    }


def test_a_resumed_file_equals_one_written_in_one_go(write_run, tmp_path):
    whole = write_run("whole.iftraj", n_frames=6)
    frames = Trajectory.open(whole)
    half = tmp_path / "half.iftraj"
    half.write_bytes(whole.read_bytes()[: -3 * record_size(whole)])
    with TrajectoryWriter.resume(half) as writer:
        assert writer.n_frames == 3
        np.testing.assert_array_equal(writer.last["positions"], frames.positions[2])
        for index in range(3, 6):
            writer.append(
                step=index,
                time_fs=2.0 * index,
                positions=frames.positions[index],
                potential_energy=-float(index),
            )
    assert half.read_bytes() == whole.read_bytes()


def record_size(path):
    """Return the size of a record, from two files that differ by frames alone."""
    return (path.stat().st_size - 4096) // Trajectory.open(path).n_frames


def test_resume_cuts_off_a_torn_frame_wherever_it_was_torn(write_run):
    path = write_run(n_frames=3)
    data, size = path.read_bytes(), record_size(path)
    for kept in range(1, size):
        path.write_bytes(data[: len(data) - kept])
        with TrajectoryWriter.resume(path) as writer:
            assert writer.n_frames == 2
        assert path.read_bytes() == data[:-size]


def test_resume_cuts_off_frames_that_never_reached_the_disk(write_run):
    path = write_run(n_frames=4)
    data, size = path.read_bytes(), record_size(path)
    path.write_bytes(data[: -2 * size] + bytes(2 * size))
    with TrajectoryWriter.resume(path) as writer:
        assert writer.n_frames == 2
    assert path.read_bytes() == data[: -2 * size]


def test_a_process_that_dies_between_frames_loses_none(tmp_path):
    path = tmp_path / "run.iftraj"
    child = start_child(path, "exit", stdout=subprocess.DEVNULL)
    assert child.wait(60) == 9
    assert Trajectory.open(path).n_frames == 7


def test_a_process_killed_while_writing_leaves_only_whole_frames(tmp_path):
    path = tmp_path / "run.iftraj"
    with start_child(path, "never", stdout=subprocess.PIPE) as child:
        told = -1
        for _ in range(50):
            told = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        told = max([told, *(int(x) for x in child.stdout.read().splitlines())])
    with TrajectoryWriter.resume(path) as writer:
        assert writer.n_frames >= told + 1
    read = Trajectory.open(path)
    assert not read.skipped.count
    np.testing.assert_allclose(read.positions[:, 0, 0], 0.1 * read.steps)


def test_a_full_disk_is_said_and_costs_no_whole_frame(tmp_path):
    path = tmp_path / "run.iftraj"
    child = start_child(path, "full", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = child.communicate()[1]
    assert child.returncode == 1
    assert "cannot write step" in message
    assert "free some space and resume" in message
    read = Trajectory.open(path)
    assert not read.skipped.count
    assert read.n_frames == 1000 // (6 * 8 + 2 * 3 * 8 + 8)
    with TrajectoryWriter.resume(path) as writer:
        writer.append(step=1000, time_fs=0.0, positions=np.zeros((2, 3)))


def test_a_second_writer_is_refused_until_the_first_closes(write_run):
    path = write_run(n_frames=2)
    first = TrajectoryWriter.resume(path)
    with pytest.raises(TrajectoryError, match="another process is writing"):
        TrajectoryWriter.resume(path)
    first.close()
    first.close()
    TrajectoryWriter.resume(path).close()


def test_a_new_file_is_locked_from_birth(tmp_path):
    path = tmp_path / "new.iftraj"
    writer = TrajectoryWriter.create(path, ["Li"], np.eye(3))
    with pytest.raises(TrajectoryError, match="another process is writing"):
        TrajectoryWriter.resume(path)
    writer.close()


def test_create_never_overwrites_and_leaves_no_litter(write_run):
    path = write_run(n_frames=2)
    before = path.read_bytes()
    with pytest.raises(TrajectoryError, match="resume it or remove it"):
        TrajectoryWriter.create(path, ["Li"], np.eye(3))
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(TrajectoryError, match="cannot create"):
        TrajectoryWriter.create(tmp_path / "no" / "run.iftraj", ["Li"], np.eye(3))
    with pytest.raises(TrajectoryError, match="create the trajectory first"):
        TrajectoryWriter.resume(tmp_path / "run.iftraj")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"positions": np.zeros((3, 3))}, "shape"),
        ({"positions": np.full((2, 3), np.nan)}, "NaN or infinity"),
        ({"velocities": np.zeros((2, 3))}, "velocities: False"),
        ({"lattice": np.eye(3)}, "lattice: False"),
        ({"step": 1}, "does not advance"),
        ({"step": 0}, "does not advance"),
    ],
)
def test_a_frame_that_breaks_the_header_is_refused_and_not_written(
    tmp_path, change, complaint
):
    good = {"time_fs": 0.0, "positions": np.zeros((2, 3))}
    with TrajectoryWriter.create(
        tmp_path / "run.iftraj", ["Li", "F"], np.eye(3)
    ) as writer:
        writer.append(step=1, **good)
        with pytest.raises(TrajectoryError, match=complaint):
            writer.append(**({"step": 2} | good | change))
        writer.append(step=2, **good)
    assert Trajectory.open(tmp_path / "run.iftraj").steps.tolist() == [1, 2]


def test_a_missing_promised_field_is_refused(tmp_path):
    with (
        TrajectoryWriter.create(
            tmp_path / "run.iftraj", ["Li"], np.eye(3), velocities=True
        ) as writer,
        pytest.raises(TrajectoryError, match="velocities: True"),
    ):
        writer.append(step=0, time_fs=0.0, positions=np.zeros((1, 3)))


def test_a_flat_cell_and_an_empty_one_are_refused(tmp_path):
    with pytest.raises(TrajectoryError, match="three independent vectors"):
        TrajectoryWriter.create(tmp_path / "a", ["Li"], np.ones((3, 3)))
    with pytest.raises(TrajectoryError, match="at least one atom"):
        TrajectoryWriter.create(tmp_path / "a", [], np.eye(3))
    with pytest.raises(TrajectoryError, match="must be JSON"):
        TrajectoryWriter.create(tmp_path / "a", ["Li"], np.eye(3), meta={"x": {1}})


def test_frames_are_flushed_to_the_disk_after_the_interval(tmp_path, monkeypatch):
    now, synced = [0.0], []
    writer = TrajectoryWriter.create(
        tmp_path / "run.iftraj", ["Li"], np.eye(3), clock=lambda: now[0]
    )
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(now[0]))
    for step, seconds in enumerate([0.0, 4.9, 5.0, 6.0, 10.1]):
        now[0] = seconds
        writer.append(step=step, time_fs=0.0, positions=np.zeros((1, 3)))
    assert synced == [5.0, 10.1]
    writer.close()
    assert len(synced) == 3


def test_writing_a_closed_trajectory_is_refused(write_run):
    writer = TrajectoryWriter.resume(write_run())
    writer.close()
    with pytest.raises(TrajectoryError, match="is closed"):
        writer.append(step=99, time_fs=0.0, positions=np.zeros((4, 3)))


def test_a_frame_costs_little_beside_a_step_of_dynamics(tmp_path):
    positions = np.zeros((264, 3))
    with TrajectoryWriter.create(
        tmp_path / "run.iftraj", ["Li"] * 264, np.eye(3) * 20
    ) as writer:
        start = time.process_time()
        for step in range(1000):
            writer.append(step=step, time_fs=0.0, positions=positions)
        assert time.process_time() - start < 1.0


HEADER = Header(
    species=("Li", "F"),
    lattice=((4.0, 0.1, 0.2), (0.0, 5.0, 0.3), (0.0, 0.0, 6.0)),
    pbc=(True, True, False),
    velocities=True,
    thermostat=3,
    sources=("a", "b"),
    meta={"quick": True},
)


def test_a_header_comes_back_as_it_was(tmp_path):
    (tmp_path / "f").write_bytes(encode_header(HEADER))
    with (tmp_path / "f").open("rb") as stream:
        assert read_header(stream, tmp_path / "f") == (HEADER, PAGE)


def test_files_without_stress_keep_the_header_and_digest_that_they_always_had():
    assert b'"stress"' not in encode_header(HEADER)


def test_stress_comes_back_also_from_a_copy(tmp_path):
    rows = np.arange(12.0).reshape(2, 6)
    path = tmp_path / "run.ionf"
    with TrajectoryWriter.create(path, ["Li"], np.eye(3) * 9, stress=True) as writer:
        for step, row in enumerate(rows):
            writer.append(step=step, time_fs=0.0, positions=[[0, 0, 0]], stress=row)
        with pytest.raises(TrajectoryError, match="says stress: True"):
            writer.append(step=2, time_fs=0.0, positions=[[0, 0, 0]])
    Trajectory.open(path).write(tmp_path / "copy.ionf")
    for file in (path, tmp_path / "copy.ionf"):
        scalars = Trajectory.open(file).scalars
        assert (
            np.array([scalars[name] for name in STRESSES]).T.tolist() == rows.tolist()
        )


@pytest.mark.parametrize("atoms", [1, 100, 5000])
def test_records_begin_on_a_page_however_long_the_header(atoms):
    long = Header(species=("Li",) * atoms, lattice=None)
    assert len(encode_header(long)) % PAGE == 0


def test_another_format_version_is_refused_by_number(tmp_path):
    data = bytearray(encode_header(HEADER))
    data[8] = 2
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(TrajectoryError, match="has trajectory format 2"):
        read_header(io.BytesIO(bytes(data)), tmp_path / "f")


@pytest.mark.parametrize("velocities", [True, False])
@pytest.mark.parametrize("thermostat", [0, 1, 3])
@pytest.mark.parametrize("lattice", [None, HEADER.lattice])
def test_every_field_is_aligned_to_eight_bytes(velocities, thermostat, lattice):
    header = Header(("Li",) * 3, lattice, velocities=velocities, thermostat=thermostat)
    dtype = header.record_dtype()
    assert dtype.itemsize % 8 == 0
    assert all(dtype.fields[name][1] % 8 == 0 for name in dtype.names if name != "crc")


def test_only_sealed_records_are_valid():
    dtype = HEADER.record_dtype()
    records = np.frombuffer(
        b"".join(seal(np.ones((), dtype=dtype)) for _ in range(3)), dtype=dtype
    ).copy()
    records["positions"][1, 0, 0] += 1e-15
    assert valid_records(records).tolist() == [True, False, True]
    assert not valid_records(np.zeros(4, dtype=dtype)).any()


def test_the_digest_of_a_file_stands_for_all_its_bytes(write_run, tmp_path):
    path = write_run(n_frames=3, n_atoms=1)
    recorded = store_digest(path)
    copy = tmp_path / "copy.ionf"
    copy.write_bytes(path.read_bytes())
    assert store_digest(copy) == recorded
    data = path.read_bytes()
    for offset in (30, 4096 + 17, len(data) - 2):
        damaged = bytearray(data)
        damaged[offset] ^= 0x01
        copy.write_bytes(damaged)
        with pytest.raises(TrajectoryError, match=r"damaged|not the trajectory"):
            Trajectory.open(copy, sha256=recorded)
    copy.write_bytes(data[:-20])
    with pytest.raises(TrajectoryError, match="not the trajectory that was recorded"):
        Trajectory.open(copy, sha256=recorded)
    assert len(Trajectory.open(path, sha256=recorded)) == 3
