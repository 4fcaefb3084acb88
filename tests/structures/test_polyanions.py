from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

import ionface.structures.polyanions
from ionface.errors import StructureError
from ionface.structures.checks import check_polyanions
from ionface.structures.crystals.library import crystal
from ionface.structures.polyanions import bonded_groups, count_polyanions, polyanions

DATA = Path(ionface.structures.polyanions.__file__).with_name("polyanions.yaml")
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
    check_polyanions(both, "P2S7", {"PS4": 2})
    check_polyanions(both, "P2S7", named=("P2S7",))
    both.remove_sites([8])  # P2S6 by its formula, but its centers are not bonded
    with pytest.raises(StructureError, match="3 ligands instead of the 4"):
        check_polyanions(both, "here")


def test_endless_chain_of_tetrahedra_is_refused():
    chain = Structure(
        Lattice.orthorhombic(3.0, 12.0, 12.0),
        ["P", "S", "S", "S"],
        [[0, 0, 0], [1.5, 1.3, 0], [0, -1.2, 1.6], [0, -1.2, -1.6]],
        coords_are_cartesian=True,
    )
    with pytest.raises(StructureError, match="endless chain or network"):
        bonded_groups(chain)


def lone(*atoms, edge=12.0):
    """Return atoms, (symbol, x, y, z) in Å, in the middle of a cell."""
    coords = np.array([atom[1:] for atom in atoms], dtype=float) + edge / 2
    symbols = [atom[0] for atom in atoms]
    return Structure(Lattice.cubic(edge), symbols, coords, coords_are_cartesian=True)


CYANIDE = lone(("C", 0, 0, 0), ("N", 1.16, 0, 0), ("Na", 0, 3, 0))
HYDROXIDE = lone(("O", 0, 0, 0), ("H", 0.97, 0, 0), ("Li", 0, 2, 0))
THIOCYANATE = lone(("S", 0, 0, 0), ("C", 1.65, 0, 0), ("N", 2.81, 0, 0))
OXALATE = lone(
    ("C", 0, 0, 0), ("C", 1.55, 0, 0), ("O", -0.63, 1.08, 0), ("O", -0.63, -1.08, 0),
    ("O", 2.18, 1.08, 0), ("O", 2.18, -1.08, 0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("structure", "named", "kind", "size"),
    [
        (CYANIDE, (), "CN", 2),
        (HYDROXIDE, (), "OH", 2),
        (THIOCYANATE, ("SCN",), "SCN", 3),
        (OXALATE, ("C2O4",), "C2O4", 6),
    ],
)
def test_any_connected_group_is_a_polyanion(structure, named, kind, size):
    check_polyanions(structure, "here", named=named)
    assert kind in count_polyanions(structure, named)
    assert max(len(g.atoms) for g in bonded_groups(structure, named)) == size


@pytest.mark.parametrize(
    ("structure", "named", "missing"),
    [(THIOCYANATE, ("SCN",), 2), (OXALATE, ("C2O4",), 5)],
)
def test_a_group_that_is_no_star_is_refused_if_its_formula_is_not_whole(
    structure, named, missing
):
    cut = structure.copy()
    cut.remove_sites([missing])
    with pytest.raises(StructureError, match=f"instead of .*a whole {named[0]}"):
        check_polyanions(cut, "here", named=named)


def test_bonded_centers_are_one_group_that_must_be_whole():
    # P2S6, staggered: P-P 2.25, P-S 2.02
    ring = [(1.9 * np.cos(a), 1.9 * np.sin(a)) for a in 2 * np.pi * np.arange(3) / 3]
    halves = [("P", 0, 0, -1.125), ("P", 0, 0, 1.125)]
    halves += [("S", x, y, -1.81) for x, y in ring]
    halves += [("S", -x, -y, 1.81) for x, y in ring]
    whole = lone(*halves)
    assert count_polyanions(whole) == {"P2S6": 2}
    check_polyanions(whole, "here")
    assert [len(g.atoms) for g in bonded_groups(whole)] == [8]
    whole.remove_sites([4])
    with pytest.raises(StructureError, match="part of P2S5 instead of a whole P2S6"):
        check_polyanions(whole, "here")


def test_a_new_polyanion_needs_one_line_only():
    (line,) = [
        line
        for line in DATA.read_text(encoding="utf-8").splitlines()
        if line.startswith("ClO4")
    ]
    assert line == "ClO4: {Cl-O: 1.70}"
    sources = Path(DATA.parent).rglob("*.py")
    assert not [p for p in sources if "ClO4" in p.read_text(encoding="utf-8")]
    check_polyanions(group("Cl", "O", 1.44), "perchlorate", {"ClO4": 1})


def test_a_carbonyl_of_a_molecule_is_no_cut_carbonate():
    acetone = lone(("C", 0, 0, 0), ("O", 1.22, 0, 0), ("C", -0.8, 1.3, 0))
    with pytest.raises(StructureError, match="cut polyanion"):
        check_polyanions(acetone, "crystal")
    acetone.add_site_property("molecule", [0, 0, 0])
    check_polyanions(acetone, "film")


@pytest.mark.parametrize("name", ["selenate", "O2", "Se-O4", "Xx4", ""])
def test_a_name_that_is_no_formula_of_two_elements_is_refused(name):
    with pytest.raises(StructureError, match="give its formula, the center first"):
        polyanions(CYANIDE, (name,))
