import bz2
import gzip
import lzma
from contextlib import closing
from functools import partial

import numpy as np
import pytest

from ionface.analysis.readers import text
from ionface.analysis.readers.text import (
    LongLineError,
    TextBuffer,
    open_binary,
    plain_file,
    plain_name,
)
from ionface.errors import AnalysisError

PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": partial(bz2.compress, compresslevel=1),
    ".xz": lzma.compress,
}


@pytest.fixture
def small_reads(monkeypatch):
    monkeypatch.setattr(text, "READ", 64)


def drain(buffer):
    content = b""
    while buffer.fill(1):
        content += buffer.get(0, len(buffer))
        buffer.advance(len(buffer))
    return content


@pytest.mark.parametrize("suffix", PACK)
def test_the_pieces_are_the_file(tmp_path, suffix, small_reads):
    content = np.random.default_rng(0).bytes(300_000)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(PACK[suffix](content))
    with closing(TextBuffer(path)) as buffer:
        assert drain(buffer) == content
    assert buffer.bytes_read == len(content)
    assert buffer.failure == ""


def test_a_text_is_found_across_two_reads(tmp_path, small_reads):
    path = tmp_path / "file"
    for before in range(9000, 9100, 7):
        path.write_bytes(b"a" * before + b"needle" + b"b" * 9000)
        buffer = TextBuffer(path)
        assert buffer.seek(b"needle") == before
        assert buffer.seek(b"absent") == -1
        buffer.close()


def test_lines_come_whole_and_the_last_one_as_it_is(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\nlast")
    with closing(TextBuffer(path)) as buffer:
        assert buffer.line(0) == (b"one\n", 4)
        assert buffer.line(8) == (b"last", 12)
        assert buffer.line(12) is None


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LONGEST_LINE", 10_000)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 200_000)
    with closing(TextBuffer(path)) as buffer, pytest.raises(LongLineError):
        buffer.line(0)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_what_was_compressed_before_a_cut_is_good(tmp_path, suffix):
    content = np.random.default_rng(0).bytes(600_000)
    path = tmp_path / f"file{suffix}"
    packed = PACK[suffix](content)
    path.write_bytes(packed[: len(packed) * 3 // 4])
    with closing(TextBuffer(path)) as buffer:
        found = drain(buffer)
    assert found
    assert content.startswith(found)
    assert "cut short" in buffer.failure


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
        drain(TextBuffer(path))


@pytest.mark.parametrize("suffix", PACK)
def test_any_compression_reads_the_same(tmp_path, suffix):
    path = tmp_path / f"XDATCAR{suffix}"
    path.write_bytes(PACK[suffix](b"atoms"))
    with open_binary(path) as stream:
        assert stream.read() == b"atoms"
    assert plain_name(path) == "XDATCAR"
    with plain_file(path) as (plain, failure):
        assert plain.read_bytes() == b"atoms"
        assert (plain.name, failure) == ("XDATCAR", "")


def test_an_absent_file_is_told(tmp_path):
    with pytest.raises(AnalysisError, match="cannot open"):
        open_binary(tmp_path / "absent")
