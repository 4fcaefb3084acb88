"""A run ends early where bonds formed and their number stays, and not before."""

import numpy as np
import pytest

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.study.stopping_criterion import Settled, criterion

FRAME = 10.0  # fs
PART = 5000.0  # fs, after which a run is asked whether it goes on
LENGTH = 20000.0


def trajectory(formed, first=0, most=16):
    """Return In-S pairs that bind for good at these times, fs, or from the start."""
    times = np.arange(0, LENGTH, FRAME)
    begins = np.concatenate([np.full(first, -1.0), np.sort(formed), np.full(most, 1e9)])
    distances = np.where(times[:, None] >= begins[:most], 2.5, 4.5)  # (frames, pairs)
    positions = np.zeros((len(times), 2 * most, 3))
    positions[:, ::2, 1] = positions[:, 1::2, 1] = 10.0 * np.arange(most)
    positions[:, 1::2, 0] = distances
    cell = np.diag([30.0, 10.0 * most + 10, 30.0])
    return Trajectory.from_arrays(
        ["In", "S"] * most, cell, positions, timestep_fs=FRAME
    )


def stops(run, rule=None):
    """Return after how many parts of 5 ps a run would end; None if never early."""
    rule = rule or Settled("In-S")
    frames = int(PART / FRAME)
    asked = (run.between(0, frames * part + 1) for part in (1, 2, 3))
    return next((k for k, part in enumerate(asked, 1) if rule.reached(part)), None)


def test_a_run_does_not_end_before_anything_has_happened():
    rng = np.random.default_rng(0)
    for _ in range(20):
        late = 16000 + 1000 * rng.random(12)
        assert stops(trajectory(late)) is None
    assert stops(trajectory([], first=8)) is None  # nor where nothing ever does


@pytest.mark.parametrize(("first", "last"), [(6, 15), (0, 15)])
def test_growth_that_goes_on_is_not_stopped(first, last):
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert stops(trajectory(LENGTH * rng.random(last - first), first)) is None


def test_growth_that_has_ended_ends_the_run():
    rng = np.random.default_rng(2)
    ends = [stops(trajectory(1000 + 1500 * rng.random(12))) for _ in range(20)]
    assert set(ends) <= {1, 2}


def late(rng):
    return 16000 + 1000 * rng.random(12), 0


def linear(first):
    return lambda rng: (LENGTH * rng.random(15 - first), first)


def saturating(rng):
    return 1000 + 1500 * rng.random(12), 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "least", "most"),
    [
        (late, 0, 0),
        (linear(6), 0, 2),  # of 200 each
        (linear(0), 0, 2),
        (saturating, 190, 200),
    ],
    ids=["not yet", "6 to 15", "0 to 15", "ended"],
)
def test_of_200_runs_those_end_early_whose_growth_has_ended(made, least, most):
    rng = np.random.default_rng(4)
    ended = sum(stops(trajectory(*made(rng))) is not None for _ in range(200))
    assert least <= ended <= most


def test_so_many_bonds_and_so_much_time_are_waited_for():
    quick = trajectory(100 + 500 * np.arange(12) / 12)
    assert stops(quick) == 1
    assert stops(quick, Settled("In-S", bonds=13)) is None
    assert stops(quick, Settled("In-S", at_least=9000.0)) == 2
    assert stops(quick, Settled("In-S", form=2.0, release=2.2)) is None


def test_mistakes_in_until_are_named():
    with pytest.raises(IonfaceError, match="no such key as 'window'"):
        criterion({"pair": "In-S", "window": 2000})
    with pytest.raises(IonfaceError, match="name the pair"):
        criterion({"bonds": 12})
    with pytest.raises(IonfaceError, match="name the pair"):
        criterion({"pair": ["In", "S"]})
    with pytest.raises(IonfaceError, match=r"until\.bonds must be a number, not 'm"):
        criterion({"pair": "In-S", "bonds": "many"})
    for name in ("bonds", "at_least"):
        with pytest.raises(IonfaceError, match=rf"until\.{name} must be above 0"):
            criterion({"pair": "In-S", name: 0})
    with pytest.raises(IonfaceError, match=r"until\.bonds of 9 would not .* takes 10"):
        criterion({"pair": "In-S", "bonds": 9})
    with pytest.raises(IonfaceError, match="breaks beyond"):
        criterion({"pair": "In-S", "form": 3.5})
