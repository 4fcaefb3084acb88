import numpy as np
import pytest

from ionface.analysis.readers import open_trajectory
from ionface.analysis.report.tables import check_contents
from ionface.analysis.run_checks.checks import (
    canonical_deviation,
    fluctuation,
    mean_temperature,
    temperature_trend,
)
from ionface.analysis.run_checks.run_checks import check_run
from ionface.analysis.run_checks.temperature import (
    ACCELERATION,
    KB,
    degrees_of_freedom,
    temperatures,
)
from ionface.analysis.tables_csv import rows_to_csv
from ionface.errors import TrajectoryError

ATOMS = 64


def canonical(target=300.0, frames=2000, seed=0):
    """Temperatures of a canonical ensemble: chi² of the momenta, correlated in time."""
    rng = np.random.default_rng(seed)
    phi = np.exp(-1 / 5)
    momenta = np.empty((frames, 3 * ATOMS))
    momenta[0] = rng.normal(size=3 * ATOMS)
    for row in range(1, frames):
        kick = rng.normal(size=3 * ATOMS) * np.sqrt(1 - phi**2)
        momenta[row] = phi * momenta[row - 1] + kick
    return target * np.mean(momenta**2, axis=1)


@pytest.fixture
def make_md(make_run):
    def make(temperature, conserved=None, species=("Na", "Cl"), **options):
        frames = len(temperature)
        jitter = np.random.default_rng(9).normal(0, 0.1, (frames, ATOMS, 3))
        return make_run(
            list(species) * (ATOMS // 2),
            np.eye(3) * 12,
            5 + jitter,
            temperature=temperature,
            kinetic_energy=1.5 * ATOMS * KB * temperature,
            potential_energy=-100 + 0.1 * jitter[:, 0, 0],
            conserved=np.zeros(frames) if conserved is None else conserved,
            **options,
        )

    return make


def verdicts(result):
    return {check.name: check.verdict for check in result.checks}


def test_canonical_runs_are_sound(make_md):
    for seed in range(5):
        found = check_run(make_md(canonical(seed=seed)), 300.0)
        assert found.verdict == "sound", found.verdict
    assert found.temperature == pytest.approx(300, abs=4)
    assert found.temperature_std == pytest.approx(found.canonical_std, rel=0.15)
    assert found.canonical_std == pytest.approx(300 * np.sqrt(2 / (3 * ATOMS)))


def test_a_run_at_another_temperature_is_doubtful(make_md):
    found = check_run(make_md(canonical(target=330.0)), 300.0)
    assert found.verdict.startswith("doubtful: mean temperature (3")
    assert "target 300 K" in found.verdict


def test_a_run_that_heats_up_is_doubtful_even_if_its_mean_is_right(make_md):
    ramp = np.linspace(-45, 45, 2000)
    found = check_run(make_md(canonical() + ramp), 300.0)
    assert verdicts(found)["temperature trend"] == "doubtful"
    assert found.verdict.startswith("doubtful")


def test_a_start_that_settles_is_left_out(make_md):
    settling = canonical() + 300 * np.exp(-np.arange(2000) / 40)
    found = check_run(make_md(settling), 300.0)
    assert found.verdict == "sound"
    assert found.equilibrated_fs > 100


def test_a_thermostat_that_damps_or_drives_the_motion_is_doubtful(make_md):
    for factor in (0.4, 1.8):
        heat = 300 + factor * (canonical() - 300)
        found = check_run(make_md(heat), 300.0)
        assert verdicts(found)["temperature fluctuation"] == "doubtful"


def test_energy_that_is_not_conserved_is_doubtful(make_md):
    times_ps = np.arange(2000) * 2e-3
    for slope, expected in ((2e-3, "doubtful"), (2e-4, "sound"), (-2e-3, "doubtful")):
        noise = np.random.default_rng(0).normal(0, 1e-3, 2000)
        run = make_md(canonical(), conserved=ATOMS * slope * times_ps + noise)
        found = check_run(run, 300.0)
        assert verdicts(found)["drift of the conserved energy"] == expected
        drift = next(c for c in found.checks if "conserved" in c.name)
        assert drift.value == pytest.approx(slope, rel=0.05)


def test_two_femtoseconds_are_too_long_with_hydrogen_only(make_md):
    heat = canonical(frames=500)
    assert check_run(make_md(heat), 300.0).verdict == "sound"
    found = check_run(make_md(heat, species=("H", "Cl")), 300.0)
    assert "2 fs with hydrogen, at most 1 fs" in found.verdict
    # frames stored every tenth step say the same about the step
    every = make_md(heat, steps=10 * np.arange(500))
    assert check_run(every, 300.0).verdict == "sound"


def test_frames_numbered_one_by_one_do_not_tell_the_time_step(make_md):
    found = check_run(make_md(canonical(frames=500), interval=100.0), 300.0)
    assert found.verdict.startswith("unknown: time step (frames are 100 fs apart")


def test_missing_and_repeated_frames_are_doubtful(make_md):
    heat = canonical(frames=300)
    steps = np.arange(300)
    steps[100:] += 7
    found = check_run(make_md(heat, steps=steps), 300.0)
    assert "7 missing between steps" in found.verdict
    assert "follows step 99" in found.verdict
    steps[100:] -= 20
    assert "segments overlap" in check_run(make_md(heat, steps=steps), 300.0).verdict


def test_what_is_missing_is_unknown_not_sound(make_md, make_run, from_its_file):
    found = check_run(make_md(canonical()))
    assert found.verdict == "unknown: mean temperature (no target temperature given)"
    assert check_run(make_md(canonical(), meta={"temperature_K": 300.0})).target == 300
    bare = make_run(["Na"], np.eye(3) * 5, np.zeros((20, 1, 3)))
    found = check_run(bare, 300.0)
    assert found.verdict.startswith("unknown: mean temperature (no temperatures")
    assert "conserved energies" in found.verdict
    assert np.isnan(from_its_file(found).temperature)
    with pytest.raises(TrajectoryError, match="three are the least"):
        check_run(bare.between(0, 2))


def test_a_reaction_is_noted_not_blamed(make_md):
    run = make_md(canonical())
    energy = run.segments[0].scalars["potential_energy"]
    energy -= 0.5 * np.arange(2000) * 2e-3 * ATOMS
    found = check_run(run, 300.0)
    assert found.verdict == "sound"
    assert "-500.00" in found.notes[0]


def test_a_change_is_told_over_the_run_and_each_reason_once(make_md):
    ramp = np.linspace(-45, 45, 2000)
    found = check_run(make_md(canonical() + ramp), 300.0)
    trend = next(c for c in found.checks if c.name == "temperature trend")
    assert trend.why.endswith("ps")
    assert "K over" in trend.why
    table, said = check_contents(found)
    assert [row[2] for row in table.rows].count(trend.why) == 1
    assert said.lines[-1].startswith("The run is doubtful: ")
    assert trend.why not in said.lines[-1]


def test_checks_make_a_table(make_md):
    text = rows_to_csv(check_run(make_md(canonical(frames=200)), 300.0).rows())
    assert text.splitlines()[0] == "check,value,lowest,highest,unit,verdict,why"
    assert len(text.splitlines()) == 7


def test_a_real_vasp_run_of_graphene_is_judged(realdata):
    run = open_trajectory(realdata / "sisl-files/tests/vasp/graphene_md/vasprun.xml")
    found = check_run(run)
    assert found.frames == 100
    time_step = next(c for c in found.checks if c.name == "time step")
    assert time_step.value == pytest.approx(0.1)  # POTIM of its INCAR
    # 0 K at the start, 2596 K at the end, as its OSZICAR prints: no thermostat
    assert verdicts(found)["temperature trend"] == "doubtful"


def test_canonical_deviation_is_that_of_simulated_momenta():
    momenta = np.random.default_rng(0).normal(size=(20000, 30))
    heat = 500 * np.mean(momenta**2, axis=1)
    assert heat.std() == pytest.approx(canonical_deviation(500, 30), rel=0.03)


def test_a_small_offset_is_sound_and_so_is_a_large_one_that_noise_explains():
    rng = np.random.default_rng(0)
    exact, off = 301 + rng.normal(0, 1, 500), 310 + rng.normal(0, 1, 500)
    assert mean_temperature(exact, 300.0).verdict == "sound"  # significant, but small
    assert mean_temperature(off, 300.0).verdict == "doubtful"
    noisy = 310 + rng.normal(0, 60, 12)
    assert mean_temperature(noisy, 300.0).verdict == "sound"
    drifting = 312 + np.linspace(-9, 9, 40)  # never twice at the same temperature
    assert mean_temperature(drifting, 300.0).verdict == "unknown"
    assert "too short for an error" in mean_temperature(drifting, 300.0).why
    assert mean_temperature(exact[:2], 300.0).verdict == "unknown"


def test_short_series_are_unknown():
    rng = np.random.default_rng(1)
    assert fluctuation(rng.normal(300, 20, 5), 300.0, 300).verdict == "unknown"
    few = rng.normal(300, 0.7 * canonical_deviation(300, 300), 12)
    assert fluctuation(few, 300.0, 300).verdict == "unknown"
    assert "too few to tell" in fluctuation(few, 300.0, 300).why
    many = rng.normal(300, 0.7 * canonical_deviation(300, 300), 5000)
    assert fluctuation(many, 300.0, 300).verdict == "doubtful"
    assert temperature_trend(np.arange(5.0), np.ones(5)).verdict == "unknown"


def jitter(frames=20, atoms=5):
    return np.random.default_rng(0).normal(2, 0.1, (frames, atoms, 3))


def thermal(atoms, kelvin, rests, frames=60, interval=2.0):
    """Return free flight of thermal Na atoms and its kinetic energy, eV."""
    rng = np.random.default_rng(0)
    speed = np.sqrt(KB * kelvin / 22.98976928 * ACCELERATION)  # Å/fs
    v = rng.normal(0, speed, (atoms, 3))
    v -= rests * v.mean(axis=0)
    times = np.arange(frames)[:, None, None] * interval
    kinetic = 0.5 * 22.98976928 / ACCELERATION * (v**2).sum()
    return 4.5 + v * times, np.full(frames, kinetic)


@pytest.mark.parametrize(("rests", "freedom"), [(True, 21), (False, 24)])
def test_a_center_of_mass_that_rests_has_no_temperature(make_run, rests, freedom):
    positions, kinetic = thermal(8, 300.0, rests)
    # what a program calls temperature: it counts all coordinates
    stored = 2 * kinetic / (24 * KB)
    run = make_run(["Na"] * 8, np.eye(3) * 9, positions, temperature=stored,
                   kinetic_energy=kinetic)  # fmt: skip
    assert degrees_of_freedom(run, 300.0) == freedom
    np.testing.assert_allclose(temperatures(run), stored * 24 / freedom)
    checked = check_run(run, 300.0)
    assert checked.canonical_std == pytest.approx(300 * np.sqrt(2 / freedom))


def test_a_thermostat_that_counts_it_is_found_out(make_run):
    positions, _ = thermal(8, 300.0, True, frames=2000)
    # ASE's own count: 3N kT/2 in 3N - 3 coordinates, 8/7 of what was asked for
    rng = np.random.default_rng(1)
    kinetic = 0.5 * KB * 300 * rng.chisquare(24, 2000)
    told = {"temperature": 2 * kinetic / (24 * KB), "kinetic_energy": kinetic}
    found = check_run(make_run(["Na"] * 8, np.eye(3) * 9, positions, **told), 300.0)
    assert found.temperature == pytest.approx(300 * 8 / 7, rel=0.02)
    assert found.verdict.startswith("doubtful: mean temperature")


def test_without_them_the_center_of_mass_or_fixed_atoms_count(make_run):
    positions = jitter()
    assert degrees_of_freedom(make_run(["Na"] * 5, np.eye(3) * 9, positions)) == 12
    positions[:, :2] = 1.0
    assert degrees_of_freedom(make_run(["Na"] * 5, np.eye(3) * 9, positions)) == 9


def test_kinetic_energies_alone_give_temperatures(make_run):
    kinetic = np.full(20, 0.5 * 12 * KB * 300)
    still = jitter() - jitter().mean(axis=1, keepdims=True)
    run = make_run(["Na"] * 5, np.eye(3) * 9, still, kinetic_energy=kinetic)
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
