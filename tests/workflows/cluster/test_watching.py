"""How far a running job is, from the ends of its files."""

import numpy as np
import pytest

from ionface.workflows.cluster.watching import Seen, last_run, look

OSZICAR = """       N       E                     dE             d eps       ncg
DAV:   1     0.100000000000E+02    0.10000E+02   -0.1E+03  1400   0.1E+02
   1 T=   300. E= -.43E+02 F= -.440000E+02 E0= -.44E+02  EK= 0.1E+01 SP= 0.0 SK= 0.0
   2 T=   311. E= -.43E+02 F= -.441500E+02 E0= -.44E+02  EK= 0.1E+01 SP= 0.0 SK= 0.0
"""
XDATCAR = """In2 S1
 1.0
 10.0 0.0 0.0
 0.0 10.0 0.0
 0.0 0.0 10.0
 In S
 2 1
Direct configuration=     1
 0.0 0.0 0.0
 0.5 0.5 0.5
 0.7 0.7 0.7
Direct configuration=     2
 0.0 0.0 0.0
 0.5 0.5 0.5
 0.0 0.0 0.75
Direct configuration=     3
 0.0 0.0
"""


@pytest.fixture
def folder(tmp_path):
    part = tmp_path / "part-002"
    part.mkdir()
    (tmp_path / "part-001").mkdir()
    (part / "OSZICAR").write_text(OSZICAR)
    (part / "XDATCAR").write_text(XDATCAR)
    return tmp_path


def test_dynamics_tell_energy_temperature_and_bonds_of_the_last_whole_frame(folder):
    seen = look(folder, ("In-S", "In-In"))
    assert (seen.step, seen.energy, seen.temperature) == (2, -44.15, 311)
    # S is 2.5 Å below the first In through the boundary: 1.3 (1.42 + 1.05) = 3.2 Å
    assert seen.bonds == {"In-S": 1, "In-In": 0}
    assert seen.line() == "step 2, -44.1500 eV, 311 K, In-S 1, In-In 0"


def test_a_relaxation_tells_energy_and_force(folder):
    part = last_run(folder)
    (part / "OSZICAR").write_text(
        "   7 F= -.25500000E+02 E0= -.255E+02  d E =-.1E-02\n"
    )
    (part / "OUTCAR").write_text("x\n FORCES: max atom, RMS     0.031000    0.012\n")
    assert look(folder) == Seen(7, -25.5, 0.031)


def test_a_job_that_has_written_nothing_tells_nothing(tmp_path):
    assert look(tmp_path) is None
    (tmp_path / "part-001").mkdir()
    assert look(tmp_path) is None
    (tmp_path / "relax.traj").write_bytes(b"\x00half")
    assert look(tmp_path) is None


def test_bonds_are_counted_through_skewed_cells_once():
    from ionface.workflows.cluster.watching import _bonds

    lattice = np.array([[6.0, 0, 0], [3.0, 5.2, 0], [0, 0, 9.0]])
    positions = np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 0.1] + lattice[1] * 0.99])
    assert _bonds(["In", "In"], lattice, positions, ("In-In",)) == {"In-In": 1}
