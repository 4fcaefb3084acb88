import numpy as np
import pytest
from ase.calculators.emt import EMT

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.geometry import Poscar, parse
from ionface.workflows.engines.vasp_double.model import Surface, model
from ionface.workflows.engines.vasp_double.potcars import Pseudopotential
from ionface.workflows.engines.vasp_double.relaxation import (
    QuasiNewton,
    Relaxation,
    Still,
)
from ionface.workflows.engines.vasp_double.settings import resolve
from ionface.workflows.engines.vasp_double.steps import Point

from .conftest import alloy


def _settings(**tags):
    given = {"IBRION": 2, "NSW": 200, "EDIFFG": -0.005} | tags
    potentials = [Pseudopotential("PAW_PBE X", 3, 200, 0)] * 2
    return resolve(given, potentials, _start())


def _start(amplitude=0.08, strain=0.0, free=None):
    atoms = alloy(amplitude)
    cell = np.array(atoms.cell) @ (np.eye(3) + strain)
    places = atoms.get_scaled_positions()
    return Poscar("alloy", cell, ("Al", "Cu"), (6, 2), places, free)


def _relaxed(start, settings):
    motion = Relaxation(start, settings)
    surface = Surface(model("emt"), start.species, all_move=start.free is None)
    points = []
    for number in range(settings.steps):
        points.append(surface(motion.lattice, motion.fractional))
        motion.receive(points[-1])
        if motion.finished():
            return motion, points
        if number < settings.steps - 1:
            motion.advance()
    return motion, points


@pytest.mark.parametrize("ibrion", [1, 2])
def test_every_search_ends_where_the_forces_meet_the_criterion(ibrion):
    settings = _settings(IBRION=ibrion)
    motion, points = _relaxed(_start(), settings)
    assert motion.finished()
    forces = [np.linalg.norm(p.forces, axis=1).max() for p in points]
    assert forces[-1] < 0.005
    assert min(forces[:-1]) >= 0.005
    # the same minimum as another program's
    from ase.optimize import BFGS

    atoms = alloy(0.08)
    atoms.calc = EMT()
    BFGS(atoms, logfile=None).run(fmax=0.001)
    assert points[-1].energy == pytest.approx(atoms.get_potential_energy(), abs=2e-4)


def test_a_positive_criterion_ends_with_the_energys_change():
    motion, points = _relaxed(_start(), _settings(EDIFFG=0.003))
    changes = np.abs(np.diff([p.energy for p in points]))
    assert motion.finished()
    assert changes[-1] < 0.003
    assert changes[:-1].min() >= 0.003


def test_without_a_criterion_all_steps_are_done():
    motion, points = _relaxed(_start(), _settings(EDIFFG=0.0, NSW=7))
    assert len(points) == 7
    assert not motion.finished()


def test_an_unfinished_run_leaves_its_next_geometry_so_that_a_rerun_goes_on():
    energies, start = [], _start()
    for _ in range(12):
        motion, points = _relaxed(start, _settings(NSW=1))
        energies.append(points[-1].energy)
        start = parse(motion.contcar(last=True))
    assert energies[-1] < energies[0] - 0.05


def test_a_finished_run_leaves_the_geometry_that_it_computed():
    motion, _ = _relaxed(_start(), _settings())
    assert parse(motion.contcar(last=True)).fractional == pytest.approx(
        motion.fractional, abs=1e-15
    )
    assert motion.final()[1] is motion.fractional


def test_a_free_cell_loses_its_stress():
    settings = _settings(ISIF=3)
    _, points = _relaxed(_start(0.0, strain=np.diag([0.03, -0.02, 0.01])), settings)
    assert np.abs(points[0].stress).max() > 0.005
    assert np.abs(points[-1].stress).max() < 0.005 * 8 / 130


