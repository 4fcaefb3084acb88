"""Results on disk: whole, with their digest, where there is room."""

import errno
import os

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster.spool import (
    Entry,
    entries,
    is_disk_refusal,
    read_entry,
    write_entry,
)


@pytest.fixture
def entry():
    import datetime

    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
    document = {"uuid": "a", "x": [1, 2.5, None, 2**40], "é": "Å", "t": now}
    return Entry(3, 4, "COMPLETED", ({"document": document, "save": None},), {"a": 1})


def test_an_entry_comes_back_as_it_was(tmp_path, entry):
    path = write_entry(entry, [tmp_path / "spool" / "3.result"])
    found = read_entry(path)
    assert found.documents == entry.documents
    assert (found.launch, found.firework, found.state) == (3, 4, "COMPLETED")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("cut", [0, 10, 64, 70, -1])
def test_a_damaged_entry_is_recognized(tmp_path, entry, cut):
    path = write_entry(entry, [tmp_path / "3.result"])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(IonfaceError, match="damaged"):
        read_entry(path)


def test_the_next_place_takes_what_the_first_one_cannot(tmp_path, entry):
    blocked = tmp_path / "file"
    blocked.write_text("")
    path = write_entry(entry, [blocked / "3.result", tmp_path / "b" / "3.result"])
    assert path == tmp_path / "b" / "3.result"
    assert list(entries([tmp_path / "b", tmp_path / "none"])) == [path]


def test_a_disk_that_refuses_is_named(tmp_path, entry, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IonfaceError, match="the disk is full"):
        write_entry(entry, [tmp_path / "3.result"])
    assert not list(tmp_path.iterdir())  # and no half of it is left


def test_a_full_disk_is_found_behind_other_errors():
    inner = OSError(errno.ENOSPC, "No space left on device")
    outer = ValueError("no frames")
    outer.__cause__ = inner
    assert is_disk_refusal(outer)
    assert is_disk_refusal(RuntimeError("x [Errno 28] No space left"))
    assert not is_disk_refusal(OSError(errno.ENOENT, "no file"))
    assert not is_disk_refusal(None)
