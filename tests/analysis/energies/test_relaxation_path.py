"""The path of a relaxation: energies per area, and the bonds that come and go."""

import numpy as np
import pytest

from ionface.analysis.energies.relaxation_path import RelaxationPath, relaxation_path
from ionface.analysis.figures.path_figure import figure_path
from ionface.analysis.result import Provenance
from ionface.analysis.trajectory.trajectory import Trajectory


def pulled_apart(steps=6):
    """Return P-O that is pulled apart past its bond length while Li-O stays."""
    frames = np.zeros((steps, 3, 3))
    frames[:, 1, 0] = np.linspace(1.5, 3.0, steps)
    frames[:, 2, 0] = frames[:, 1, 0] + 1.8
    return Trajectory.from_arrays(["P", "O", "Li"], np.eye(3) * 20, frames)


@pytest.fixture
def path():
    energies = np.linspace(-10.0, -15.0, 6)
    return relaxation_path(
        "x",
        pulled_apart(),
        energies,
        np.linspace(2, 0.01, 6),
        slabs=-10.0,
        area=100.0,
        pairs=["P-O", "Li-O", "Li-P"],
        published=-0.45,
        provenance=Provenance({}),
    )


def test_energies_are_those_of_the_interface_per_area(path):
    # 1 eV over 100 Å² are 0.16 J/m²
    assert path.energies == pytest.approx(-np.arange(6) * 0.1602, abs=1e-4)


def test_only_bonds_that_change_are_kept_and_counted_at_every_step(path):
    assert set(path.bonds) == {"P-O"}
    lengths = np.linspace(1.5, 3.0, 6)
    broken = np.flatnonzero(np.diff(path.bonds["P-O"]))
    assert path.bonds["P-O"].tolist() == sorted(path.bonds["P-O"], reverse=True)
    assert 1.6 < lengths[broken[0] + 1] < 2.5


def test_the_step_that_passes_the_published_energy_is_told_with_what_broke(path):
    assert path.passed == 3
    assert "passes the published -0.45 J/m² at step 3 (P-O -1)" in path.summary()


def test_it_comes_back_from_its_file_and_is_drawn(path):
    again = RelaxationPath.from_dict(path.as_dict())
    assert again.values() == path.values()
    figure = figure_path(again)
    drawn = {line.get_label() for line in figure.axes[0].lines}
    assert drawn == {"E - slabs", "published"}
    assert [line.get_label() for line in figure.axes[1].lines] == ["P–O (of 1)"]
