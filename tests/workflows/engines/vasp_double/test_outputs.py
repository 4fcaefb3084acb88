"""The files against each other, and against everything that reads VASP's files."""

import re
import warnings
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from ase.io import read as ase_read
from pymatgen.io.vasp import Oszicar, Outcar, Poscar, Vasprun, Xdatcar

from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.emulation_mark import EMULATED_MARK, emulated_model
from ionface.analysis.readers.vasp_terms import vasp_directory_term

from .conftest import DYNAMICS, RELAX, STATIC, alloy

# pymatgen's Xdatcar leaves its file open
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CELL = RELAX.replace("ISIF = 2", "ISIF = 3")
SPIN = STATIC + "ISPIN = 2\nMAGMOM = 8*0.6\n"
KINDS = {
    "static": STATIC,
    "relax": RELAX,
    "cell": CELL,
    "dynamics": DYNAMICS,
    "spin": SPIN,
}


@pytest.fixture(params=sorted(KINDS))
def finished(request, run_folder, here):
    """A finished run of each kind, with what it printed."""
    folder = run_folder(KINDS[request.param], mesh="2 2 1")
    return request.param, folder, here(folder)


def _vasprun(folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no POTCAR beside it
        return Vasprun(folder / "vasprun.xml", parse_potcar_file=False, **options)


def test_pymatgen_reads_every_file_and_they_agree(finished):
    kind, folder, _ = finished
    run, outcar = _vasprun(folder), Outcar(folder / "OUTCAR")
    oszicar, xdatcar = Oszicar(folder / "OSZICAR"), Xdatcar(folder / "XDATCAR")
    assert run.converged
    assert run.final_energy == pytest.approx(outcar.final_energy, abs=1e-8)
    assert run.final_energy == pytest.approx(oszicar.final_energy, rel=2e-8)
    assert run.nionic_steps == len(oszicar.ionic_steps) == len(xdatcar.structures)
    assert outcar.nelect == run.parameters["NELECT"] == 6 * 3 + 2 * 11
    assert outcar.efermi == run.efermi
    assert not outcar.is_stopped
    assert outcar.run_stats["Total CPU time used (sec)"] >= 0
    for step, frame, line in zip(
        run.ionic_steps, xdatcar.structures, oszicar.ionic_steps, strict=True
    ):
        both = step["structure"].frac_coords, frame.frac_coords
        assert both[0] == pytest.approx(both[1], abs=1e-8)
        assert step["e_0_energy"] == pytest.approx(line["E0"], rel=1e-7)
        assert step["electronic_steps"][-1]["e_0_energy"] == step["e_0_energy"]
        if kind == "dynamics":
            assert step["total"] == pytest.approx(line["E"], rel=1e-7)
            assert step["kinetic"] == pytest.approx(line["EK"], rel=1e-5)
            parts = ("e_fr_energy", "kinetic", "nosepot", "nosekinetic")
            assert step["total"] == pytest.approx(sum(step[p] for p in parts), abs=2e-8)
    lengths = [len(steps) for steps in oszicar.electronic_steps]
    assert lengths == [len(step["electronic_steps"]) for step in run.ionic_steps]


def test_the_last_contcar_is_the_last_frame(finished):
    kind, folder, _ = finished
    run = _vasprun(folder)
    contcar = Poscar.from_file(folder / "CONTCAR").structure
    last = run.ionic_steps[-1]["structure"]
    assert contcar.frac_coords == pytest.approx(last.frac_coords, abs=1e-8)
    assert contcar.lattice.matrix == pytest.approx(last.lattice.matrix, abs=1e-7)
    moved = np.abs(run.final_structure.frac_coords - last.frac_coords).max()
    assert (moved > 1e-5) == (kind == "dynamics")


def test_bands_and_states_can_be_drawn(finished):
    kind, folder, _ = finished
    run = _vasprun(folder)
    spins = 2 if kind == "spin" else 1
    assert len(run.eigenvalues) == spins
    shape = (len(run.actual_kpoints), run.parameters["NBANDS"], 2)
    assert all(values.shape == shape for values in run.eigenvalues.values())
    gap, *_ = run.eigenvalue_band_properties
    assert gap == pytest.approx(1.0, abs=1e-3)
    assert run.complete_dos.get_gap() >= 0
    assert len(run.tdos.densities) == spins
    assert sum(run.actual_kpoints_weights) == pytest.approx(1, abs=1e-6)


def test_ase_reads_vasprun_and_outcar_alike(finished):
    _, folder, _ = finished
    xml = ase_read(folder / "vasprun.xml", index=":")
    outcar = ase_read(folder / "OUTCAR", index=":")
    xdatcar = ase_read(folder / "XDATCAR", index=":")
    assert len(xml) == len(outcar) == len(xdatcar)
    for one, other in zip(xml, outcar, strict=True):
        energies = one.get_potential_energy(), other.get_potential_energy()
        assert energies[0] == pytest.approx(energies[1], abs=1e-8)
        assert one.get_forces() == pytest.approx(other.get_forces(), abs=1e-6)
        assert one.positions == pytest.approx(other.positions, abs=1e-5)
        stresses = one.get_stress(), other.get_stress()
        assert stresses[0] == pytest.approx(stresses[1], abs=1e-8)
        assert one.get_chemical_symbols() == other.get_chemical_symbols()
    for one, other in zip(xml, xdatcar, strict=True):
        assert one.positions == pytest.approx(other.positions, abs=1e-5)


def test_forces_and_stress_in_the_files_are_the_models(run_folder, here):
    from ase.calculators.emt import EMT

    folder = run_folder(STATIC)
    here(folder)
    found = ase_read(folder / "vasprun.xml")
    atoms = ase_read(folder / "POSCAR")
    atoms.calc = EMT()
    assert found.get_forces() == pytest.approx(atoms.get_forces(), abs=1e-8)
    assert found.get_stress() == pytest.approx(atoms.get_stress(), abs=1e-9)
    shift = -5.0 * len(atoms)
    energy = atoms.get_potential_energy() + shift
    assert found.get_potential_energy() == pytest.approx(energy, abs=1e-8)


def test_our_readers_take_them(finished):
    kind, folder, _ = finished
    if kind == "dynamics":
        for name in ("vasprun.xml", "XDATCAR"):
            found = open_trajectory(folder / name)
            (segment,) = found.segments
            assert segment.times_fs == pytest.approx(3.0 * np.arange(8))
            assert not found.skipped.count
    else:
        term = vasp_directory_term(folder)
        assert term.finished
        assert term.converged
        assert term.energy == pytest.approx(_vasprun(folder).final_energy, abs=1e-8)
        assert term.level.k_points == "Gamma 2x2x1"
        assert term.level.pseudopotentials == (
            "PAW_PBE Al STANDIN",
            "PAW_PBE Cu STANDIN",
        )


@pytest.mark.filterwarnings("ignore")
def test_emmet_makes_its_document(finished):
    from emmet.core.tasks import TaskDoc

    _, folder, _ = finished
    document = TaskDoc.from_directory(folder)
    assert document.state.value == "successful"
    assert document.output.energy == pytest.approx(_vasprun(folder).final_energy)
    assert document.output.bandgap == pytest.approx(1.0, abs=1e-3)
    assert len(document.calcs_reversed[0].output.ionic_steps) >= 1


def test_standard_output_repeats_oszicar_and_says_who_speaks(finished):
    _, folder, printed = finished
    assert (folder / "OSZICAR").read_text().splitlines()[1] in printed
    assert "vasp.6.4.3 emulated by ionface (ase.calculators.emt.EMT()" in printed
    assert (folder / "OUTCAR").read_text().startswith(" vasp.6.4.3 emulated by ionface")


def test_the_user_s_tags_come_back_with_their_types(run_folder, here):
    given = (
        "ENCUT = 480\nEDIFF = 1E-6\nLREAL = Auto\nISMEAR = 0\nIVDW = 12\nLDIPOL = T\n"
    )
    folder = run_folder(
        given + "IDIPOL = 3\nDIPOL = 0.5 0.5 0.25\nALGO = Fast\nISYM = 0\n"
    )
    here(folder)
    run = _vasprun(folder)
    assert run.incar["ENCUT"] == 480
    assert run.incar["IVDW"] == 12
    assert run.incar["LDIPOL"] is True
    assert run.incar["DIPOL"] == [0.5, 0.5, 0.25]
    assert run.parameters["EDIFF"] == pytest.approx(1e-6)
    assert run.parameters["LREAL"] is True
    assert run.parameters["ISYM"] == 0
    level = vasp_directory_term(folder).level
    assert level.cutoff_ev == 480
    assert level.dispersion == "D3(BJ)"


def test_xdatcar_holds_every_nblock_th_frame_with_its_step(run_folder, here):
    folder = run_folder(DYNAMICS.replace("NSW = 8", "NSW = 10\nNBLOCK = 3"))
    here(folder)
    text = (folder / "XDATCAR").read_text()
    assert re.findall(r"configuration=\s*(\d+)", text) == ["3", "6", "9"]
    run = _vasprun(folder)
    frames = Xdatcar(folder / "XDATCAR").structures
    wanted = run.ionic_steps[5]["structure"].frac_coords
    assert frames[1].frac_coords == pytest.approx(wanted, abs=1e-8)


def test_a_moving_cell_repeats_its_header(run_folder, here):
    folder = run_folder(CELL.replace("NSW = 60", "NSW = 4"))
    here(folder)
    frames = Xdatcar(folder / "XDATCAR").structures
    cells = [frame.lattice.matrix for frame in frames]
    assert len(cells) == 4
    assert not np.allclose(cells[0], cells[-1], atol=1e-4)


def test_selective_dynamics_are_told(run_folder, here):
    from ase.constraints import FixAtoms

    atoms = alloy()
    atoms.set_constraint(FixAtoms([0, 1]))
    folder = run_folder(RELAX, atoms)
    here(folder)
    assert "Selective" in (folder / "CONTCAR").read_text()
    root = ET.parse(folder / "vasprun.xml").getroot()
    flags = [v.text.split() for v in root.findall(".//varray[@name='selective']/v")]
    assert flags[:2] == [["F"] * 3] * 2
    assert flags[2] == ["T"] * 3
    first, last = _vasprun(folder).structures[0], _vasprun(folder).structures[-1]
    assert (first.frac_coords[:2] == last.frac_coords[:2]).all()
    assert not np.allclose(first.frac_coords[2:], last.frac_coords[2:])


def test_the_reciprocal_basis_is_dual_to_the_cell(run_folder, here):
    atoms = alloy()
    atoms.set_cell(atoms.cell @ [[1, 0, 0], [0.1, 1, 0], [0.05, 0.2, 1]])
    folder = run_folder(STATIC, atoms)
    here(folder)
    crystal = ET.parse(folder / "vasprun.xml").getroot().find("calculation//crystal")
    basis, reciprocal = (
        np.array(
            [v.text.split() for v in crystal.find(f"varray[@name='{name}']")], float
        )
        for name in ("basis", "rec_basis")
    )
    assert basis @ reciprocal.T == pytest.approx(np.eye(3), abs=1e-7)


def test_a_run_without_stress_has_none(run_folder, here):
    folder = run_folder(STATIC.replace("ISIF = 2", "ISIF = 0"))
    here(folder)
    assert "stress" not in _vasprun(folder).ionic_steps[0]
    assert "in kB" not in (folder / "OUTCAR").read_text()


def test_wave_functions_and_charges_are_written_only_where_wanted(run_folder, here):
    folder = run_folder(STATIC + "LWAVE = F\nLCHARG = F\n")
    here(folder)
    assert not (folder / "WAVECAR").stat().st_size
    assert not (folder / "CHGCAR").stat().st_size


def test_every_file_says_who_wrote_it(run_folder, here):
    folder = run_folder(STATIC)
    here(folder)
    for name in ("WAVECAR", "CHGCAR", "CHG"):
        assert EMULATED_MARK.encode() in (folder / name).read_bytes()
    for name in ("vasprun.xml", "OUTCAR"):
        assert emulated_model(folder / name).startswith("ase.calculators.emt.EMT() ase")
