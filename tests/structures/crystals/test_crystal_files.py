"""Structure files in the wild: the right crystal, or one sentence that says why not."""

import bz2
import gzip

import pytest

from ionface.errors import StructureError
from ionface.structures.crystals.library import (
    crystal,
    oxidation_states,
    read_crystal,
    read_structure,
    reading_notes,
)
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.specs import CrystalLayer

CELL = """data_{name}
_cell_length_a {a}
_cell_length_b {b}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma {gamma}
"""
ATOMS = """loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""


def cif(atoms, group="P 1", a=5.0, b=None, c=None, gamma=90, name="own", more=""):
    head = CELL.format(name=name, a=a, b=b or a, c=c or a, gamma=gamma)
    rows = "\n".join(
        f"{symbol}{number} {symbol} {x} {y} {z} {share}"
        for number, (symbol, x, y, z, share) in enumerate(atoms)
    )
    return f"{head}_symmetry_space_group_name_H-M '{group}'\n{more}{ATOMS}{rows}\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="own.cif"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


OXIDE = """own
1.0
0 2.31 2.31
2.31 0 2.31
2.31 2.31 0
Li O
2 1
Selective dynamics
Direct
0.25 0.25 0.25 T T T
0.75 0.75 0.75 T T T
0 0 0 F F F

