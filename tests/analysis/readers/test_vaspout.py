import gzip
import os
import shutil
import sys

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="reading vaspout.h5 needs h5py")

from ionface.analysis.readers import open_trajectory  # noqa: E402
from ionface.analysis.readers.vaspout import VaspoutStream  # noqa: E402
from ionface.errors import AnalysisError  # noqa: E402

REAL = "sisl-files/tests/vasp/graphene_md"


@pytest.fixture
def file(tmp_path, run):
    return run.vaspout(tmp_path / "vaspout.h5")


def change(path, name, value):
    with h5py.File(path, "a") as opened:
        del opened[name]
        if value is not None:
            opened[name] = value


def test_positions_times_and_energies_are_read(file, run):
    found = open_trajectory(file)
    assert found.species == run.species
    np.testing.assert_allclose(found.positions, run.positions, atol=1e-12)
    assert found.times_fs.tolist() == [0, 2, 4, 6, 8, 10]
    assert found.energies.tolist() == [run.energy(i) for i in range(6)]
    assert found.scalars["temperature"].tolist() == [300.5] * 6
    assert found.skipped.reason == ""


def test_the_licensed_text_is_never_touched(file, monkeypatch):
    touched = []

    def watch(method):
        def watched(self, name, *rest):
            touched.append(str(name))
            return method(self, name, *rest)

        return watched

    for name in ("__getitem__", "get", "__contains__"):
        method = getattr(h5py.Group, name)
        monkeypatch.setattr(h5py.Group, name, watch(method))
    read = []
    dataset = h5py.Dataset.__getitem__

    def watched(self, *rest, **more):
        read.append(self.name)
        return dataset(self, *rest, **more)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", watched)
    assert len(open_trajectory(file)) == 6
    assert touched
    assert read
    assert not [name for name in touched + read if "potcar" in name.lower()]


def test_a_compressed_file_reads_the_same(file, run, content):
    packed = file.with_name("vaspout.h5.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert content(open_trajectory(packed)) == content(open_trajectory(file))


@pytest.mark.parametrize("share", [0.999, 0.5, 0.01])
def test_a_file_cut_by_little_is_lost_and_the_way_out_is_told(file, share):
    os.truncate(file, int(file.stat().st_size * share))
    with pytest.raises(AnalysisError, match=r"whole or lost: take vasprun.xml or XDAT"):
        open_trajectory(file)


def test_without_h5py_the_way_out_is_told(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(AnalysisError, match=r"pip install h5py; or take vasprun.xml"):
        open_trajectory(file)


def test_steps_that_were_reserved_but_not_written_are_no_frames(file, run):
    zeros = run.fractional.copy()
    zeros[4:] = 0
    change(file, "intermediate/ion_dynamics/position_ions", zeros)
    found = open_trajectory(file)
    assert len(found) == 4
    assert "frame 5 was reserved" in found.skipped.reason


def test_a_step_without_its_energy_is_no_frame(tmp_path, run):
    found = open_trajectory(run.vaspout(tmp_path / "vaspout.h5", n_energies=5))
    assert len(found) == 5
    assert "killed while it wrote step 6" in found.skipped.reason


def test_learned_forces_are_refused(tmp_path, run):
    with pytest.raises(AnalysisError, match="ML_LMLFF"):
        open_trajectory(run.vaspout(tmp_path / "vaspout.h5", ML_LMLFF=1))


@pytest.mark.parametrize(
    ("block", "planned", "interval"),
    [(10, 6, 2.0), (10, 60, 20.0), (10, 1000, None), (10, 0, None)],
)
def test_nblock_counts_where_the_number_of_frames_agrees(
    tmp_path, run, block, planned, interval
):
    path = run.vaspout(tmp_path / "vaspout.h5", NBLOCK=block, NSW=planned)
    if interval is None:
        assert "timestep_fs=" in open_trajectory(path).untimed
    else:
        assert open_trajectory(path).times_fs[1] == interval


def test_a_relaxation_has_no_time(tmp_path, run):
    found = open_trajectory(run.vaspout(tmp_path / "vaspout.h5", IBRION=2))
    assert "no time" in found.untimed


def test_selective_dynamics_are_kept(file):
    flags = np.ones((5, 3), dtype=int)
    flags[3:] = 0
    with h5py.File(file, "a") as opened:
        opened["input/poscar/selective_dynamics"] = 1
        opened["input/poscar/selective_dynamics_ions"] = flags
    fixed = open_trajectory(file).fixed
    assert fixed.tolist() == [[False] * 3] * 3 + [[True] * 3] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("results/positions/number_ion_types", np.array([2, 9])),
        ("results/positions/number_ion_types", np.array([-2, 7])),
        ("results/positions/number_ion_types", np.array([2, 2**40])),
        ("results/positions/ion_types", np.array([b"In"])),
        ("intermediate/ion_dynamics/position_ions", np.zeros((6, 5))),
        ("intermediate/ion_dynamics/lattice_vectors", np.zeros((6, 9))),
        ("intermediate/ion_dynamics/lattice_vectors", None),
        ("input/poscar", None),
    ],
)
def test_contents_that_contradict_one_another_are_refused(file, name, value):
    if name == "input/poscar":
        change(file, "results/positions", None)
    change(file, name, value)
    with pytest.raises(AnalysisError, match=r"take vasprun\.xml"):
        open_trajectory(file)


def test_a_file_without_ionic_steps_has_no_frames(file):
    change(file, "intermediate/ion_dynamics", None)
    assert len(open_trajectory(file)) == 0


def test_frames_come_in_blocks_of_whole_chunks(tmp_path, make_run, monkeypatch):
    monkeypatch.setattr("ionface.analysis.readers.vaspout.AT_ONCE", 24 * 5 * 4)
    path = make_run(10).vaspout(tmp_path / "vaspout.h5")
    with VaspoutStream(path) as stream:
        assert [len(block) for block in stream.blocks()] == [4, 4, 2]


def test_a_real_file_reads_in_its_folder_under_its_own_name(realdata, tmp_path):
    shutil.copy(realdata / REAL / "vaspout.nopotcar.h5", tmp_path / "vaspout.h5")
    found = open_trajectory(tmp_path)
    assert (len(found), found.species) == (100, ("C", "C"))
    assert found.times_fs[1] == pytest.approx(0.1)
