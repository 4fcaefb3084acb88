"""What a run left: whole steps, recovered ones, a CONTCAR that is a state or not."""

import re

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.incar import dynamics_incar
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.run_frames import (
    frames_up_to_state,
    last_state,
    read_state,
    run_frames,
)

STEPS = 10


@pytest.fixture
def folder(double, run_job, slab):
    """A finished run of dynamics on the stand-in."""
    from pathlib import Path

    slab = slab.copy()
    slab.remove_site_property("fixed")
    maker = double().dynamics(DynamicsSettings(steps=STEPS, seed=1))
    return Path(run_job("md", maker.make(slab)).directory)


def cut(path, share):
    text = path.read_text()
    path.write_text(text[: int(share * len(text))])


def recovered(run):
    """Return how many steps only XDATCAR has, which knows no forces."""
    return sum(step.forces is None for step in run.steps)


@pytest.mark.slow
def test_steps_that_only_xdatcar_has_are_the_same_to_the_printed_digits(folder):
    whole = run_frames(folder)
    assert (len(whole.steps), recovered(whole)) == (STEPS, 0)
    cut(folder / "vasprun.xml", 0.7)
    found = run_frames(folder)
    assert 0 < recovered(found) < STEPS
    assert len(found.steps) == STEPS
    for ours, theirs in zip(found.steps, whole.steps, strict=True):
        np.testing.assert_allclose(ours.fractional, theirs.fractional, atol=1.1e-8)
        np.testing.assert_allclose(ours.lattice, theirs.lattice, atol=1e-6)
        for name in ("e_fr_energy", "e_0_energy", "total"):
            assert ours.energies[name] == pytest.approx(theirs.energies[name], rel=2e-7)
        assert ours.energies["kinetic"] == pytest.approx(
            theirs.energies["kinetic"], rel=1e-4
        )


@pytest.mark.slow
def test_steps_end_where_either_file_ends(folder):
    cut(folder / "vasprun.xml", 0.7)
    known = len(run_frames(folder).steps) - recovered(run_frames(folder))
    lines = (folder / "OSZICAR").read_text()
    ends = [m.end() for m in re.finditer(r"SK=.*\n", lines)]
    (folder / "OSZICAR").write_text(lines[: ends[known]])
    assert recovered(run_frames(folder)) == 1
    (folder / "XDATCAR").unlink()
    assert recovered(run_frames(folder)) == 0


@pytest.mark.slow
def test_an_xdatcar_of_another_run_is_not_taken(folder):
    cut(folder / "vasprun.xml", 0.7)
    text = (folder / "XDATCAR").read_text()
    head, *frames = re.split(r"(?=Direct configuration)", text)
    (folder / "XDATCAR").write_text(head + "".join(reversed(frames)))
    assert recovered(run_frames(folder)) == 0


@pytest.mark.slow
def test_frames_that_do_not_lead_to_the_state_are_not_kept(folder, slab, luo_2021):
    slab = slab.copy()
    slab.remove_site_property("fixed")
    incar = dynamics_incar(luo_2021, slab, DynamicsSettings())
    run = VaspRun(luo_2021, slab, incar, None)
    frames = np.empty((STEPS, len(slab), 3))
    frames[:, run.order] = [step.fractional for step in run_frames(folder).steps]
    jumps = np.diff(frames, axis=0)
    jumps -= np.round(jumps)
    frames = np.concatenate([frames[:1], frames[0] + np.cumsum(jumps, axis=0)])
    assert frames_up_to_state(run, folder, frames) == STEPS
    assert (
        frames_up_to_state(run, folder, frames[: STEPS - 1]) == STEPS - 1
    )  # one step ahead
    for missing in (2, 3, 5):
        assert frames_up_to_state(run, folder, frames[: STEPS - missing]) == 0
    cut(folder / "CONTCAR", 0.5)
    (folder / "CONTCAR.kept").unlink(missing_ok=True)
    assert frames_up_to_state(run, folder, frames) == 0


@pytest.mark.slow
def test_electrons_that_never_converge_make_a_part_wanting(folder):
    path = folder / "vasprun.xml"
    text = path.read_text()
    assert not run_frames(folder).wanting
    path.write_text(re.sub(r'(name="NELM">)\s*\d+', r"\g<1>     2", text))
    assert run_frames(folder).unconverged == STEPS
    assert run_frames(folder).wanting


TAIL = "\n  1\n  2.0\n" + " 0.1 0.2 0.3 0.4\n" + "  0.1  0.2  0.3\n" * 9


def text(velocities=True, selective=False, tail=""):
    structure = Structure(
        Lattice.cubic(5), ["Li", "S", "S"], np.arange(9).reshape(3, 3) / 10
    )
    poscar = Poscar(
        structure,
        velocities=[[0.1, 0.2, 0.3]] * 3 if velocities else None,
        selective_dynamics=[[True] * 3] * 3 if selective else None,
    )
    return poscar.get_str(significant_figures=16).rstrip("\n") + "\n" + tail


@pytest.mark.parametrize("selective", [False, True])
@pytest.mark.parametrize("tail", ["", TAIL])
def test_a_whole_contcar_is_a_state(selective, tail):
    assert read_state(text(selective=selective, tail=tail).encode()) is not None


def test_without_velocities_it_is_none():
    assert read_state(text(velocities=False).encode()) is None


def test_no_beginning_of_it_is_a_state_but_at_the_end_of_a_block():
    data = text(tail=TAIL).encode()
    whole = [n for n in range(len(data)) if read_state(data[:n]) is not None]
    end_of_velocities = len(text().encode())
    # a cut exactly between two blocks cannot be told from a file without a tail
    assert {n for n in whole if n > end_of_velocities + 1} == set()
    assert all(n >= end_of_velocities for n in whole)


def test_the_kept_copy_stands_in_for_a_torn_one(tmp_path):
    (tmp_path / "CONTCAR").write_text(text()[:150])
    assert last_state(tmp_path) is None
    (tmp_path / "CONTCAR.kept").write_text(text())
    assert last_state(tmp_path) == text().encode()
    expected = np.arange(9).reshape(3, 3) / 10
    state = read_state(last_state(tmp_path))
    np.testing.assert_allclose(state.structure.frac_coords, expected)
