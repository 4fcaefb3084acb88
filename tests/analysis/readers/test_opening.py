"""Opening what runs leave behind; synthetic files with known truth, and real ones."""

import shutil

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from ionface.analysis.rdf.rdf import rdf
from ionface.analysis.readers import open_trajectory
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

GRAPHENE = "sisl-files/tests/vasp/graphene_md"
PYMATGEN = "pymatgen-core/test-files/io/vasp/outputs"
KILLED = "pyiron/tests/static/vasp_test_files/full_job_aborted"


def xdatcar(labels, shift=0.0):
    frames = "".join(
        f"Direct configuration= {n}\n {0.1 + shift + n / 1e5:.8f} 0.0 0.0\n"
        f" 0.50000000 0.5 0.5\n"
        for n in labels
    )
    return "run\n1\n4 0 0\n0 4 0\n0 0 4\nIn S\n1 1\n" + frames


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    made = []
    for index in range(5):
        atoms = ase.Atoms("InS", rng.random((2, 3)) * 4, cell=[4, 5, 6], pbc=True)
        atoms.calc = SinglePointCalculator(atoms, energy=-float(index))
        made.append(atoms)
    return made


def test_our_own_store_is_known_by_its_content(write_run, tmp_path, content):
    path = write_run(n_frames=3)
    renamed = path.rename(tmp_path / "any-name")
    assert content(open_trajectory(renamed)) == content(Trajectory.open(renamed))


@pytest.mark.parametrize("name", ["run.traj", "run.extxyz"])
def test_ase_files_give_positions_cells_and_energies(tmp_path, images, name):
    ase.io.write(tmp_path / name, images)
    run = open_trajectory(tmp_path / name, timestep_fs=2.0)
    assert run.species == ("In", "S")
    assert run.times_fs.tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_allclose(run.positions, [i.positions for i in images], atol=1e-7)
    np.testing.assert_allclose(run.lattice, np.diag([4, 5, 6]))
    np.testing.assert_allclose(run.energies, [0, -1, -2, -3, -4])
    with pytest.raises(AnalysisError, match="timestep_fs="):
        _ = open_trajectory(tmp_path / name).times_fs


def test_an_ase_file_cut_short_gives_the_frames_before(tmp_path, images):
    path = tmp_path / "run.extxyz"
    ase.io.write(path, images)
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join(text[:-1]))
    run = open_trajectory(path, timestep_fs=2.0)
    assert len(run) == 4
    assert run.skipped.count == 1
    assert run.skipped.reason


def test_atoms_that_change_between_frames_are_refused(tmp_path, images):
    images[2].symbols = "SIn"
    ase.io.write(tmp_path / "run.extxyz", images)
    with pytest.raises(AnalysisError, match="change between frames"):
        open_trajectory(tmp_path / "run.extxyz", timestep_fs=2.0)


def test_the_time_of_an_xdatcar_is_potim_times_the_steps_between_frames(tmp_path):
    (tmp_path / "XDATCAR").write_text(xdatcar(range(10, 60, 10)))
    (tmp_path / "INCAR").write_text("IBRION = 0 ; POTIM = 2.0 ! fs\nNBLOCK = 10\n")
    run = open_trajectory(tmp_path / "XDATCAR")
    assert run.times_fs.tolist() == [0, 20, 40, 60, 80]
    assert run.steps.tolist() == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("incar", [None, "IBRION = 2\nPOTIM = 0.5\n", "POTIM = 0.5\n"])
def test_a_time_that_no_file_tells_is_demanded(tmp_path, incar):
    (tmp_path / "XDATCAR").write_text(xdatcar([1, 2]))
    if incar is not None:
        (tmp_path / "INCAR").write_text(incar)
    with pytest.raises(AnalysisError, match="timestep_fs="):
        _ = open_trajectory(tmp_path / "XDATCAR").times_fs
    assert open_trajectory(tmp_path / "XDATCAR", timestep_fs=4.0).times_fs[1] == 4.0


def test_a_given_time_against_that_of_the_files_is_noted(tmp_path):
    (tmp_path / "XDATCAR").write_text(xdatcar([1, 2]))
    (tmp_path / "INCAR").write_text("IBRION = 0\nPOTIM = 2.0\n")
    run = open_trajectory(tmp_path / "XDATCAR", timestep_fs=4.0)
    assert run.times_fs[1] == 4.0
    assert "files say 2" in run.notes[0]
    assert open_trajectory(tmp_path / "XDATCAR", timestep_fs=2.0).notes == ()


def test_segments_are_joined_without_the_repeated_frame(tmp_path):
    for name, labels, shift in [("a", range(1, 6), 0), ("b", range(1, 6), 4e-5)]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "XDATCAR").write_text(xdatcar(labels, shift))
    run = open_trajectory([tmp_path / "a", tmp_path / "b"], timestep_fs=2.0)
    assert len(run) == 9
    assert run.times_fs.tolist() == [2.0 * i for i in range(9)]
    assert any("shifted by 8 fs" in note for note in run.notes)


def test_the_best_file_of_a_directory_is_chosen_and_named(tmp_path):
    (tmp_path / "XDATCAR").write_text(xdatcar([1, 2]))
    (tmp_path / "vasprun.xml").write_text("<modeling><generator>")
    run = open_trajectory(tmp_path, timestep_fs=1.0)
    assert len(run) == 2
    assert "XDATCAR was chosen of vasprun.xml, XDATCAR" in run.notes[0]


