"""GPAW itself, on cells of two atoms: energies, forces, restarts, failures."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from pymatgen.core import Lattice, Structure

from ionface.analysis.yardstick.labeled_frames import stored
from ionface.errors import IonfaceError, KilledError
from ionface.workflows.engines.contract import (
    STRESS_LEFT,
    DynamicsSettings,
    RelaxSettings,
)
from ionface.workflows.engines.gpaw import client
from ionface.workflows.engines.gpaw.engine import GpawEngine
from ionface.workflows.engines.gpaw.program import GpawProgram

pytest.importorskip("gpaw", reason="GPAW is not installed: pip install 'ionface[dft]'")

FAST = GpawEngine(GpawProgram(cutoff=200, spacing=9.0))


@pytest.fixture
def hydride():
    """Two atoms, out of balance."""
    return Structure(
        Lattice.from_parameters(2.9, 2.9, 2.9, 60, 60, 60),
        ["Li", "H"],
        [[0, 0, 0], [0.52, 0.5, 0.5]],
        site_properties={"phase": ["a", "b"]},
    )


def test_it_keeps_the_contract_and_a_restart_its_density(hydride, run_job):
    record = run_job("static", FAST.static().make(hydride))
    assert record.structure.site_properties["phase"] == ["a", "b"]
    assert record.level["cutoff_ev"] == 200
    assert record.max_force > 0.1
    again = run_job("static", FAST.static().make(hydride))
    assert again.energy == pytest.approx(record.energy, abs=1e-4)
    log = Path(client.SCF_LOG).read_text()
    assert log.count("SCF iterations") == 1  # the second one found the first one's


@pytest.mark.slow
def test_electrons_that_do_not_converge_say_what_was_tried(hydride, run_job):
    program = replace(FAST.program, iterations=2)
    maker = GpawEngine(program).static()
    with pytest.raises(IonfaceError, match=r"not converge in 2 .*iterations: 4}, and"):
        run_job("static", maker.make(hydride))
    assert Path("unconverged.gpw").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("left", ["nothing", "an old density"])
def test_with_more_iterations_the_same_job_goes_on(hydride, run_job, left):
    """On a mesh, where an unconverged density was no start, but a dead end."""
    meshed = replace(FAST.program, spacing=0.8)
    few = GpawEngine(replace(meshed, iterations=3)).static()
    with pytest.raises(IonfaceError, match="not converge in 3"):
        run_job("static", few.make(hydride))
    if left == "an old density":
        Path("unconverged.gpw").replace(client.DENSITY)
    record = run_job("static", GpawEngine(meshed).static().make(hydride))
    fresh = run_job("other", GpawEngine(meshed).static().make(hydride))
    assert record.energy == pytest.approx(fresh.energy, abs=1e-4)


def test_a_worker_that_dies_leaves_its_last_words(
    hydride, run_job, tmp_path, monkeypatch
):
    script = tmp_path / "worker.py"
    script.write_text("raise SystemExit('out of cheese\\n-----')\n")
    monkeypatch.setattr(client, "WORKER", script)
    with pytest.raises(IonfaceError, match="last words were 'out of cheese'; see"):
        run_job("static", FAST.static().make(hydride))


def test_a_worker_that_is_killed_may_run_again(hydride, run_job, tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setattr(client, "WORKER", script)
    with pytest.raises(KilledError, match="ended without an answer"):
        run_job("static", FAST.static().make(hydride))


def test_missing_mpi_is_told(hydride, run_job):
    program = replace(FAST.program, ranks=2, mpi="no-such-mpi -n {ranks}")
    with pytest.raises(IonfaceError, match="no-such-mpi is not on the PATH, and 2 ra"):
        run_job("static", GpawEngine(program).static().make(hydride))


@pytest.mark.slow
def test_two_ranks_find_what_one_finds(hydride, run_job):
    one = run_job("one", FAST.static().make(hydride))
    two = GpawEngine(replace(FAST.program, ranks=2)).static()
    other = run_job("two", two.make(hydride))
    assert other.energy == pytest.approx(one.energy, abs=1e-5)


@pytest.mark.slow
def test_dynamics_conserve_what_they_must(hydride, run_job):
    maker = FAST.dynamics(DynamicsSettings(steps=8, timestep=0.5, temperature=300))
    first = run_job("first", maker.make(hydride, None))
    frames = first.trajectory.open(Path.cwd().parent)
    conserved = frames.scalars["conserved"]
    assert np.ptp(conserved) < 0.01
    second = run_job("second", maker.make(hydride, first))
    assert second.last_step == 16


@pytest.mark.slow
def test_orbitals_give_forces_but_no_stress(hydride, run_job):
    orbitals = GpawEngine(replace(FAST.program, mode="lcao"))
    maker = orbitals.static()
    record = run_job("static", maker.make(hydride))
    assert record.stress is None
    moved = hydride.copy()
    moved.translate_sites([1], [0.02, 0, 0], frac_coords=False)
    other = run_job("moved", maker.make(moved))
    slope = (other.energy - record.energy) / 0.02
    mean = (record.forces[1][0] + other.forces[1][0]) / 2
    assert slope == pytest.approx(-mean, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "moves"),
    [
        ("normal", [False, False, True]),
        ("in-plane", [True, True, False]),
        ("full", [True, True, True]),
    ],
)
def test_only_what_is_asked_for_of_a_cell_moves_and_it_ends_without_stress(
    hydride, cell, moves, run_job
):
    hydride.replace(1, "H", [0.5, 0.5, 0.5])
    engine = GpawEngine(replace(FAST.program, spacing=1.4))
    maker = engine.relax(RelaxSettings(fmax=0.05, cell=cell, steps=30))
    record = run_job(cell, maker.make(hydride))
    before, after = (s.lattice.matrix for s in (hydride, record.structure))
    strain = np.diag(np.linalg.solve(before, after)) - 1
    assert (np.abs(strain) > 0.01).tolist() == moves
    stress = np.diag(record.stress)
    assert np.abs(stress[moves]).max() < STRESS_LEFT
    assert (np.abs(stress[~np.array(moves)]) > 1).all()


@pytest.mark.slow
def test_a_lone_hydrogen_atom_has_a_spin(run_job):
    atom = Structure(Lattice.cubic(5.0), ["H"], [[0.5, 0.5, 0.5]])
    program = GpawProgram(cutoff=350, spacing=9.0, spin=True, moments={"H": 1.0})
    record = run_job("atom", GpawEngine(program).static().make(atom))
    # relative to the atom without spin, as all energies of GPAW
    assert record.energy == pytest.approx(-1.1, abs=0.15)


@pytest.mark.slow
def test_u_costs_what_shares_of_electrons_cost(hydride, run_job):
    plain = run_job("plain", FAST.static().make(hydride))
    energies = []
    for u in (2.0, 4.0):
        hubbard = replace(FAST.program, hubbard={"H": (u, "s")})
        record = run_job(f"u{u}", GpawEngine(hubbard).static().make(hydride))
        energies.append(record.energy - plain.energy)
    # U/2 (n - n²) for each spin: never below 0, and linear while n stays
    assert 0.01 < energies[0] < energies[1] < 2 * energies[0] + 1e-3


class Meshed(GpawProgram):
    """GPAW with the mesh that a structure carries."""

    def divisions(self, structure):
        return tuple(structure.properties["mesh"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "largest"), [("li_bulk344", 0), ("x_LiCl", 0), ("x_GeO2", 0.14)]
)
def test_stored_energies_and_forces_are_found_again(name, largest, run_job):
    (frame,) = (frame for frame in stored() if frame.name == name)
    mesh, _, center = frame.settings["k_points"].partition(" ")
    assert center == "Gamma"
    width = float(frame.settings["smearing"].split()[1])
    structure = Structure(
        frame.lattice, frame.species, frame.positions, coords_are_cartesian=True
    )
    structure.properties["mesh"] = [int(n) for n in mesh.split("x")]
    program = Meshed(cutoff=float(frame.settings["cutoff_ev"]), width=width)
    record = run_job(name, GpawEngine(program).static().make(structure))
    assert record.energy == pytest.approx(frame.energy, abs=0.005 * len(structure))
    # 0 by symmetry but for oxygen in GeO2: 0.14 eV/Å
    assert np.abs(frame.forces).max() == pytest.approx(largest, abs=0.01)
    assert np.allclose(record.forces, frame.forces, atol=0.02)


KILLED = """
import sys
from pymatgen.core import Structure
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.gpaw.engine import GpawEngine
from ionface.workflows.engines.gpaw.program import GpawProgram
engine = GpawEngine(GpawProgram(cutoff=200, spacing=9.0))
maker = engine.relax(RelaxSettings(fmax=0.01))
maker.make.original(maker, Structure.from_file(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_relaxation_that_was_killed_is_the_same_one(hydride, tmp_path, monkeypatch):
    given = tmp_path / "start.json"
    hydride.to_file(str(given))
    maker = FAST.relax(RelaxSettings(fmax=0.01))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    monkeypatch.chdir(whole)
    record = maker.make.original(maker, hydride)
    process = subprocess.Popen([sys.executable, "-c", KILLED, given], cwd=broken)
    history = broken / "relax.traj"
    while not history.is_file() or len(read(history, ":")) < 3:
        time.sleep(0.05)
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    monkeypatch.chdir(broken)
    resumed = maker.make.original(maker, hydride)
    assert resumed.energy == pytest.approx(record.energy, abs=1e-4)
    images = [read(folder / "relax.traj", ":") for folder in (whole, broken)]
    energies = [[i.get_potential_energy() for i in each] for each in images]
    assert len(energies[0]) == len(energies[1])
    assert np.allclose(*energies, atol=2e-4)
