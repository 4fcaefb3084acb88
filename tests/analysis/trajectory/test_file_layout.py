import io

import numpy as np
import pytest

from ionface.analysis.trajectory.file_layout import (
    PAGE,
    Header,
    encode_header,
    read_header,
    seal,
    valid_records,
)
from ionface.errors import TrajectoryError

HEADER = Header(
    species=("Li", "F"),
    lattice=((4.0, 0.1, 0.2), (0.0, 5.0, 0.3), (0.0, 0.0, 6.0)),
    pbc=(True, True, False),
    frame_interval_fs=2.0,
    velocities=True,
    thermostat=3,
    sources=("a", "b"),
    meta={"quick": True},
)


def test_a_header_comes_back_as_it_was(tmp_path):
    (tmp_path / "f").write_bytes(encode_header(HEADER))
    with (tmp_path / "f").open("rb") as stream:
        assert read_header(stream, tmp_path / "f") == (HEADER, PAGE)


@pytest.mark.parametrize("atoms", [1, 100, 5000])
def test_records_begin_on_a_page_however_long_the_header(atoms):
    long = Header(species=("Li",) * atoms, lattice=None)
    assert len(encode_header(long)) % PAGE == 0


def test_another_format_version_is_refused_by_number(tmp_path):
    data = bytearray(encode_header(HEADER))
    data[8] = 2
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(TrajectoryError, match="has trajectory format 2"):
        read_header(io.BytesIO(bytes(data)), tmp_path / "f")


@pytest.mark.parametrize("velocities", [True, False])
@pytest.mark.parametrize("thermostat", [0, 1, 3])
@pytest.mark.parametrize("lattice", [None, HEADER.lattice])
def test_every_field_is_aligned_to_eight_bytes(velocities, thermostat, lattice):
    header = Header(("Li",) * 3, lattice, velocities=velocities, thermostat=thermostat)
    dtype = header.record_dtype()
    assert dtype.itemsize % 8 == 0
    assert all(dtype.fields[name][1] % 8 == 0 for name in dtype.names if name != "crc")


def test_only_sealed_records_are_valid():
    dtype = HEADER.record_dtype()
    records = np.frombuffer(
        b"".join(seal(np.ones((), dtype=dtype)) for _ in range(3)), dtype=dtype
    ).copy()
    records["positions"][1, 0, 0] += 1e-15
    assert valid_records(records).tolist() == [True, False, True]
    assert not valid_records(np.zeros(4, dtype=dtype)).any()
