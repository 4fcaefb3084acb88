"""Ordered cells of disordered crystals, and exchanged anions."""

import pytest

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal, material
from ionface.structures.disorder.disorder import exchanged, ordered_crystals
from ionface.structures.disorder.lattice_gas import pick
from ionface.structures.groups import count_groups
from ionface.structures.specs import Exchange, Ordering


def charges(name):
    return dict(material(name).oxidation)


def total_charge(structure, name):
    return sum(charges(name)[site.specie.symbol] for site in structure)


@pytest.mark.parametrize(
    ("name", "formula", "groups"),
    [
        ("Li10GeP2S12", {"Li": 20, "Ge": 2, "P": 4, "S": 24}, {"GeS4": 2, "PS4": 4}),
        ("Li6PS5Cl_exp_disordered", {"Li": 24, "P": 4, "S": 20, "Cl": 4}, {"PS4": 4}),
    ],
)
def test_orderings_are_neutral_with_whole_groups_and_nominal_atoms(
    name, formula, groups
):
    found = ordered_crystals(crystal(name), Ordering(orderings=5), charges(name))
    assert len(found) == 5
    for one in found:
        assert one.structure.is_ordered
        assert one.structure.composition.as_dict() == formula
        assert total_charge(one.structure, name) == 0
        assert count_groups(one.structure) == groups
    energies = [one.ewald_energy for one in found]
    assert energies == sorted(energies)
    assert [one.rank for one in found] == [0, 1, 2, 3, 4]


def test_latp_needs_its_36f_lithium_to_be_neutral():
    name = "LATP_x0.3_disordered"
    one = ordered_crystals(crystal(name), Ordering(orderings=2), charges(name))[0]
    amounts = one.structure.composition
    # each Al for Ti brings one Li
    assert amounts["Li"] == 6 + amounts["Al"]
    assert amounts["Ti"] + amounts["Al"] == 12


def test_orderings_of_split_sites_keep_atoms_apart():
    name = "Li6PS5Cl_exp_disordered"
    one = ordered_crystals(crystal(name), Ordering(orderings=1), charges(name))[0]
    lithium = [s for s in one.structure if s.specie.symbol == "Li"]
    distances = [a.distance(b) for a in lithium for b in lithium if a is not b]
    assert min(distances) >= 1.6


def test_a_cell_that_cannot_be_neutral_is_refused_with_the_way_out():
    name = "Li10GeP2S12"
    wrong = {**charges(name), "S": -3.0}
    with pytest.raises(StructureError, match="cannot be neutral; use a larger superc"):
        ordered_crystals(crystal(name), Ordering(), wrong)


def argyrodite():
    cell = crystal("Li6PS5Cl")
    cell.make_supercell([1, 1, 2])
    return cell


@pytest.mark.parametrize("fraction", [0.125, 0.5, 1.0])
def test_an_exchange_keeps_composition_and_ps4(fraction):
    before = argyrodite()
    found = exchanged(before, Exchange("S", "Cl", fraction), charges("Li6PS5Cl"))
    for one in found:
        assert one.structure.composition == before.composition
        assert count_groups(one.structure) == {"PS4": 8}
        moved = sum(
            a.specie != b.specie for a, b in zip(before, one.structure, strict=True)
        )
        assert moved == 2 * round(8 * fraction)
    assert found[0].amounts["fraction"] == pytest.approx(fraction)


def test_a_few_exchanges_are_enumerated_and_many_are_sampled():
    few = exchanged(argyrodite(), Exchange("S", "Cl", 0.125), charges("Li6PS5Cl"))
    assert few[0].enumerated
    many = exchanged(argyrodite(), Exchange("S", "Cl", 0.5), charges("Li6PS5Cl"))
    assert not many[0].enumerated


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        (Exchange("S", "Cl", 0.0), "must be above 0"),
        (Exchange("S", "Cl", 1.5), "must be above 0 and at most 1"),
        (Exchange("S", "Cl", 0.01), "is 0 atoms"),
        (Exchange("Br", "Cl", 0.5), "no free Br to exchange; it has none"),
        (Exchange("P", "Cl", 0.5), "all 8 are bonded in polyanions"),
    ],
)
def test_impossible_exchanges_are_refused(exchange, message):
    with pytest.raises(StructureError, match=message):
        exchanged(argyrodite(), exchange, charges("Li6PS5Cl"))


def test_a_rank_beyond_the_orderings_is_refused():
    found = exchanged(argyrodite(), Exchange("S", "Cl", 0.125), charges("Li6PS5Cl"))
    with pytest.raises(StructureError, match="rank=99, but"):
        pick(found, 99)
