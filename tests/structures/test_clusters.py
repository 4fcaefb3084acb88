"""Clusters keep groups whole, distances as they were, and know their core."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import IonfaceError
from ionface.structures.clusters import RIM, VACUUM, cut_cluster
from ionface.structures.crystals.library import crystal
from ionface.structures.groups import bond_rule, bonded_groups


@pytest.fixture(scope="module")
def argyrodite():
    return crystal("Li6PS5Cl").make_supercell(2)


@pytest.mark.parametrize("center", [0, 101, 300])
def test_no_anion_is_cut_and_no_atom_too_much(argyrodite, center):
    cluster = cut_cluster(argyrodite, center, 60)
    assert 50 < len(cluster) <= 60
    rule = bond_rule(["Li", "P", "S", "Cl"])
    sizes = [len(group.atoms) for group in bonded_groups(cluster, rule)]
    assert set(sizes) <= {1, 5}
    phosphorus = [site for site in cluster if site.specie.symbol == "P"]
    assert sizes.count(5) == len(phosphorus)


def test_distances_are_those_of_the_crystal_and_images_are_far(argyrodite):
    cluster = cut_cluster(argyrodite, 5, 40)
    nearest = np.sort(argyrodite.distance_matrix[5])[1:4]
    center = np.flatnonzero(cluster.site_properties["core"])
    found = min(
        np.abs(np.sort(cluster.distance_matrix[i])[1:4] - nearest).max() for i in center
    )
    assert found < 1e-8
    extent = np.ptp(cluster.cart_coords, axis=0)
    np.testing.assert_allclose(cluster.lattice.abc, extent + 2 * VACUUM)


@pytest.mark.slow
def test_atoms_of_the_core_have_all_their_neighbors():
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    silver = Structure(Lattice.cubic(4.1), ["Ag"] * 4, sites)
    silver.make_supercell(4)
    cluster = cut_cluster(silver, 0, 60)
    core = np.array(cluster.site_properties["core"])
    assert 0 < core.sum() < len(cluster)
    shell = 4.1 / np.sqrt(2) + 0.01
    assert shell < RIM
    counts = (cluster.distance_matrix < shell).sum(axis=1) - 1
    assert (counts[core] == 12).all()
    assert (counts[~core] < 12).any()


def test_a_cell_that_is_small_enough_stays_periodic(argyrodite):
    small = crystal("Li6PS5Cl")
    whole = cut_cluster(small, 0, 60)
    assert whole.lattice == small.lattice
    assert all(whole.site_properties["core"])


def test_a_group_across_the_cell_is_put_together():
    # P at the corner, S around it through three faces of the cell
    a = 20.0
    offsets = 1.18 * np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]])
    lithium = [[10.0, 10.0, z] for z in range(5, 17, 2)]
    coords = np.vstack([[[0.0, 0, 0]], offsets, lithium])
    group = Structure(
        Lattice.cubic(a), ["P", *"SSSS", *["Li"] * 6], coords % a,
        coords_are_cartesian=True,
    )  # fmt: skip
    anion = cut_cluster(group, 1, 10)[:5]
    assert sorted(site.specie.symbol for site in anion) == ["P", "S", "S", "S", "S"]
    assert np.ptp([site.coords for site in anion], axis=0).max() < 3


def test_a_molecule_larger_than_a_cluster_is_refused():
    # beside it, clusters of three atoms of the other phase were all that was compared
    chain = [[1.5 * i, 10.0, 10.0] for i in range(8)]
    lithium = [[3.0 * i, 10.0, 14.0] for i in range(5)]
    lithium += [[x, y, 18.0] for x, y, _ in lithium]
    model = Structure(
        Lattice.cubic(20), ["C"] * 8 + ["Li"] * 10, chain + lithium,
        coords_are_cartesian=True,
    )  # fmt: skip
    with pytest.raises(IonfaceError, match=r"most_atoms: 11 .* of 8 .* at least 16"):
        cut_cluster(model, 9, 11)
