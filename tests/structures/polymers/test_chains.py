"""Chains as SMILES: units, ends, joints, stereo centers."""

import pytest
from rdkit import Chem

from ionface.errors import StructureError
from ionface.structures.polymers.chains import chain, whole_chain, with_stereo

DOL = "[*]OCOCC[*]"
PEO = "[*]CCO[*]"


def formula(smiles):
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    return CalcMolFormula(Chem.MolFromSmiles(smiles))


def canonical(smiles):
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize("units", [1, 2, 5, 40])
def test_a_chain_has_its_units_and_two_methyl_ends(units):
    # P-DOL: C3H6O2 a unit; PEO: C2H4O; both ends CH3
    dol = f"C{3 * units + 2}H{6 * units + 6}O{2 * units}"
    assert formula(chain(DOL, units)) == dol
    peo = f"C{2 * units + 2}H{4 * units + 6}O{units}".removesuffix("1")
    assert formula(chain(PEO, units)) == peo


def test_units_are_joined_head_to_tail():
    assert chain(PEO, 3, ("[H]", "[H]")) == canonical("CCOCCOCCO")
    assert chain(DOL, 2, ("CC", "[H]")) == canonical("CCOCOCCOCOCC")
    reversed_unit = chain("[*]OCC[*]", 3, ("[H]", "[H]"))
    assert reversed_unit == canonical("OCCOCCOCC")


def test_ends_are_bonded_by_their_first_atom_or_where_they_say():
    assert chain("[*]CC[*]", 1, ("CO", "[H]")) == canonical("OCCC")
    assert chain("[*]CC[*]", 1, ("[*]OC", "[H]")) == canonical("COCC")
    assert chain("[*]CC[*]", 1, ("F", "c1ccccc1")) == canonical("FCCc1ccccc1")


def test_whole_molecules_pass_and_open_ones_need_units():
    assert whole_chain("CCO", None, ("C", "C")) == "CCO"
    assert whole_chain(PEO, 2, ("C", "C")) == chain(PEO, 2)
    with pytest.raises(StructureError, match=r"whole molecule.*with units"):
        whole_chain(PEO, None, ("C", "C"))


@pytest.mark.parametrize(
    ("repeat", "units", "ends", "message"),
    [
        ("[*]CC", 2, ("C", "C"), "1 open ends; it needs two"),
        ("CCO", 2, ("C", "C"), "0 open ends; it needs two"),
        ("[*]CC([*])[*]", 2, ("C", "C"), "3 open ends; it needs two"),
        ("[*]=CC[*]", 2, ("C", "C"), "on a single bond"),
        ("[*][*]", 2, ("C", "C"), "it needs two"),
        ("[*]C.C[*]", 2, ("C", "C"), "one piece"),
        ("[*]C(", 2, ("C", "C"), "repeat unit .* is not a SMILES"),
        (PEO, 2, ("C(", "C"), "end group .* is not a SMILES"),
        (PEO, 2, ("[*]C[*]", "C"), "end group .* has 2 open ends"),
        (PEO, 2, ("[Na+]", "C"), "no hydrogen to give away"),
        (PEO, 0, ("C", "C"), "units=0 must lie between 1 and 200"),
        (PEO, 201, ("C", "C"), "units=201 must lie"),
        (PEO, True, ("C", "C"), "must be a whole number"),
        ("[*]OCCO[*]", 2, ("C", "C"), "a bond O-O"),
        (PEO, 2, ("C", "O"), "a bond O-O"),
        (PEO, 2, ("C", "F"), "a bond O-F"),
    ],
)
def test_what_makes_no_chain_is_refused(repeat, units, ends, message):
    with pytest.raises(StructureError, match=message):
        chain(repeat, units, ends)


@pytest.mark.parametrize(("unit", "label"), [("[C@H]", "S"), ("[C@@H]", "R")])
def test_stereo_centers_of_the_unit_keep_their_sense_along_the_chain(unit, label):
    smiles = chain(f"[*]C{unit}(C)O[*]", 4, ("CC", "C"))
    found = Chem.FindMolChiralCenters(
        Chem.MolFromSmiles(smiles), useLegacyImplementation=False
    )
    assert [sense for _, sense in found] == [label] * 4


def test_double_bonds_of_the_unit_keep_their_sense():
    trans, cis = (chain(x, 2, ("C", "C")) for x in ("[*]/C=C/[*]", r"[*]/C=C\[*]"))
    assert trans == canonical("C/C=C/C=C/C")
    assert cis == canonical(r"C/C=C\C=C/C")


@pytest.mark.parametrize("units", [1, 2, 5])
def test_the_same_chain_comes_out_of_every_call(units):
    """molzip's own treatment of bond directions depends on addresses in memory."""
    held = []
    for repeat, whole in [
        ("[*]/C=C/[*]", "C" + "/C=C/" * units + "C"),
        (r"[*]C/C=C\C[*]", "C" + r"C/C=C\C" * units + "C"),
    ]:
        expected = canonical(whole.replace("//", "/"))
        for k in range(60):
            held.append(bytearray(37 * k))
            assert chain(repeat, units, ("C", "C")) == expected


@pytest.mark.slow
def test_open_stereo_is_chosen_by_the_seed_and_said():
    smiles = chain("[*]CC(C)O[*]", 6, ("CC", "C"))
    settled, chosen = with_stereo(smiles, seed=1)
    assert chosen == 6
    assert "@" not in smiles
    centers = Chem.FindMolChiralCenters(
        Chem.MolFromSmiles(settled),
        includeUnassigned=True,
        useLegacyImplementation=False,
    )
    assert len(centers) == 6
    assert {sense for _, sense in centers} <= {"R", "S"}
    assert with_stereo(smiles, seed=1)[0] == settled
    assert len({with_stereo(smiles, seed=k)[0] for k in range(12)}) > 6


def test_stated_stereo_is_kept_and_nothing_is_chosen():
    assert with_stereo("C[C@H](F)Cl", seed=3) == ("C[C@H](F)Cl", 0)
    half = "C[C@H](F)C(C)Cl"
    for seed in range(5):
        settled, chosen = with_stereo(half, seed)
        assert chosen == 1
        assert Chem.MolFromSmiles(settled).HasSubstructMatch(
            Chem.MolFromSmiles("C[C@H](F)CC"), useChirality=True
        )
