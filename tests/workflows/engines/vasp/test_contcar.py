"""A CONTCAR is a state only if it is whole."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from ionface.workflows.engines.vasp.contcar import is_complete, last_state, positions

TAIL = "\n  1\n  2.0\n" + " 0.1 0.2 0.3 0.4\n" + "  0.1  0.2  0.3\n" * 9


def text(velocities=True, selective=False, tail=""):
    structure = Structure(
        Lattice.cubic(5), ["Li", "S", "S"], np.arange(9).reshape(3, 3) / 10
    )
    poscar = Poscar(
        structure,
        velocities=[[0.1, 0.2, 0.3]] * 3 if velocities else None,
        selective_dynamics=[[True] * 3] * 3 if selective else None,
    )
    return poscar.get_str(significant_figures=16).rstrip("\n") + "\n" + tail


@pytest.mark.parametrize("selective", [False, True])
@pytest.mark.parametrize("tail", ["", TAIL])
def test_a_whole_contcar_is_a_state(selective, tail):
    assert is_complete(text(selective=selective, tail=tail).encode(), dynamics=True)


def test_without_velocities_it_is_none_for_dynamics():
    assert not is_complete(text(velocities=False).encode(), dynamics=True)
    assert is_complete(text(velocities=False).encode(), dynamics=False)


def test_no_beginning_of_it_is_a_state_but_at_the_end_of_a_block():
    data = text(tail=TAIL).encode()
    whole = [n for n in range(len(data)) if is_complete(data[:n], dynamics=True)]
    end_of_velocities = len(text().encode())
    # a cut exactly between two blocks cannot be told from a file without a tail
    assert {n for n in whole if n > end_of_velocities + 1} == set()
    assert all(n >= end_of_velocities for n in whole)


def test_the_kept_copy_stands_in_for_a_torn_one(tmp_path):
    (tmp_path / "CONTCAR").write_text(text()[:150])
    assert last_state(tmp_path) is None
    (tmp_path / "CONTCAR.kept").write_text(text())
    assert last_state(tmp_path) == text().encode()
    expected = np.arange(9).reshape(3, 3) / 10
    np.testing.assert_allclose(positions(tmp_path / "CONTCAR.kept"), expected)
