import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.polymers.oligomers import (
    lay_flat,
    oligomer,
    principal_axes,
)
from ionface.structures.polymers.topology import Topology
from ionface.structures.specs import PolymerLayer

SQUARE = 3.44 * np.eye(2)
PRISM = np.diag([8.28, 20.67])
CHAIN = PolymerLayer("CCOCOCCOCOCC", name="P-DOL")


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
    extents = np.ptp(oligomer().molecule.cart_coords, axis=0)
    assert extents[0] > 10
    assert extents[0] > extents[1] > extents[2]
    assert extents[2] < 4


@pytest.mark.slow
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


@pytest.mark.slow
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


def closest_image(laid, cell):
    vectors = np.array(laid.supercell)[:, None] * cell
    best = np.inf
    for i in range(-3, 4):
        for j in range(-3, 4):
            if (i, j) != (0, 0):
                shift = np.append(np.array([i, j]) @ vectors, 0)
                pairs = laid.coords[:, None] - laid.coords[None] - shift
                best = min(best, np.linalg.norm(pairs, axis=-1).min())
    return best


@pytest.mark.slow
@pytest.mark.parametrize("cell", [SQUARE, PRISM, np.array([[5.0, 0.0], [-2.0, 6.0]])])
def test_clearance_is_the_distance_to_the_closest_image(cell):
    laid = lay_flat(CHAIN, cell, 400)
    assert laid.clearance == pytest.approx(closest_image(laid, cell), abs=1e-9)
    assert laid.clearance >= CHAIN.clearance


@pytest.mark.slow
def test_molecule_keeps_its_shape_and_starts_at_zero():
    laid = lay_flat(CHAIN, PRISM, 250)
    free = np.asarray(oligomer(CHAIN.polymer).molecule.cart_coords)
    ours, theirs = (
        np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (laid.coords, free)
    )
    assert ours == pytest.approx(theirs)
    assert laid.coords[:, 2].min() == pytest.approx(0)
    assert np.ptp(laid.coords[:, 2]) < 4


def test_chain_lies_along_the_long_side_of_a_long_cell():
    laid = lay_flat(CHAIN, PRISM, 250)
    assert laid.supercell == (1, 1)
    extents = np.ptp(laid.coords, axis=0)
    assert extents[1] > 2 * extents[0]


def test_smallest_cell_that_keeps_the_clearance_is_taken():
    near = lay_flat(PolymerLayer("CCO", clearance=1.5), SQUARE, 400)
    far = lay_flat(PolymerLayer("CCO", clearance=6.0), SQUARE, 400)
    assert np.prod(near.supercell) < np.prod(far.supercell)
    assert far.clearance >= 6.0


@pytest.mark.slow
def test_chosen_supercell_is_used_and_checked():
    chosen = PolymerLayer("CCOCOCCOCOCC", name="P-DOL", supercell=(4, 3))
    assert lay_flat(chosen, SQUARE, 250).supercell == (4, 3)
    tight = PolymerLayer("CCOCOCCOCOCC", name="P-DOL", supercell=(2, 2))
    with pytest.raises(
        StructureError, match=r"P-DOL: in supercell \(2, 2\) .* own image"
    ):
        lay_flat(tight, SQUARE, 250)


@pytest.mark.parametrize("supercell", [(0, 3), (-4, 3), (-2, -3), (9, 9)])
def test_supercell_without_area_or_beyond_the_limit_is_refused(supercell):
    with pytest.raises(StructureError, match="supercell"):
        lay_flat(PolymerLayer("CCO", supercell=supercell), SQUARE, 250)


@pytest.mark.slow
def test_area_limit_is_an_error_that_says_so():
    with pytest.raises(StructureError, match=r"cells up to 40 Å².*raise max_area"):
        lay_flat(CHAIN, SQUARE, 40)
    with pytest.raises(StructureError, match="cells up to 5 Å²"):
        lay_flat(CHAIN, SQUARE, 5)


def test_repeat_units_are_laid_like_the_whole_chain():
    units = PolymerLayer("[*]CCO[*]", units=3, ends=("[H]", "[H]"))
    laid = lay_flat(units, PRISM, 250)
    assert laid.provenance["formula"] == "H14C6O3"
    assert Topology.from_dict(laid.provenance["topology"]).symbols == tuple(
        laid.symbols
    )
