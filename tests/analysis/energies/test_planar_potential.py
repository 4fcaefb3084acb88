"""Planar averages of potentials whose levels are known."""

import gzip

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Locpot, Poscar

from ionface.analysis.energies.planar_potential import PlanarPotential, planar_potential
from ionface.errors import AnalysisError

HEIGHT, POINTS = 30.0, 240
SLAB = (0.1, 0.2, 0.3)
"""Heights of the planes, in parts of the cell."""


@pytest.fixture
def locpot(tmp_path):
    """Write a LOCPOT: a well of -10 eV, and vacuum levels of 4 above and 3 eV below."""

    def write(vacuum=(4.0, 3.0), shift=0.0, height=HEIGHT):
        z = (np.arange(POINTS) / POINTS - shift) % 1.0
        middle = (SLAB[-1] + SLAB[0] + 1.0) / 2  # of the vacuum
        inside = (z > SLAB[0] - 0.03) & (z < SLAB[-1] + 0.03)
        above = (z >= SLAB[-1]) & (z < middle)
        line = np.where(inside, -10.0, np.where(above, *vacuum))
        # across the plane the potential varies, and its mean counts
        ripple = np.array([[1.0, -1.0], [-2.0, 2.0]])[:, :, None]
        structure = Structure(
            Lattice.orthorhombic(3, 4, height),
            ["In", "In", "Li"],
            [[0, 0, (place + shift) % 1.0] for place in SLAB],
        )
        grid = Locpot(Poscar(structure), {"total": line[None, None, :] + ripple})
        grid.write_file(tmp_path / "LOCPOT")
        (tmp_path / "vasprun.xml").write_text(
            '<dos>\n <i name="efermi">     -9.00000000 </i>\n</dos>\n'
            '<dos>\n <i name="efermi">     -1.50000000 </i>\n</dos>\n'
        )
        return tmp_path

    return write


@pytest.mark.parametrize("shift", [0.0, 0.4, 0.85])
def test_each_side_has_its_own_work_function_wherever_the_slab_stands(locpot, shift):
    found = planar_potential(locpot(shift=shift))
    assert found.vacuum == pytest.approx((4.0, 3.0))
    assert found.work_functions == pytest.approx((5.5, 4.5))  # E_F is -1.5 eV
    assert found.ripple == pytest.approx(0.0, abs=1e-6)
    assert found.heights[[0, -1]] == pytest.approx([0, HEIGHT * (1 - 1 / POINTS)])
    assert "5.500 eV of the upper and 4.500 eV of the lower" in found.summary()


def test_a_compressed_file_and_a_given_fermi_energy_are_taken(locpot):
    folder = locpot()
    plain = folder / "LOCPOT"
    (folder / "LOCPOT.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert planar_potential(folder, fermi=0.0).work_functions == pytest.approx((4, 3))
    (folder / "vasprun.xml").unlink()
    assert "Fermi energy is not known" in planar_potential(folder).summary()


def test_a_cell_without_vacuum_has_no_work_function(locpot):
    found = planar_potential(locpot(height=8.0))
    assert (found.vacuum, found.work_functions) == (None, None)
    assert "no vacuum" in found.summary()


def test_a_level_that_is_not_flat_is_told_as_uncertain():
    heights = np.arange(100) * 0.3
    result = PlanarPotential(
        heights, np.zeros(100), {"Li": np.array([0.0])}, 30.0, 0.0, (4.0, 3.0), 0.3
    )
    assert "uncertain by 0.30 eV" in result.summary()


def test_the_macroscopic_average_keeps_a_step_and_loses_the_planes():
    heights = np.arange(400) * 0.1  # 40 Å, planes 2 Å apart
    planes = np.cos(2 * np.pi * heights / 2.0)
    step = np.where(heights < 20, 1.0, 3.0)
    result = PlanarPotential(heights, planes + step, {}, 40.0, None, None, 0.0)
    smooth = result.macroscopic(2.0)
    assert smooth[(heights > 5) & (heights < 15)] == pytest.approx(1.0, abs=0.02)
    assert smooth[(heights > 25) & (heights < 35)] == pytest.approx(3.0, abs=0.02)
    for wrong in (0.0, 40.0, -1.0):
        with pytest.raises(AnalysisError, match="macroscopic average"):
            result.macroscopic(wrong)


def test_it_survives_json_and_is_drawn(locpot, tmp_path):
    found = planar_potential(locpot())
    again = PlanarPotential.from_dict(found.as_dict())
    np.testing.assert_array_equal(again.potential, found.potential)
    assert again.work_functions == found.work_functions
    axes = found.plot(length=2.0).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert {"In", "Li", "Fermi energy -1.50 eV"} <= set(labels)
    assert len(axes.lines[0].get_xdata()) == POINTS


@pytest.mark.parametrize("text", ["", "nothing\n", "LOCPOT\n1.0\n1 0 0\n0 1 0\n"])
def test_what_is_no_locpot_is_told(tmp_path, text):
    (tmp_path / "LOCPOT").write_text(text)
    with pytest.raises(AnalysisError, match="no whole LOCPOT"):
        planar_potential(tmp_path)


def test_a_cut_locpot_is_told(locpot):
    path = locpot() / "LOCPOT"
    path.write_text(path.read_text()[:900])
    with pytest.raises(AnalysisError, match="no whole LOCPOT"):
        planar_potential(path)


def test_a_folder_without_a_locpot_is_told(tmp_path):
    with pytest.raises(AnalysisError, match=r"no LOCPOT in .*keep: \[potential\]"):
        planar_potential(tmp_path)
