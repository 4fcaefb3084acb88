import numpy as np
import pytest
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Lattice, Structure

from ionface.structures.disorder.orderings import APART, EwaldMatrix, FreePositions

CHARGES = {"Mg": 2.0, "O": -2.0}


def rock_salt():
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.2), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def test_energy_from_the_matrix_is_the_ewald_sum_of_the_ordering():
    structure = rock_salt()
    free = np.array([[1.05, 1.05, 1.05], [3.15, 3.15, 3.15]])
    matrix = EwaldMatrix(structure, free, CHARGES)
    charged = structure.copy()
    charged.add_oxidation_state_by_element({"Mg": 2, "O": -2})
    plain = EwaldSummation(charged).total_energy
    assert matrix.host_energy == pytest.approx(plain, abs=1e-4)
    charged.replace(0, "Na+")
    charged.append("Li+", free[1], coords_are_cartesian=True)
    expected = EwaldSummation(charged).total_energy
    assert matrix.energy([0], (1,), -1.0) == pytest.approx(expected, abs=1e-4)


def test_added_ions_are_near_their_dopant_and_apart_from_each_other():
    structure = rock_salt().make_supercell(2, in_place=False)
    magnesium = [i for i, s in enumerate(structure) if s.specie.symbol == "Mg"]
    free = structure.lattice.get_cartesian_coords(
        np.array([[i, j, k] for i in range(4) for j in range(4) for k in range(4)]) / 4
        + 0.125
    )
    positions = FreePositions(structure, free, magnesium, added=2)
    chosen = positions.places((0, 1, 2))
    assert len(set(chosen)) == 6
    lattice = structure.lattice
    fractions = lattice.get_fractional_coords(free[list(chosen)])
    apart = lattice.get_all_distances(fractions, fractions)[np.triu_indices(6, 1)]
    assert apart.min() >= APART
    first = lattice.get_all_distances(
        [structure[magnesium[0]].frac_coords], fractions[:1]
    )
    assert first[0, 0] == pytest.approx(3**0.5 * 4.2 / 4)


def test_positions_inside_atoms_are_not_free():
    structure = rock_salt()
    positions = FreePositions(structure, np.array([[0.3, 0.0, 0.0]]), [0], added=1)
    assert positions.places((0,)) is None
