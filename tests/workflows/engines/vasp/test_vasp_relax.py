"""Relaxations and single points through custodian, on the stand-in executable."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.vasp import Incar, Poscar

from ionface.errors import IonfaceError, KilledError
from ionface.workflows.engines.ase.ase_engine import from_import_path
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.relaxation_frames import relaxation_frames

FMAX = 0.02
FCC = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]


def emt_energy(structure):
    from ase.calculators.emt import EMT

    atoms = AseAtomsAdaptor.get_atoms(structure)
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_a_relaxation_ends_in_a_record_of_the_callers_sites(double, run_job, in_ledger):
    job = double().relax(RelaxSettings(fmax=FMAX, steps=100)).make(in_ledger)
    record = run_job("relax", job)
    assert record.converged
    assert record.max_force <= FMAX
    path = relaxation_frames(record, Path(record.directory).parents[1])
    assert len(path.energies) == len(path.frames) == record.steps
    assert path.energies[-1] == pytest.approx(record.energy)
    assert path.forces[-1] <= FMAX < path.forces[0]
    assert record.structure.species == in_ledger.species
    assert record.structure.site_properties == in_ledger.site_properties
    assert record.structure.properties == in_ledger.properties
    assert record.energy == pytest.approx(emt_energy(record.structure), abs=1e-4)
    held = np.array(in_ledger.site_properties["fixed"])
    moved = np.linalg.norm(record.structure.cart_coords - in_ledger.cart_coords, axis=1)
    assert moved[held].max() < 1e-6
    assert moved[~held].max() > 0.01


@pytest.mark.slow
def test_the_level_is_that_of_the_output_and_says_that_it_is_emulated(
    double, run_job, in_ledger
):
    record = run_job("static", double().static().make(in_ledger))
    assert record.level["emulated"] is True
    assert record.level["cutoff_ev"] == 480.0
    assert "LDIPOL=True" in record.level["details"]
    assert record.energy == pytest.approx(emt_energy(in_ledger), abs=1e-4)
    # the dipole correction follows a first convergence without it
    folder = Path(record.directory)
    assert "LDIPOL" not in Incar.from_file(folder.parent / "first" / "INCAR")
    assert Incar.from_file(folder / "INCAR")["LDIPOL"] is True


@pytest.mark.slow
def test_a_bulk_crystal_relaxes_to_the_lattice_of_its_energy(double, run_job):
    from pymatgen.core import Lattice, Structure

    crystal = Structure(Lattice.cubic(4.2), ["Al"] * 4, FCC)
    job = double(dipole="off").relax(RelaxSettings(fmax=0.01, cell="full"))
    record = run_job("bulk", job.make(crystal))
    lowest = min(
        np.linspace(3.9, 4.1, 101),
        key=lambda a: emt_energy(Structure(Lattice.cubic(a), ["Al"] * 4, FCC)),
    )
    assert record.structure.lattice.abc == pytest.approx([lowest] * 3, abs=0.01)
    assert np.abs(record.stress).max() < 0.5  # GPa; it began at -9


@pytest.mark.slow
def test_a_relaxation_out_of_steps_goes_on_from_its_last_structure(
    double, run_job, slab
):
    job = double(dipole="off").relax(RelaxSettings(fmax=0.005, steps=3)).make(slab)
    with pytest.raises(IonfaceError, match="not converged after 3 steps in run-001"):
        run_job("relax", job)
    for _ in range(10):
        try:
            record = run_job("relax", job)
            break
        except IonfaceError:
            continue
    folder = Path(record.directory).parent
    ends = Poscar.from_file(folder / "run-001" / "CONTCAR").structure
    begins = Poscar.from_file(folder / "run-002" / "POSCAR").structure
    np.testing.assert_allclose(
        begins.cart_coords, ends.cart_coords, atol=1e-2
    )  # CONTCAR may be one line search ahead
    assert record.converged
    assert record.steps > 3


@pytest.mark.slow
def test_a_killed_relaxation_goes_on(double, run_job, interrupter, slab):
    engine = double(wrapper=interrupter("kill", 2), dipole="off")
    job = engine.relax(RelaxSettings(fmax=0.005, steps=100)).make(slab)
    with pytest.raises(KilledError, match=r"VASP failed.*died without a word"):
        run_job("relax", job)
    record = run_job("relax", job)
    assert record.converged
    assert record.directory.endswith("run-002")


@pytest.mark.slow
def test_a_preparation_may_end_where_its_steps_end(double, run_job, slab):
    settings = RelaxSettings(0.001, 2, must_converge=False, like_dynamics=True)
    record = run_job("prepare", double().relax(settings).make(slab))
    assert not record.converged
    assert record.steps == 2
    assert record.level["k_points"].split()[-1] == "1x1x1"


@pytest.mark.slow
def test_a_finished_job_that_runs_again_runs_no_vasp(double, run_job, slab):
    job = double(dipole="off").static().make(slab)
    first = run_job("static", job)
    before = (Path(first.directory) / "vasprun.xml").stat().st_mtime_ns
    assert run_job("static", job).energy == first.energy
    assert (Path(first.directory) / "vasprun.xml").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_folder_of_another_job_is_refused_before_vasp_runs(double, run_job, slab):
    run_job("shared", double(dipole="off").static().make(slab))
    with pytest.raises(IonfaceError, match=r"holds another job.*480.*600"):
        run_job(
            "shared", double(dipole="off", incar={"ENCUT": 600}).static().make(slab)
        )
    moved = slab.copy()
    moved.translate_sites([0], [0, 0, 0.01])
    with pytest.raises(IonfaceError, match="holds another job"):
        run_job("shared", double(dipole="off").static().make(moved))


def test_no_command_and_a_wrong_command_are_refused(
    monkeypatch, run_job, slab, potcar_library
):
    from ionface.workflows.engines.vasp.incar import PlaneWaves
    from ionface.workflows.engines.vasp.vasp_engine import VaspEngine
    from ionface.workflows.study.vasp_settings import VaspSettings

    monkeypatch.setattr(shutil, "which", lambda _: None)
    silent = VaspEngine().static().make(slab)
    with pytest.raises(IonfaceError, match="no VASP command"):
        run_job("silent", silent)
    waves = PlaneWaves(VaspEngine().waves.protocol, VaspSettings(vasp_cmd="vsap"))
    with pytest.raises(IonfaceError, match="'vsap' cannot be started here"):
        run_job("wrong", VaspEngine(waves=waves).static().make(slab))


@pytest.mark.slow
def test_a_potential_takes_out_the_worst_forces_first(double, run_job, slab):
    emt = from_import_path("ase.calculators.emt.EMT", {}, "EMT")
    engine = double(dipole="off", prerelax=emt)
    job = engine.relax(RelaxSettings(fmax=0.11, steps=50)).make(slab)
    record = run_job("relax", job)
    assert record.steps == 1  # the potential is the same: nothing was left to do
    assert record.structure.site_properties == slab.site_properties
    assert record.provenance["prerelaxed"]["level"]["functional"] == "EMT"
