import numpy as np
import pytest

from ionface.analysis.reactions.bond_events import BondHistory, bond_history
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.reactions.lifetimes import lifetimes, onset, survival

QUICK = BondRule(3.0, 3.5, average_fs=0.0)


def made(start, stop, n_frames, interval=1.0):
    """Return a history of bonds of different atoms with these spans."""
    n = len(start)
    return BondHistory(
        "In-S", QUICK, np.arange(n_frames) * interval, np.arange(n), np.arange(n) + n,
        np.array(start, dtype=np.int64), np.array(stop, dtype=np.int64), (n, n),
    )  # fmt: skip


def test_a_known_lifetime_is_found_though_many_bonds_outlive_the_run(
    blinking, telegraph
):
    tau = 400.0
    run = blinking(telegraph(800.0, tau, 400, 900))  # 800 fs long
    life = lifetimes(bond_history(run, "In-S", QUICK))
    assert life.censored > 0.3 * life.broken
    assert life.mean_fs == pytest.approx(tau, abs=3 * life.error_fs)
    assert life.error_fs < 0.06 * tau
    assert life.median_fs == pytest.approx(np.log(2) * tau, rel=0.15)
    assert life.at_least_fs < tau


def test_leaving_out_what_outlives_the_run_would_be_wrong(blinking, telegraph):
    history = bond_history(blinking(telegraph(800.0, 400.0, 400, 150)), "In-S", QUICK)
    broken = history.stop < history.n_frames
    assert history.durations_fs[broken].mean() < 0.7 * 400.0


def test_the_lower_limit_holds_at_least_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        ages = np.ceil(rng.exponential(500.0, 6))
        stop = np.minimum(ages, 300).astype(int)
        held += lifetimes(made([0] * 6, stop, 300)).at_least_fs < 500.0
    assert held / 300 > 0.93


def test_bonds_that_never_break_have_only_a_lower_limit():
    life = lifetimes(made([0, 0], [100, 100], 100))
    assert life.mean_fs is None
    assert life.median_fs is None
    # no break in 198 fs of watching: exp(-198 / limit) = 5 %
    assert life.at_least_fs == pytest.approx(198 / np.log(20))
    assert (life.broken, life.censored, life.from_start) == (0, 2, 2)


def test_without_bonds_there_is_no_lifetime():
    life = lifetimes(made([], [], 50))
    assert life.mean_fs is life.at_least_fs is life.median_fs is None


def test_the_survival_curve_is_that_of_kaplan_and_meier():
    # ages 2, 3, 3, 5; the second 3 and the 5 are cut off by the end of the run
    # the fifth was there from the start: nobody knows its age
    history = made([1, 1, 7, 5, 0], [3, 4, 11, 11, 2], 11)
    ages, alive = survival(history)
    assert ages.tolist() == [2.0, 3.0]
    np.testing.assert_allclose(alive, [3 / 4, 3 / 4 * 2 / 3])


def test_the_onset_is_found_where_a_constant_rate_begins():
    rng = np.random.default_rng(1)
    start, gap, hits, early = 1000.0, 50.0, 0, []
    for _ in range(400):
        times = start + np.cumsum(rng.exponential(gap, 8))
        frames = np.sort(np.ceil(times).astype(int))
        found = onset(made(frames, [3000] * 8, 3000))
        early.append(found.onset_fs - start)
        hits += abs(found.onset_fs - start) <= found.error_fs
        assert found.first_fs == frames[0]
    assert np.mean(early) == pytest.approx(0, abs=5)
    # exponential waiting: the start lies within one mean gap with 1 - e⁻² = 86 %
    assert hits / 400 == pytest.approx(0.86, abs=0.07)


def test_bonds_of_the_first_frame_are_no_onset():
    assert onset(made([0, 0], [5, 9], 9)) is None
    single = onset(made([0, 4], [9, 9], 9))
    assert (single.first_fs, single.onset_fs, single.error_fs) == (4.0, 0.0, 4.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tau", "apart"),
    [(200.0, 200.0), (200.0, 800.0), (500.0, 500.0), (1000.0, 4000.0),
     (2000.0, 2000.0), (5000.0, 5000.0)],
)  # fmt: skip
def test_lifetimes_come_out_within_their_errors(blinking, telegraph, tau, apart):
    """Twenty pairs of atoms over 20 ps, with vibration, at the rule of everyday."""
    rng = np.random.default_rng(int(tau))
    away = []
    for seed in range(10):
        distances = telegraph(apart, tau, 10000, 20, seed=seed)
        phase = 2 * np.pi * (np.arange(10000)[:, None] * 2.0 / 120 + rng.random(20))
        run = blinking(distances + 0.15 * np.sin(phase))
        life = lifetimes(bond_history(run, "In-S"))
        away.append((life.mean_fs - tau) / life.error_fs)
    assert abs(np.mean(away)) < 1.0  # of one error: no bias that the error hides
    assert np.mean(np.abs(away) < 2) >= 0.8
