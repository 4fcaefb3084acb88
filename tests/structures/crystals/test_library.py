import math
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import (
    crystal,
    free_sites,
    material,
    materials,
    oxidation_states,
    read_crystal,
    setting,
)
from ionface.structures.crystals.space_group import fits, operations, orbit


def faults_of(entry):
    """Return what is wrong with an entry of the library."""
    structure = crystal(entry.name)
    faults = []
    if len(structure) != entry.n_atoms:
        faults.append(f"{len(structure)} sites instead of {entry.n_atoms}")
    faults += _multiplicity_faults(entry)
    faults += _composition_faults(entry, structure)
    faults += _distance_faults(entry, structure)
    return faults


def _multiplicity_faults(entry):
    faults = []
    for site in entry.sites:
        images = orbit(entry.number, site[2:])
        if len(images) != int(site[1][:-1]):
            faults.append(f"{site[0]} on {site[1]} has multiplicity {len(images)}")
    return faults


def _composition_faults(entry, structure):
    faults = []
    found = structure.composition.fractional_composition
    wanted = Composition(entry.formula).fractional_composition
    if not found.almost_equals(wanted, atol=2e-3):
        faults.append(f"composition {found} instead of {wanted}")
    charge = sum(
        entry.oxidation[element.symbol] * amount
        for element, amount in structure.composition.items()
    )
    if abs(charge) > 0.03 * len(structure) / 10:
        faults.append(f"charge {charge:+.2f} per cell")
    return faults


def _distance_faults(entry, structure):
    faults = []
    for pair, (low, high) in entry.distances.items():
        shortest = shortest_pair(structure, *pair.split("-"))
        if not low <= shortest <= high:
            faults.append(f"{pair} {shortest:.3f} Å, not in [{low}, {high}]")
    return faults


def shortest_pair(structure, first, second):
    """Return the shortest distance between two elements within 6 Å, in Å; or inf."""
    centers, neighbors, _, distances = structure.get_neighbor_list(6.0)
    symbols = [{element.symbol for element in site.species} for site in structure]
    wanted = np.array(
        [
            (first in symbols[i] and second in symbols[j])
            for i, j in zip(centers, neighbors, strict=True)
        ],
        dtype=bool,
    )
    apart = wanted & (distances > 0.4)  # partially occupied images of one atom
    return float(distances[apart].min()) if apart.any() else float("inf")


@pytest.mark.parametrize("name", sorted(materials()))
def test_entry_has_its_multiplicities_composition_neutrality_and_distances(name):
    assert faults_of(material(name)) == []


@pytest.mark.slow  # pymatgen takes a second or more for a cubic group
@pytest.mark.parametrize("name", sorted(materials()))
def test_symmetry_makes_the_same_sites_as_in_pymatgen(name):
    entry, ours = material(name), crystal(name)
    theirs = Structure.from_spacegroup(
        entry.spacegroup,
        ours.lattice,
        [site[0] for site in entry.sites],
        [site[2:] for site in entry.sites],
    )
    assert len(ours) == len(theirs)
    apart = ours.frac_coords[:, None] - theirs.frac_coords
    same = (np.abs(apart - np.round(apart)) < 1e-4).all(axis=2)
    kinds = [site.species for site in ours], [site.species for site in theirs]
    same &= np.array([[a == b for b in kinds[1]] for a in kinds[0]])
    assert same.any(axis=0).all()
    assert same.any(axis=1).all()


def test_check_finds_an_entry_that_is_wrong():
    good = material("LiF")
    wrong = replace(
        good, n_atoms=9, oxidation={"Li": 2, "F": -1}, distances={"Li-F": (1.0, 1.5)}
    )
    faults = faults_of(wrong)
    assert len(faults) == 3
    assert any("sites" in f for f in faults)
    assert any("charge" in f for f in faults)
    assert any("Li-F" in f for f in faults)


def test_unknown_material_names_the_closest_and_the_way_out():
    with pytest.raises(StructureError, match=r"did you mean Li6PS5Cl.*CIF or POSCAR"):
        material("Li6PS5CI")


