import numpy as np
import pytest

from ionface.workflows.engines.vasp_double.double_motion import Thermo, along_free

CELL = np.array([[4.0, 0.0, 0.0], [1.5, 5.0, 0.0], [0.5, 1.0, 6.0]])


def test_free_and_fixed_atoms_keep_all_or_nothing():
    vectors = np.arange(6.0).reshape(2, 3) + 1
    assert along_free(vectors, None, CELL) is vectors
    free = np.array([[True] * 3, [False] * 3])
    assert along_free(vectors, free, CELL).tolist() == [[1, 2, 3], [0, 0, 0]]


@pytest.mark.parametrize("flags", [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 1]])
def test_a_partly_free_atom_moves_along_its_free_cell_vectors_only(flags):
    free = np.array([flags], dtype=bool)
    vector = np.array([[0.3, -0.7, 1.1]])
    kept = along_free(vector, free, CELL)
    fractional = (kept @ np.linalg.inv(CELL))[0]
    assert fractional[~free[0]] == pytest.approx(np.zeros((~free).sum()), abs=1e-14)
    # nothing of what is lost lies along the free directions: work is conserved
    assert CELL[free[0]] @ (vector - kept)[0] == pytest.approx(0, abs=1e-14)


def test_the_constant_of_motion_is_the_sum_of_all_parts():
    assert Thermo(300.0, 1.0, 0.25, 0.5).total(-10.0) == -8.25
