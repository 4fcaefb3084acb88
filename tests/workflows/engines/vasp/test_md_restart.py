"""Runs become one trajectory: restarts checked, overlaps dropped, impostors refused."""

import json

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.incar import dynamics_incar
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.md_restart import (
    CHECKS,
    FRAMES,
    TrajectoryAssembler,
)

CELL = Lattice.orthorhombic(6.0, 7.0, 9.0)
SPECIES = ["S", "Li", "S", "Li"]  # POSCAR's order is Li Li S S
ORDER = [1, 3, 0, 2]


def path_of(n_frames, seed=0):
    """Return smooth fractional positions that leave the cell, (n_frames, 4, 3)."""
    random = np.random.default_rng(seed)
    start = random.random((4, 3))
    velocity = random.normal(scale=2e-3, size=(4, 3))
    times = np.arange(n_frames)[:, None, None]
    return start + velocity * times + 0.01 * np.sin(0.02 * times + start)


def vasprun(frames, torn=False):
    """Return a vasprun.xml of MD frames in POSCAR's order, wrapped, 8 digits."""

    def rows(name, values):
        lines = "".join(f"<v>{x:.8f} {y:.8f} {z:.8f}</v>\n" for x, y, z in values)
        return f'<varray name="{name}">{lines}</varray>'

    basis = f"<crystal>{rows('basis', CELL.matrix)}</crystal>"
    atoms = "".join(f"<rc><c>{SPECIES[i]}</c><c>1</c></rc>" for i in ORDER)
    types = "".join(
        f"<rc><c>2</c><c>{e}</c><c>1</c><c>1</c><c>PAW_PBE {e} 01Jan2000</c></rc>"
        for e in ("Li", "S")
    )
    steps = "".join(
        f"<calculation><structure>{basis}{rows('positions', frame[ORDER] % 1)}"
        f'</structure><energy><i name="e_fr_energy">{-frame[0, 0]:.8f}</i>'
        '<i name="kinetic">0.1</i><i name="total">1.0</i></energy></calculation>\n'
        for frame in frames
    )
    text = (
        '<modeling><generator><i name="version" type="string">6.4.2</i></generator>'
        '<incar><i type="int" name="IBRION">0</i><i name="POTIM">2.0</i></incar>'
        f'<atominfo><array name="atoms"><set>{atoms}</set></array>'
        f'<array name="atomtypes"><set>{types}</set></array></atominfo>'
        f'<structure name="initialpos">{basis}</structure>{steps}</modeling>'
    )
    return text[: text.rindex("<energy>")] if torn else text


def contcar(frame, velocities=True):
    ordered = Structure(CELL, [SPECIES[i] for i in ORDER], frame[ORDER] % 1)
    speed = [[0.001] * 3] * 4 if velocities else None
    return Poscar(ordered, velocities=speed).get_str(significant_figures=16)


@pytest.fixture
def run(luo_2021):
    structure = Structure(CELL, SPECIES, path_of(1)[0])
    incar = dynamics_incar(luo_2021, structure, DynamicsSettings())
    return VaspRun(luo_2021, structure, incar, None)


@pytest.fixture
def write_run(tmp_path):
    def write(number, frames, state=None, torn=False):
        folder = tmp_path / f"run-{number:03d}"
        folder.mkdir()
        (folder / "vasprun.xml").write_text(vasprun(frames, torn))
        if state is not None:
            (folder / "CONTCAR").write_text(contcar(state))
        return folder

    return write


def assembled(folder, run, run_folders, **settings):
    dynamics = DynamicsSettings(**settings)
    with TrajectoryAssembler.at(folder, run, dynamics, None) as assembler:
        for run_folder in run_folders:
            assembler.add(run_folder)
    return assembler, Trajectory.open(folder / FRAMES)


def checks_of(folder):
    return json.loads((folder / CHECKS).read_text())


def test_a_repeated_frame_is_dropped_once_and_positions_are_unwrapped(
    tmp_path, run, write_run
):
    frames = path_of(60)
    folders = [
        write_run(1, frames[:25], frames[24]),
        write_run(2, frames[24:40], frames[39]),
        write_run(3, frames[39:], frames[-1]),
    ]
    assembler, found = assembled(tmp_path, run, folders)
    assert found.steps.tolist() == list(range(60))
    assert found.times_fs[-1] == 118.0
    start = frames[0] - (frames[0] - frames[0] % 1)
    expected = (frames - frames[0] + start) @ CELL.matrix
    np.testing.assert_allclose(found.positions, expected, atol=2e-7)
    assert found.species == tuple(SPECIES)
    checks = checks_of(tmp_path)
    assert [check["step"] for check in checks] == [25, 40]
    assert all(check["repeated"] for check in checks)
    assert all(check["energy_difference"] == 0.0 for check in checks)
    assert assembler.last == 59


def test_a_killed_run_keeps_every_whole_frame_up_to_its_state(tmp_path, run, write_run):
    frames = path_of(30)
    # killed within step 12, when CONTCAR was still that of step 10
    folders = [
        write_run(1, frames[:13], frames[10], torn=True),
        write_run(2, frames[10:], frames[-1]),
    ]
    _, found = assembled(tmp_path, run, folders)
    assert found.steps.tolist() == list(range(30))
    steps = np.diff(found.positions, axis=0)
    expected = np.diff(frames, axis=0) @ CELL.matrix
    np.testing.assert_allclose(steps, expected, atol=4e-7)


def test_a_run_that_does_not_repeat_the_frame_but_follows_it_is_joined(
    tmp_path, run, write_run
):
    frames = path_of(20)
    folders = [write_run(1, frames[:8], frames[7]), write_run(2, frames[8:])]
    _, found = assembled(tmp_path, run, folders)
    assert len(found) == 20
    assert not checks_of(tmp_path)[0]["repeated"]


def test_a_run_of_another_run_is_refused(tmp_path, run, write_run):
    folders = [
        write_run(1, path_of(8), path_of(8)[-1]),
        write_run(2, path_of(8, seed=1)),
    ]
    with pytest.raises(IonfaceError, match="does not continue the run before it"):
        assembled(tmp_path, run, folders)


def test_a_run_that_lost_its_velocities_is_refused(tmp_path, run, write_run):
    frames, other = path_of(16), path_of(16, seed=5)
    stray = frames[7] + (other[:8] - other[0])
    folders = [write_run(1, frames[:8], frames[7]), write_run(2, stray)]
    with pytest.raises(IonfaceError, match="velocities change by"):
        assembled(tmp_path, run, folders)


def test_assembling_again_adds_nothing_and_a_stride_thins(tmp_path, run, write_run):
    frames = path_of(21)
    folders = [write_run(1, frames[:11], frames[10]), write_run(2, frames[10:])]
    assembled(tmp_path, run, folders[:1], stride=5)
    assembled(tmp_path, run, folders, stride=5)
    _, found = assembled(tmp_path, run, folders, stride=5)
    assert found.steps.tolist() == [0, 5, 10, 15, 20]


def test_a_run_that_died_before_its_first_step_adds_nothing(tmp_path, run):
    folder = tmp_path / "run-001"
    folder.mkdir()
    (folder / "vasprun.xml").write_text("<modeling><incar>")
    with TrajectoryAssembler.at(tmp_path, run, DynamicsSettings(), None) as assembler:
        assembler.add(folder)
    assert assembler.last == -1
    assert "run-001" in assembler.unusable
