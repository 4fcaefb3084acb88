"""Order: known values of crystals, invariance, random packings."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.polymers.crystallinity import averaged_q6, bragg, order_of

FCC = Structure(
    Lattice.cubic(4.05),
    ["Al"] * 4,
    [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
)
GALLIUM = Structure.from_spacegroup(
    "Cmce", Lattice.orthorhombic(4.52, 7.66, 4.526), ["Ga"], [[0, 0.1539, 0.081]]
)
TIN = Structure.from_spacegroup(
    "I4_1/amd", Lattice.tetragonal(5.83, 3.18), ["Sn"], [[0, 0, 0]]
)


def repeated(structure, repeats, motion=0.0):
    made = structure * repeats
    rng = np.random.default_rng(0)
    coords = made.cart_coords + motion * rng.normal(size=(len(made), 3))
    return coords, np.array(made.lattice.matrix)


def test_fcc_has_the_known_q6():
    # Steinhardt, Nelson, Ronchetti 1983: 0.57452 with twelve neighbors
    assert averaged_q6(*repeated(FCC, (3, 3, 3))) == pytest.approx(0.57452, abs=1e-4)


def test_q6_is_that_of_spherical_harmonics():
    from scipy.special import sph_harm_y

    coords, cell = repeated(FCC, (2, 2, 2), motion=0.3)
    rng = np.random.default_rng(1)
    coords = coords + 0.3 * rng.normal(size=coords.shape)
    lattice = Lattice(cell)
    fractions = lattice.get_fractional_coords(coords)
    local = np.zeros((len(coords), 13), dtype=complex)
    near = []
    for i in range(len(coords)):
        found = sorted(
            lattice.get_points_in_sphere(fractions, coords[i], 6.5), key=lambda p: p[1]
        )[1:13]
        near.append([int(p[2]) for p in found])
        for p in found:
            x, y, z = lattice.get_cartesian_coords(p[0]) - coords[i]
            polar, azimuth = np.arccos(z / np.linalg.norm([x, y, z])), np.arctan2(y, x)
            local[i] += [sph_harm_y(6, m, polar, azimuth) / 12 for m in range(-6, 7)]
    mean = np.array([local[[i, *near[i]]].mean(axis=0) for i in range(len(coords))])
    expected = np.sqrt(4 * np.pi / 13 * (np.abs(mean) ** 2).sum(axis=1))
    assert averaged_q6(coords, cell) == pytest.approx(expected)


def test_a_crystal_at_rest_has_a_bragg_peak_of_one_and_motion_lowers_it():
    assert bragg(*repeated(FCC, (3, 3, 3))) == pytest.approx(1)
    warm = bragg(*repeated(FCC, (3, 3, 3), motion=0.1))
    # Debye-Waller: exp(-k² u²) of the reflection with the smallest k, {111}
    assert warm == pytest.approx(
        np.exp(-((2 * np.pi * np.sqrt(3) / 4.05) ** 2) * 0.01), abs=0.03
    )


@pytest.mark.parametrize("crystal", [FCC, GALLIUM, TIN])
def test_open_crystals_are_told_as_well_as_close_packed_ones(crystal):
    repeats = (3, 2, 4) if crystal is not FCC else (3, 3, 3)
    assert order_of(*repeated(crystal, repeats, motion=0.25)).crystallized


def test_random_points_are_amorphous():
    rng = np.random.default_rng(2)
    for number in (60, 150):
        edge = (number / 0.05) ** (1 / 3)
        found = order_of(rng.random((number, 3)) * edge, np.eye(3) * edge)
        assert not found.crystallized
        assert found.q6 < 0.2
        assert found.bragg < 0.3


def test_order_does_not_depend_on_rotation_or_wrapping():
    coords, cell = repeated(TIN, (2, 2, 3), motion=0.2)
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", [0.3, 0.5, 0.7]).as_matrix()
    moved = (coords + np.array([40.0, -3.0, 7.0])) @ turn.T
    one, two = order_of(coords, cell), order_of(moved, cell @ turn.T)
    assert one.q6 == pytest.approx(two.q6)
    assert one.bragg == pytest.approx(two.bragg)
    assert set(one.as_dict()) == {"q6", "bragg", "crystallized"}


def test_a_lonely_atom_has_no_order():
    coords = np.array([[0.0, 0, 0], [2.0, 0, 0], [4.0, 0, 0]])
    with pytest.raises(StructureError, match="fewer than 12 neighbors"):
        averaged_q6(coords, np.diag([5000.0, 5000.0]))
