"""The cache of read frames: flat memory, and nothing that outlives its source."""

import os
import shutil

import numpy as np
import pytest

import ionface.analysis.readers.cache_files
import ionface.analysis.readers.frame_cache
from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.cache_files import cache_folder
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.errors import AnalysisError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return a cache folder that keeps even the shortest trajectory."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("IONFACE_CACHE", str(folder))
    monkeypatch.setattr(ionface.analysis.readers.frame_cache, "IN_MEMORY", 0)
    return folder


@pytest.fixture
def source(tmp_path, run):
    path = tmp_path / "XDATCAR"
    path.write_text(run.xdatcar())
    return path


@pytest.fixture
def readings(monkeypatch):
    """Return a list that grows by each reading of a source's frames."""
    taken, chunks = [], XdatcarStream.chunks

    def counted(self, final=True):
        taken.append(self.path)
        return chunks(self, final)

    monkeypatch.setattr(XdatcarStream, "chunks", counted)
    return taken


def mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def test_a_second_opening_takes_the_frames_from_the_cache(
    cache, source, readings, content
):
    first, second = (open_trajectory(source, 2.0) for _ in range(2))
    assert len(readings) == 1
    assert mapped(first.positions)
    assert mapped(second.positions)
    assert content(first) == content(second)
    assert [f.suffix for f in cache.iterdir()] == [".frames"]


def test_what_is_cached_does_not_depend_on_the_time_given(cache, source, readings):
    for interval in (2.0, 5.0):
        assert open_trajectory(source, interval).times_fs[1] == interval
    assert len(readings) == 1


def test_a_file_that_grew_is_a_new_file(cache, source, readings, make_run):
    open_trajectory(source, 2.0)
    source.write_text(make_run(9).xdatcar())
    assert len(open_trajectory(source, 2.0)) == 9
    assert len(readings) == 2


def test_a_file_of_the_same_size_changed_later_is_a_new_file(cache, source, make_run):
    open_trajectory(source, 2.0)
    other = make_run(seed=5)
    found = source.stat()
    source.write_text(other.xdatcar())
    os.utime(source, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    run = open_trajectory(source, 2.0)
    np.testing.assert_allclose(run.positions, other.positions)


def test_another_version_of_the_readers_reads_again(
    cache, source, readings, monkeypatch
):
    open_trajectory(source, 2.0)
    monkeypatch.setattr(ionface.analysis.readers.cache_files, "READER_VERSION", 10**6)
    open_trajectory(source, 2.0)
    assert len(readings) == 2


def test_everything_about_a_truncated_variable_cell_comes_back(
    cache, tmp_path, run, content
):
    text = run.xdatcar()
    wider = text.replace("    8.000000", "    8.500000")
    path = tmp_path / "XDATCAR"
    path.write_text(text + wider.replace("=     ", "=    1")[:-30])
    first, second = (open_trajectory(path, 2.0) for _ in range(2))
    assert len(first) == 11
    assert "11 complete frames" in first.skipped.reason
    assert first.skipped == second.skipped
    assert content(first) == content(second)
    assert second.segments[0].lattices[:, 0, 0].tolist() == [8.0] * 6 + [8.5] * 5


@pytest.mark.parametrize("cut", [0, 5, 60, 400])
def test_a_damaged_cache_is_read_again(cache, source, readings, cut, content):
    right = content(open_trajectory(source, 2.0))
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:cut])
    assert content(open_trajectory(source, 2.0)) == right
    assert len(readings) == 2


def test_a_file_that_is_no_cache_is_read_again(cache, source, content):
    right = content(open_trajectory(source, 2.0))
    (kept,) = cache.iterdir()
    data = bytearray(kept.read_bytes())
    data[-60] ^= 1
    kept.write_bytes(data)
    assert content(open_trajectory(source, 2.0)) == right


def test_the_files_used_longest_ago_leave_first(cache, tmp_path, make_run, monkeypatch):
    paths = []
    for seed in range(4):
        paths.append(tmp_path / f"XDATCAR{seed}")
        paths[-1].write_text(make_run(seed=seed).xdatcar())
        open_trajectory(paths[-1], 2.0)
        if seed == 2:
            size = sum(f.stat().st_size for f in cache.iterdir())
            limit = "ionface.analysis.readers.cache_files.LARGEST_CACHE"
            monkeypatch.setattr(limit, size)
            open_trajectory(paths[0], 2.0)  # used again: the second is now the oldest
    kept = {f.stem for f in cache.iterdir()}
    keys = [ionface.analysis.readers.cache_files.source_key(path) for path in paths]
    assert [key in kept for key in keys] == [True, False, True, True]


def test_a_cache_that_cannot_be_written_does_no_harm(
    source, monkeypatch, tmp_path, content
):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("IONFACE_CACHE", str(blocked / "cache"))
    right = content(open_trajectory(source, 2.0))
    monkeypatch.setattr(ionface.analysis.readers.frame_cache, "IN_MEMORY", 0)
    run = open_trajectory(source, 2.0)
    assert mapped(run.positions)
    assert content(run) == right


class Full:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def write(self, data):
        if len(data) > self._room:
            raise OSError(28, "No space left on device")
        self._room -= len(data)
        return self._stream.write(data)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def test_a_disk_that_fills_up_moves_the_frames_elsewhere(
    cache, source, monkeypatch, content
):
    right = content(open_trajectory(source, 2.0))
    shutil.rmtree(cache)
    place = ionface.analysis.readers.cache_files.SpoolFile._next_place

    def small(self):
        stream = place(self)
        return Full(stream, 200) if self._in_cache else stream

    monkeypatch.setattr(
        ionface.analysis.readers.cache_files.SpoolFile, "_next_place", small
    )
    run = open_trajectory(source, 2.0)
    assert content(run) == right
    assert mapped(run.positions)
    assert not list(cache.iterdir())


def test_no_room_anywhere_is_told(cache, source, monkeypatch):
    place = ionface.analysis.readers.cache_files.SpoolFile._next_place
    full = lambda self: Full(place(self), 200)  # noqa: E731
    monkeypatch.setattr(
        ionface.analysis.readers.cache_files.SpoolFile, "_next_place", full
    )
    with pytest.raises(AnalysisError, match="IONFACE_CACHE or TMPDIR"):
        open_trajectory(source, 2.0)
    assert not list(cache.iterdir())


def test_a_failed_reading_leaves_no_file(cache, source, monkeypatch):
    def broken(self, final=True):
        yield from list(chunks(self, final))
        raise RuntimeError

    chunks = XdatcarStream.chunks
    monkeypatch.setattr(XdatcarStream, "chunks", broken)
    with pytest.raises(RuntimeError):
        open_trajectory(source, 2.0)
    assert not list(cache.iterdir())


def test_the_cache_can_be_turned_off_and_has_a_place_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("IONFACE_CACHE", "off")
    assert cache_folder() is None
    monkeypatch.delenv("IONFACE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ionface" / "trajectories"


def test_short_trajectories_leave_no_file(source, monkeypatch, tmp_path):
    monkeypatch.setenv("IONFACE_CACHE", str(tmp_path / "cache"))
    assert not mapped(open_trajectory(source, 2.0).positions)
    assert not (tmp_path / "cache").exists()
