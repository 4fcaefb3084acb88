import json

import numpy as np
import pytest

from ionface.analysis.energies.registry_energies import RegistryEnergies
from ionface.analysis.result import Provenance


@pytest.fixture
def scan():
    """Two shifts, three gaps; the second shift is 0.01 eV/Å² higher at its best."""
    return RegistryEnergies(
        name="Al|Ag",
        cell=np.eye(2) * 3.0,
        images=np.array([[0, 1], [1, 0]]),
        shifts=np.array([[0.0, 0.0], [0.5, 0.0]]),
        gaps=np.array([[2.0, 2.2, 2.4], [2.1, 2.3, 2.5]]),
        energies=np.array([[-1.0, -2.0, -1.5], [-1.2, -1.9, -1.8]]),
        area=10.0,
        n_interfaces=1,
        provenance=Provenance({"code": "emt"}, quick=True),
    )


def test_the_best_point_and_the_corrugation_are_those_of_the_energies(scan):
    assert scan.best == (0, 1)
    assert scan.corrugation == pytest.approx(0.01 * 16.02176634)
    assert scan.relative.min() == 0


def test_a_scan_comes_back_from_its_file(scan, tmp_path):
    data = json.loads(scan.write(tmp_path / "scan.json").read_text())
    again = RegistryEnergies.from_dict(data)
    assert again.best == scan.best
    assert again.provenance == scan.provenance
    np.testing.assert_array_equal(again.images, scan.images)
    assert data["divisions"] == [2, 2]


@pytest.mark.parametrize(
    ("energies", "words"),
    [
        ([-3.0, -2.0, -1.5], "lowest at the smallest gap tried: give smaller gaps"),
        ([-1.0, -2.0, -3.5], "lowest at the largest gap tried: give larger gaps"),
        ([-1.0, -3.0, -2.0], ""),
    ],
)
def test_the_figure_warns_where_the_lowest_gap_is_the_last_one_tried(
    scan, energies, words
):
    from dataclasses import replace

    edge = replace(scan, energies=np.array([energies, [0.0, 0.0, 0.0]]))
    _, curves, _ = edge.plot().axes
    assert curves.get_title(loc="left") == words


def test_the_figure_shows_a_map_and_gaps(scan):
    plane, curves, bar = scan.plot(title="Al|Ag").axes
    assert "shift" in plane.get_xlabel()
    assert curves.get_xlabel() == "gap (Å)"
    assert "J/m²" in bar.get_ylabel()
    assert min(line.get_ydata().min() for line in curves.lines) == 0
