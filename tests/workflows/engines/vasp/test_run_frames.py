"""Steps of a part: whole ones, recovered ones, and parts that lead nowhere."""

import re

import numpy as np
import pytest

from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.incar import dynamics_incar
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.run_frames import kept_frames, part_frames

STEPS = 10


@pytest.fixture
def part(double, run_job, slab):
    """A finished run of dynamics on the stand-in."""
    from pathlib import Path

    slab = slab.copy()
    slab.remove_site_property("fixed")
    maker = double().dynamics(DynamicsSettings(steps=STEPS, seed=1))
    return Path(run_job("md", maker.make(slab)).directory)


def cut(path, share):
    text = path.read_text()
    path.write_text(text[: int(share * len(text))])


def test_steps_that_only_xdatcar_has_are_the_same_to_the_printed_digits(part):
    whole = part_frames(part)
    assert (len(whole.steps), whole.recovered) == (STEPS, 0)
    cut(part / "vasprun.xml", 0.7)
    found = part_frames(part)
    assert 0 < found.recovered < STEPS
    assert len(found.steps) == STEPS
    for ours, theirs in zip(found.steps, whole.steps, strict=True):
        np.testing.assert_allclose(ours.fractional, theirs.fractional, atol=1.1e-8)
        np.testing.assert_allclose(ours.lattice, theirs.lattice, atol=1e-6)
        for name in ("e_fr_energy", "e_0_energy", "total"):
            assert ours.energies[name] == pytest.approx(theirs.energies[name], rel=2e-7)
        assert ours.energies["kinetic"] == pytest.approx(
            theirs.energies["kinetic"], rel=1e-4
        )


def test_steps_end_where_either_file_ends(part):
    cut(part / "vasprun.xml", 0.7)
    known = len(part_frames(part).steps) - part_frames(part).recovered
    lines = (part / "OSZICAR").read_text()
    ends = [m.end() for m in re.finditer(r"SK=.*\n", lines)]
    (part / "OSZICAR").write_text(lines[: ends[known]])
    assert part_frames(part).recovered == 1
    (part / "XDATCAR").unlink()
    assert part_frames(part).recovered == 0


def test_an_xdatcar_of_another_run_is_not_taken(part):
    cut(part / "vasprun.xml", 0.7)
    text = (part / "XDATCAR").read_text()
    head, *frames = re.split(r"(?=Direct configuration)", text)
    (part / "XDATCAR").write_text(head + "".join(reversed(frames)))
    assert part_frames(part).recovered == 0


def test_frames_that_do_not_lead_to_the_state_are_not_kept(part, slab, luo_2021):
    slab = slab.copy()
    slab.remove_site_property("fixed")
    incar = dynamics_incar(luo_2021, slab, DynamicsSettings())
    run = VaspRun(luo_2021, slab, incar, None)
    frames = np.empty((STEPS, len(slab), 3))
    frames[:, run.order] = [step.fractional for step in part_frames(part).steps]
    jumps = np.diff(frames, axis=0)
    jumps -= np.round(jumps)
    frames = np.concatenate([frames[:1], frames[0] + np.cumsum(jumps, axis=0)])
    assert kept_frames(run, part, frames) == STEPS
    assert kept_frames(run, part, frames[: STEPS - 1]) == STEPS - 1  # one step ahead
    for missing in (2, 3, 5):
        assert kept_frames(run, part, frames[: STEPS - missing]) == 0
    cut(part / "CONTCAR", 0.5)
    (part / "CONTCAR.kept").unlink(missing_ok=True)
    assert kept_frames(run, part, frames) == 0


def test_electrons_that_never_converge_make_a_part_wanting(part):
    path = part / "vasprun.xml"
    text = path.read_text()
    assert not part_frames(part).wanting
    path.write_text(re.sub(r'(name="NELM">)\s*\d+', r"\g<1>     2", text))
    assert part_frames(part).unconverged == STEPS
    assert part_frames(part).wanting
