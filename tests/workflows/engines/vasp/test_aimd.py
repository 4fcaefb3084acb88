"""Segments, kills and wall times: one continuous trajectory comes out."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.trajectory.joining import join
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError, KilledError
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.study.stopping_criterion import Settled

STEPS = 24


@pytest.fixture
def cell(slab):
    """A slab of 16 atoms, none fixed."""
    big = slab.copy()
    big.remove_site_property("fixed")
    return big.make_supercell([2, 2, 1])


def settings(**changes):
    return DynamicsSettings(**{"steps": STEPS, "seed": 3, **changes})


def frames(record):
    return Trajectory.open(record.trajectory.path)


@pytest.mark.slow
def test_segments_make_the_same_run_as_one_segment(double, run_job, cell):
    engine = double()
    whole = run_job("whole", engine.dynamics(settings()).make(cell))
    first = run_job("one", engine.dynamics(settings(steps=15)).make(cell))
    second = run_job("two", engine.dynamics(settings(steps=9)).make(cell, first))
    assert (first.first_step, first.last_step) == (0, 14)
    assert (second.first_step, second.last_step) == (15, STEPS - 1)
    joined = join([Trajectory.open(s.trajectory.path) for s in (first, second)])
    assert joined.steps.tolist() == list(range(STEPS))
    assert not joined.notes
    np.testing.assert_allclose(joined.positions, frames(whole).positions, atol=2e-6)
    assert whole.structure.site_properties == cell.site_properties


@pytest.mark.slow
def test_a_killed_segment_loses_only_its_unfinished_step(
    double, run_job, interrupter, cell
):
    whole = run_job("whole", double().dynamics(settings()).make(cell))
    engine = double(wrapper=interrupter("kill", 7))
    job = engine.dynamics(settings()).make(cell)
    with pytest.raises(KilledError, match=r"VASP failed.*died without a word"):
        run_job("killed", job)
    record = run_job("killed", job)
    found = frames(record)
    assert found.steps.tolist() == list(range(STEPS))
    np.testing.assert_allclose(found.positions, frames(whole).positions, atol=2e-6)
    checks = json.loads((Path(record.directory).parent / "restarts.json").read_text())
    assert len(checks) == 1
    assert checks[0]["step"] >= 6


@pytest.mark.slow
def test_a_run_that_its_wall_time_stopped_goes_on_as_one_run(
    double, run_job, interrupter, cell
):
    whole = run_job("whole", double().dynamics(settings()).make(cell))
    engine = double(wrapper=interrupter("stop", 5))
    job = engine.dynamics(settings()).make(cell)
    with pytest.raises(IonfaceError, match=r"stopped at step \d+ by the wall time"):
        run_job("stopped", job)
    record = run_job("stopped", job)
    assert (record.first_step, record.last_step) == (0, STEPS - 1)
    np.testing.assert_allclose(
        frames(record).positions, frames(whole).positions, atol=2e-6
    )


@pytest.mark.slow
def test_bonds_that_have_settled_end_a_run_early(double, run_job, cell, monkeypatch):
    # what settles takes picoseconds; when it is asked is what is tested here
    monkeypatch.setattr(Settled, "reached", lambda _, run: len(run) > 12)
    until = {"pair": "Al-Ag"}
    maker = double().dynamics(settings(steps=200, segment=6, until=until))
    record = run_job("steady", maker.make(cell))
    assert record.last_step < 30
    assert Path(record.directory).name == f"run-{(record.last_step + 1) // 6:03d}"


@pytest.mark.slow
def test_a_state_that_is_not_the_previous_segments_end_is_refused(
    double, run_job, cell
):
    engine = double()
    first = run_job("one", engine.dynamics(settings(steps=4)).make(cell))
    other = run_job(
        "other",
        engine.dynamics(settings(steps=4, seed=9)).make(cell.copy().perturb(0.5)),
    )
    state = Path(other.directory) / "CONTCAR"
    shutil.copy(state, Path(first.directory) / "CONTCAR")
    with pytest.raises(IonfaceError, match="does not continue the segment before"):
        run_job("two", engine.dynamics(settings(steps=4)).make(cell, first))
    assert not list((Path(first.directory).parents[1] / "two").glob("run-*"))
