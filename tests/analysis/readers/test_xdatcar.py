import gzip

import numpy as np
import pytest

from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.errors import AnalysisError

HEADER = "any comment\n 1.0\n 5 0 0\n 0 6 0\n 1 0 7\n Li F\n 1 2\n"


def frame(number, label="Direct configuration= {:5d}", rows=None, width=8):
    rows = rows or [[0.1 * number, 0.25, -0.5], [0.5, 0.5, 0.5], [0.75, 1.25, 0.125]]
    lines = ["".join(f"{x:{width + 4}.{width}f}" for x in row) for row in rows]
    return "\n".join([label.format(number), *lines]) + "\n"


def read(tmp_path, text):
    path = tmp_path / "XDATCAR"
    path.write_text(text)
    stream = XdatcarStream(path)
    return list(stream.frames()), stream


def test_frames_come_with_labels_and_cell(tmp_path):
    frames, stream = read(tmp_path, HEADER + frame(1) + frame(2))
    assert stream.species == ("Li", "F", "F")
    assert stream.reason == ""
    assert [f.label for f in frames] == [1, 2]
    assert frames[1].fractional[0].tolist() == [0.2, 0.25, -0.5]
    assert frames[0].lattice[2].tolist() == [1, 0, 7]


def test_a_file_cut_at_any_byte_never_yields_a_wrong_frame(tmp_path):
    whole = HEADER + frame(1) + frame(2)
    expected = [f.fractional for f in read(tmp_path, whole)[0]]
    first_end = len(HEADER + frame(1))
    for length in range(len(HEADER), len(whole)):
        frames, stream = read(tmp_path, whole[:length])
        complete = 2 * (length >= len(whole) - 1) or 1 * (length >= first_end - 1)
        assert len(frames) == complete
        for found, right in zip(frames, expected, strict=False):
            np.testing.assert_array_equal(found.fractional, right)
        on_the_seam = length in (first_end - 1, first_end, len(whole) - 1)
        assert bool(stream.reason) == (not on_the_seam)


def test_merged_columns_are_told_apart(tmp_path):
    merged = frame(1).replace("  0.25000000 -0.50000000", "-10.25000000-0.50000000")
    assert "0.10000000-10.25000000-0.50000000" in merged
    frames, _ = read(tmp_path, HEADER + merged)
    assert frames[0].fractional[0].tolist() == [0.1, -10.25, -0.5]


def test_a_repeated_header_changes_the_cell(tmp_path):
    wider = HEADER.replace("5 0 0", "5.5 0 0")
    frames, stream = read(tmp_path, HEADER + frame(1) + wider + frame(2) + frame(3))
    assert [f.lattice[0, 0] for f in frames] == [5, 5.5, 5.5]
    assert stream.reason == ""


def test_another_system_behind_a_frame_ends_the_reading(tmp_path):
    other = HEADER.replace("Li F", "Na F")
    frames, stream = read(tmp_path, HEADER + frame(1) + other + frame(2))
    assert len(frames) == 1
    assert "unreadable text" in stream.reason


def test_frames_of_vasp_4_are_separated_by_blank_lines(tmp_path):
    frames, stream = read(tmp_path, HEADER + frame(1, " ") + frame(2, " ") + " \n")
    assert [f.label for f in frames] == [None, None]
    assert stream.reason == ""


def test_labels_beyond_their_field_are_unknown(tmp_path):
    frames, _ = read(tmp_path, HEADER + frame(1, "Direct configuration= ******"))
    assert frames[0].label is None


@pytest.mark.parametrize(("scale", "edge"), [("2.0", 10.0), ("-1680", 10.0)])
def test_the_scale_multiplies_or_gives_the_volume(tmp_path, scale, edge):
    frames, _ = read(tmp_path, HEADER.replace("1.0", scale, 1) + frame(1))
    assert frames[0].lattice[0, 0] == pytest.approx(edge)


def test_symbols_may_carry_suffixes_and_lines_labels(tmp_path):
    text = HEADER.replace("Li F", "Li_sv/3a F") + frame(1).replace("\n", " X\n")
    frames, stream = read(tmp_path, text.replace("1 X", "1", 1))
    assert stream.species == ("Li", "F", "F")
    assert len(frames) == 1


def test_a_missing_line_ends_the_reading_before_the_wrong_frame(tmp_path):
    short = "\n".join(frame(2).splitlines()[:-1]) + "\n"
    frames, stream = read(tmp_path, HEADER + frame(1) + short + frame(3))
    assert len(frames) == 1
    assert "incomplete" in stream.reason


def test_a_compressed_file_cut_short_gives_the_frames_before(tmp_path):
    text = HEADER + "".join(frame(n) for n in range(1, 2000))
    data = gzip.compress(text.encode())
    (tmp_path / "XDATCAR.gz").write_bytes(data[: len(data) // 2])
    stream = XdatcarStream(tmp_path / "XDATCAR.gz")
    frames = list(stream.frames())
    assert 0 < len(frames) < 1999
    assert stream.reason
    for number, found in enumerate(frames, start=1):
        assert found.fractional[0, 0] == pytest.approx(0.1 * number)


@pytest.mark.parametrize(
    "text", ["", "x\n" * 9, HEADER[:20], HEADER.replace("5 0 0", "0 6 0")]
)
def test_another_file_is_no_xdatcar(tmp_path, text):
    with pytest.raises(AnalysisError, match="no usable XDATCAR"):
        read(tmp_path, text)


def test_the_only_atom_without_a_line_end_is_not_trusted(tmp_path):
    lonely = (
        HEADER.replace("Li F\n 1 2", "Li\n 1") + "Direct configuration= 1\n 0.1 0.2 0.3"
    )
    assert len(read(tmp_path, lonely + "\n")[0]) == 1
    frames, stream = read(tmp_path, lonely)
    assert frames == []
    assert "last number is cut" in stream.reason
