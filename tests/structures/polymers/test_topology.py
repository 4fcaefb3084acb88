"""Molecules as graphs: bonds, rings, parities, and the way through JSON."""

import json

import numpy as np
import pytest

from ionface.structures.polymers.oligomers import oligomer
from ionface.structures.polymers.topology import Topology, joined, spanned


def test_ethanol_has_its_bonds_orders_and_no_rings():
    topology = oligomer("CC=O").topology
    assert topology.symbols == ("C", "C", "O", "H", "H", "H", "H")
    assert dict(zip(topology.bonds, topology.orders, strict=True))[1, 2] == 2.0
    assert len(topology.bonds) == 6
    assert topology.rings == topology.stereo == ()
    assert topology.neighbors()[1] == [0, 2, 6]


def test_rings_are_the_smallest_ones_in_order():
    topology = oligomer("C1CCC2CCCCC2C1").topology  # decalin
    assert sorted(len(ring) for ring in topology.rings) == [6, 6]
    bonds = set(topology.bonds)
    for ring in topology.rings:
        for pair in zip(ring, [*ring[1:], ring[0]], strict=True):
            assert tuple(sorted(pair)) in bonds


def test_aromatic_bonds_have_an_order_between_one_and_two():
    orders = oligomer("c1ccccc1").topology.orders
    assert orders.count(1.5) == 6


@pytest.mark.parametrize("hydrogens", ["C[C@H](F)Cl", "C[S@](=O)CC"])
def test_mirror_images_have_opposite_parities(hydrogens):
    other = hydrogens.replace("@", "@@")
    first, second = (oligomer(s).topology.stereo for s in (hydrogens, other))
    assert len(first) == len(second) == 1
    assert first[0].neighbors == second[0].neighbors
    assert first[0].parity == -second[0].parity
    assert {first[0].label, second[0].label} == {"R", "S"}


def test_volume_of_an_ideal_tetrahedron_changes_sign_in_the_mirror():
    arms = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    # edges of length 2√2/√3: six times the volume is 6 edge³ / (6√2) = 16 / (3√3)
    assert abs(spanned(arms)) == pytest.approx(16 / (3 * np.sqrt(3)))
    assert spanned(arms * [1, 1, -1]) == pytest.approx(-spanned(arms))
    assert spanned(7 * arms) == pytest.approx(spanned(arms))
    assert abs(spanned(arms[:3])) == pytest.approx(4 / (3 * np.sqrt(3)))
    flat = np.array([[1, 0, 0], [-0.5, 0.8, 0], [-0.5, -0.8, 0]])
    assert spanned(flat) == pytest.approx(0)


def test_a_topology_survives_json():
    topology = oligomer("C[C@H](F)c1ccccc1").topology
    assert Topology.from_dict(json.loads(json.dumps(topology.as_dict()))) == topology


def test_joined_molecules_follow_each_other():
    one, two = oligomer("C[C@H](F)Cl").topology, oligomer("C1CC1").topology
    both = joined([one, two, one])
    n, m = len(one.symbols), len(two.symbols)
    assert both.symbols == one.symbols + two.symbols + one.symbols
    assert both.molecules == (0,) * n + (1,) * m + (2,) * n
    assert both.rings == (tuple(i + n for i in two.rings[0]),)
    assert [center.atom for center in both.stereo] == [
        one.stereo[0].atom,
        one.stereo[0].atom + n + m,
    ]
    assert len(both.bonds) == 2 * len(one.bonds) + len(two.bonds)
