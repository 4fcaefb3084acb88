from dataclasses import replace

import numpy as np
import pytest

from ionface.workflows.engines.vasp_double.dynamics import Dynamics
from ionface.workflows.engines.vasp_double.geometry import Bath, Poscar, parse
from ionface.workflows.engines.vasp_double.model import Surface, model
from ionface.workflows.engines.vasp_double.potcars import Pseudopotential
from ionface.workflows.engines.vasp_double.settings import AMU, BOLTZMANN, resolve
from ionface.workflows.engines.vasp_double.steps import Point, Thermo

from .conftest import alloy

FREE_GAS = Point(0.0, np.zeros((50, 3)), np.zeros(3), None)


def _settings(start, **tags):
    given = {"IBRION": 0, "NSW": 100, "MDALGO": 2, "SMASS": 0.0, "POTIM": 2.0,
             "TEBEG": 300.0} | tags  # fmt: skip
    potentials = [Pseudopotential("PAW_PBE X", 3, 200, 0) for _ in start.counts]
    return resolve(given, potentials, start)


def _start(amplitude=0.05, free=None):
    atoms = alloy(amplitude)
    return Poscar(
        "alloy",
        np.array(atoms.cell),
        ("Al", "Cu"),
        (6, 2),
        atoms.get_scaled_positions(),
        free,
    )


def _run(start, settings, steps, masses=None):
    """Return conserved quantity, temperature and fractional positions of each step."""
    masses = np.array([26.98] * 6 + [63.55] * 2) if masses is None else masses
    motion = Dynamics(start, settings, masses)
    surface = Surface(model("emt"), start.species, all_move=start.free is None)
    frames = []
    for number in range(steps):
        point = surface(motion.lattice, motion.fractional)
        thermo = motion.receive(point)
        frames.append((thermo.total(point.energy), thermo, motion.fractional))
        if number < steps - 1:
            motion.advance()
    return motion, frames


@pytest.mark.slow
@pytest.mark.parametrize("smass", [0.0, 1.0, -3.0])
def test_the_error_of_the_constant_of_motion_shrinks_with_the_square_of_the_step(smass):
    def error(potim):
        mass = {0.0: 0.05, 1.0: 0.5}.get(smass, smass)  # the same for every step
        settings = _settings(_start(), POTIM=potim, SMASS=mass, RANDOM_SEED=[5])
        _, frames = _run(_start(), settings, int(120 / potim))
        energies = np.array([total for total, *_ in frames])
        return np.abs(energies - energies[0]).max()

    errors = np.array([error(potim) for potim in (4.0, 2.0, 1.0)])
    assert errors[0] < 0.05
    assert errors[:-1] / errors[1:] == pytest.approx([4, 4], rel=0.35)


@pytest.mark.slow
def test_the_constant_of_motion_does_not_drift():
    settings = _settings(_start(), POTIM=3.0)
    energies = [total for total, *_ in _run(_start(), settings, 600)[1]]
    early, late = np.mean(energies[:300]), np.mean(energies[300:])
    assert abs(late - early) < 5e-4
    assert np.ptp(energies) < 0.02


def test_the_temperature_of_a_free_gas_oscillates_in_forty_steps():
    rng = np.random.default_rng(0)
    start = Poscar("gas", np.eye(3) * 20, ("Al",), (50,), rng.random((50, 3)))
    settings = _settings(start, TEBEG=300.0, NSW=400)
    motion = Dynamics(start, settings, np.full(50, 26.98))
    motion.velocities = motion.velocities * 1.02  # a little warm
    temperatures = []
    for _ in range(400):
        temperatures.append(motion.receive(FREE_GAS).temperature)
        motion.advance()
    spectrum = np.abs(np.fft.rfft(temperatures - np.mean(temperatures)))
    assert 400 / np.argmax(spectrum) == pytest.approx(40, abs=1)


def test_velocities_are_drawn_at_tebeg_without_drift():
    settings = _settings(_start(), TEBEG=450.0)
    _, frames = _run(_start(), settings, 1)
    assert frames[0][1].temperature == pytest.approx(450)
    motion, _ = _run(_start(), settings, 1)
    mass = np.array([26.98] * 6 + [63.55] * 2)
    assert mass @ motion.velocities == pytest.approx(np.zeros(3), abs=1e-6)
    other, _ = _run(
        _start(), _settings(_start(), TEBEG=450.0, RANDOM_SEED=[7, 0, 0]), 1
    )
    assert not np.allclose(other.velocities, motion.velocities)


