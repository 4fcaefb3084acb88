"""The dynamics: a canonical ensemble, and one run however often it was interrupted."""

import os

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.md.velocitydistribution import thermalize_momenta
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.trajectory.frames import Frame
from ionface.analysis.trajectory.store import STRESSES
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.md import (
    FRAMES,
    ThermostattedRun,
    degrees_of_freedom,
    thermalize,
)
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.registry import engine

EMT_PATH = "ase.calculators.emt.EMT"


def aluminum(repeats=2):
    return bulk("Al", cubic=True) * (repeats, repeats, repeats)


def labeled_aluminum() -> Structure:
    structure = AseAtomsAdaptor.get_structure(aluminum())
    structure.add_site_property("phase", ["left", "right"] * (len(structure) // 2))
    return structure


class Springs(Calculator):
    """Atoms tied to their sites: forces that depend on the positions alone.

    (EMT keeps a neighbor list from step to step, so its sums end in other bits.)
    """

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        moved = atoms.positions - aluminum().positions
        stiff = 1 + np.arange(len(atoms))[:, None] / 10  # eV/Å²
        energy = 0.5 * (stiff * moved**2).sum() + 0.1 * (moved**4).sum()
        self.results = {"energy": energy, "forces": -stiff * moved - 0.4 * moved**3}


def test_frames_carry_the_stress_where_the_calculator_has_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    maker = engine(EMT_PATH).dynamics(DynamicsSettings(steps=2))
    maker.make.original(maker, labeled_aluminum())
    trajectory = Trajectory.open(FRAMES)
    atoms = aluminum()
    atoms.positions = trajectory.positions[-1]
    atoms.calc = EMT()
    found = [trajectory.scalars[name][-1] for name in STRESSES]
    assert found == pytest.approx(atoms.get_stress() / units.GPa, abs=1e-6)


def fresh_run(temperature=300.0, timestep=2.0, period=40.0, seed=0, calculator=EMT):
    atoms = aluminum()
    atoms.calc = calculator()
    settings = DynamicsSettings(temperature, timestep, period=period, seed=seed)
    thermalize(atoms, settings)
    run = ThermostattedRun(atoms, settings)
    run.start()
    return run


def writer_for(run, path, velocities=True):
    return TrajectoryWriter.create(
        path,
        species=run.atoms.get_chemical_symbols(),
        lattice=np.asarray(run.atoms.cell),
        velocities=velocities,
        thermostat=6 if velocities else 0,
    )


def test_an_interrupted_run_is_the_same_run_bit_for_bit(tmp_path):
    whole = fresh_run(calculator=Springs)
    with writer_for(whole, tmp_path / "whole") as writer:
        whole.advance_to(40, writer, 1)
    part = fresh_run(calculator=Springs)
    with writer_for(part, tmp_path / "part") as writer:
        part.advance_to(17, writer, 1)
    # other velocities: everything must come from the file
    again = fresh_run(seed=99, calculator=Springs)
    with TrajectoryWriter.resume(tmp_path / "part") as writer:
        again.restore(Trajectory.open(tmp_path / "part").frame(-1))
        again.advance_to(40, writer, 1)
    expected = Trajectory.open(tmp_path / "whole")
    found = Trajectory.open(tmp_path / "part")
    assert list(found.steps) == list(range(41))
    assert np.array_equal(found.positions, expected.positions)
    assert np.array_equal(found.frame(-1).thermostat, expected.frame(-1).thermostat)


def test_the_extended_energy_is_conserved(tmp_path):
    run = fresh_run(timestep=1.0)
    with writer_for(run, tmp_path / "t") as writer:
        run.advance_to(150, writer, 1)
    scalars = Trajectory.open(tmp_path / "t").scalars
    drift = np.ptp(scalars["conserved"])
    assert drift < 0.02 * np.ptp(scalars["potential_energy"])


@pytest.mark.slow
def test_the_mean_temperature_is_the_bath_temperature(tmp_path):
    run = fresh_run(temperature=400.0, timestep=4.0)
    with writer_for(run, tmp_path / "t") as writer:
        run.advance_to(2500, writer, 5)
    temperature = Trajectory.open(tmp_path / "t").scalars["temperature"][100:]
    # 32 atoms: kinetic temperature fluctuates by sqrt(2/93) = 15 % around the bath's
    assert temperature.mean() == pytest.approx(400, rel=0.04)
    assert temperature.std() / 400 == pytest.approx(np.sqrt(2 / 93), rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize(("repeat", "held"), [(2, 0), (4, 0), (2, 2)])
def test_the_kinetic_energy_has_the_distribution_of_what_moves(repeat, held):
    """Γ(f/2) in units of kT: f = 3N - 3, or 3 for each atom that is not held."""
    from scipy.stats import gamma, kstest

    atoms = bulk("Al", cubic=False).repeat(repeat)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    if held:
        atoms.set_constraint(FixAtoms(range(held)))
    settings = DynamicsSettings(300.0, 5.0)
    thermalize(atoms, settings)
    run = ThermostattedRun(atoms, settings)
    run.start()
    energies = []
    for step in range(3000 if len(atoms) == 8 else 1200):
        run.integrator.step()
        if step >= 200 and step % 20 == 0:
            energies.append(atoms.get_kinetic_energy() / (units.kB * 300))
    if not held:
        assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-8
    assert kstest(energies, gamma(run.freedom / 2).cdf).pvalue > 1e-3
    # and could tell it from the count of all coordinates, where that differs by much
    if len(atoms) <= 8:
        assert kstest(energies, gamma(3 * len(atoms) / 2).cdf).pvalue < 1e-3


@pytest.mark.parametrize(("held", "freedom"), [(0, 93), (2, 90), (31, 3)])
def test_what_moves_starts_at_the_temperature_and_is_what_is_heated(held, freedom):
    atoms = aluminum()
    if held:
        atoms.set_constraint(FixAtoms(range(held)))
    thermalize(atoms, DynamicsSettings(300.0))
    assert degrees_of_freedom(atoms) == freedom
    heat = 2 * atoms.get_kinetic_energy() / (freedom * units.kB)
    assert heat == pytest.approx(300)
    assert np.allclose(atoms.get_momenta()[:held], 0)
    if not held:
        assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-10


def test_atoms_that_are_held_gather_no_heat_between_frames(tmp_path):
    atoms = aluminum()
    atoms.rattle(0.1, seed=1)  # forces on what is held
    atoms.calc = EMT()
    atoms.set_constraint(FixAtoms(range(8)))
    settings = DynamicsSettings(300.0, 2.0)
    thermalize(atoms, settings)
    run = ThermostattedRun(atoms, settings)
    run.start()
    for _ in range(40):
        run.integrator.step()
    assert np.abs(run.integrator._p[:8]).max() == 0


@pytest.mark.slow
def test_the_thermostat_swings_with_the_period_that_was_asked_for():
    """Free particles: kinetic energy and thermostat make a harmonic oscillator."""
    from ase import Atoms
    from ase.calculators.lj import LennardJones

    n, timestep, period = 200, 1.0, 60.0
    atoms = Atoms(f"Ar{n}", positions=np.arange(3 * n).reshape(n, 3) * 50.0)
    atoms.set_cell([1e5] * 3)
    atoms.calc = LennardJones(epsilon=0.0, rc=5.0)
    thermalize_momenta(atoms, 330, exact_temperature=True, rng=np.random.default_rng(1))
    settings = DynamicsSettings(300.0, timestep, period=period)
    run = ThermostattedRun(atoms, settings)
    run.start()
    excess = []
    for _ in range(240):
        run.integrator.step()
        excess.append(atoms.get_temperature() - 300)
    power = np.abs(np.fft.rfft(excess))
    frequency = np.fft.rfftfreq(240, d=1.0)
    assert 1 / frequency[np.argmax(power[1:]) + 1] == pytest.approx(period, rel=0.05)


def test_every_stride_th_frame_and_the_last_are_kept(tmp_path):
    run = fresh_run()
    with writer_for(run, tmp_path / "t") as writer:
        run.advance_to(11, writer, 4)
    assert list(Trajectory.open(tmp_path / "t").steps) == [0, 4, 8, 11]


def test_a_run_that_blows_up_is_stopped_with_advice(tmp_path):
    run = fresh_run(timestep=2.0)
    run.atoms.set_velocities(run.atoms.get_velocities() * 50)
    run.start()
    with (
        writer_for(run, tmp_path / "t") as writer,
        pytest.raises(
            IonfaceError, match=r"blew up at step \d+.*shorten the time step"
        ),
    ):
        run.advance_to(50, writer, 1)


def test_frames_without_velocities_cannot_be_continued():
    run = fresh_run()
    frame = Frame(5, 10.0, np.eye(3), run.atoms.positions, None, None, {})
    with pytest.raises(IonfaceError, match="stored without velocities"):
        run.restore(frame)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    def enter(name):
        (tmp_path / "runs" / name).mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "runs" / name)

    return enter


def _record(maker, structure, previous=None):
    """Run the maker's function as jobflow would, in the current folder."""
    return maker.make.original(maker, structure, previous)


def test_a_chain_of_segments_equals_one_long_run(in_folder):
    potential = engine(EMT_PATH)
    structure = labeled_aluminum()
    in_folder("whole")
    whole = _record(potential.dynamics(DynamicsSettings(steps=20)), structure)
    in_folder("first")
    half = potential.dynamics(DynamicsSettings(steps=10))
    first = _record(half, structure)
    in_folder("second")
    second = _record(half, structure, first)
    assert (second.first_step, second.last_step) == (10, 20)
    assert second.trajectory.frames == 10  # the seam's frame stands once
    # EMT carries its neighbor list from step to step, a new one ends in other bits
    assert np.allclose(
        whole.structure.cart_coords, second.structure.cart_coords, rtol=0, atol=1e-12
    )
    assert second.structure.site_properties["phase"][:2] == ["left", "right"]


def test_a_killed_segment_goes_on_from_its_last_frame(in_folder, tmp_path):
    potential = engine(EMT_PATH)
    structure = labeled_aluminum()
    in_folder("whole")
    maker = potential.dynamics(DynamicsSettings(steps=12))
    whole = _record(maker, structure)
    in_folder("killed")
    _record(potential.dynamics(DynamicsSettings(steps=5)), structure)
    with open(FRAMES, "ab") as torn:  # noqa: PTH123 - the half-written frame of a kill
        torn.write(os.urandom(100))
    resumed = _record(maker, structure)
    frames = [record.trajectory.open(tmp_path / "runs") for record in (whole, resumed)]
    assert list(frames[1].steps) == list(range(13))
    # as above: bit for bit where the potential's sums are
    assert np.allclose(frames[0].positions, frames[1].positions, rtol=0, atol=1e-12)


def test_the_document_of_a_segment_is_small(in_folder):
    import json

    in_folder("run")
    record = _record(
        engine(EMT_PATH).dynamics(DynamicsSettings(steps=50)), labeled_aluminum()
    )
    assert len(json.dumps(record.as_dict())) < 40_000
    assert os.path.getsize(FRAMES) > 50 * 32 * 3 * 8 * 2  # noqa: PTH202


def test_hydrogen_is_refused_a_long_time_step(in_folder):
    in_folder("run")
    structure = Structure(np.eye(3) * 8, ["H", "H"], [[0, 0, 0], [0.1, 0, 0]])
    maker = engine(EMT_PATH).dynamics(DynamicsSettings(timestep=2.0, steps=2))
    with pytest.raises(IonfaceError, match=r"too long for hydrogen.*1 fs or less"):
        _record(maker, structure)
    short = engine(EMT_PATH).dynamics(DynamicsSettings(timestep=0.5, steps=2))
    assert _record(short, structure).last_step == 2


def test_velocities_are_stored_in_angstrom_per_femtosecond(tmp_path):
    run = fresh_run()
    with writer_for(run, tmp_path / "t") as writer:
        run.advance_to(1, writer, 1)
    frame = Trajectory.open(tmp_path / "t").frame(0)
    masses = run.atoms.get_masses()[:, None]  # u
    kinetic = 0.5 * (masses * (frame.velocities / units.fs) ** 2).sum()
    assert kinetic == pytest.approx(frame.scalars["kinetic_energy"])