def test_an_empty_directory_and_an_absent_file_are_told(tmp_path):
    with pytest.raises(AnalysisError, match="no trajectory in"):
        open_trajectory(tmp_path)
    with pytest.raises(AnalysisError, match="cannot open"):
        open_trajectory(tmp_path / "XDATCAR")
    (tmp_path / "vaspout.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(AnalysisError, match=r"vasprun\.xml or XDATCAR"):
        open_trajectory(tmp_path / "vaspout.h5")


@pytest.mark.parametrize("timestep", [0.0, -2.0, np.nan])
def test_a_time_that_does_not_run_forward_is_refused(tmp_path, timestep):
    with pytest.raises(AnalysisError, match="must be positive"):
        open_trajectory(tmp_path, timestep_fs=timestep)


def test_one_real_run_reads_the_same_from_both_of_its_files(realdata):
    xml = open_trajectory(realdata / GRAPHENE / "vasprun.xml")
    txt = open_trajectory(realdata / GRAPHENE / "XDATCAR")
    np.testing.assert_allclose(xml.positions, txt.positions, atol=1e-7)
    np.testing.assert_allclose(xml.times_fs, txt.times_fs)
    assert xml.n_frames == 100
    conserved = xml.scalars["conserved"]
    assert np.isfinite(conserved).all()


def test_the_real_argyrodite_has_its_phosphorus_sulfur_distance(realdata):
    path = "argyrodite_data/data/Li6PS5Cl/0p/run1/actual_XDATCAR.gz"
    run = open_trajectory(realdata / path, timestep_fs=100.0)
    assert (len(run), run.n_atoms) == (140, 416)
    peaks = rdf(run, ["P-S"], cutoff=4.0, windows=2).pairs["P-S"].first_peaks
    for peak in peaks:
        assert peak.r == pytest.approx(2.05, abs=0.02)
        assert peak.coordination == pytest.approx(4.0)


def test_the_real_thiophosphate_in_a_triclinic_cell_has_whole_tetrahedra(realdata):
    run = open_trajectory(realdata / PYMATGEN / "vasprun.bad_random_seed.xml.gz")
    assert (len(run), run.times_fs[1]) == (264, 2.0)
    result = rdf(run, ["P-S"], cutoff=2.6, bins=26, windows=4)
    np.testing.assert_allclose(result.pairs["P-S"].n[:, -1], 4.0)


def test_an_interface_killed_in_its_first_electronic_cycle_has_no_frame(realdata):
    run = open_trajectory(realdata / KILLED)
    assert (len(run), run.n_atoms) == (0, 253)
    with pytest.raises(AnalysisError, match="no complete frame"):
        rdf(run, ["Ti-N"])


def test_machine_learned_forces_are_refused(realdata):
    with pytest.raises(AnalysisError, match="ML_LMLFF"):
        open_trajectory(realdata / PYMATGEN / "vasprun.ml_md.xml.gz")


def test_merged_columns_of_a_real_file_are_read(realdata):
    run = open_trajectory(realdata / PYMATGEN / "XDATCAR.bad_fmt.gz", timestep_fs=1.0)
    assert (len(run), run.n_atoms) == (3, 7)


def test_real_frames_labeled_every_tenth_step_take_tenfold_time(realdata, tmp_path):
    shutil.copy(realdata / "vaspy/scripts/md_viz/XDATCAR", tmp_path / "XDATCAR")
    (tmp_path / "INCAR").write_text("IBRION = 0\nPOTIM = 1.0\n")
    run = open_trajectory(tmp_path / "XDATCAR")
    assert len(run) == 500
    assert run.times_fs[1] == 10.0


@pytest.mark.parametrize(
    ("path", "frames"),
    [
        ("custodian/tests/files/bad_vasprun/vasprun.xml", 5),
        ("aiida-vasp/src/aiida_vasp/test_data/relax-truncated/vasprun.xml", 18),
        (f"{PYMATGEN}/vasprun.bad.xml.gz", 1),
    ],
)
def test_real_truncated_runs_give_their_complete_frames(realdata, path, frames):
    run = open_trajectory(realdata / path, timestep_fs=1.0)
    assert len(run) == frames
    assert run.skipped.count == 1
    assert "ends inside" in run.skipped.reason


def test_a_file_that_grew_or_changed_is_read_anew(tmp_path):
    path = tmp_path / "XDATCAR"
    path.write_text(xdatcar([1, 2]))
    before = open_trajectory(path, 2.0)
    path.write_text(xdatcar([1, 2, 3], shift=0.1))
    after = open_trajectory(path, 2.0)
    assert (len(before), len(after)) == (2, 3)
    assert after.positions[0, 0, 0] == pytest.approx(before.positions[0, 0, 0] + 0.4)


def test_what_is_wrong_with_all_outputs_of_a_run_is_said_once(tmp_path, run):
    (tmp_path / "XDATCAR").write_text(run.xdatcar())
    (tmp_path / "vasprun.xml").write_text(run.vasprun())
    with pytest.raises(AnalysisError) as caught:
        open_trajectory(tmp_path, timestep_fs=2.0, needs=["Li"])
    assert str(caught.value) == f"no 'Li' in {tmp_path}; it has ['In', 'S']"
