"""Densities of states by slice: a metal beside an insulator, and a real run."""

import numpy as np
import pytest

from ionface.analysis.energies.layer_dos import LayerDos, layer_dos
from ionface.errors import AnalysisError

PYMATGEN = "pymatgen-core/test-files/io/vasp"
ENERGIES = np.linspace(-8, 8, 801)


def beside():
    """Two Li of a metal, two O of an insulator with a gap of -3 to 2 eV, a void."""
    metal = np.full(len(ENERGIES), 0.8)
    insulator = np.where((ENERGIES <= -3) | (ENERGIES >= 2), 4.0, 0.0)
    dos = np.array([metal, insulator, 0 * metal])
    return LayerDos(
        ENERGIES, np.array([0.0, 3.0, 6.0, 9.0]), dos, ({"Li": 2}, {"O": 2}, {})
    )


def test_band_edges_tell_metal_insulator_and_void():
    edges = beside().band_edges()
    assert edges[0].tolist() == [0.0, 0.0]
    assert edges[1] == pytest.approx([-3.0, 2.0])
    assert np.isnan(edges[2]).all()
    assert beside().summary() == "1 of 3 slices are metallic, the widest gap 5.00 eV"


def test_tails_within_a_gap_are_no_band():
    result = beside()
    result.dos[1] += 0.04  # states per eV; 0.02 of an atom
    assert result.band_edges()[1] == pytest.approx([-3.0, 2.0])
    assert result.band_edges(states=0.01)[1].tolist() == [0.0, 0.0]


def test_it_survives_json_and_is_drawn():
    result = beside()
    again = LayerDos.from_dict(result.as_dict())
    np.testing.assert_array_equal(again.dos, result.dos)
    assert again.atoms == result.atoms
    assert [row["atoms"] for row in result.rows()] == ["Li2", "O2", ""]
    axes = result.plot().axes[0]
    assert axes.get_ylim() == pytest.approx((-6.0, 6.0), abs=0.05)


def test_slices_of_a_real_run_sum_to_its_atoms(realdata):
    folder = realdata / PYMATGEN / "fixtures" / "static_silicon"
    whole = layer_dos(folder, thickness=100.0)
    assert whole.atoms == ({"Si": 2},)
    split = layer_dos(folder, thickness=0.5)
    assert split.dos.shape[0] > 1
    np.testing.assert_allclose(split.dos.sum(axis=0), whole.dos[0])
    # of 8 valence electrons the spheres of 1.3 Å hold less than half
    occupied = whole.energies <= 0
    electrons = np.trapezoid(whole.dos[0][occupied], whole.energies[occupied])
    assert 3 < electrons < 4


def test_a_run_without_projections_is_told(vasp_folder):
    with pytest.raises(AnalysisError, match=r"density of states.*LORBIT"):
        layer_dos(vasp_folder())


def test_a_slice_needs_a_thickness(tmp_path):
    with pytest.raises(AnalysisError, match="thickness=0"):
        layer_dos(tmp_path, thickness=0)
