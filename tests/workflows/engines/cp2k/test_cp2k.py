"""CP2K itself, on a cell of two atoms: ranks, segments, a run that was killed."""

import subprocess
import sys
import time
from dataclasses import replace
from shutil import which

import numpy as np
import psutil
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings
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
