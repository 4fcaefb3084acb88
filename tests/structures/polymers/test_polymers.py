import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.polymers.polymers import check_bonds, oligomer, principal_axes


def test_default_oligomer_is_two_repeat_units_of_polydioxolane_with_textbook_bonds():
    chain = oligomer()
    assert chain.molecule.composition.formula.replace(" ", "") == "H18C8O4"
    lengths = {"C-O": [], "C-C": [], "C-H": []}
    coords = chain.molecule.cart_coords
    for i, j in chain.bonds:
        pair = "-".join(sorted(chain.molecule[k].specie.symbol for k in (i, j)))
        lengths[{"H-C": "C-H"}.get(pair, pair)].append(
            np.linalg.norm(coords[i] - coords[j])
        )
    assert [len(v) for v in lengths.values()] == [8, 3, 18]
    for pair, expected in (("C-O", 1.42), ("C-C", 1.52), ("C-H", 1.10)):
        assert np.mean(lengths[pair]) == pytest.approx(expected, abs=0.02)


def test_chain_lies_flat_with_its_longest_axis_along_x():
    extents = oligomer().extents()
    assert extents[0] > 10
    assert extents[0] > extents[1] > extents[2]
    assert extents[2] < 4


def test_same_seed_gives_the_same_conformer():
    assert np.array_equal(
        oligomer(seed=5).molecule.cart_coords, oligomer(seed=5).molecule.cart_coords
    )


def test_smiles_may_be_written_in_any_order():
    assert oligomer("COCC").smiles == oligomer("CCOC").smiles


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("C(", "not a SMILES"),
        ("", "not a SMILES"),
        ("CC.CC", "one whole molecule"),
        ("*CCO*", "one whole molecule"),
        ("CC[O-]", "charge -1"),
        ("C[CH2]", "open valences"),
    ],
)
def test_bad_smiles_is_refused(smiles, message):
    with pytest.raises(StructureError, match=message):
        oligomer(smiles)


def test_element_without_mmff_parameters_is_relaxed_with_uff():
    boron = oligomer("CB(C)C")
    assert boron.molecule.composition["B"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_principal_axes_keep_the_handedness(seed):
    coords = np.random.default_rng(seed).normal(size=(6, 3)) * [5, 3, 1]
    turned = principal_axes(coords)
    before, after = (np.linalg.det(x[1:4] - x[0]) for x in (coords, turned))
    assert before == pytest.approx(after)
    widths = turned.std(axis=0)
    assert widths[0] > widths[1] > widths[2]


def test_broken_bond_and_overlap_are_refused():
    chain = oligomer("CCO")
    coords = chain.molecule.cart_coords.copy()
    check_bonds(chain, coords, "here")
    stretched = coords.copy()
    stretched[0] += [1.5, 0, 0]
    with pytest.raises(StructureError, match="here: broken bond: atoms 0 and"):
        check_bonds(chain, stretched * 1.01, "here")
    merged = coords.copy()
    merged[-1] = merged[-2] + 0.1
    with pytest.raises(StructureError, match="Å apart"):
        check_bonds(chain, merged, "here")


def test_repeat_units_make_the_chain_that_smiles_would():
    units = oligomer("[*]OCOCC[*]", units=2, ends=("CC", "[H]"))
    assert units.smiles == oligomer().smiles
    assert len(units.topology.symbols) == 30


def test_stereo_left_open_is_chosen_by_the_seed_and_said():
    stated = oligomer("C[C@H](F)Cl", seed=2)
    assert stated.chosen_stereo == 0
    chosen = {oligomer("CC(F)Cl", seed=k).smiles for k in range(6)}
    assert len(chosen) == 2
    assert stated.smiles in chosen
    assert oligomer("CC(F)Cl", seed=2).chosen_stereo == 1


def test_smiles_tells_the_handedness_of_the_coordinates():
    for smiles in ("C[C@H](F)Cl", "C[C@@H](F)Cl"):
        found = oligomer(smiles)
        (center,) = found.topology.stereo
        arms = list(center.neighbors)
        coords = found.molecule.cart_coords
        x, y, z, w = coords[arms]
        volume = np.linalg.det([x - w, y - w, z - w])
        assert np.sign(volume) == center.parity
        assert found.smiles == smiles


def test_bonds_and_topology_are_the_same():
    chain = oligomer()
    assert chain.bonds == chain.topology.bonds
    assert chain.topology.molecules == (0,) * 30
