"""What is read from a run: one point, or the steps that another run can go on from."""

import numpy as np
import pytest
from ase import units
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError, KilledError
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.cp2k.engine import Cp2kEngine
from ionface.workflows.engines.cp2k.outputs import point, progress_of, steps_of
from ionface.workflows.engines.cp2k.program import Cp2kProgram

POINT = """\
  *** SCF run converged in    10 steps ***
  Electronic entropic energy:                                  -0.00200000000000
 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:              -10.500000000000000
 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X              Y              Z
      1      1      Li          0.01000000    -0.02000000     0.00000000
      2      2      Cl         -0.01000000     0.02000000     0.00000000
 SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.0
 STRESS| Analytical stress tensor [GPa]
 STRESS|                        x                   y                   z
 STRESS|      x        1.00000000000E+00   4.00000000000E-01   5.00000000000E-01
 STRESS|      y        4.00000000000E-01   2.00000000000E+00   6.00000000000E-01
 STRESS|      z        5.00000000000E-01   6.00000000000E-01   3.00000000000E+00
"""
STATE = """\
 &MOTION
   &MD
     STEP_START_VAL  {step}
   &END MD
 &END MOTION
 &FORCE_EVAL
 &END FORCE_EVAL
 &EXT_RESTART
   RESTART_THERMOSTAT  T
 &END EXT_RESTART
"""


def left(folder, frames, states, torn=False):
    """Write what a run of one atom leaves: frames 0..n-1, and states by file name."""
    energies = [f"{i} {i * 2.0} 0.01 {300 + i} -1.{i} -0.9 5.0" for i in range(frames)]
    (folder / "cp2k-1.ener").write_text("\n".join(["# Step", *energies, ""]))
    for kind in ("pos", "vel"):
        rows = [f"1\n i = {i}\n Li {i}.0 0.0 0.5\n" for i in range(frames)]
        text = "".join(rows)
        (folder / f"cp2k-{kind}-1.xyz").write_text(text[:-6] if torn else text)
    for name, text in states.items():
        (folder / name).write_text(text)


def test_a_point_is_read_in_units_of_ase():
    found = point(POINT)
    assert found["free_energy"] == pytest.approx(-10.5 * units.Hartree)
    assert found["energy"] == pytest.approx(-10.499 * units.Hartree)
    assert found["forces"][0] == pytest.approx([0.514221, -1.028441, 0], rel=1e-5)
    stress = -np.array([1, 2, 3, 0.6, 0.5, 0.4]) * units.GPa
    assert found["stress"] == pytest.approx(stress)
    with pytest.raises(IonfaceError, match="no energy or no forces"):
        point("nothing")


@pytest.mark.parametrize("other", ["[bar]", "[kbar]"])
def test_a_stress_in_other_units_is_none(other):
    found = point(POINT.replace("[GPa]", other))
    assert "stress" not in found
    assert len(found["forces"]) == 2


