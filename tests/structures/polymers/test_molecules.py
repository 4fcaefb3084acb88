import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.polymers.molecules import lay_flat
from ionface.structures.polymers.polymers import oligomer
from ionface.structures.polymers.topology import Topology
from ionface.structures.specs import PolymerLayer

SQUARE = 3.44 * np.eye(2)
PRISM = np.diag([8.28, 20.67])
CHAIN = PolymerLayer("CCOCOCCOCOCC", name="P-DOL")


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


@pytest.mark.parametrize("cell", [SQUARE, PRISM, np.array([[5.0, 0.0], [-2.0, 6.0]])])
def test_clearance_is_the_distance_to_the_closest_image(cell):
    laid = lay_flat(CHAIN, cell, 400)
    assert laid.clearance == pytest.approx(closest_image(laid, cell), abs=1e-9)
    assert laid.clearance >= CHAIN.clearance


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
