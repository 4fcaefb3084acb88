"""Whole groups: of any elements, in crystals, beside others, and on every facet."""

from collections import Counter

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal
from ionface.structures.groups import (
    bond_rule,
    bonded_groups,
    check_apart,
    check_complete,
    check_whole,
    count_groups,
    whole_groups,
)
from ionface.structures.slabs.terminations import FacetSlabs

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
TRIANGLE = np.array([[1, 0, 0], [-0.5, 0.866, 0], [-0.5, -0.866, 0]])


def lone(*atoms, edge=12.0):
    """Return atoms, (symbol, x, y, z) in Å, in the middle of a cell."""
    coords = np.array([atom[1:] for atom in atoms], dtype=float) + edge / 2
    symbols = [atom[0] for atom in atoms]
    return Structure(Lattice.cubic(edge), symbols, coords, coords_are_cartesian=True)


def star(center, ligands, directions=TETRAHEDRON):
    """Return (symbol, x, y, z) of a center and ligands, [(symbol, bond), ...]."""
    placed = zip(ligands, directions, strict=False)
    return [(center, 0, 0, 0), *((s, *(bond * way)) for (s, bond), way in placed)]


def rows(symbols, coords):
    return [(s, *xyz) for s, xyz in zip(symbols, coords, strict=True)]


def icosahedron():
    g = (1 + 5**0.5) / 2
    corners = [(0, s, t * g) for s in (1, -1) for t in (1, -1)]
    corners += [(s, t * g, 0) for s in (1, -1) for t in (1, -1)]
    corners += [(t * g, 0, s) for s in (1, -1) for t in (1, -1)]
    unit = np.array(corners) / np.hypot(1, g)
    return rows("B" * 12 + "H" * 12, np.vstack([1.70 * unit, 2.90 * unit]))


def sulfonyl_imide(ligand, bond):
    """Return N(SO2X)2; of X = C, its fluorine too."""
    n, s = (0, 0, 0), np.array([1.32, 0.85, 0])
    half = [
        ("S", *s),
        ("O", *(s + np.array([0.75, -0.3, 1.18]))),
        ("O", *(s + np.array([0.75, -0.3, -1.18]))),
    ]
    end = s + np.array([0.1, 1.0, 0]) * bond
    half.append((ligand, *end))
    if ligand == "C":
        ways = np.array([[1.2, 0.5, 0], [-0.6, 0.5, 1.05], [-0.6, 0.5, -1.05]])
        half += [("F", *(end + way)) for way in ways]
    return [("N", *n), *half, *((e, -x, y, z) for e, x, y, z in half)]


def bis_oxalato_borate():
    half = rows(
        "OOCCOO",
        [(1.16, 0.9, 0), (-1.16, 0.9, 0), (0.77, 2.13, 0), (-0.77, 2.13, 0),
         (1.5, 3.08, 0), (-1.5, 3.08, 0)],
    )  # fmt: skip
    return [("B", 0, 0, 0), *half, *((e, z, -y, x) for e, x, y, z in half)]


