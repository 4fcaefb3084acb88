import numpy as np

from ionface.analysis.readers.chunks import to_cartesian


def test_cartesian_positions_are_the_matrix_product():
    rng = np.random.default_rng(0)
    fractional = rng.normal(size=(4, 7, 3))
    for lattices in (rng.normal(size=(1, 3, 3)), rng.normal(size=(4, 3, 3))):
        expected = fractional @ lattices
        np.testing.assert_allclose(to_cartesian(fractional, lattices), expected, 1e-12)


def test_a_frame_gives_the_same_bits_alone_and_among_others():
    rng = np.random.default_rng(1)
    fractional, lattice = rng.normal(size=(64, 33, 3)), rng.normal(size=(1, 3, 3))
    together = to_cartesian(fractional, lattice)
    for index in range(64):
        alone = to_cartesian(fractional[index : index + 1], lattice)
        np.testing.assert_array_equal(alone[0], together[index])
