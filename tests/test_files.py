import errno
import os

import pytest

from ionface.errors import IonfaceError
from ionface.files import (
    atomic_path,
    digest,
    disk_message,
    file_digest,
    write_atomically,
)


def test_a_file_is_replaced_in_one_piece_and_leaves_no_litter(tmp_path):
    path = tmp_path / "rdf.json"
    write_atomically(path, b"old")
    assert write_atomically(path, "Å") == path
    assert path.read_bytes() == "Å".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["rdf.json"]


def test_a_disk_that_fills_up_leaves_the_old_file_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_atomically(path, "old")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IonfaceError, match=r"results.json: the disk is full") as caught:
        write_atomically(path, "new and longer")
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "store.tar"
    write_atomically(path, "old")

    def killed():
        with atomic_path(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert path.read_text() == "old"


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(IonfaceError, match=r"cannot write .* does not exist"):
        write_atomically(tmp_path / "absent" / "rdf.json", b"")


def test_a_private_file_is_private(tmp_path):
    path = write_atomically(tmp_path / "secret", b"", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_errors_that_are_not_the_disk_s_pass_through(tmp_path):
    def damaged():
        with atomic_path(tmp_path / "bundle"):
            raise OSError("Not a gzipped file")

    with pytest.raises(OSError, match="Not a gzipped file"):
        damaged()
    assert not list(tmp_path.iterdir())


def test_the_digest_of_a_file_is_that_of_its_content(tmp_path):
    path = write_atomically(tmp_path / "weights", "content")
    assert file_digest(path) == digest(b"content") == digest("content")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full; free space"),
        (errno.EROFS, "read-only; choose a place"),
        (errno.EACCES, "no permission"),
        (errno.EDQUOT, "quota"),
    ],
)
def test_each_refusal_of_the_disk_is_explained(tmp_path, number, said):
    message = disk_message(OSError(number, os.strerror(number)), tmp_path)
    assert said in message
    assert str(tmp_path) in message
    assert "Nothing finished is lost" in message