def relaxed(tmp_path, monkeypatch, structure, cell, text=POINT):
    """Return a cell after one step, of a program that always says the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said.txt").write_text(text)
    settings = RelaxSettings(cell=cell, steps=1, must_converge=False)
    maker = Cp2kEngine().relax(settings)
    return maker.make.original(maker, structure)


@pytest.mark.parametrize(
    ("cell", "grown"),
    [("fixed", []), ("normal", [2]), ("in-plane", [0, 1]), ("full", [0, 1, 2])],
)
def test_a_cell_under_pressure_grows_where_it_may(
    installed, tmp_path, monkeypatch, cell, grown
):
    box = Structure(Lattice.cubic(4), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    record = relaxed(tmp_path, monkeypatch, box, cell)
    lengths = np.diag(record.structure.lattice.matrix)
    assert list(np.flatnonzero(lengths > 4.0005)) == grown
    assert np.trace(record.stress) == pytest.approx(-6)  # GPa; under pressure
    if len(grown) > 1:  # CP2K's own order of components: 1, 2 and 3 GPa
        assert list(np.argsort(lengths[grown])) == list(range(len(grown)))


def test_a_cell_without_a_stress_is_not_relaxed(installed, tmp_path, monkeypatch):
    box = Structure(Lattice.cubic(4), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    silent = POINT[: POINT.index(" STRESS|")]
    with pytest.raises(IonfaceError, match="cp2k gives no stress, so it cannot"):
        relaxed(tmp_path, monkeypatch, box, "full", silent)


def test_frames_beyond_the_last_state_do_not_count(tmp_path):
    left(tmp_path, 5, {"cp2k-1.restart": STATE.format(step=3)})
    steps = steps_of(tmp_path, 1)
    assert list(steps.numbers) == [0, 1, 2, 3]
    assert steps.positions.shape == (4, 1, 3)
    assert steps.velocities[1, 0, 0] == pytest.approx(21.8769126, rel=1e-6)
    assert steps.temperatures[-1] == 303
    assert progress_of(tmp_path) == (4, 8.0, 304.0)


def test_a_torn_state_gives_way_to_the_one_before(tmp_path):
    whole = {"cp2k-1.restart.bak-1": STATE.format(step=2)}
    left(tmp_path, 4, {"cp2k-1.restart": STATE.format(step=3)[:120], **whole})
    steps = steps_of(tmp_path, 1)
    assert steps.numbers[-1] == 2
    assert steps.restart.name == "cp2k-1.restart.bak-1"


def test_a_state_without_its_frame_is_not_gone_on_from(tmp_path):
    whole = {"cp2k-1.restart.bak-1": STATE.format(step=2)}
    left(tmp_path, 4, {"cp2k-1.restart": STATE.format(step=3), **whole}, torn=True)
    assert list(steps_of(tmp_path, 1).numbers) == [0, 1, 2]
    (tmp_path / "cp2k-1.restart.bak-1").unlink()
    assert steps_of(tmp_path, 1) is None


def test_electrons_that_do_not_converge_say_what_was_tried(
    installed, chloride, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said.txt").write_text("*** SCF run NOT converged ***\n")
    maker = Cp2kEngine(Cp2kProgram(iterations=40)).static()
    said = r"converge in 40 iterations .* 0.2 of the change, nor in 40 with 0.03; see"
    with pytest.raises(IonfaceError, match=said):
        maker.make.original(maker, chloride)
    assert (tmp_path / "scf" / "runs.txt").read_text().count("cp2k.inp") == 2


UNCONVERGED = "*** SCF run NOT converged ***\n"


@pytest.fixture
def lithium(installed, tmp_path, monkeypatch):
    """Four steps of dynamics of one atom; the program leaves them all behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whole").mkdir()
    left(tmp_path / "whole", 5, {"cp2k-1.restart": STATE.format(step=4)})
    (tmp_path / "words.txt").write_text("cp ../whole/* .\n")
    (tmp_path / "said.txt").touch()
    atom = Structure(Lattice.cubic(3.44), ["Li"], [[0, 0, 0]])
    maker = Cp2kEngine().dynamics(DynamicsSettings(steps=4))
    return lambda: maker.make.original(maker, atom)


def test_dynamics_whose_electrons_fail_are_no_history(lithium, tmp_path):
    (tmp_path / "said.txt").write_text(UNCONVERGED * 3)
    for number in (1, 2):
        with pytest.raises(IonfaceError, match="in 3 of 4 steps the electrons did no"):
            lithium()
        assert (tmp_path / f"run-00{number}").is_dir()
    assert not list(tmp_path.glob("run-*/cp2k-1.restart"))
    (tmp_path / "said.txt").write_text(UNCONVERGED * 2)
    assert lithium().last_step == 4


@pytest.mark.parametrize(("killed", "after"), [(3, 0), (2, 1)])
def test_electrons_that_failed_before_a_kill_count(lithium, tmp_path, killed, after):
    folder = tmp_path / "run-001"
    folder.mkdir()
    left(folder, 3, {"cp2k-1.restart": STATE.format(step=2)})
    (folder / "cp2k.out").write_text(UNCONVERGED * killed)
    (tmp_path / "said.txt").write_text(UNCONVERGED * after)
    with pytest.raises(IonfaceError, match="in 3 of 4 steps the electrons did no"):
        lithium()
    # what made them too many is not gone on from
    assert steps_of(tmp_path / f"run-00{1 + after}", 1) is None
    (tmp_path / "said.txt").write_text("")
    assert lithium().last_step == 4


def test_the_reason_in_cp2ks_box_is_told(installed, chloride, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    box = " * [ABORT]   *\n * \\___/   Too few coffees   *\n *  |  *\n"
    (tmp_path / "said.txt").write_text(box)
    (tmp_path / "words.txt").write_text("exit 1\n")
    maker = Cp2kEngine().static()
    with pytest.raises(IonfaceError, match=r"CP2K failed: 'Too few coffees'; see"):
        maker.make.original(maker, chloride)


def test_a_program_that_is_killed_may_run_again(
    installed, chloride, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("kill -9 $$\n")
    maker = Cp2kEngine().static()
    with pytest.raises(KilledError, match="CP2K failed"):
        maker.make.original(maker, chloride)
