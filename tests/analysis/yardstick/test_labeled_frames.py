"""Labeled structures come from any file that has energies and forces."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from ionface.analysis.yardstick.labeled_frames import (
    MOST_PER_RUN,
    read_frames,
    stored,
    write_frames,
)
from ionface.errors import AnalysisError


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "all.extxyz"
    write_frames(stored(), path)
    for before, after in zip(stored(), read_frames([path]), strict=True):
        assert (before.name, before.group) == (after.name, after.group)
        assert before.species == after.species
        assert before.settings == after.settings
        np.testing.assert_allclose(before.forces, after.forces, atol=1e-8)
        np.testing.assert_allclose(before.positions, after.positions, atol=1e-8)
        np.testing.assert_allclose(before.lattice, after.lattice, atol=1e-8)
        assert before.energy == pytest.approx(after.energy)


def test_a_file_of_somebody_else_is_grouped_by_formula(tmp_path):
    path, images = tmp_path / "mine.extxyz", []
    for symbols, energy in (("LiCl", -1.0), ("Li2Cl2", -2.0), ("Li", -0.5)):
        atoms = Atoms(symbols, np.arange(3.0 * len(Atoms(symbols))).reshape(-1, 3))
        atoms.set_cell([5, 5, 5])
        atoms.calc = SinglePointCalculator(
            atoms, energy=energy, forces=np.zeros((len(atoms), 3))
        )
        images.append(atoms)
    write(path, images)
    found = read_frames([path])
    assert found[0].group == found[1].group != found[2].group
    assert [one.name for one in found] == ["mine-1", "mine-2", "mine-3"]


def test_vasp_folders_give_their_steps_in_number_and_settings(vasp_folder, tmp_path):
    steps = tuple((-5.0 - n / 10, 0.5) for n in range(30))
    vasp_folder("one", atoms="H", steps=steps)
    vasp_folder("two", atoms="H", steps=((-4.0, 0.1),))
    found = read_frames([tmp_path])
    assert len(found) == MOST_PER_RUN + 1
    assert found[0].energy == pytest.approx(
        -5.0 - 29 / 10 - 0.25
    )  # the last step, σ → 0
    assert found[0].forces[-1] == pytest.approx([0.5, 0, 0])
    assert found[0].settings["cutoff_ev"] == 480
    assert found[0].settings["functional"] == "PBE"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist; give an extended XYZ file"),
        ("nothing\n", "is no extended XYZ file"),
        (
            '1\nLattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3\nLi 0 0 0\n',
            "structure 1 of .* has no energy and no forces",
        ),
    ],
)
def test_what_has_no_labels_is_refused(tmp_path, content, said):
    path = tmp_path / "a.extxyz"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AnalysisError, match=said):
        read_frames([path])


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(AnalysisError, match=r"no vasprun.xml below"):
        read_frames([tmp_path])
