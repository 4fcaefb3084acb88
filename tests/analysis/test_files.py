import bz2
import gzip
import lzma

import pytest

from ionface.analysis.files import open_binary, plain_name, write_atomically
from ionface.errors import AnalysisError


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
    ],
)
def test_any_compression_reads_the_same(tmp_path, suffix, compress):
    path = tmp_path / f"XDATCAR{suffix}"
    path.write_bytes(compress(b"atoms"))
    with open_binary(path) as stream:
        assert stream.read() == b"atoms"
    assert plain_name(path) == "XDATCAR"


def test_an_absent_file_is_told(tmp_path):
    with pytest.raises(AnalysisError, match="cannot open"):
        open_binary(tmp_path / "absent")


def test_a_file_is_replaced_in_one_piece_and_leaves_no_litter(tmp_path):
    path = tmp_path / "rdf.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["rdf.json"]


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(AnalysisError, match="cannot write"):
        write_atomically(tmp_path / "absent" / "rdf.json", b"")