velocities, or what a broken writer left of them
"""
NITRIDE = [("N", 0, 0, 0, 1), ("Li", 0, 0, 0.5, 1)]


@pytest.mark.parametrize(
    "third", [("0.333", "0.667"), ("0.33", "0.67"), ("0.333333", "0.666667")]
)
@pytest.mark.parametrize("formula", ["", "_chemical_formula_sum 'Li3 N'\n"])
def test_rounded_thirds_are_thirds(file, third, formula):
    x, y = third
    path = file(
        cif([*NITRIDE, ("Li", x, y, 0, 1)], "P 6/m m m", 3.648, c=3.875, gamma=120,
            more=formula)
    )  # fmt: skip
    assert read_crystal(path).composition.as_dict() == {"Li": 3, "N": 1}
    said = reading_notes(path)
    assert bool(said) == (x == "0.33")
    assert all("such as 0.33 are taken for 1/3" in note for note in said)


SPINEL = [("Li", 0.125, 0.125, 0.125, 1), ("Mn", 0.5, 0.5, 0.5, 1),
          ("O", 0.2625, 0.2625, 0.2625, 1)]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("group", ["F d -3 m:2", "F d -3 m", "Fd-3mS"])
def test_the_origin_of_a_file_without_operations_is_found(file, group):
    more = "_symmetry_Int_Tables_number 227\n_chemical_formula_sum 'Li Mn2 O4'\n"
    path = file(cif(SPINEL, group, 8.24, more=more))
    found = read_crystal(path)
    assert found.composition.as_dict() == {"Li": 8, "Mn": 16, "O": 32}
    if not group.endswith(":2"):
        assert "is taken in its setting 2" in reading_notes(path)[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            cif([("Li", 0, 0, 0, 1), ("O", 0, 0.5, 0.2, 1)],
                more="_chemical_formula_sum 'H Li O'\n"),
            "its formula H Li O has H, its list of atoms has not",
        ),
        (
            cif([("S", 0, 0, 0, 0.62), ("Cl", 0, 0, 0, 0.40)]),
            "the occupancies of one site sum to 1.02, more than 1",
        ),
        (
            cif(NITRIDE, name="one") + cif(NITRIDE, name="two"),
            r"holds 2 crystals \(one, two\); give a file with the data block of one",
        ),
        ("data_nothing\n_cell_length_a 5\n", "none of its data blocks has atoms"),
        (cif([("X", 0, 0, 0, 1)]), "'X' .* is no element"),
        (cif([("Vac", 0, 0, 0, 0.5)]), "'Vac' .* element; .* leave out vacancies"),
        (cif([("Wat", 0, 0, 0, 1)]), "'Wat' .* is no element"),
        (
            cif([("Li", 0.1, 0.1, 0.1, 1), ("Li", 0.12, 0.1, 0.1, 1)]),
            "overlap: Li .* rounded too much .* or they belong to another origin",
        ),
    ],
)  # fmt: skip
def test_what_a_parser_would_only_warn_of_is_refused(file, text, message):
    with pytest.raises(StructureError, match=message):
        read_crystal(file(text))


def test_a_formula_that_the_atoms_do_not_have_is_noted(file):
    text = cif(NITRIDE, more="_chemical_formula_sum 'Li2 N'\n")
    note, *_ = reading_notes(file(text))
    assert "the file states Li2N, its atoms are LiN" in note


def test_charges_that_nobody_knows_are_said_to_be_unknown(file):
    fluorines = [("F", 0.2 * k, 0.5, 0.5, 1) for k in range(5)]
    path = file(cif([("Li", 0, 0, 0, 1), *fluorines], a=12.0))
    assert oxidation_states(path, read_crystal(path)) == {}
    (note,) = reading_notes(path)
    assert "neutrality and dipoles are not checked" in note
    assert "oxidation states of Li, F make LiF5 neutral" in note


def test_deuterium_is_hydrogen_and_is_said_to_be(file):
    text = cif(
        [("Li", 0, 0, 0, 1), ("O", 0, 0.5, 0.2, 1), ("D", 0, 0.5, 0.4, 1)],
        more="_chemical_formula_sum 'D Li O'\n",
    )
    path = file(text)
    assert read_crystal(path).composition.reduced_formula == "LiHO"
    assert any("D is taken for H" in note for note in reading_notes(path))


POSCAR = """rock salt
4.03
1.0 0.0 0.0
0.0 1.0 0.0
0.0 0.0 1.0
{symbols}4 4
Direct
0.0 0.0 0.0
0.0 0.5 0.5
0.5 0.0 0.5
0.5 0.5 0.0
0.5 0.5 0.5
0.5 0.0 0.0
0.0 0.5 0.0
0.0 0.0 0.5
"""


def test_a_poscar_without_symbols_is_refused(file):
    with pytest.raises(StructureError, match=r"no elements .* VASP 4.* \(4 4\)"):
        read_crystal(file(POSCAR.format(symbols=""), "POSCAR"))


@pytest.mark.parametrize("symbols", ["Li F", "Li_sv F_h", "Li_sv/5e6f7a8b F/", "LI F"])
def test_names_of_potentials_are_elements(file, symbols):
    found = read_crystal(file(POSCAR.format(symbols=f"{symbols}\n"), "POSCAR"))
    assert found.composition.as_dict() == {"Li": 4, "F": 4}


@pytest.mark.parametrize("symbols", ["Li X", "r F", "A B"])
def test_names_that_are_no_elements_are_refused(file, symbols):
    with pytest.raises(StructureError, match="in line 6 is no element"):
        read_crystal(file(POSCAR.format(symbols=f"{symbols}\n"), "POSCAR"))


LIF = [("Li", 0, 0, 0, "{}"), ("F", 0.5, 0.5, 0.5, 1)]


@pytest.mark.parametrize("share", [".", "?", "1.000(5)"])
def test_an_occupancy_that_is_not_told_is_one(file, share):
    rows = [(s, x, y, z, str(o).format(share)) for s, x, y, z, o in LIF]
    assert read_crystal(file(cif(rows))).composition.as_dict() == {"Li": 1, "F": 1}


def test_an_atom_without_a_place_is_refused(file):
    with pytest.raises(StructureError, match=r"atom H2 has no coordinate y \('\?'\)"):
        read_crystal(file(cif([*NITRIDE, ("H", 0.1, "?", "?", 1)])))


def test_a_block_without_atoms_is_no_crystal(file):
    head = "data_global\n_publ_author 'x'\n"
    found = read_crystal(file(head + cif(NITRIDE) + "data_last\n_cell_length_a 3\n"))
    assert found.composition.as_dict() == {"Li": 1, "N": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1"])
@pytest.mark.parametrize("text", [cif(NITRIDE), OXIDE], ids=["CIF", "POSCAR"])
def test_any_encoding_and_line_end_is_read(tmp_path, encoding, text):
    path = tmp_path / "own"
    lines = text.replace("data_own", "data_own\n# Universität").replace("\n", "\r\n")
    path.write_bytes(lines.replace("own\r\n1.0", "Göttingen\r\n1.0").encode(encoding))
    assert "Li" in read_crystal(str(path)).composition


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n1.0\n", "\n1 1 2\n", "scales x, y and z by 1, 1, 2; multiply them into"),
        ("0.25 0.25 0.25 T", "0.25 nan 0.25 T", "line 10 has no three coordinates"),
        ("0.75 0.75 0.75 T T T\n", "", "ends after 2 of its 3 atoms"),
        ("Li O", "Li Qx", "'Qx' in line 6 is no element"),
    ],
)
def test_a_poscar_that_is_not_whole_is_refused(file, old, new, message):
    text = OXIDE.partition("velocities")[0]
    with pytest.raises(StructureError, match=message):
        read_crystal(file(text.replace(old, new), "POSCAR"))


def test_selective_dynamics_and_velocities_are_no_atoms(file):
    found = read_crystal(file(OXIDE, "CONTCAR"))
    assert found.composition.reduced_formula == "Li2O"


@pytest.mark.parametrize("name", ["POSCAR.gz", "own.vasp.bz2", "own.cif.gz"])
def test_a_compressed_file_is_the_material_of_a_layer(tmp_path, name):
    path = tmp_path / name
    text = cif(NITRIDE) if "cif" in name else POSCAR.format(symbols="Li F\n")
    pack = bz2.compress if name.endswith("bz2") else gzip.compress
    path.write_bytes(pack(text.encode()))
    slab = cut_slab(CrystalLayer(str(path), (1, 0, 0), layers=2)).structure
    assert set(slab.symbol_set) == ({"Li", "N"} if "cif" in name else {"Li", "F"})


@pytest.mark.parametrize("name", ["POSCAR.gz", "own.cif.gz"])
def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(bytes(21 * 10**6)))
    with pytest.raises(StructureError, match="unpacks to more than 20 MB"):
        read_crystal(str(path))


def test_a_compressed_file_that_was_cut_is_refused(tmp_path):
    path = tmp_path / "POSCAR.gz"
    whole = gzip.compress(POSCAR.format(symbols="Li F\n").encode())
    path.write_bytes(whole[:-12])
    with pytest.raises(StructureError, match=r"cannot read .*POSCAR.gz"):
        read_crystal(str(path))


@pytest.mark.parametrize("name", ["LiF", "Li", "LiGe2(PO4)3", "Li6PS5Cl"])
@pytest.mark.parametrize("cell", ["primitive", "supercell", "skewed"])
def test_whatever_the_cell_of_a_file_the_crystal_is_conventional(tmp_path, name, cell):
    whole = crystal(name)
    made = {
        "primitive": whole.get_primitive_structure(),
        "supercell": whole.make_supercell([1, 1, 2], in_place=False),
        "skewed": whole.make_supercell(
            [[1, 0, 0], [1, 1, 0], [0, 0, 1]], in_place=False
        ),
    }[cell]
    path = tmp_path / "POSCAR"
    made.to(str(path), fmt="poscar")
    found = read_crystal(str(path))
    assert found.lattice.abc == pytest.approx(whole.lattice.abc, rel=1e-4)
    assert found.lattice.angles == pytest.approx(whole.lattice.angles, abs=1e-3)
    assert found.matches(whole)
    assert len(read_structure(str(path))) == len(made)


@pytest.mark.parametrize(
    ("formula", "charges"),
    [
        ("Li6PS5Cl", {"Li": 1, "P": 5, "S": -2, "Cl": -1}),
        ("Li5.94PS5Cl1.03", {"Li": 1, "P": 5, "S": -2, "Cl": -1}),
        ("Li6.4La3Zr1.4Ta0.6O12", {"Li": 1, "La": 3, "Zr": 4, "Ta": 5, "O": -2}),
        ("Li10GeP2S12", {"Li": 1, "Ge": 4, "P": 5, "S": -2}),
        ("Na3Zr2Si2PO12", {"Na": 1, "Zr": 4, "Si": 4, "P": 5, "O": -2}),
        ("Li3YCl6", {"Li": 1, "Y": 3, "Cl": -1}),
        ("LiMn2O4", {"Li": 1, "Mn": 3.5, "O": -2}),
        ("InP", {"In": 3, "P": -3}),
        ("Cu3Au", {"Cu": 0, "Au": 0}),
        ("Li3N5", {}),
    ],
)
def test_charges_are_the_usual_ones_or_none(formula, charges):
    from pymatgen.core import Composition

    from ionface.structures.crystals.charges import formal_charges

    whole = all(float(n).is_integer() for n in Composition(formula).values())
    assert formal_charges(Composition(formula), whole, {}) == pytest.approx(charges)


def test_charges_that_a_file_states_are_taken_where_they_are_neutral(file):
    rows = [("Fe", 0, 0, 0, 1), ("S", 0.5, 0.5, 0.5, 1)]
    text = cif(rows).replace("Fe0 Fe ", "Fe0 Fe2+ ").replace("S1 S ", "S1 S2- ")
    more = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nFe2+ 2\nS2- -2\n"
    path = file(text + more)
    assert oxidation_states(path, read_crystal(path)) == {"Fe": 2, "S": -2}
