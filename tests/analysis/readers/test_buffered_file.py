import bz2
import gzip
import lzma
from contextlib import closing
from functools import partial

import numpy as np
import pytest

import ionface.analysis.readers.buffered_file
from ionface.analysis.readers.buffered_file import ByteWindow, LongLineError
from ionface.errors import AnalysisError

PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": partial(bz2.compress, compresslevel=1),
    ".xz": lzma.compress,
}


@pytest.fixture
def small_reads(monkeypatch):
    monkeypatch.setattr(ionface.analysis.readers.buffered_file, "READ", 64)


def drain(window):
    content = b""
    while window.fill(1):
        content += window.piece(0, len(window))
        window.advance(len(window))
    return content


@pytest.mark.parametrize("suffix", PACK)
def test_the_pieces_are_the_file(tmp_path, suffix, small_reads):
    content = np.random.default_rng(0).bytes(300_000)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(PACK[suffix](content))
    with closing(ByteWindow(path)) as window:
        assert drain(window) == content
    assert window.bytes_read == len(content)
    assert window.failure == ""


def test_a_text_is_found_across_two_reads(tmp_path, small_reads):
    path = tmp_path / "file"
    for before in range(9000, 9100, 7):
        path.write_bytes(b"a" * before + b"needle" + b"b" * 9000)
        window = ByteWindow(path)
        assert window.seek(b"needle") == before
        assert window.seek(b"absent") == -1
        window.close()


def test_lines_come_whole_and_the_last_one_as_it_is(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\nlast")
    with closing(ByteWindow(path)) as window:
        assert window.line(0) == (b"one\n", 4)
        assert window.line(8) == (b"last", 12)
        assert window.line(12) is None


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(ionface.analysis.readers.buffered_file, "LONGEST_LINE", 10_000)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 200_000)
    with closing(ByteWindow(path)) as window, pytest.raises(LongLineError):
        window.line(0)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_what_was_compressed_before_a_cut_is_good(tmp_path, suffix):
    content = np.random.default_rng(0).bytes(600_000)
    path = tmp_path / f"file{suffix}"
    packed = PACK[suffix](content)
    path.write_bytes(packed[: len(packed) * 3 // 4])
    with closing(ByteWindow(path)) as window:
        found = drain(window)
    assert found
    assert content.startswith(found)
    assert "cut short" in window.failure


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_damaged_compression_is_refused_even_where_it_still_decompresses(
    tmp_path, suffix
):
    content = b"0.12345678 " * 100_000
    packed = bytearray(PACK[suffix](content))
    packed[-3 if suffix == ".gz" else len(packed) // 2] ^= 0x55
    path = tmp_path / f"file{suffix}"
    path.write_bytes(packed)
    with pytest.raises(AnalysisError, match="none of its content can be trusted"):
        drain(ByteWindow(path))
