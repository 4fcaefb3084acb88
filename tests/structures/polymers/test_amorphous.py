"""Amorphous layers: composition, density, overlaps, cuts and order."""

import numpy as np
import pytest
from pymatgen.core import Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal
from ionface.structures.periodic import covalent_radii
from ionface.structures.polymers.amorphous import opened, random_alloy, random_alloy_on
from ionface.structures.specs import AmorphousLayer

GALINSTAN = AmorphousLayer({"Ga": 0.783, "In": 0.149, "Sn": 0.068}, 6.44, 12)
SKEWED = np.array([[8.5, 0.0], [-4.2, 14.7]])


def bulk(alloy):
    return Structure(alloy.cell, alloy.symbols, alloy.coords, coords_are_cartesian=True)


def test_density_and_composition_are_what_was_asked():
    alloy = random_alloy(GALINSTAN, SKEWED)
    structure = bulk(alloy)
    assert float(structure.density) == pytest.approx(6.44, rel=1e-6)
    assert alloy.cell[2, 2] == pytest.approx(12, rel=0.02)
    shares = structure.composition.fractional_composition.as_dict()
    for symbol, share in GALINSTAN.amorphous.items():
        assert shares[symbol] == pytest.approx(share, abs=0.5 / len(structure) + 1e-9)
    said = alloy.provenance["composition_error"]
    assert said == pytest.approx(
        max(abs(shares[s] - x) for s, x in GALINSTAN.amorphous.items())
    )


def test_no_two_atoms_overlap_in_a_skewed_cell():
    alloy = random_alloy(GALINSTAN, SKEWED)
    first, second, _, distances = bulk(alloy).get_neighbor_list(4.0)
    radii = covalent_radii(alloy.symbols)
    assert (distances / (radii[first] + radii[second])).min() >= 0.85 - 1e-9


def test_a_seed_gives_the_same_layer_and_another_one_another():
    from dataclasses import replace

    first, again = random_alloy(GALINSTAN, SKEWED), random_alloy(GALINSTAN, SKEWED)
    assert (first.coords == again.coords).all()
    other = random_alloy(replace(GALINSTAN, seed=1), SKEWED)
    assert np.abs(first.coords - other.coords).max() > 1


def test_a_cell_is_repeated_until_it_is_wide_enough():
    alloy = random_alloy_on(GALINSTAN, np.diag([3.0, 9.0]), 100)
    assert alloy.supercell == (3, 1)
    with pytest.raises(StructureError, match="no supercell up to max_area=50"):
        random_alloy_on(GALINSTAN, np.diag([3.0, 9.0]), 50)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (AmorphousLayer({"Ga": 1.0}, 60.0, 10), "density=60.0 g/cm³ must lie between"),
        (AmorphousLayer({"Ga": 1.0}, 20.0, 10), "cannot be packed"),
        (AmorphousLayer({"Xx": 1.0}, 6.0, 10), "are no elements"),
        (AmorphousLayer({}, 6.0, 10), "must map elements to amounts"),
        (AmorphousLayer({"Ga": 1.0, "In": -1.0}, 6.0, 10), "must be positive"),
        (AmorphousLayer({"Ga": 1.0}, 0.3, 0.1), "makes 0 atoms"),
    ],
)
def test_layers_that_cannot_be_made_are_refused(layer, message):
    with pytest.raises(StructureError, match=message):
        random_alloy(layer, SKEWED)


def test_a_cut_goes_through_the_emptiest_plane_and_keeps_all_distances():
    lattice = np.diag([8.0, 9.0, 20.0])
    z = np.concatenate([np.linspace(0, 7, 8), np.linspace(12, 19.5, 8)])  # empty 7..12
    coords = np.column_stack([np.full(16, 1.0), np.full(16, 2.0), z])
    structure = Structure(lattice, ["Ga"] * 16, coords, coords_are_cartesian=True)
    film = opened(structure)
    assert film.provenance["opened_gap"] == pytest.approx(5.0)
    assert film.coords[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert np.ptp(film.coords[:, 2]) == pytest.approx(15.0)
    assert film.symbols == ["Ga"] * 16


@pytest.mark.parametrize("name", ["Al", "Li", "Zn"])
def test_a_crystal_is_not_called_amorphous_and_a_random_layer_is(name):
    warm = crystal(name)
    warm.make_supercell([3, 3, 3])
    warm.perturb(0.1)
    assert opened(warm).provenance["state"] == "crystallized"
    mixed = bulk(random_alloy(GALINSTAN, SKEWED))
    assert opened(mixed).provenance["state"] == "amorphous"