def test_lattice_override_keeps_the_symmetry_of_the_cell():
    tetragonal = crystal("In", {"a": 3.3})
    assert tetragonal.lattice.abc == pytest.approx((3.3, 3.3, 4.9463))
    hexagonal = crystal("LiGe2(PO4)3", {"a": 8.28, "c": 20.67})
    assert hexagonal.lattice.abc == pytest.approx((8.28, 8.28, 20.67))
    assert hexagonal.volume == pytest.approx(8.28**2 * math.sqrt(3) / 2 * 20.67)


@pytest.mark.parametrize("override", [{"a": 5.0}, {"a": 0.0}, {"alpha": 80}])
def test_lattice_override_far_from_the_published_cell_is_refused(override):
    with pytest.raises(StructureError, match=r"lattice override .* of Li"):
        crystal("Li", override)


def test_shortest_distance_of_rock_salt_is_half_its_edge():
    salt = crystal("LiF")
    assert shortest_pair(salt, "Li", "F") == pytest.approx(salt.lattice.a / 2)
    assert shortest_pair(salt, "Li", "Na") == math.inf


@pytest.mark.parametrize("form", ["cif", "poscar"])
def test_crystal_file_gives_the_same_structure_as_the_library(tmp_path, form):
    path = tmp_path / {"cif": "mine.cif", "poscar": "mine.vasp"}[form]
    crystal("Li6PS5Cl").to(str(path), fmt=form)
    found = read_crystal(str(path))
    assert found.matches(crystal("Li6PS5Cl"))
    assert oxidation_states(str(path), found) == material("Li6PS5Cl").oxidation
    assert setting(str(path)) == "F-43m axes"
    assert setting("In") == "I4/mmm axes"


@pytest.mark.parametrize("content", ["", "not a structure\n", "x\n1.0\n1 0\n"])
@pytest.mark.parametrize("name", ["broken.cif", "POSCAR"])
def test_unreadable_file_is_refused_by_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(StructureError, match=f"cannot read .*{name}"):
        read_crystal(str(path))


def test_absent_file_is_refused_by_name():
    with pytest.raises(StructureError, match=r"nowhere.cif"):
        read_crystal("nowhere.cif")


def test_the_lattice_of_a_file_can_be_replaced_too(tmp_path):
    path = tmp_path / "li.vasp"
    crystal("Li").to(str(path), fmt="poscar")
    replaced = read_crystal(str(path), {"a": 3.4})
    assert replaced.lattice.abc == pytest.approx((3.4, 3.4, 3.4))
    with pytest.raises(StructureError, match=r"lattice override a=5\.0"):
        read_crystal(str(path), {"a": 5.0})


def test_metal_files_have_no_charges():
    metal = Structure(Lattice.cubic(3.0), ["Na"], [[0, 0, 0]])
    assert oxidation_states(metal, metal) == {"Na": 0.0}


def test_added_lithium_has_36_positions_in_a_nasicon_cell_apart_from_all_atoms():
    for name, host in (("LiGe2(PO4)3", "Ge"), ("LiTi2(PO4)3", "Ti")):
        sites = free_sites(name, host)
        assert len(sites) == 36
        cell = crystal(name)
        for site in sites[:3]:
            near = cell.get_sites_in_sphere(
                cell.lattice.get_cartesian_coords(site), 1.5
            )
            assert not near


def test_crystal_without_known_free_positions_is_refused():
    with pytest.raises(
        StructureError, match="no position for added Li is known in LiF"
    ):
        free_sites("LiF", "Li")


@pytest.mark.parametrize(("number", "order"), [(1, 1), (62, 8), (166, 36), (225, 192)])
def test_a_group_has_its_order_and_a_general_position_as_many_images(number, order):
    rotations, _ = operations(number)
    assert len(rotations) == order
    assert len(orbit(number, [0.11, 0.23, 0.37])) == order


def test_a_cell_must_have_the_metric_of_its_group():
    assert fits(225, Lattice.cubic(4))
    assert not fits(225, Lattice.tetragonal(4, 4.5))
    assert fits(139, Lattice.tetragonal(4, 4.5))
    assert fits(166, Lattice.hexagonal(4, 9))
    assert not fits(166, Lattice.cubic(4))
    assert fits(12, Lattice.monoclinic(4, 5, 6, 100))
    assert not fits(62, Lattice.monoclinic(4, 5, 6, 100))
