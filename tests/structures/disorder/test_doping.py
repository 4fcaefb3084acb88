from dataclasses import replace

import numpy as np
import pytest
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_neutral
from ionface.structures.crystals.library import crystal, free_sites, material
from ionface.structures.disorder.doping import (
    APART,
    EwaldMatrix,
    FreePositions,
    dopant_charge,
    dope,
)
from ionface.structures.disorder.lattice_gas import pick
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.specs import CrystalLayer, Doping

HOST = "LiGe2(PO4)3"
OXIDATION = material(HOST).oxidation
CHARGES = {"Mg": 2.0, "O": -2.0}


def bulk():
    cell = crystal(HOST)
    return cell, cell.lattice.get_cartesian_coords(free_sites(HOST, "Ge"))


def slab():
    cut = cut_slab(
        CrystalLayer(HOST, (1, 0, 0), layers=3, doping=Doping("Al", "Ge", 0.5))
    )
    return cut.structure, cut.candidates


@pytest.mark.parametrize("x", [1 / 6, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("host", [bulk, slab])
def test_doped_cell_is_neutral_and_states_the_true_content(host, x):
    structure, candidates = host()
    for doped in dope(
        structure, Doping("Al", "Ge", x, orderings=3), candidates, OXIDATION
    ):
        counts = doped.structure.composition.get_el_amt_dict()
        number = counts["Al"]
        assert doped.amounts["x"] == pytest.approx(number / 6)
        assert abs(doped.amounts["x"] - x) <= 0.5 / 6 + 1e-9
        assert counts["Li"] == 6 + number
        assert counts["Ge"] == 12 - number
        check_neutral(doped.structure, {**OXIDATION, "Al": 3}, "doped")


def test_energies_are_the_ewald_sums_of_the_structures_and_are_ranked():
    structure, candidates = slab()
    found = dope(structure, Doping("Al", "Ge", 0.5, orderings=4), candidates, OXIDATION)
    energies = [doped.ewald_energy for doped in found]
    assert energies == sorted(energies)
    assert len(found) == 4
    for doped in found[:2]:
        charged = doped.structure.copy()
        charged.add_oxidation_state_by_element({**OXIDATION, "Al": 3})
        assert EwaldSummation(charged).total_energy == pytest.approx(
            doped.ewald_energy, abs=1e-3
        )


def test_one_dopant_on_equivalent_sites_has_one_ordering():
    structure, candidates = bulk()
    assert len(dope(structure, Doping("Al", "Ge", 1 / 6), candidates, OXIDATION)) == 1


def test_added_lithium_takes_the_nearest_free_position():
    structure, candidates = bulk()
    doped = dope(structure, Doping("Al", "Ge", 1 / 6), candidates, OXIDATION)[0]
    aluminum, lithium = (
        doped.structure[doped.amounts["dopants"][0]],
        doped.structure[doped.amounts["added"][0]],
    )
    lattice = structure.lattice
    fractions = lattice.get_fractional_coords(candidates)
    distances = lattice.get_all_distances([aluminum.frac_coords], fractions)
    assert aluminum.distance(lithium) <= distances.min() + 0.15
    assert aluminum.specie.symbol == "Al"
    assert lithium.specie.symbol == "Li"


def test_same_seed_gives_the_same_ordering_and_labels_survive():
    structure, candidates = slab()
    doping = Doping("Al", "Ge", 0.5, seed=3)
    first, second = (
        dope(structure, doping, candidates, OXIDATION)[0] for _ in range(2)
    )
    assert list(first.structure) == list(second.structure)
    assert set(first.structure.site_properties["layer"]) == {0, 1, 2}


def test_large_cell_is_sampled_with_the_seed_and_stays_quick():
    structure, candidates = bulk()
    lattice = structure.lattice
    double = structure.make_supercell([2, 1, 1], in_place=False)
    both = np.vstack([candidates, candidates + lattice.matrix[0]])
    found = dope(double, Doping("Al", "Ge", 0.5, orderings=5), both, OXIDATION)
    assert len(found) == 5
    assert found[0].structure.composition["Al"] == 6


def test_no_doping_gives_the_host_back():
    structure, candidates = bulk()
    (doped,) = dope(structure, Doping("Al", "Ge", 0.0), candidates, OXIDATION)
    assert list(doped.structure) == list(structure)
    assert doped.amounts["x"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"host": "Ti"}, "no Ti to replace"),
        ({"x": 2.5}, "x = 2.5 .* not within 0 and 2"),
        ({"x": -0.1}, "x = -0.1"),
        ({"x": 0.01}, "at least 50 formula units"),
        ({"dopant": "Xx"}, "'Xx' is no element"),
        ({"dopant": "Ar"}, "cannot replace Ge"),
        ({"dopant": "Nb", "host": "P"}, ""),
    ],
)
def test_impossible_doping_is_refused(change, message):
    structure, candidates = bulk()
    doping = replace(Doping("Al", "Ge", 0.5), **change)
    if doping.host == "P":  # same charge: no lithium is needed
        found = dope(structure, replace(doping, x=1 / 6), candidates, OXIDATION)
        assert found[0].amounts["added"] == []
        return
    with pytest.raises(StructureError, match=message):
        dope(structure, doping, candidates, OXIDATION)


