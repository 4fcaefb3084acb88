"""CP2K itself, on a cell of two atoms: ranks, segments, a run that was killed."""

import subprocess
import sys
import time
from dataclasses import replace
from shutil import which

import numpy as np
import psutil
import pytest
from ase import units
from ase.io.trajectory import Trajectory as AseTrajectory
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.cp2k.engine import Cp2kEngine
from ionface.workflows.engines.cp2k.program import Cp2kProgram

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(which("cp2k.psmp") is None, reason="CP2K is not installed"),
]
FAST = Cp2kEngine(Cp2kProgram(cutoff=1600.0, spacing=9.0))
RUN = DynamicsSettings(steps=8, timestep=0.2, temperature=300)


@pytest.fixture
def chloride():
    """A molecule of HCl in a small box."""
    return Structure(
        Lattice.orthorhombic(4.0, 4.1, 4.2),
        ["Cl", "H"],
        [[0, 0, 0], [1.3, 0.1, 0]],
        coords_are_cartesian=True,
    )


def test_two_ranks_find_what_one_finds(chloride, run_job):
    one = run_job("one", FAST.static().make(chloride))
    two = Cp2kEngine(replace(FAST.program, ranks=2)).static()
    other = run_job("two", two.make(chloride))
    assert other.energy == pytest.approx(one.energy, abs=1e-5)
    assert np.allclose(other.forces, one.forces, atol=1e-3)


SMALL = Cp2kEngine(Cp2kProgram(cutoff=1600.0, spacing=9.0, basis="SZV-MOLOPT-SR-GTH"))


@pytest.fixture(scope="module")
def lithium():
    """Two atoms of lithium at Γ, in a cell that is too wide."""
    box = Lattice.tetragonal(3.6, 3.8)
    return Structure(box, ["Li", "Li"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_the_stress_is_the_slope_of_the_energy(lithium, run_job):
    usual = replace(SMALL.program, cutoff=Cp2kProgram().cutoff)  # of the density's grid
    static = Cp2kEngine(usual).static()
    stress = run_job("middle", static.make(lithium)).stress
    energies = []
    for name, strain in (("less", -0.01), ("more", 0.01)):
        cell = lithium.copy()
        cell.apply_strain([0, 0, strain])
        energies.append(run_job(name, static.make(cell)).energy)
    slope = np.diff(energies)[0] / 0.02 / lithium.volume / units.GPa
    assert stress[2][2] == pytest.approx(slope, rel=0.05)
    assert stress[2][2] > 0  # stretched


@pytest.mark.parametrize(
    ("cell", "moved"), [("normal", [2]), ("in-plane", [0, 1]), ("full", [0, 1, 2])]
)
def test_cells_relax_where_they_may(lithium, run_job, cell, moved):
    settings = RelaxSettings(cell=cell, steps=2, must_converge=False)
    record = run_job(cell, SMALL.relax(settings).make(lithium))
    change = record.structure.lattice.matrix - lithium.lattice.matrix
    assert list(np.flatnonzero(np.diag(change) < -1e-4)) == moved
    kept = [i for i in range(3) if i not in moved]
    assert np.allclose(np.diag(change)[kept], 0, atol=1e-6)
    assert record.steps == 2
    with AseTrajectory("relax.traj") as steps:
        energies = [step.get_potential_energy() for step in steps]
    assert energies == sorted(energies, reverse=True)


KILLED = """
import sys
from pymatgen.core import Structure
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.cp2k.engine import Cp2kEngine
from ionface.workflows.engines.cp2k.program import Cp2kProgram
engine = Cp2kEngine(Cp2kProgram(cutoff=1600.0, spacing=9.0))
maker = engine.dynamics(DynamicsSettings(steps=8, timestep=0.2, temperature=300))
maker.make.original(maker, Structure.from_file(sys.argv[1]))
"""


def test_dynamics_that_were_killed_go_on_without_a_step_twice(
    chloride, run_job, tmp_path, monkeypatch
):
    given = tmp_path / "start.json"
    chloride.to_file(str(given))
    maker = FAST.dynamics(RUN)
    whole = run_job("whole", maker.make(chloride, None))
    broken = tmp_path / "runs" / "broken"
    broken.mkdir()
    process = subprocess.Popen([sys.executable, "-c", KILLED, given], cwd=broken)
    state = broken / "run-001" / "cp2k-1.restart.bak-1"  # of two steps
    while not state.is_file():
        time.sleep(0.02)
        assert process.poll() is None
    orphans = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    with pytest.raises(IonfaceError, match=r"still runs in .*run-001, left by a job"):
        run_job("broken", maker.make(chloride, None))
    for orphan in orphans:
        orphan.kill()
    psutil.wait_procs(orphans)
    resumed = run_job("broken", maker.make(chloride, None))
    files = [broken / f"run-00{n}" / "cp2k-1.ener" for n in (1, 2)]
    before, after = (np.loadtxt(file, ndmin=2)[:, 0] for file in files)
    assert before[-1] - 1 <= after[0] - 1 <= before[-1]  # at most its unfinished step
    runs = tmp_path / "runs"
    frames = [record.trajectory.open(runs) for record in (whole, resumed)]
    for each in frames:
        assert list(each.steps) == list(range(9))
    energies = [each.scalars["potential_energy"] for each in frames]
    assert np.allclose(*energies, atol=2e-3)
    further = run_job("next", maker.make(chloride, resumed))
    assert further.last_step == 16
    begins = further.trajectory.open(runs)
    assert begins.steps[0] == 9
    ends = np.array(
        [frames[1].scalars["conserved"][-1], begins.scalars["conserved"][0]]
    )
    assert np.ptp(ends) < 0.01
