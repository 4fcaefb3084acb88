"""Maxwell-Boltzmann velocities: the temperature, no drift, nothing that is fixed."""

import numpy as np
import pytest

from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.velocities import (
    degrees_of_freedom,
    thermal_velocities,
)


@pytest.fixture
def cell(slab):
    big = slab.copy()
    big.remove_site_property("fixed")
    return big.make_supercell([2, 2, 1])


def test_velocities_have_exactly_the_temperature_and_no_drift(cell):
    from ase import units

    velocities = thermal_velocities(cell, DynamicsSettings(temperature=450.0))
    masses = np.array([float(site.specie.atomic_mass) for site in cell])[:, None]
    kinetic = 0.5 * (masses * (velocities / units.fs) ** 2).sum()
    temperature = 2 * kinetic / (units.kB * degrees_of_freedom(np.ones(16, bool)))
    assert temperature == pytest.approx(450.0)
    np.testing.assert_allclose((masses * velocities).sum(axis=0), 0, atol=1e-12)


def test_fixed_atoms_get_no_velocities(slab):
    velocities = thermal_velocities(slab, DynamicsSettings())
    assert (velocities[0] == 0).all()
    assert (np.linalg.norm(velocities[1:], axis=1) > 0).all()
