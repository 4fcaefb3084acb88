"""A gap is closed to the minimum that is met from outside."""

import numpy as np
import pytest

from ionface.workflows.flows.gap_closing import STEP, closed_gap
from ionface.workflows.flows.registry_scan import ROOM


def morse(gap, at=2.1):
    return (1 - np.exp(-1.5 * (gap - at))) ** 2


def test_the_gap_is_that_of_lowest_energy():
    for at in (1.7, 2.1, 2.66):
        assert closed_gap(3.1, lambda g, at=at: morse(g, at)) == pytest.approx(
            at, abs=0.02
        )


def test_a_hole_further_in_is_not_fallen_into():
    hole = lambda gap: morse(gap) - 1e3 * (gap < 1.6)  # noqa: E731
    assert closed_gap(3.1, hole) == pytest.approx(2.1, abs=0.02)


def test_sides_that_do_not_feel_each_other_yet_are_brought_nearer():
    cut = lambda gap: morse(min(gap, 2.8))  # noqa: E731 - a potential with a cutoff
    assert closed_gap(3.6, cut) == pytest.approx(2.1, abs=0.02)


def test_sides_that_repel_each_other_stay_apart():
    assert closed_gap(3.0, lambda gap: 1 / gap) == pytest.approx(3.45)


def test_sides_that_attract_at_any_distance_stop_before_they_meet():
    assert ROOM <= closed_gap(3.0, lambda gap: gap) < ROOM + STEP
