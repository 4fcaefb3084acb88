"""Labeled structures come from any file that has energies and forces."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import fcc100
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from ionface.analysis.yardstick.label_files import MOST_PER_RUN, read_frames
from ionface.analysis.yardstick.labeled_frames import (
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


def test_runs_and_files_of_one_name_are_told_apart(vasp_folder, tmp_path):
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        vasp_folder(f"{name}/static", atoms="H", steps=((-4.0, 0.1),))
        write_frames(stored()[:1], tmp_path / name / "train.extxyz")
    found = read_frames([tmp_path])
    assert [one.name for one in found] == ["A/static-1", "B/static-1"]
    twice = read_frames([tmp_path / name / "train.extxyz" for name in "AB"])
    assert len({one.name for one in twice}) == 2


@pytest.mark.parametrize(
    ("told", "settings"),
    [
        ({"IVDW": 12}, {"dispersion": "D3(BJ)"}),
        (
            {"LDAU": True, "LDAUTYPE": 2, "LDAUL": [0], "LDAUU": [4.0],
             "LDAUJ": [0.0]},
            {"by_element": {"H": "U-J=4 l=0"}},
        ),
        ({"ISPIN": 2}, {"details": ["ISPIN=2", "PREC=Accurate"]}),
    ],
)  # fmt: skip
def test_settings_say_all_that_moves_an_energy(vasp_folder, tmp_path, told, settings):
    vasp_folder("run", given=told)
    (*_, found) = read_frames([tmp_path])
    assert settings.items() <= found.settings.items()
    path = tmp_path / "a.extxyz"
    write_frames([found], path)
    assert read_frames([path])[0].settings == found.settings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"given": {"NELECT": 3.0}, "valences": {"H": 1.0}},
            r"run/vasprun.xml is charged by -2 e .* or take it out of the data",
        ),
        ({"given": {"ML_LMLFF": True}}, "machine-learned forces"),
        ({"given": {"PSTRESS": 10.0}}, "is an enthalpy"),
        ({"scf": 60}, r"no step whose electrons converged: each took all 60 \(NELM\)"),
    ],
)
def test_runs_that_are_no_usual_ones_are_refused(vasp_folder, tmp_path, content, said):
    vasp_folder("run", **content)
    with pytest.raises(AnalysisError, match=said):
        read_frames([tmp_path])


def test_steps_whose_electrons_did_not_converge_are_left_out(vasp_folder, tmp_path):
    folder = vasp_folder("run", steps=((-4.0, 0.1), (-5.0, 0.1), (-6.0, 0.1)))
    path = folder / "vasprun.xml"
    one = "<scstep>" + path.read_text().partition("<scstep>")[2].partition("</scs")[0]
    text = path.read_text().replace("<calculation>", f"<calculation>{one}</scstep>")
    head, _, rest = text.partition("<calculation>")
    path.write_text(f"{head}<calculation>{(one + '</scstep>') * 60}{rest}")
    assert [found.energy for found in read_frames([tmp_path])] == [-6.25, -5.25]


def test_displaced_structures_are_labels_too(vasp_folder, tmp_path):
    vasp_folder("run", ibrion=5)
    assert read_frames([tmp_path])


def test_labels_of_a_stand_in_say_so(vasp_folder, tmp_path):
    path = vasp_folder("run") / "vasprun.xml"
    mark = "<generator><i name='subversion'>emulated by ionface (EMT)</i>"
    path.write_text(path.read_text().replace("<generator>", mark))
    assert all(one.settings["emulated"] for one in read_frames([tmp_path]))


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(AnalysisError, match=r"no vasprun.xml below"):
        read_frames([tmp_path])


@pytest.mark.parametrize("open_", [(False, False, False), (True, True, False)])
def test_what_is_not_periodic_is_not_repeated(tmp_path, open_):
    """EMT is right about its own labels, however an engine treats the cell."""
    atoms = fcc100("Ag", (1, 1, 3))
    atoms.info = {}
    atoms.center(vacuum=1.0, axis=2)
    atoms.set_cell([[2.9, 0, 0], [0.4, 2.9, 0], [0.3, 0.7, atoms.cell[2, 2]]])
    atoms.rattle(0.1, seed=1)
    atoms.pbc = open_
    if not any(open_):
        atoms.cell = None
    atoms.calc = EMT()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    write(tmp_path / "a.extxyz", atoms)
    (found,) = read_frames([tmp_path / "a.extxyz"])
    again = found.atoms()
    assert again.pbc.all()
    again.calc = EMT()
    assert again.get_potential_energy() == pytest.approx(energy, abs=1e-6)
    np.testing.assert_allclose(again.get_forces(), forces, atol=1e-6)


def test_a_periodic_direction_without_a_cell_is_refused(tmp_path):
    atoms = Atoms("Ag", cell=[3, 0, 0], pbc=[True, True, False])
    atoms.cell[1] = 0
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.zeros((1, 3)))
    write(tmp_path / "a.extxyz", atoms)
    with pytest.raises(AnalysisError, match=r"structure 1 of .* along b, but Lattice"):
        read_frames([tmp_path / "a.extxyz"])
