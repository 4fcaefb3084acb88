"""Damaged files of every kind: right frames and a reason, or an error; nothing else."""

import bz2
import gzip
import io
import lzma
import tracemalloc
import warnings

import ase
import ase.io
import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import AnalysisError

TEXTS = {
    "xdatcar": "XDATCAR",
    "vasprun": "vasprun.xml",
    "outcar": "OUTCAR",
    "extxyz": "run.extxyz",
    "dump": "run.lammpstrj",
}
PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
# Anything but what may stand in a number: exchanging digits cannot be noticed.
GARBAGE = b"xyzEe<>&*/?_#\x00\xff\n\t :;="


def frames(path, **choices):
    """Return the trajectory of a file, None where it is refused, and the reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = open_trajectory(path, timestep_fs=2.0)
        except AnalysisError as error:
            return None, f"refused: {error}"
    assert bool(found.skipped.count) == bool(found.skipped.reason)
    return found, found.skipped.reason


def assert_first(found, run, atol=0.51e-5):
    """Assert that these are the first frames of the run, each at its time."""
    if found is None or not len(found):
        return
    assert len(found) <= run.n
    right = run.positions[: len(found)]
    if "OUTCAR" in found.sources[0]:  # a table without its title leaves a gap
        difference = np.abs(found.positions[:, None] - run.positions).max(axis=(2, 3))
        assert (np.diff(difference.argmin(axis=1)) > 0).all()
        right = run.positions[difference.argmin(axis=1)]
    np.testing.assert_allclose(found.positions, right, atol=atol)


@pytest.fixture(params=["few", pytest.param("many", marks=pytest.mark.slow)])
def rounds(request):
    """Return how many damaged copies each test tries: --rounds in the slow suite."""
    return 20 if request.param == "few" else request.config.getoption("--rounds")


@pytest.fixture(params=TEXTS)
def text(request, tmp_path, run):
    """Return the path to write to and the whole text of one format."""
    return tmp_path / TEXTS[request.param], getattr(run, request.param)().encode()


def test_cut_anywhere(text, run, rounds):
    path, whole = text
    rng = np.random.default_rng(1)
    for length in [0, 1, *rng.integers(2, len(whole) - 2, rounds)]:
        path.write_bytes(whole[:length])
        found, reason = frames(path)
        assert_first(found, run)
        seam = whole[:length].endswith(b"\n") or whole[length : length + 1] == b"\n"
        over = path.name == "OUTCAR" and b"accounting" in whole[:length]
        assert reason or over or (path.name not in ("vasprun.xml", "OUTCAR") and seam)


def test_bytes_replaced_by_garbage(text, run, rounds):
    path, whole = text
    rng = np.random.default_rng(2)
    for _ in range(3 * rounds):
        damaged = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            place = rng.integers(len(whole))
            if whole[place] != ord("-"):  # a sign that is blank is no damage to see
                damaged[place] = rng.choice(list(GARBAGE))
        path.write_bytes(damaged)
        assert_first(frames(path)[0], run)


def test_bytes_replaced_by_anything(text, run, rounds):
    path, whole = text
    rng = np.random.default_rng(3)
    for _ in range(rounds):
        damaged = bytearray(whole)
        for _ in range(rng.integers(1, 30)):
            damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged)
        frames(path)


def test_lines_left_out(text, run, rounds):
    path, whole = text
    lines = whole.splitlines(keepends=True)
    rng = np.random.default_rng(4)
    for place in rng.integers(0, len(lines), rounds):
        path.write_bytes(b"".join(lines[:place] + lines[place + 1 :]))
        assert_first(frames(path)[0], run)


def test_lines_exchanged_or_repeated(text, run, rounds):
    path, whole = text
    rng = np.random.default_rng(5)
    for _ in range(rounds):
        lines = whole.splitlines(keepends=True)
        i, j = rng.integers(0, len(lines), 2)
        lines[i], lines[j] = lines[j], lines[i]
        path.write_bytes(b"".join(lines))
        frames(path)
        lines.insert(i, lines[j])
        path.write_bytes(b"".join(lines))
        frames(path)


def test_without_its_head(text, run):
    path, whole = text
    if path.name.startswith("run."):
        pytest.skip(
            "its frames stand each for itself: without the first, five are left"
        )
    lines = whole.splitlines(keepends=True)
    for count in range(1, min(40, len(lines))):
        path.write_bytes(b"".join(lines[count:]))
        assert_first(frames(path)[0], run)


def test_followed_by_another_system(text, run):
    path, whole = text
    other = whole.replace(b"In", b"Ga").replace(b"     2     3", b"     3     2")
    path.write_bytes(whole + other)
    found, _ = frames(path)
    assert_first(found, run)
    assert found is None or len(found) == run.n


def test_noise(text, tmp_path):
    path, _ = text
    rng = np.random.default_rng(6)
    for size in (1, 10, 1000, 100_000):
        path.write_bytes(rng.bytes(size))
        assert not frames(path)[0]
        path.write_bytes(rng.choice(list(b"0123456789. \n-"), size).astype("u1"))
        assert not frames(path)[0]


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_and_cut(text, make_run, suffix):
    path, _ = text
    run = make_run(40)
    name = {value: key for key, value in TEXTS.items()}[path.name]
    packed = PACK[suffix](getattr(run, name)().encode())
    path = path.with_name(path.name + suffix)
    for length in np.random.default_rng(7).integers(1, len(packed), 12):
        path.write_bytes(packed[:length])
        found, reason = frames(path)
        assert reason
        assert_first(found, run)


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_and_damaged(text, make_run, suffix):
    path, _ = text
    run = make_run(40)
    name = {value: key for key, value in TEXTS.items()}[path.name]
    packed = PACK[suffix](getattr(run, name)().encode())
    path = path.with_name(path.name + suffix)
    rng = np.random.default_rng(8)
    for _ in range(12):
        damaged = bytearray(packed)
        damaged[rng.integers(len(packed))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        assert_first(frames(path)[0], run)


@pytest.mark.parametrize(
    "count", [b"999999999999", b"-5", b"0", b"1e9", b"2_3", b"\xc2\xb2", b"9" * 5000]
)
def test_absurd_numbers_of_atoms_do_not_fill_the_memory(tmp_path, run, count):
    path = tmp_path / "XDATCAR"
    path.write_bytes(run.xdatcar().encode().replace(b"     2     3", b"  2 " + count))
    tracemalloc.start()
    assert not frames(path)[0]
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


BOMBS = [
    '<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    '<!DOCTYPE m SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_entities_are_refused_wherever_they_stand(tmp_path, run, bomb):
    path = tmp_path / "vasprun.xml"
    whole = run.vasprun()
    path.write_text(whole.replace("<modeling>", bomb + "<modeling>", 1))
    assert frames(path)[0] is None
    path.write_text(whole.replace("<scstep>", bomb + "<scstep>&b;", 3))
    assert_first(frames(path)[0], run)


def test_a_step_that_never_closes_does_not_fill_the_memory(tmp_path, make_run):
    run = make_run(400)
    path = tmp_path / "vasprun.xml"
    text = run.vasprun().replace(run.step(1), run.step(1).replace("</calc", "</xalc"))
    path.write_text(text)
    found, reason = frames(path)
    assert_first(found, run)
    assert len(found) == 1
    assert "inside another" in reason


def test_a_damaged_h5_file(tmp_path, run, rounds):
    pytest.importorskip("h5py", reason="reading vaspout.h5 needs h5py")
    path = run.vaspout(tmp_path / "vaspout.h5")
    whole = path.read_bytes()
    rng = np.random.default_rng(9)
    for _ in range(rounds):
        damaged = bytearray(whole)
        # The data themselves carry no checksum; what surrounds them is damaged here.
        for place in rng.integers(0, 800, rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        frames(path)
    for length in rng.integers(0, len(whole), rounds // 3):
        path.write_bytes(whole[:length])
        assert frames(path)[0] is None


def test_a_damaged_file_of_ase(tmp_path, run, rounds):
    images = [
        ase.Atoms(run.species, frame, cell=run.lattice, pbc=True)
        for frame in run.positions
    ]
    rng = np.random.default_rng(10)
    for name in ("run.extxyz", "run.traj"):
        path = tmp_path / name
        ase.io.write(path, images)
        whole = path.read_bytes()
        for length in rng.integers(0, len(whole), rounds // 2):
            path.write_bytes(whole[:length])
            found, reason = frames(path)
            assert_first(found, run, atol=1e-7)
            assert reason or whole[:length].endswith(b"\n") or found is None
        for _ in range(rounds // 2):
            damaged = bytearray(whole)
            damaged[rng.integers(len(whole))] = rng.integers(256)
            path.write_bytes(damaged)
            frames(path)


def test_a_damaged_file_of_our_own(tmp_path, run, rounds):
    path = tmp_path / "run.ionf"
    with TrajectoryWriter.create(path, run.species, run.lattice) as writer:
        for step, frame in enumerate(run.positions):
            writer.append(step=step, time_fs=2.0 * step, positions=frame)
    whole = path.read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(rounds):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            found = open_trajectory(path)
        except AnalysisError:
            continue
        right = run.positions[found.steps]
        np.testing.assert_array_equal(found.positions, right.reshape(-1, 5, 3))


def test_a_folder_of_rubbish(tmp_path):
    rng = np.random.default_rng(12)
    files = "vasprun.xml XDATCAR OUTCAR vaspout.h5 a.traj b.xyz c.ionf"
    for name in files.split():
        (tmp_path / name).write_bytes(rng.bytes(500))
    with pytest.raises(AnalysisError, match="no usable XDATCAR"):
        open_trajectory(tmp_path, timestep_fs=2.0)


def test_the_texts_of_these_tests_are_whole(text, run):
    path, whole = text
    path.write_bytes(whole)
    found, reason = frames(path)
    assert len(found) == run.n
    assert reason == ""
    assert io.BytesIO(whole).read() == whole
