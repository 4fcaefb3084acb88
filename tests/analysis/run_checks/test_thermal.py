import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory
from ionface.analysis.run_checks.thermal import KB, degrees_of_freedom, temperatures


def jitter(frames=20, atoms=5):
    return np.random.default_rng(0).normal(2, 0.1, (frames, atoms, 3))


def test_kinetic_energy_and_temperature_tell_the_degrees_of_freedom(make_run):
    heat = np.linspace(250, 350, 20)
    for freedom in (12, 15):
        kinetic = 0.5 * freedom * KB * heat
        run = make_run(
            ["Na"] * 5,
            np.eye(3) * 9,
            jitter(),
            temperature=heat,
            kinetic_energy=kinetic,
        )
        assert degrees_of_freedom(run) == freedom


def test_without_them_the_center_of_mass_or_fixed_atoms_count(make_run):
    positions = jitter()
    assert degrees_of_freedom(make_run(["Na"] * 5, np.eye(3) * 9, positions)) == 12
    positions[:, :2] = 1.0
    assert degrees_of_freedom(make_run(["Na"] * 5, np.eye(3) * 9, positions)) == 9


def test_kinetic_energies_alone_give_temperatures(make_run):
    kinetic = np.full(20, 0.5 * 12 * KB * 300)
    run = make_run(["Na"] * 5, np.eye(3) * 9, jitter(), kinetic_energy=kinetic)
    np.testing.assert_allclose(temperatures(run), 300)
    assert np.isnan(temperatures(make_run(["Na"] * 5, np.eye(3) * 9, jitter()))).all()


def test_a_real_vasp_run_starts_at_its_own_temperature(realdata):
    # TEBEG = 800 in its INCAR, velocities scaled to it exactly
    name = "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz"
    run = open_trajectory(realdata / name)
    assert temperatures(run)[0] == pytest.approx(800, abs=1.0)


def test_temperatures_are_those_that_vasp_printed(realdata):
    run = open_trajectory(realdata / "sisl-files/tests/vasp/graphene_md/vasprun.xml")
    found = temperatures(run)[[1, 49, 99]]
    np.testing.assert_allclose(found, [2, 1476, 2596], atol=0.5)  # of its OSZICAR
