"""What a user has in hand is a trajectory, with a time axis where one is needed."""

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from pymatgen.core import Lattice, Structure
from pymatgen.core.trajectory import Trajectory as PymatgenTrajectory

from ionface.analysis.rdf.rdf import rdf
from ionface.analysis.readers import open_trajectory
from ionface.errors import TrajectoryError, UnknownTimeError

LATTICE = np.array([[8.0, 0.0, 0.0], [1.5, 9.0, 0.0], [-0.5, 0.25, 7.0]])
SPECIES = ["In", "S", "S"]


@pytest.fixture
def positions():
    return np.random.default_rng(0).random((4, 3, 3)) @ LATTICE


@pytest.fixture
def atoms(positions):
    images = []
    for index, frame in enumerate(positions):
        image = ase.Atoms(SPECIES, frame, cell=LATTICE, pbc=(True, True, False))
        image.calc = SinglePointCalculator(image, energy=-float(index))
        images.append(image)
    return images


@pytest.fixture
def structures(positions):
    return [
        Structure(Lattice(LATTICE), SPECIES, frame, coords_are_cartesian=True)
        for frame in positions
    ]


@pytest.fixture
def reader(tmp_path, atoms):
    ase.io.write(tmp_path / "run.traj", atoms)
    with ase.io.Trajectory(tmp_path / "run.traj") as opened:
        yield opened


def test_a_list_of_atoms_has_rdfs_without_any_time(atoms):
    run = open_trajectory(atoms)
    assert run.pbc == (True, True, False)
    assert run.energies.tolist() == [0, -1, -2, -3]
    found = rdf(run, ["In-S"], cutoff=6.0, windows=2)
    timed = rdf(
        open_trajectory(atoms, timestep_fs=2.0), ["In-S"], cutoff=6.0, windows=2
    )
    np.testing.assert_array_equal(found.pairs["In-S"].n, timed.pairs["In-S"].n)
    found.plot()
    with pytest.raises(UnknownTimeError, match=r"open_trajectory\(frames, timestep_fs"):
        _ = run.times_fs


def test_every_form_gives_the_same_frames(
    tmp_path, atoms, structures, positions, reader
):
    forms = [
        atoms,
        tuple(atoms),
        reader,
        iter(atoms),
        structures,
        PymatgenTrajectory.from_structures(structures, constant_lattice=True),
        tmp_path / "run.traj",
    ]
    for form in forms:
        run = open_trajectory(form, timestep_fs=2.0)
        assert run.species == tuple(SPECIES)
        assert run.times_fs.tolist() == [0, 2, 4, 6]
        assert run.segments[0].lattices.shape == (1, 3, 3)
        np.testing.assert_allclose(run.positions, positions, atol=1e-12)
        np.testing.assert_allclose(run.lattice, LATTICE, atol=1e-12)
    made = open_trajectory(positions, timestep_fs=2.0, species=SPECIES, lattice=LATTICE)
    np.testing.assert_array_equal(made.positions, positions)


def test_pymatgen_s_own_time_step_is_taken(structures):
    theirs = PymatgenTrajectory.from_structures(
        structures, constant_lattice=True, time_step=3.0
    )
    assert open_trajectory(theirs).times_fs.tolist() == [0, 3, 6, 9]


def test_a_single_frame_needs_no_time(atoms, structures):
    for one in (atoms[0], structures[0]):
        assert open_trajectory(one).times_fs.tolist() == [0.0]


def test_cells_that_change_are_kept_and_constraints_too(atoms):
    atoms[2].set_cell(LATTICE * 1.1)
    atoms[0].set_constraint(FixAtoms([1]))
    run = open_trajectory(atoms)
    np.testing.assert_array_equal(run.frame(2).lattice, LATTICE * 1.1)
    assert run.fixed[:, 0].tolist() == [False, True, False]


def test_trajectories_and_paths_join_as_segments(tmp_path, write_run):
    whole = open_trajectory(write_run(n_frames=10))
    assert open_trajectory(whole) is whole
    whole.between(0, 6).write(tmp_path / "a.ionf")
    joined = open_trajectory([tmp_path / "a.ionf", whole.between(5, 10)])
    assert joined.steps.tolist() == list(range(10))


def test_what_is_no_trajectory_is_told(atoms, structures, positions):
    other = atoms[1].copy()
    other.symbols = "InInS"
    with pytest.raises(TrajectoryError, match="atoms of frame 1 are others"):
        open_trajectory([atoms[0], other])
    with pytest.raises(TrajectoryError, match=r"species=.*lattice="):
        open_trajectory(positions)
    with pytest.raises(TrajectoryError, match=r"give paths, .* got \['int'\]"):
        open_trajectory([1, 2])
    with pytest.raises(TrajectoryError, match="got nothing"):
        open_trajectory([])
    structures[1].replace(0, {"In": 0.5, "Ga": 0.5})
    with pytest.raises(TrajectoryError, match="several species share"):
        open_trajectory(structures)


def test_an_array_takes_atomic_numbers_and_a_lattice_of_pymatgen():
    frames = np.zeros((3, 2, 3))
    run = open_trajectory(frames, species=[13, 3], lattice=Lattice.cubic(4.0))
    assert run.species == ("Al", "Li")
    assert np.allclose(run.lattice, 4 * np.eye(3))
