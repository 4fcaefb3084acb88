import re
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_overlaps
from ionface.structures.periodic import pairs_within
from ionface.structures.polymers import films
from ionface.structures.polymers.films import (
    DALTONS,
    amount,
    densest,
    make_chains,
    pack,
    pack_on,
)
from ionface.structures.polymers.integrity import check
from ionface.structures.specs import FilmLayer

DOL = FilmLayer("[*]OCOCC[*]", units=2, chains=4, density=1.1, seed=1, name="P-DOL")
CELLS = {
    "rectangular": np.diag([13.76, 10.32]),
    "skewed": np.array([[12.0, 0.0], [4.0, 12.0]]),
    "hexagonal": np.array([[13.0, 0.0], [-6.5, 6.5 * np.sqrt(3)]]),
}
SMALL = 0.7 * CELLS["rectangular"]
SKIN = 1.1  # Å on each side of the outermost atoms belong to the film
NARROW = np.diag([9.6, 7.2])


@pytest.fixture(
    scope="module",
    params=[
        "skewed",
        pytest.param("rectangular", marks=pytest.mark.slow),
        pytest.param("hexagonal", marks=pytest.mark.slow),
    ],
)
def film(request):
    return pack(DOL, CELLS[request.param])


def structure(film):
    height = film.thickness + 20
    matrix = np.diag([0.0, 0.0, height])
    matrix[:2, :2] = film.cell
    return Structure(
        Lattice(matrix),
        film.symbols,
        film.coords + np.array([0, 0, 10]),
        coords_are_cartesian=True,
    )


def test_density_is_the_one_asked_for(film):
    # four chains of two units C3H6O2 and two methyls
    mass = Composition("C8H18O4").weight * 4
    area = abs(np.linalg.det(film.cell))
    thickness = np.ptp(film.coords[:, 2]) + 2 * SKIN
    assert mass / (area * thickness * DALTONS) == pytest.approx(1.1, rel=0.02)
    assert film.density == pytest.approx(1.1, rel=0.02)
    assert film.thickness == pytest.approx(thickness)


def test_chains_are_whole_alike_and_counted(film):
    assert film.provenance["formula"] == "H18C8O4"  # as pymatgen orders it
    assert Composition("".join(film.symbols)) == Composition("C8H18O4") * 4
    assert np.bincount(film.molecules).tolist() == [30] * 4
    bonds = np.array(film.topology.bonds)
    lengths = np.linalg.norm(np.diff(film.coords[bonds], axis=1)[:, 0], axis=1)
    assert lengths.max() < 1.65  # whole without periodic images
    assert film.coords[:, 2].min() == pytest.approx(0)


@pytest.mark.slow
def test_no_two_molecules_or_images_overlap(film):
    check_overlaps(structure(film), "film")
    pairs = pairs_within(film.coords, film.cell, 3.0)
    owners = film.molecules
    alien = (owners[pairs.first] != owners[pairs.second]) | (
        np.abs(pairs.shifts).max(axis=1) > 0
    )
    shortest = pairs.chosen(alien).distances(film.coords).min()
    assert shortest > 1.95
    assert film.provenance["shortest_distance"] == pytest.approx(shortest)


def test_molecules_are_intact(film):
    report = check(film.topology, film.coords, film.coords, film.cell)
    assert report.verdict == "intact"


def test_bonds_are_those_of_relaxed_molecules(film):
    bonds = np.array(film.topology.bonds)
    lengths = np.linalg.norm(np.diff(film.coords[bonds], axis=1)[:, 0], axis=1)
    symbols = np.array(film.symbols)[bonds]
    for pair, expected in (("CO", 1.42), ("CC", 1.52), ("CH", 1.10)):
        own = [set(names) == set(pair) for names in symbols]
        assert lengths[own].mean() == pytest.approx(expected, abs=0.02)


def test_a_chain_that_did_not_survive_is_a_fault_of_the_film(film):
    free = film.coords
    assert films._fault(film, free, DOL, film.thickness) is None
    flat = replace(film, coords=film.coords * [1, 1, 0.5])
    assert "did not survive" in films._fault(flat, free, DOL, film.thickness)
    torn = film.coords.copy()
    torn[0] += [0, 0, 4.0]
    said = films._fault(replace(film, coords=torn), free, DOL, film.thickness)
    assert "broken" in said
    loose = replace(film, density=1.05)
    assert "to fill it" in films._fault(loose, free, DOL, film.thickness)


@pytest.mark.slow
def test_a_seed_gives_the_same_film_and_another_seed_another():
    layer = replace(DOL, chains=3, units=1)
    cell = 0.8 * CELLS["skewed"]
    one, two, other = (pack(replace(layer, seed=s), cell) for s in (3, 3, 4))
    assert np.array_equal(one.coords, two.coords)
    assert not np.allclose(one.coords, other.coords, atol=0.5)


@pytest.mark.slow
def test_thickness_decides_the_number_of_chains():
    layer = replace(DOL, chains=None, thickness=9.0)
    film = pack(layer, CELLS["rectangular"])
    chain = Composition("C8H18O4").weight / (1.1 * DALTONS * 13.76 * 10.32)
    assert film.provenance["chains"] == round(9.0 / chain)
    assert film.thickness == pytest.approx(round(9.0 / chain) * chain, rel=0.02)
    assert abs(film.thickness - 9.0) <= chain / 2 * 1.05


@pytest.mark.slow
@pytest.mark.parametrize("density", [0.5, 0.9, 1.25])
def test_loose_and_dense_films_reach_both_walls(density):
    film = pack(replace(DOL, density=density), 0.9 * CELLS["rectangular"])
    assert film.density == pytest.approx(density, rel=0.02)


