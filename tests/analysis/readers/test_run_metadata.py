import gzip

import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory, run_metadata
from ionface.analysis.readers.run_metadata import Clock, Neighbors

SPECIES = ("In", "In", "S")
POSCAR = (
    "run\n1.0\n4 0 0\n0 4 0\n0 0 4\nIn_d/3f S\n2 1\nSelective dynamics\nDirect\n"
    "0.1 0.2 0.3 T T F\n0.1 0.2 0.3 F F F\n0.1 0.2 0.3 .TRUE. .TRUE. .TRUE.\n"
)
FIXED = [[False, False, True], [True, True, True], [False, False, False]]


@pytest.mark.parametrize(
    ("incar", "clock"),
    [
        ("IBRION = 0\nPOTIM = 2.0 ! fs\nNBLOCK = 10 # out\n", Clock(2.0, 10)),
        ("ibrion=0; potim=1.5d0", Clock(1.5, None)),
        ("IBRION = 0\nPOTIM = 2.0\nPOTIM = 1.0", Clock(2.0, None)),  # as VASP reads
        ("IBRION = 2\nPOTIM = 0.5", Clock(None, None)),  # not a time
        ("POTIM = 0.5", Clock(None, None)),
        ("IBRION = 0\nPOTIM = none", Clock(None, None)),
        ("IBRION = 0\nPOTIM = -1", Clock(None, None)),
        ("IBRION = 0\nPOTIM = ****", Clock(None, None)),
    ],
)
def test_an_incar_tells_the_clock_of_a_molecular_dynamics_only(tmp_path, incar, clock):
    (tmp_path / "INCAR").write_text(incar)
    assert Neighbors.of(tmp_path / "XDATCAR", SPECIES).clock() == clock


def test_a_vasprun_tells_more_than_an_incar_if_it_is_of_the_same_run(tmp_path, run):
    (tmp_path / "vasprun.xml").write_text(run.vasprun())
    (tmp_path / "INCAR").write_text("IBRION = 0\nPOTIM = 9")
    assert Neighbors.of(tmp_path / "XDATCAR", run.species).clock() == Clock(2.0, 1)
    assert Neighbors.of(tmp_path / "XDATCAR", SPECIES).clock().timestep_fs == 9.0


@pytest.mark.parametrize("name", ["POSCAR", "CONTCAR"])
def test_selective_dynamics_come_from_the_structure_beside(tmp_path, name):
    (tmp_path / name).write_text(POSCAR)
    found = Neighbors.of(tmp_path / "XDATCAR", SPECIES).fixed()
    assert found.tolist() == FIXED


def test_structures_of_vasp_4_have_no_symbols(tmp_path):
    (tmp_path / "POSCAR").write_text(POSCAR.replace("In_d/3f S\n", ""))
    assert Neighbors.of(tmp_path / "XDATCAR", SPECIES).fixed().tolist() == FIXED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Selective dynamics\n", ""),
        ("In_d/3f S", "S In"),
        ("2 1", "2 2"),
        ("F F F", "F x F"),
        ("F F F", "F F"),
        ("T T F\n", "T T T\n"),
    ],
)
def test_flags_that_are_absent_or_of_other_atoms_are_none(tmp_path, old, new):
    text = POSCAR.replace(old, new)
    if "T T T" in new:
        text = text.replace("F F F", "T T T")
    (tmp_path / "POSCAR").write_text(text)
    assert Neighbors.of(tmp_path / "XDATCAR", SPECIES).fixed() is None


def test_a_vasprun_beside_tells_the_flags_first(tmp_path, run):
    flags = "".join("  <v type='logical'> T  T  F </v>\n" for _ in range(5))
    selective = f' <varray type="logical" name="selective">\n{flags}</varray>\n'
    (tmp_path / "vasprun.xml").write_text(run.vasprun(selective=selective))
    found = Neighbors.of(tmp_path / "XDATCAR", run.species).fixed()
    np.testing.assert_array_equal(found, [[False, False, True]] * 5)


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("300K_XDATCAR", 3.0),
        ("600K_XDATCAR", 6.0),
        ("XDATCAR", 1.0),
        ("900K_XDATCAR", 1.0),  # an INCAR for all
        ("XDATCAR.relax2.gz", 2.0),
        ("OUTCAR", 1.0),
    ],
)
def test_neighbors_are_those_of_the_same_name(tmp_path, name, clock):
    steps = {"INCAR": 1, "300K_INCAR": 3, "600K_INCAR": 6, "INCAR.relax2.gz": 2}
    for file, potim in steps.items():
        text = f"IBRION = 0\nPOTIM = {potim}\n".encode()
        packed = gzip.compress(text) if file.endswith(".gz") else text
        (tmp_path / file).write_bytes(packed)
    assert Neighbors.of(tmp_path / name, SPECIES).clock().timestep_fs == clock


def test_a_run_of_another_name_is_no_neighbor(tmp_path, run):
    (tmp_path / "300K_vasprun.xml").write_text(run.vasprun())
    assert (
        Neighbors.of(tmp_path / "300K_XDATCAR", run.species).clock().timestep_fs == 2.0
    )
    assert (
        Neighbors.of(tmp_path / "600K_XDATCAR", run.species).clock().timestep_fs is None
    )
    assert Neighbors.of(tmp_path / "XDATCAR", run.species).clock().timestep_fs is None


def test_the_vasprun_beside_is_read_once(tmp_path, run, monkeypatch):
    (tmp_path / "vasprun.xml").write_text(run.vasprun())
    (tmp_path / "XDATCAR").write_text(run.xdatcar())
    read, stream = [], run_metadata.VasprunStream
    monkeypatch.setattr(
        run_metadata, "VasprunStream", lambda path: (read.append(path), stream(path))[1]
    )
    frames = open_trajectory(tmp_path / "XDATCAR")
    assert frames.times_fs[1] == 2.0
    assert read == [tmp_path / "vasprun.xml"]