def test_velocities_of_the_poscar_are_kept_even_at_rest():
    start = replace(_start(), velocities=np.zeros((8, 3)))
    _, frames = _run(start, _settings(_start()), 2)
    assert frames[0][1].temperature == 0


def test_a_contcar_continues_bit_for_bit():
    settings = _settings(_start(), POTIM=3.0, TEBEG=900.0)
    _, whole = _run(_start(), settings, 40)
    first, before = _run(_start(), settings, 15)
    _, after = _run(parse(first.contcar(last=True)), settings, 26)
    assert after[0][1] == before[-1][1]  # the frame at the seam stands twice
    for (e1, t1, x1), (e2, t2, x2) in zip(whole, [*before, *after[1:]], strict=True):
        assert e1 == e2
        assert t1 == t2
        assert (x1 == x2).all()


def test_a_contcar_with_fixed_coordinates_continues_bit_for_bit():
    free = np.ones((8, 3), dtype=bool)
    free[0], free[1:] = False, [True, False, True]
    free[4:] = [False, True, True]
    start = _start(free=free)
    skew = np.array([[1, 0, 0], [0.2, 1, 0], [0.1, -0.1, 1]])
    start = replace(start, lattice=start.lattice @ skew)
    settings = _settings(_start(), POTIM=3.0, TEBEG=900.0)
    _, whole = _run(start, settings, 40)
    first, before = _run(start, settings, 15)
    _, after = _run(parse(first.contcar(last=True)), settings, 26)
    for (e1, t1, x1), (e2, t2, x2) in zip(whole, [*before, *after[1:]], strict=True):
        assert (e1, t1) == (e2, t2)
        assert (x1 == x2).all()


def test_without_the_thermostats_state_a_continuation_differs():
    settings = _settings(_start(), POTIM=3.0, TEBEG=900.0)
    first, before = _run(_start(), settings, 15)
    state = replace(parse(first.contcar(last=True)), bath=None)
    _, after = _run(state, settings, 5)
    assert (after[0][2] == before[-1][2]).all()
    assert after[0][1].nosekinetic == 0 != before[-1][1].nosekinetic


def test_positions_stay_in_the_cell_and_end_one_step_ahead():
    settings = _settings(_start(), TEBEG=2000.0)
    motion, frames = _run(_start(), settings, 60)
    places = np.array([x for *_, x in frames])
    assert places.min() >= 0
    assert places.max() < 1
    lattice, ahead, _ = motion.final()
    moved = ahead - motion.fractional
    moved -= np.round(moved)
    assert 0 < np.abs(moved @ lattice).max() < 0.2
    motion.advance()
    assert (motion.fractional == ahead).all()


def test_fixed_atoms_stay_and_carry_no_temperature():
    free = np.ones((8, 3), dtype=bool)
    free[:3] = False
    free[3] = [True, True, False]
    settings = _settings(_start(), TEBEG=600.0)
    _, frames = _run(_start(free=free), settings, 30)
    first, last = frames[0][2], frames[-1][2]
    assert frames[0][1].temperature == pytest.approx(600)
    assert (first[:3] == last[:3]).all()
    assert last[3, 2] == pytest.approx(first[3, 2], abs=1e-13)
    assert abs(last[3, 0] - first[3, 0]) > 1e-4
    energies = [total for total, *_ in frames]
    assert np.ptp(energies) < 5e-3


@pytest.mark.slow
def test_the_thermostat_heats_towards_teend():
    settings = _settings(_start(), TEBEG=100.0, TEEND=1000.0, NSW=400, POTIM=3.0)
    _, frames = _run(_start(0.01), settings, 400)
    late = np.mean([thermo.temperature for _, thermo, _ in frames[300:]])
    assert late > 500


def test_nosepot_is_the_work_done_on_the_bath():
    start = replace(_start(), velocities=np.zeros((8, 3)), bath=Bath(2.0, 0.5, 0.1))
    settings = _settings(_start(), SMASS=1.0)
    motion, frames = _run(start, settings, 1)
    thermo = frames[0][1]
    assert thermo.nosepot == pytest.approx(21 * BOLTZMANN * 300 * np.log(0.5))
    inertia = AMU * np.sum(motion.lattice[0] ** 2)
    assert thermo.nosekinetic == pytest.approx(inertia * (0.1 / 2.0) ** 2 / 2)


def test_the_constant_of_motion_is_the_sum_of_all_parts():
    assert Thermo(300.0, 1.0, 0.25, 0.5).total(-10.0) == -8.25
