import pytest

from ionface.analysis.diffusion.conductivity import nernst_einstein


def test_conductivity_is_that_of_the_textbook():
    # 1e28 ions per m³ with D = 1e-12 m²/s (1e-7 Å²/fs) at 300 K:
    # n e² D / kT = 1e28 (1.602177e-19)² 1e-12 / 4.14195e-21 J = 0.061975 S/m
    found = nernst_einstein(1e-7, number=10, volume=1000.0, temperature=300.0)
    assert found == pytest.approx(0.061975e-2, rel=1e-4)
