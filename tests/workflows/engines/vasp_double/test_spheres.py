"""The cheap model for any elements is a conservative one."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.data import covalent_radii

from ionface.workflows.engines.vasp_double.spheres import DEPTH, REACH, Spheres


@pytest.mark.slow
def test_forces_and_stress_are_the_slopes_of_the_energy():
    atoms = bulk("NaCl", "rocksalt", 5.0, cubic=True)
    atoms.rattle(0.1, seed=1)
    atoms.calc = Spheres()
    np.testing.assert_allclose(
        atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-7
    )
    np.testing.assert_allclose(
        atoms.get_stress(), calculate_numerical_stress(atoms, 1e-5), atol=1e-9
    )


@pytest.mark.parametrize("symbols", ["InS", "LiO", "HC"])
def test_two_atoms_rest_at_the_sum_of_their_radii_and_part_at_the_reach(symbols):
    rest = sum(covalent_radii[Atoms(symbols).numbers])

    def energy(distance):
        pair = Atoms(symbols, [[0, 0, 0], [distance, 0, 0]], cell=[20] * 3, pbc=True)
        pair.calc = Spheres()
        return pair.get_potential_energy()

    assert energy(rest) == pytest.approx(-DEPTH)
    assert min(energy(0.99 * rest), energy(1.01 * rest)) > -DEPTH
    assert energy(REACH * rest * 1.001) == 0
    assert energy(0.5 * rest) > 0