@pytest.mark.slow
def test_the_loosest_chains_are_drawn_to_both_walls():
    layer = FilmLayer("[*]OCOCC[*]", units=2, chains=3, density=0.15, seed=1)
    film = pack(layer, CELLS["rectangular"])
    assert film.density == pytest.approx(0.15, rel=0.02)


@pytest.mark.slow
def test_atactic_chains_have_stereo_centers_of_their_own():
    layer = FilmLayer("[*]CC(C)O[*]", units=3, chains=3, density=0.9, ends=("CC", "C"))
    film = pack(layer, CELLS["skewed"])
    assert film.provenance["chosen_stereo"] == 3
    assert len(film.topology.stereo) == 9
    assert len(film.provenance["isomers"]) > 1
    assert check(film.topology, film.coords, film.coords, film.cell).verdict == "intact"


@pytest.mark.slow
def test_rings_are_not_speared():
    styrene = FilmLayer("[*]CC([*])c1ccccc1", units=1, chains=5, density=0.9)
    film = pack(styrene, CELLS["skewed"])
    assert len(film.topology.rings) == 5
    assert check(film.topology, film.coords, film.coords, film.cell).speared == ()


def refusal(layer, cell):
    with pytest.raises(StructureError) as caught:
        pack(layer, cell)
    message = str(caught.value)
    return message, float(message.split("the densest had ")[1].split()[0])


@pytest.mark.slow
def test_a_density_that_cannot_be_packed_says_what_was_tried_and_what_came_closest(
    monkeypatch,
):
    monkeypatch.setattr(films, "SCHEDULE", films.SCHEDULE[:2])
    message, closest = refusal(replace(DOL, units=1, density=1.44), SMALL)
    assert "P-DOL: density=1.44 g/cm³ cannot be packed: 4 chains" in message
    assert "2.0 Å apart in 2 times the height" in message
    assert "1.8 Å apart in 3 times the height" in message
    assert "Lower the density" in message
    assert 0.6 < closest < 1.7  # liquid P-DOL has 1.1, its crystal 1.3


@pytest.mark.slow
def test_what_came_closest_can_be_packed():
    layer = replace(DOL, units=1, density=1.44)
    _, closest = refusal(layer, SMALL)
    assert closest > 0.9
    film = pack(replace(layer, density=0.97 * closest), SMALL)
    assert film.density == pytest.approx(0.97 * closest, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chains": None}, "chains=None, thickness=None: give one of the two"),
        ({"thickness": 9.0}, "chains=4, thickness=9.0: give one of the two"),
        ({"density": 0.0}, "density=0.0 g/cm³ must lie between"),
        ({"density": 9.0}, "density=9.0 g/cm³ must lie between"),
        ({"chains": 0}, "chains=0"),
        ({"chains": None, "thickness": 0.5}, "one chain of 178.2 Da makes 1.9 Å"),
        ({"chains": 1}, "thinner than one flat chain"),
        ({"units": None}, "say how many repeat units"),
        ({"chains": 900}, "holds up to 5000 atoms"),
        ({"film": "[*]OCCO[*]"}, "a bond O-O"),
        ({"film": "C(", "units": None}, "not a SMILES"),
        ({"film": "CC[O-]", "units": None}, "charge -1"),
    ],
)
def test_films_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(StructureError, match=message):
        pack(replace(DOL, **changes), CELLS["rectangular"])


@pytest.mark.slow
def test_a_surface_cell_is_repeated_until_a_chain_fits():
    layer = replace(DOL, units=1, chains=4)
    film = pack_on(layer, np.diag([3.44, 3.44]), 400)
    assert film.supercell[0] == film.supercell[1]
    assert np.array_equal(film.cell, np.diag(film.supercell) * 3.44)
    with pytest.raises(StructureError, match="no supercell up to max_area=40"):
        pack_on(layer, np.diag([3.44, 3.44]), 40)


@pytest.mark.slow
def test_a_chosen_supercell_is_used_and_checked():
    layer = replace(DOL, units=1, supercell=(3, 3))
    assert pack_on(layer, np.diag([3.44, 3.44]), 400).supercell == (3, 3)
    with pytest.raises(StructureError, match="give two whole numbers above 0 within"):
        pack_on(layer, np.diag([3.44, 3.44]), 50)


def test_amounts_follow_from_density_and_area():
    chains, thickness = amount(DOL, 178.0, 100.0)
    assert chains == 4
    assert thickness == pytest.approx(4 * 178.0 / (1.1 * DALTONS * 100.0))


def test_a_density_beyond_full_space_is_refused_at_once_with_that_of_crystals():
    with pytest.raises(StructureError, match=r"fill 1\d\d% of the film") as caught:
        pack(replace(DOL, units=1, density=2.2), NARROW)
    low, high = (
        float(x) for x in re.findall(r"(\d\.\d\d) (?:to|g/cm³\.)", str(caught.value))
    )
    assert 0.9 < low < high < 1.3  # liquid ethers: 0.9 to 1.1


@pytest.mark.parametrize(
    ("smiles", "crystal"),
    [
        ("c1ccccc1", 1.02),
        pytest.param("C" * 30, 1.00, marks=pytest.mark.slow),  # 15 s of conformers
    ],
)
def test_known_molecular_crystals_fill_what_is_published(smiles, crystal):
    """Benzene at 270 K and the crystal of polyethylene (long alkanes), g/cm³."""
    (chain,) = make_chains(smiles, 1, 0)
    assert 0.6 < crystal / densest(chain) < 0.8