OXALATE = rows(
    "CCOOOO",
    [(0.78, 0, 0), (-0.78, 0, 0), (1.36, 1.11, 0), (1.36, -1.11, 0), (-1.36, 1.11, 0),
     (-1.36, -1.11, 0)],
)  # fmt: skip
THIOCYANATE = [("S", 0, 0, 0), ("C", 1.65, 0, 0), ("N", 2.81, 0, 0)]
METHYL_CARBONATE = rows(
    "COOOCHHH",
    [(0, 0, 0), (0.62, 1.09, 0), (0.62, -1.09, 0), (-1.38, 0, 0), (-1.95, 1.28, 0),
     (-3.03, 1.15, 0), (-1.63, 1.83, 0.89), (-1.63, 1.83, -0.89)],
)  # fmt: skip
ETHYLENE_DICARBONATE = [
    *(half := rows(
        "COOOCHH",
        [(2.73, 1.3, 0), (2.1, 2.4, 0), (3.95, 1.2, 0), (2.1, 0.1, 0), (0.7, 0.3, 0),
         (0.4, 0.85, 0.89), (0.4, 0.85, -0.89)],
    )),
    *((e, -x, -y, -z) for e, x, y, z in half),
]  # fmt: skip
LIPON = rows(
    "NPPOOOOOO",
    [(0, 0.45, 0), (1.5, 0, 0), (-1.5, 0, 0), (2.3, 1.25, 0.4), (2.1, -0.8, 1.17),
     (2.0, -0.75, -1.25), (-2.3, 1.25, 0.4), (-2.1, -0.8, 1.17), (-2.0, -0.75, -1.25)],
)  # fmt: skip
PS4 = star("P", [("S", 2.1)] * 4)
BRIDGE = 2.1 * TETRAHEDRON[0]
P2S7 = [*PS4, *((e, *(2 * BRIDGE - np.array(xyz))) for e, *xyz in [PS4[0], *PS4[2:]])]

ANIONS = {
    "PO4": star("P", [("O", 1.54)] * 4),
    "PO2F2": star("P", [("O", 1.48)] * 2 + [("F", 1.57)] * 2),
    "PO3F": star("P", [("O", 1.50)] * 3 + [("F", 1.59)]),
    "PS3O": star("P", [("S", 2.05)] * 3 + [("O", 1.55)]),
    "PS3": star("P", [("S", 2.1)] * 3),
    "P2S7": P2S7,
    "P2NO6": LIPON,
    "CO3": star("C", [("O", 1.29)] * 3, TRIANGLE),
    "CO2H": star("C", [("O", 1.26)] * 2 + [("H", 1.1)], TRIANGLE),
    "C2O4": OXALATE,
    "C2O3H3": METHYL_CARBONATE,
    "C4O6H4": ETHYLENE_DICARBONATE,
    "BC4O8": bis_oxalato_borate(),
    "SO3": star("S", [("O", 1.52)] * 3),
    "S2O3": star("S", [("S", 2.0)] + [("O", 1.47)] * 3),
    "NO2": star("N", [("O", 1.25)] * 2, TRIANGLE),
    "S2NO4F2": sulfonyl_imide("F", 1.56),
    "C2S2NO4F6": sulfonyl_imide("C", 1.84),
    "B12H12": icosahedron(),
    "BH4": star("B", [("H", 1.22)] * 4),
    "AsF6": star("As", [("F", 1.72)] * 6, np.vstack([np.eye(3), -np.eye(3)])),
    "F2H": rows("HFF", [(0, 0, 0), (1.14, 0, 0), (-1.14, 0, 0)]),
    "O2": rows("OO", [(0, 0, 0), (1.53, 0, 0)]),
    "CN": rows("CN", [(0, 0, 0), (1.16, 0, 0)]),
    "OH": rows("OH", [(0, 0, 0), (0.97, 0, 0)]),
    "CSN": THIOCYANATE,
}


@pytest.mark.parametrize("anion", ANIONS)
def test_every_anion_is_read_and_kept_on_every_facet(anion):
    atoms = ANIONS[anion]
    salt = lone(*atoms, ("Li", 5.5, 5.5, 4.5), ("Li", -5.5, 5.5, -4.5), edge=13.0)
    elements = {atom[0] for atom in atoms}
    (name,) = count_groups(salt)
    assert name == anion
    check_complete(salt, "salt")
    for miller in ((0, 0, 1), (1, 1, 0), (1, 2, 3)):
        for slab in FacetSlabs(salt, miller).slabs(1):
            assert count_groups(slab.structure) == {anion: 1}
    assert elements == {s for s in elements if s in anion}


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
def test_crystals_hold_the_groups_of_their_bonds(name, groups):
    assert count_groups(crystal(name)) == groups


