"""Arrangements of species on sites: counts, energies, enumeration and annealing."""

from itertools import permutations

import numpy as np
import pytest
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Lattice, Structure

from ionface.structures.disorder import lattice_gas
from ionface.structures.disorder.lattice_gas import Group, LatticeGas

CHARGES = {"Na": 1.0, "Cl": -1.0}


def rock_salt():
    sodium = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    coords = [*sodium, *(sodium + 0.5)]
    return Structure(Lattice.cubic(5.6), ["Na"] * 4 + ["Cl"] * 4, coords)


def rock_salt_sites(seed=0):
    """Return eight sites of rock salt, a little displaced so that none are alike."""
    cubic = rock_salt()
    shifts = np.random.default_rng(seed).normal(0, 0.01, (8, 3))
    return Structure(cubic.lattice, ["H"] * 8, (cubic.frac_coords + shifts).tolist())


def gas(sites, vacancies=0, **options):
    kinds = ["Na"] * 4 + ["Cl"] * (4 - vacancies) + [""] * vacancies
    return LatticeGas(
        sites, kinds, [Group(tuple(range(8)), tuple(kinds))], CHARGES, **options
    )


def test_the_energy_is_the_ewald_sum_of_the_arrangement():
    sites = rock_salt_sites()
    model = gas(sites)
    for kinds in (["Na"] * 4 + ["Cl"] * 4, ["Na", "Cl"] * 4):
        charged = Structure(
            sites.lattice,
            [{f"{k}{'+' if k == 'Na' else '-'}": 1} for k in kinds],
            sites.frac_coords,
        )
        wanted = EwaldSummation(charged, acc_factor=8.0).total_energy
        assert model.energy(kinds) == pytest.approx(wanted, abs=1e-4)


def test_enumeration_finds_every_arrangement_once():
    model = gas(rock_salt_sites(), vacancies=2)
    every = {tuple(kinds) for kinds in model._all()}
    assert len(every) == model.number == 8 * 7 * 6 * 5 * 4 * 3 // (24 * 2) * 2 // 2
    slow = set(permutations(["Na"] * 4 + ["Cl"] * 2 + [""] * 2))
    assert every == slow


def test_rock_salt_is_the_lowest_of_all_orders():
    best = gas(rock_salt_sites()).lowest(3, seed=0)[0]
    assert best.kinds in {
        ("Na",) * 4 + ("Cl",) * 4,
        ("Cl",) * 4 + ("Na",) * 4,
    }


def test_annealing_ends_where_enumeration_does(monkeypatch):
    model = gas(rock_salt_sites(1), vacancies=1)
    exact = model.lowest(1, seed=0)[0]
    monkeypatch.setattr(lattice_gas, "MAX_ENUMERATED", 0)
    annealed = model.lowest(4, seed=0)[0]
    assert annealed.energy == pytest.approx(exact.energy, abs=1e-6)


def test_a_walk_keeps_the_energy_of_its_arrangement():
    model = gas(rock_salt_sites(), vacancies=2)
    found = model._annealed(np.random.default_rng(3))
    assert found.energy == pytest.approx(model.energy(found.kinds), abs=1e-9)
    assert sorted(found.kinds) == sorted(["Na"] * 4 + ["Cl"] * 2 + [""] * 2)


def test_the_same_seed_gives_the_same_arrangements(monkeypatch):
    monkeypatch.setattr(lattice_gas, "MAX_ENUMERATED", 0)
    model = gas(rock_salt_sites(), vacancies=2)
    assert model.lowest(5, seed=7) == model.lowest(5, seed=7)


def test_atoms_never_share_excluded_sites():
    sites = rock_salt_sites()
    distances = sites.distance_matrix
    model = gas(sites, vacancies=6 - 2, exclusion=3.0)
    found = model.lowest(10, seed=0)
    for one in found:
        filled = [i for i, kind in enumerate(one.kinds) if kind]
        apart = distances[np.ix_(filled, filled)] + 10 * np.eye(len(filled))
        assert apart.min() >= 3.0


@pytest.mark.slow
def test_arrangements_of_equal_energy_count_once():
    cubic = rock_salt()
    found = gas(cubic).lowest(100, seed=0)
    energies = [one.energy for one in found]
    assert min(np.diff(energies)) > lattice_gas.SAME_ENERGY
    assert len(found) < 70 / 4  # of 70 arrangements, most are images of each other


def test_a_group_needs_one_kind_for_each_site():
    with pytest.raises(ValueError, match="1 kinds for 2 sites"):
        Group((0, 1), ("Na",))