@pytest.mark.parametrize("free", [np.zeros((0, 3)), np.zeros((1, 3))])
def test_no_room_for_the_added_lithium_is_refused(free):
    structure, _ = bulk()
    with pytest.raises(StructureError, match="no room for the Li"):
        dope(structure, Doping("Al", "Ge", 0.5), free, OXIDATION)


def test_divalent_dopant_brings_two_lithium():
    structure, candidates = bulk()
    doped = dope(structure, Doping("Mg", "Ge", 1 / 6), candidates, OXIDATION)[0]
    assert len(doped.amounts["added"]) == 2
    assert dopant_charge(Doping("Mg", "Ge", 0.1), OXIDATION) == 2


@pytest.mark.parametrize("rank", [1, 5, -1])
def test_rank_that_does_not_exist_is_refused(rank):
    structure, candidates = bulk()
    doping = Doping("Al", "Ge", 1 / 6, rank=rank)
    with pytest.raises(StructureError, match=f"rank={rank}, but 1 distinct"):
        pick(dope(structure, doping, candidates, OXIDATION), doping.rank)


def rock_salt():
    metal = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    coords = [*metal, *(metal + 0.5)]
    return Structure(Lattice.cubic(4.2), ["Mg"] * 4 + ["O"] * 4, coords)


def test_energy_from_the_matrix_is_the_ewald_sum_of_the_ordering():
    structure = rock_salt()
    free = np.array([[1.05, 1.05, 1.05], [3.15, 3.15, 3.15]])
    matrix = EwaldMatrix(structure, free, CHARGES)
    charged = structure.copy()
    charged.add_oxidation_state_by_element({"Mg": 2, "O": -2})
    plain = EwaldSummation(charged).total_energy
    assert matrix.host_energy == pytest.approx(plain, abs=1e-4)
    charged.replace(0, "Na+")
    charged.append("Li+", free[1], coords_are_cartesian=True)
    expected = EwaldSummation(charged).total_energy
    assert matrix.energy([0], (1,), -1.0) == pytest.approx(expected, abs=1e-4)


def test_added_ions_are_near_their_dopant_and_apart_from_each_other():
    structure = rock_salt().make_supercell(2, in_place=False)
    magnesium = [i for i, s in enumerate(structure) if s.specie.symbol == "Mg"]
    free = structure.lattice.get_cartesian_coords(
        np.array([[i, j, k] for i in range(4) for j in range(4) for k in range(4)]) / 4
        + 0.125
    )
    positions = FreePositions(structure, free, magnesium, added=2)
    chosen = positions.places((0, 1, 2))
    assert len(set(chosen)) == 6
    lattice = structure.lattice
    fractions = lattice.get_fractional_coords(free[list(chosen)])
    apart = lattice.get_all_distances(fractions, fractions)[np.triu_indices(6, 1)]
    assert apart.min() >= APART
    first = lattice.get_all_distances(
        [structure[magnesium[0]].frac_coords], fractions[:1]
    )
    assert first[0, 0] == pytest.approx(3**0.5 * 4.2 / 4)


def test_positions_inside_atoms_are_not_free():
    structure = rock_salt()
    positions = FreePositions(structure, np.array([[0.3, 0.0, 0.0]]), [0], added=1)
    assert positions.places((0,)) is None


def test_dopants_are_spread_over_the_bulk_and_not_drawn_to_the_surfaces():
    """The Ewald sum of a cut slab puts every Al on four-coordinated surface sites."""
    from ionface.structures.slabs.crystal_layer import cut_slab, in_supercell
    from ionface.structures.specs import CrystalLayer

    def at_surface(where):
        doping = Doping("Al", "Ge", 0.5, where=where)
        layer = CrystalLayer(
            "LiGe2(PO4)3", (1, 0, 0), layers=4, termination="PO4/PO4", doping=doping
        )
        slab = cut_slab(layer)
        made = in_supercell(layer, slab, np.eye(2, dtype=int), film=False)
        host = [s.z for s in slab.structure if s.specie.symbol == "Ge"]
        low, high = np.sort(host)[[3, -4]]  # the outermost fourth of each face
        doped = [s.z for s in made.structure if s.specie.symbol == "Al"]
        assert made.provenance["doping"]["where"] == where
        assert len(doped) == 4
        return sum(z <= low + 0.1 or z >= high - 0.1 for z in doped)

    assert at_surface("slab") == 4
    assert at_surface("bulk") < 4