def test_germanium_with_six_oxygens_does_not_tie_the_phosphates():
    groups = whole_groups(crystal("LiGe2(PO4)3"), miller=(1, 0, 0)).groups
    assert Counter(len(g.atoms) for g in groups) == {5: 18, 1: 18}


def test_groups_hold_every_atom_once_with_ligands_at_their_bond_length():
    structure = crystal("LiGe2(PO4)3")
    groups = whole_groups(structure, miller=(0, 0, 1)).groups
    atoms = [index for g in groups for index, _ in g.atoms]
    assert sorted(atoms) == list(range(len(structure)))
    for g in groups:
        fractions = np.array([structure[i].frac_coords + n for i, n in g.atoms])
        coords = structure.lattice.get_cartesian_coords(fractions)
        if len(g.atoms) == 5:
            assert structure[g.atoms[0][0]].specie.symbol == "P"
            bonds = np.linalg.norm(coords[1:] - coords[0], axis=1)
            assert ((bonds > 1.48) & (bonds < 1.60)).all()


def chain():
    """Return a chain of PS3 along a, and sodium between the chains."""
    return Structure(
        Lattice.orthorhombic(3.0, 9.0, 9.0),
        ["P", "S", "S", "S", "Na"],
        [[0, 0, 0], [1.5, 1.3, 0], [0, -1.2, 1.6], [0, -1.2, -1.6], [1.5, 4.5, 4.5]],
        coords_are_cartesian=True,
    )


@pytest.mark.parametrize("miller", [(0, 1, 0), (0, 0, 1), (0, 1, 1)])
def test_a_chain_parallel_to_a_facet_stays_whole(miller):
    slabs = FacetSlabs(chain(), miller).slabs(2)
    rule = bond_rule(["P", "S"])
    bulk = Counter(rule.environments(chain()))
    for slab in slabs:
        found = Counter(rule.environments(slab.structure))
        assert found == {key: 2 * number for key, number in bulk.items()}
        endless = bonded_groups(slab.structure, rule)
        assert sum(len(g.atoms) == 4 and g.dimensions == 1 for g in endless) == 2


def test_a_facet_that_cuts_a_chain_is_refused_and_others_are_named():
    with pytest.raises(
        StructureError, match=r"endless chain or network, PS3, .* 1h \+ 0k \+ 0l = 0"
    ):
        FacetSlabs(chain(), (1, 0, 0)).slabs(1)


def test_layers_of_two_elements_are_cut_between_only():
    nitride = Structure.from_spacegroup(
        194, Lattice.hexagonal(2.504, 6.66), ["B", "N"],
        [[1 / 3, 2 / 3, 0.25], [1 / 3, 2 / 3, 0.75]],
    )  # fmt: skip
    (slab,) = FacetSlabs(nitride, (0, 0, 1)).slabs(1)
    assert slab.gap == pytest.approx(6.66 / 2)
    with pytest.raises(StructureError, match=r"the facet \(0 0 1\), which is parallel"):
        FacetSlabs(nitride, (1, 0, 0)).slabs(1)


@pytest.mark.parametrize("name", ["GeO2", "P_black", "Ge"])
def test_networks_and_elements_are_cut_between_their_atoms(name):
    groups = whole_groups(crystal(name), miller=(1, 1, 0)).groups
    assert {len(g.atoms) for g in groups} == {1}


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_group_that_lacks_ligands_of_its_siblings_is_refused_where_it_is(missing):
    cell = crystal("Li3PO4")
    check_complete(cell, "here")
    rule = bond_rule(["P", "O"])
    phosphorus = next(i for i, s in enumerate(cell) if s.specie.symbol == "P")
    lost = [j for j, _ in rule.neighbors(cell)[phosphorus][:missing]]
    cell.remove_sites(lost)
    with pytest.raises(
        StructureError,
        match=rf"here: cut polyanion: P \(site \d+\) at .* Å has {4 - missing} ligands "
        r"instead of the 4 of a whole PO4",
    ):
        check_complete(cell, "here")
    check_complete(cell, "here", (f"PO{4 - missing}" if missing < 3 else "PO", "PO4"))


