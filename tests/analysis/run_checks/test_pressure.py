"""The mean pressure of a run: with the motion, and only where it has a meaning."""

import numpy as np
import pytest

from ionface.analysis.energies import empty_layer
from ionface.analysis.run_checks.pressure import pressures
from ionface.analysis.run_checks.run_checks import check_run
from ionface.analysis.run_checks.temperature import KB
from ionface.analysis.trajectory.store import STRESSES
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.structures import model

FRAMES, EDGE = 200, 8.0


def run(stress=0.0, noise=0.0, kelvin=1.0, height=EDGE):
    """Return a gas of 64 atoms in a box, with a stress of its own in each direction."""
    random = np.random.default_rng(3)
    lattice = np.diag([EDGE, EDGE, height])
    positions = random.uniform(0, EDGE, (64, 3)) + random.normal(
        0, 0.05, (FRAMES, 1, 1)
    )
    scalars = {name: np.zeros(FRAMES) for name in STRESSES}
    for name in STRESSES[:3]:
        scalars[name] = stress + noise * random.normal(size=FRAMES)
    heat = kelvin * (1 + 0.1 * random.normal(size=FRAMES))
    heat *= kelvin / heat.mean()
    scalars["kinetic_energy"] = 1.5 * 64 * KB * heat
    return Trajectory.from_arrays(["Al"] * 64, lattice, positions, 2.0, scalars=scalars)


def mean_pressure(trajectory):
    (check,) = [c for c in check_run(trajectory).checks if c.name == "mean pressure"]
    return check


def test_atoms_without_forces_press_as_an_ideal_gas():
    found = pressures(run(kelvin=300.0))
    ideal = 64 * 1.380649e-23 * 300 / (EDGE * 1e-10) ** 3 / 1e9  # N kB T / V, GPa
    assert found.mean() == pytest.approx(ideal, rel=1e-6)


@pytest.mark.parametrize(
    ("stress", "verdict", "word"),
    [(0.2, "sound", ""), (-1.0, "doubtful", "under pressure"),
     (1.0, "doubtful", "under tension")],
)  # fmt: skip
def test_a_run_far_from_its_own_lattice_is_doubtful(stress, verdict, word):
    check = mean_pressure(run(stress, noise=0.5))
    assert check.value == pytest.approx(-stress, abs=0.1)
    assert (check.verdict, word in check.why) == (verdict, True)


def test_noise_is_no_pressure_and_hides_none():
    noisy = mean_pressure(run(0.0, noise=20.0))
    assert noisy.verdict == "unknown"
    assert "are within three standard errors" in noisy.why
    # farther off than the bar, and by less than three errors
    check = mean_pressure(run(0.6, noise=7.0))
    assert check.value < -0.3
    assert (check.verdict, "of tension are within" in check.why) == ("unknown", True)
    # below the bar, but not by three errors
    assert mean_pressure(run(0.2, noise=1.0)).verdict == "unknown"
    assert mean_pressure(run(0.0, noise=0.5)).verdict == "sound"


def test_vacuum_dilutes_a_stress_so_none_is_told():
    assert pressures(run(height=EDGE + 7)) is None
    assert pressures(run(height=EDGE + 4)) is not None


def test_files_without_stress_have_no_such_check():
    silent = Trajectory.from_arrays(["Al"], np.eye(3) * 4, np.zeros((5, 1, 3)), 2.0)
    assert pressures(silent) is None
    assert "mean pressure" not in [check.name for check in check_run(silent).checks]


def test_models_and_energies_agree_on_what_a_vacuum_is():
    assert empty_layer.VACUUM == model.THIN_VACUUM
