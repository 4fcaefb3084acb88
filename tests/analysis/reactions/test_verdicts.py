from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.rdf.bonds import BondRule
from ionface.analysis.reactions.bond_events import bond_history
from ionface.analysis.reactions.verdicts import verdict
from ionface.analysis.result import plain

RULE = BondRule(3.0, 3.5, residence_fs=100.0)


def judge(run, rule=RULE):
    return verdict(bond_history(run, "In-S", rule))


@pytest.fixture
def growing():
    """Bonds that form one after the other from 1 ps on and stay."""
    distances = np.full((3000, 12), 5.0)
    for pair in range(12):
        distances[500 + 100 * pair :, pair] = 2.7
    return distances + np.random.default_rng(0).normal(0, 0.1, distances.shape)


def test_bonds_that_form_and_stay_are_growing(blinking, growing):
    found = judge(blinking(growing))
    assert found.word == "growing"
    assert (found.at_start, found.at_end) == (0, 12)
    assert found.gain_sigmas > 3
    assert found.survival > 0.95
    assert found.trend_per_ps > 0


def test_growth_that_levels_off_early_is_growth_still(blinking, growing):
    early = np.concatenate(
        [growing[:2], growing[500:], np.repeat(growing[-300:], 20, 0)]
    )
    assert judge(blinking(early)).word == "growing"


def test_bonds_that_come_and_go_are_fluctuating(blinking, telegraph):
    found = judge(blinking(telegraph(1200.0, 250.0, 3000, 12)))
    assert found.word == "fluctuating"
    assert found.survival < 0.2
    assert 0.5 < found.mean < 5


def test_bonds_that_never_break_are_steady(blinking):
    vibration = 2.1 + np.random.default_rng(0).normal(0, 0.1, (500, 16))
    found = judge(blinking(vibration))
    assert found.word == "steady"
    assert (found.at_start, found.at_end, found.survival) == (16, 16, 1.0)


def test_bonds_that_are_lost_are_falling(blinking, growing):
    found = judge(blinking(growing[::-1]))
    assert found.word == "falling"
    assert found.gain_sigmas < -3


def test_atoms_that_never_meet_are_absent(blinking):
    found = judge(blinking(np.full((300, 3), 6.0)))
    assert found.word == "absent"
    assert (found.mean, found.survival) == (0, None)


def test_a_brush_in_passing_is_no_bond_to_speak_of(blinking):
    distances = np.full((3000, 3), 6.0)
    distances[700:760, 1] = 2.9
    assert judge(blinking(distances)).word == "absent"


def test_exchange_at_equilibrium_is_hardly_ever_called_growth(blinking, telegraph):
    words = [
        judge(blinking(telegraph(600.0, 600.0, 2500, 20, seed=seed)[500:])).word
        for seed in range(40)
    ]
    assert words.count("growing") + words.count("falling") <= 2
    assert words.count("fluctuating") >= 36


def test_one_frame_gives_a_verdict_too(blinking):
    assert judge(blinking([[2.5]])).word in {"steady", "fluctuating"}
    assert judge(blinking([[2.5], [2.6]])).word == "steady"


def test_two_bonds_that_form_and_stay_grow_and_one_is_a_single_event(blinking):
    distances = np.full((400, 2), 5.0)
    distances[200:, 0] = 2.5
    one = judge(blinking(distances))
    assert one.word == "steady"
    assert one.gain_sigmas == pytest.approx(2.0)  # half a bond is what a count can tell
    distances[200:] = 2.5
    two = judge(blinking(distances))
    assert two.word == "growing"
    assert two.gain_sigmas == pytest.approx(4.0)


def test_numbers_that_are_not_finite_become_null(blinking):
    found = replace(judge(blinking([[2.5]])), trend_sigmas=np.inf)
    assert plain(found)["trend_sigmas"] is None