def test_water_beside_hydroxide_and_sulfide_beside_thiophosphate_are_whole():
    water = rows("OHH", [(0, 0, 4), (0.97, 0, 4), (-0.24, 0.94, 4)])
    check_complete(lone(*ANIONS["OH"], *water), "here")
    check_complete(lone(*ANIONS["PS3O"], ("S", 5, 5, 5)), "here")
    # another center, and another ligand
    far = [(e, x + 5, y + 5, z + 5) for e, x, y, z in ANIONS["PO2F2"]]
    check_complete(lone(*ANIONS["PO4"], *far), "here")


@pytest.mark.parametrize(
    ("atoms", "named", "missing"),
    [(THIOCYANATE, "SCN", 2), (OXALATE, "C2O4", 5), (ANIONS["PO4"], "PO4", 4)],
)
def test_a_named_group_must_be_whole(atoms, named, missing):
    check_complete(lone(*atoms), "here", (named,))
    cut = [atom for i, atom in enumerate(atoms) if i != missing]
    check_complete(lone(*cut), "here")
    with pytest.raises(StructureError, match=f"cut polyanion: .* a whole {named};"):
        check_complete(lone(*cut), "here", (named,))


def test_a_named_group_has_a_metal_at_its_center():
    alanate = lone(*star("Al", [("H", 1.63)] * 4), ("Na", 4, 4, 4))
    assert count_groups(alanate) == {}
    rule = bond_rule(["Al", "H"], ("AlH4",))
    assert count_groups(alanate, rule) == {"AlH4": 1}
    slabs = FacetSlabs(alanate, (1, 1, 1), groups=("AlH4",)).slabs(1)
    assert all(count_groups(s.structure, rule) == {"AlH4": 1} for s in slabs)


def test_an_atom_with_other_ligands_than_in_the_bulk_is_refused():
    bulk = crystal("Li3PO4")
    rule = bond_rule(["P", "O"])
    expected = Counter(rule.environments(bulk))
    check_whole(bulk, expected, rule, "slab")
    cut = bulk.copy()
    cut.remove_sites([next(i for i, s in enumerate(cut) if s.specie.symbol == "O")])
    with pytest.raises(
        StructureError, match=r"cut group: P .* has 3 ligands instead of 4"
    ):
        check_whole(cut, expected, rule, "slab")
    cut.append("O", [0.01, 0.02, 0.03])
    with pytest.raises(StructureError, match="cut group"):
        check_whole(cut, expected, rule, "slab")


def test_sides_that_touch_like_a_bond_are_refused_and_networks_may():
    both = lone(*ANIONS["PO4"], ("S", 2.9, 0, 0.6))
    phases = ["salt"] * 5 + ["film"]
    check_apart(both, phases, "interface")
    joined = lone(*ANIONS["PO4"], ("S", 1.7, 0, 1.7))
    with pytest.raises(StructureError, match=r"salt and S .* as near as a bond; widen"):
        check_apart(joined, phases, "interface")
    metal = lone(*ANIONS["PO4"], ("Li", 1.7, 0, 1.7))
    check_apart(metal, phases, "interface")


@pytest.mark.parametrize("name", ["selenate", "O2", "Se-O4", "Xx4", ""])
def test_a_name_that_is_no_formula_of_two_elements_is_refused(name):
    with pytest.raises(StructureError, match="give its formula, the center first"):
        bond_rule(["Se"], (name,))


def test_a_group_across_the_border_of_the_cell_is_whole():
    split = lone(*ANIONS["PO4"])
    split.translate_sites(range(5), [0.5, 0.5, 0.5])
    assert count_groups(split) == {"PO4": 1}
