import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import (
    bonded_groups,
    check_neutral,
    check_overlaps,
    check_polyanions,
    count_polyanions,
    polyanions,
)
from ionface.structures.crystals.library import crystal, material

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)


def group(center, ligand, bond, at=(5.0, 5.0, 5.0), edge=10.0):
    coords = np.vstack([np.zeros(3), bond * TETRAHEDRON]) + np.array(at)
    return Structure(
        Lattice.cubic(edge), [center] + [ligand] * 4, coords, coords_are_cartesian=True
    )


def joined(a, b):
    return Structure.from_sites([*a, *b])


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("Li6PS5Cl", {"PS4": 4}),
        ("LiGe2(PO4)3", {"PO4": 18}),
        ("Li10GeP2S12_ordered", {"PS4": 4, "GeS4": 2}),
        ("Li3PO4", {"PO4": 2}),
        ("Li2S", {}),
        ("InP", {}),
        ("GeO2", {}),
        ("P_black", {}),
        ("In", {}),
    ],
)
def test_polyanions_are_found_by_their_bonds(name, groups):
    structure = crystal(name)
    assert count_polyanions(structure) == groups
    check_polyanions(structure, name, groups)


def test_group_across_the_border_of_the_cell_is_whole():
    split = group("P", "S", 2.05, at=(0.0, 0.0, 0.0))
    check_polyanions(split, "cell")
    assert len(polyanions(split)[0].ligands) == 4


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_group_without_some_ligands_is_refused_where_it_is(missing):
    cut = group("P", "O", 1.54)
    cut.remove_sites(range(1, 1 + missing))
    with pytest.raises(
        StructureError,
        match=rf"here: cut polyanion: P \(site 0\) at \(5.00, 5.00, 5.00\) Å has "
        rf"{4 - missing} ligands instead of the 4 of a whole PO4",
    ):
        check_polyanions(cut, "here")


def test_group_with_all_ligands_gone_is_missed_in_the_count():
    bare = joined(group("P", "O", 1.54), group("P", "O", 1.54, at=(1.0, 1.0, 1.0))[:1])
    check_polyanions(bare, "alone")
    with pytest.raises(StructureError, match="1 PO4 groups instead of 2"):
        check_polyanions(bare, "here", {"PO4": 2})


def test_foreign_ligand_does_not_hide_a_cut():
    cut = group("P", "S", 2.05)
    cut.replace(1, "O")
    with pytest.raises(StructureError, match="3 ligands"):
        check_polyanions(cut, "here")


def test_ether_oxygen_makes_no_carbonate():
    ether = Structure(
        Lattice.cubic(10), ["C", "O", "C"], [[0, 0, 0], [1.42, 0, 0], [2.0, 1.3, 0]],
        coords_are_cartesian=True,
    )  # fmt: skip
    check_polyanions(ether, "ether")


def test_groups_hold_every_atom_once_with_ligands_at_their_bond_length():
    structure = crystal("LiGe2(PO4)3")
    groups = bonded_groups(structure)
    atoms = [index for g in groups for index, _ in g.atoms]
    assert sorted(atoms) == list(range(len(structure)))
    for g in groups:
        fractions = np.array([structure[i].frac_coords + n for i, n in g.atoms])
        coords = structure.lattice.get_cartesian_coords(fractions)
        if len(g.atoms) == 5:
            assert structure[g.atoms[0][0]].specie.symbol == "P"
            bonds = np.linalg.norm(coords[1:] - coords[0], axis=1)
            assert ((bonds > 1.48) & (bonds < 1.60)).all()


def test_two_tetrahedra_that_share_a_ligand_are_one_group():
    first = group("P", "S", 2.1, edge=14.0)
    bridge = first[1].coords
    mirrored = 2 * bridge - first.cart_coords
    both = Structure(
        first.lattice,
        [*first.species, "P", "S", "S", "S"],
        [*first.cart_coords, *mirrored[[0, 2, 3, 4]]],
        coords_are_cartesian=True,
    )
    groups = bonded_groups(both)
    assert [len(g.atoms) for g in groups] == [9]
    assert groups[0].n_centers == 2


def test_endless_chain_of_tetrahedra_is_refused():
    chain = Structure(
        Lattice.orthorhombic(3.0, 12.0, 12.0),
        ["P", "S", "S", "S"],
        [[0, 0, 0], [1.5, 1.3, 0], [0, -1.2, 1.6], [0, -1.2, -1.6]],
        coords_are_cartesian=True,
    )
    with pytest.raises(StructureError, match="endless chain or network"):
        bonded_groups(chain)


def test_overlap_is_refused_across_the_border_of_the_cell():
    pair = Structure(Lattice.cubic(6), ["Li", "O"], [[0, 0, 0], [0, 0, 0.8333]])
    with pytest.raises(StructureError, match=r"overlap: .* are 1.00 Å apart"):
        check_overlaps(pair, "cell")
    apart = Structure(Lattice.cubic(6), ["Li", "O"], [[0, 0, 0], [0, 0, 0.67]])
    check_overlaps(apart, "cell")


@pytest.mark.parametrize("name", ["LiGe2(PO4)3", "Li6PS5Cl", "LiF", "Li", "P_black"])
def test_real_crystals_have_no_overlaps(name):
    check_overlaps(crystal(name), name)


def test_charged_cell_is_refused_and_its_ions_are_listed():
    entry = material("LiGe2(PO4)3")
    structure = crystal(entry.name)
    check_neutral(structure, entry.oxidation, "cell")
    structure.replace(
        next(i for i, s in enumerate(structure) if s.specie.symbol == "Ge"), "Al"
    )
    with pytest.raises(StructureError, match=r"charged cell: -1.00 e .*Al \+3"):
        check_neutral(structure, {**entry.oxidation, "Al": 3}, "cell")


def test_metals_are_neutral_without_oxidation_states():
    check_neutral(crystal("In"), {}, "metal")