def test_lattice_constraints_keep_the_normal():
    strain = np.array([[0.02, 0.01, 0.0], [0.01, -0.03, 0.0], [0.0, 0.0, 0.05]])
    start = _start(0.02, strain=strain)
    settings = _settings(ISIF=3, LATTICE_CONSTRAINTS=[True, True, False])
    motion, points = _relaxed(start, settings)
    assert motion.lattice[:, 2] == pytest.approx(start.lattice[:, 2], abs=1e-14)
    assert np.abs(points[-1].stress[:2, :2]).max() < 0.005 * 8 / 130
    assert abs(points[-1].stress[2, 2]) > 0.005


def test_fixed_coordinates_stay_and_do_not_count_for_the_criterion():
    free = np.ones((8, 3), dtype=bool)
    free[0] = False
    free[1] = [False, True, True]
    start = _start(0.1, free=free)
    motion, points = _relaxed(start, _settings())
    assert motion.finished()
    assert (motion.fractional[0] == start.fractional[0]).all()
    assert motion.fractional[1, 0] == pytest.approx(start.fractional[1, 0], abs=1e-13)
    assert np.linalg.norm(points[-1].forces[0]) > 0.005
    assert np.linalg.norm(points[-1].forces[2:], axis=1).max() < 0.005
    assert parse(motion.contcar(last=True)).free.tolist() == free.tolist()


def test_the_forces_of_the_search_are_the_slope_of_the_energy():
    """In a cell that is deformed already, for ions and for the deformation."""
    start = _start(0.08)
    motion = Relaxation(start, _settings(ISIF=3))
    motion.deformation = np.array([[1.05, 0.02, 0], [0.02, 0.96, 0.01], [0, 0.01, 1]])
    surface = Surface(model("emt"), start.species, all_move=True)
    shift = np.linalg.inv(start.lattice)

    def place(step):
        deformation = motion.deformation + step[8:] / 8
        lattice = start.lattice @ deformation
        return lattice, start.fractional + step[:8] @ shift

    motion.lattice, _ = place(np.zeros((11, 3)))
    seen = []
    motion.search.step = lambda force: seen.append(force) or np.zeros_like(force)
    motion.receive(surface(motion.lattice, start.fractional))
    direction = np.random.default_rng(0).normal(size=(11, 3))
    direction[8:] = direction[8:] + direction[8:].T  # a strain is symmetric
    small = 1e-5 * direction
    up, down = (surface(*place(sign * small)).energy for sign in (1, -1))
    assert -np.sum(seen[0] * direction) == pytest.approx((up - down) / 2e-5, rel=1e-5)


def test_no_atom_moves_further_than_the_longest_step():
    motion = Relaxation(_start(), _settings())
    violent = Point(0.0, np.full((8, 3), 1e3), np.zeros(3), None)
    before = motion.fractional
    motion.receive(violent)
    motion.advance()
    moved = (motion.fractional - before) @ motion.lattice
    assert np.linalg.norm(moved, axis=1).max() == pytest.approx(0.2)


def test_a_cell_cannot_relax_without_stress():
    motion = Relaxation(_start(), _settings(ISIF=3))
    with pytest.raises(InputError, match="ISIF = 3 needs stresses"):
        motion.receive(Point(0.0, np.zeros((8, 3)), np.zeros(3), None))


def test_the_search_finds_the_bottom_of_a_narrow_valley():
    search = QuasiNewton()
    place, stiffness = np.array([[1.0, 1.0, 1.0]]), np.array([1.0, 10.0, 60.0])
    for _ in range(100):
        place = place + search.step(-stiffness * place)
    assert np.abs(place).max() < 1e-4


def test_a_single_point_stays():
    start = _start()
    motion = Still(start)
    motion.receive(Point(0.0, np.ones((8, 3)), np.zeros(3), None))
    motion.advance()
    assert motion.finished()
    left = parse(motion.contcar(last=True)).fractional
    assert left == pytest.approx(start.fractional, abs=1e-15)
