import bz2
import gzip
import lzma

import pytest

from ionface.analysis.readers.compressed import open_binary, plain_name
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
