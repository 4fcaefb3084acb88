"""Memory holds some frames, whatever the file holds."""

import bz2
import gzip
import lzma
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.vasprun import LONGEST_HEADER
from ionface.errors import AnalysisError

COMPRESSED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.fixture
def small_pieces(monkeypatch):
    """Read 64 kB at a time and hold 256 kB of positions, to see in a small file."""
    monkeypatch.setattr("ionface.analysis.readers.text.READ", 1 << 16)
    monkeypatch.setattr("ionface.analysis.readers.blocks.IN_MEMORY", 1 << 18)
    monkeypatch.setattr("ionface.analysis.readers.vasprun.AT_ONCE", 1 << 16)


def peak_of(path):
    """Return the number of frames, 0 where it is refused, and the most memory held."""
    tracemalloc.start()
    try:
        found = open_trajectory(path, timestep_fs=1.0)
        frames = sum(len(block) for block in found.blocks())
    except AnalysisError:
        frames = 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return frames, peak


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *((n, s) for n in ("XDATCAR", "vasprun.xml") for s in ("", ".gz")),
        ("OUTCAR", ""),
        pytest.param("OUTCAR", ".gz", marks=pytest.mark.slow),
    ],
)
def test_memory_does_not_grow_with_the_number_of_frames(
    tmp_path, make_run, small_pieces, name, suffix
):
    kind = {"XDATCAR": "xdatcar", "vasprun.xml": "vasprun", "OUTCAR": "outcar"}[name]
    run = make_run(10, times=40)
    peaks = []
    for times in (10, 30):
        path = tmp_path / f"{times}" / (name + suffix)
        path.parent.mkdir()
        data = text_of(run, kind, times).encode()
        path.write_bytes(gzip.compress(data, 1) if suffix else data)
        frames, peak = peak_of(path)
        assert frames == 10 * times
        peaks.append(peak)
    positions = 200 * 200 * 24
    assert peaks[1] < peaks[0] + 0.2 * positions


def text_of(run, kind, times):
    """Return the text of a run that repeats its frames."""
    if kind == "xdatcar":
        tiled = np.tile(run.fractional, (times, 1, 1))
        return replace(run, fractional=tiled).xdatcar()
    whole = getattr(run, kind)().replace("Iteration", "It")  # labels would start anew
    opening = {"vasprun": " <calculation>", "outcar": "------- It"}[kind]
    ending = {"vasprun": "</modeling>", "outcar": " General timing"}[kind]
    start, stop = whole.index(opening), whole.index(ending)
    return whole[:start] + whole[start:stop] * times + whole[stop:]


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("name", ["XDATCAR", "vasprun.xml", "run.extxyz"])
def test_a_small_file_that_unpacks_to_much_does_not_fill_the_memory(
    tmp_path, name, suffix
):
    path = tmp_path / (name + suffix)
    path.write_bytes(COMPRESSED[suffix](bytes(40_000_000)))
    assert path.stat().st_size < 100_000
    frames, peak = peak_of(path)
    assert frames == 0
    # The settings of a vasprun.xml may be long, but not longer than LONGEST_HEADER.
    assert peak < (4 * LONGEST_HEADER if name == "vasprun.xml" else 40e6)


def test_a_cell_in_any_place_is_kept_and_not_rebuilt(tmp_path, make_run):
    rng = np.random.default_rng(3)
    for number in range(4):
        lattice = np.round(8 * np.eye(3) + rng.uniform(-3, 3, (3, 3)), 6)
        lattice[0] *= (-1) ** number  # left-handed ones too
        run = replace(make_run(3), lattice=lattice)
        for name, text in (("XDATCAR", run.xdatcar()), ("vasprun.xml", run.vasprun())):
            path = tmp_path / name
            path.write_text(text)
            found = open_trajectory(path, timestep_fs=2.0)
            np.testing.assert_array_equal(found.lattice, lattice)
            np.testing.assert_allclose(found.positions, run.positions, atol=1e-12)


def test_segments_of_different_systems_or_orders_are_refused(tmp_path, run):
    paths = [tmp_path / name / "XDATCAR" for name in ("one", "other", "order")]
    text = run.xdatcar()
    other = text.replace("   In   S", "   Ga   S")
    order = text.replace("   In   S\n     2     3", "   S   In\n     3     2")
    for path, content in zip(paths, (text, other, order), strict=True):
        path.parent.mkdir()
        path.write_text(content)
    with pytest.raises(AnalysisError, match="In2S3") as caught:
        open_trajectory(paths[:2], timestep_fs=2.0)
    assert "Ga2S3" in str(caught.value)
    with pytest.raises(AnalysisError, match="atoms in one order") as caught:
        open_trajectory([paths[0], paths[2]], timestep_fs=2.0)
    assert "S3In2" in str(caught.value)


def test_potim_of_a_relaxation_is_said_to_be_no_time(tmp_path, run):
    text = run.vasprun().replace('"IBRION">     0', '"IBRION">     2')
    path = tmp_path / "vasprun.xml"
    path.write_text(text)
    with pytest.raises(AnalysisError, match=r"IBRION = 2.*no time.*timestep_fs="):
        _ = open_trajectory(path).times_fs
