"""The mesh rule: monotonic, one along the normal, common to all terms."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.ledger_cell import (
    CellContext,
    context,
    with_context,
)
from ionface.workflows.engines.k_mesh import irreducible, mesh
from ionface.workflows.engines.vasp.inputs import kpoints


def cell(lattice, slab=False):
    matrix = np.asarray(lattice.matrix, dtype=float)
    return CellContext("alone", matrix, 20.0 if slab else 0.0, slab)


@pytest.mark.parametrize(
    "lattice",
    [
        Lattice.cubic(4.1),
        Lattice.hexagonal(3, 12),
        Lattice([[3, 0, 0], [9, 4, 0], [1, 2, 7]]),
    ],
)
@pytest.mark.parametrize("spacing", [0.1, 0.28, 1.0])
def test_no_two_points_are_farther_apart_than_the_spacing(lattice, spacing):
    divisions = mesh(cell(lattice), spacing)
    lengths = np.array(lattice.reciprocal_lattice.abc)
    assert (lengths / divisions <= spacing * (1 + 1e-5)).all()
    coarser = np.array(divisions) - 1
    assert all(
        n == 0 or length / n > spacing
        for n, length in zip(coarser, lengths, strict=True)
    )


def test_the_prism_facet_of_lagp_gets_at_least_3x2x1():
    facet = cell(Lattice.orthorhombic(8.28, 20.67, 39), slab=True)
    assert mesh(facet, 0.28) == (3, 2, 1)


def test_there_is_one_point_along_the_normal_even_of_a_thin_sandwich():
    thin = CellContext("interface", np.diag([8.0, 8.0, 6.0]), 0.0, True)
    assert mesh(thin, 0.1)[2] == 1


def test_gamma_only_is_one_point():
    assert mesh(cell(Lattice.cubic(2)), None) == (1, 1, 1)


def test_an_unstrained_slab_gets_the_mesh_of_its_interface(slab):
    told = {"part": "film", "cell": slab.lattice.matrix.tolist(), "vacuum": 20.0}
    own = Structure(Lattice.orthorhombic(2.2, 2.2, 26), slab.species, slab.frac_coords)
    assert kpoints(with_context(own, **told), 0.28).kpts == kpoints(slab, 0.28).kpts
    assert kpoints(own, 0.28).kpts != kpoints(slab, 0.28).kpts
    assert context(own).slab


def test_a_cell_that_rounding_changed_keeps_its_mesh():
    exact = 2 * np.pi / (0.28 * 3)
    for length in (exact * (1 - 1e-9), exact, exact * (1 + 1e-9)):
        assert mesh(cell(Lattice.cubic(length)), 0.28) == (3, 3, 3)


@pytest.mark.parametrize(
    "divisions", [(1, 1, 1), (3, 2, 1), (4, 4, 1), (3, 3, 3), (2, 2, 2)]
)
def test_time_reversal_pairs_all_points_but_their_own_images(divisions):
    points = {
        tuple((i / n) % 1 for i, n in zip(index, divisions, strict=True))
        for index in np.ndindex(*divisions)
    }
    distinct = {
        frozenset([p, tuple(round(-x % 1, 9) % 1 for x in p)])
        for p in {tuple(round(x, 9) for x in p) for p in points}
    }
    assert irreducible(divisions) == len(distinct)
