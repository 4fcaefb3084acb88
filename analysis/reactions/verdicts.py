"""One word for what a pair does during a run, and the statistics behind it.

growing      there are more bonds than at the start, and bonds that formed stay
falling      there are fewer bonds than at the start
steady       their number does not change, and the bonds are the same ones
fluctuating  bonds form and break again
absent       there is no bond to speak of
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ionface.analysis.reactions.bond_events import BondHistory
from ionface.analysis.statistics import correlated_mean, trend

Word = Literal["growing", "falling", "steady", "fluctuating", "absent"]

SIGMAS = 3.0
"""A change counts from so many standard errors on: by chance in 0.3 % of the pairs, and
a report has tens of them."""

LEAST_CHANGE = 0.05
"""A change counts from this part of the bonds at the start on: a crystal of hundreds
of bonds resolves changes that mean nothing ..."""

LEAST_BONDS = 1.5
"""... and from so many bonds on: a single event, however lasting, is no trend."""

HALF_A_BOND = 0.5
"""Counts are whole: the first frame tells its mean no better than this."""

ABSENT = 0.1
"""Fewer bonds than this on average are none to speak of: one for a tenth of a run."""

STAYING = 0.5
"""Bonds stay if at least this part survives a quarter of the run unbroken: more of them
outlive it than not."""

LATE = 0.25
"""The last quarter of the run is its end: long enough for a mean, short enough that
what grows has not grown much within it."""


@dataclass(frozen=True)
class Verdict:
    """What a pair does during a run.

    Attributes:
        word: growing, falling, steady, fluctuating, or absent.
        at_start: number of bonds in the first frame.
        at_end: mean number in the last quarter.
        at_end_error: its standard error, correlation in time included.
        mean: number of bonds over the whole run.
        gain_sigmas: (end - start) over its uncertainty: the error of the end, and how
            far a single frame such as the first strays from its mean, at least half a
            bond.
        trend_per_ps: slope of a line through the number of bonds, 1/ps.
        trend_sigmas: the slope in standard errors, correlation in time included.
        independent: number of independent samples behind the trend; below about 5 the
            run is too short for its own correlations.
        survival: part of the bonds that is unbroken after a quarter of the run, over
            all starting times; None without bonds.
        survival_error: binomial, for the number of different bonds.
        survival_lag_fs: the quarter of the run.
    """

    word: Word
    at_start: int
    at_end: float
    at_end_error: float
    mean: float
    gain_sigmas: float
    trend_per_ps: float
    trend_sigmas: float
    independent: float
    survival: float | None
    survival_error: float | None
    survival_lag_fs: float


def verdict(history: BondHistory) -> Verdict:
    """Return what a pair does: its word, and the statistics that decide."""
    counts = history.counts.astype(np.float64)
    lag = max(1, round(LATE * len(counts))) if len(counts) > 1 else 0
    late = counts[len(counts) - max(1, lag) :]
    end = correlated_mean(late)
    error = 0.0 if np.isnan(end.error) else end.error
    stray = float(np.hypot(error, max(late.std(), HALF_A_BOND)))
    gain = end.value - counts[0]
    line = trend(history.times_fs, counts)
    part, part_error = _survival(history, lag)
    found = Verdict(
        word="absent",
        at_start=int(counts[0]),
        at_end=end.value,
        at_end_error=error,
        mean=float(counts.mean()),
        gain_sigmas=_ratio(gain, stray),
        trend_per_ps=1000 * line.slope,
        trend_sigmas=_ratio(line.slope, line.error),
        independent=line.independent,
        survival=part,
        survival_error=part_error,
        survival_lag_fs=float(history.times_fs[lag] - history.times_fs[0]),
    )
    return replace(found, word=_word(found))


def _word(v: Verdict) -> Word:
    if v.mean < ABSENT:
        return "absent"
    change = v.at_end - v.at_start
    large = abs(change) >= max(LEAST_BONDS, LEAST_CHANGE * v.at_start)
    # A first frame may stray, a line misses what levels off: either tells.
    sign = 1 if change > 0 else -1
    sure = max(sign * v.gain_sigmas, sign * v.trend_sigmas) >= SIGMAS
    if large and sure and change < 0:
        return "falling"
    if v.survival is None or v.survival < STAYING:
        return "fluctuating"
    return "growing" if large and sure else "steady"


def _ratio(value: float, error: float) -> float:
    if error > 0:
        return float(value / error)
    return float(np.sign(value) * np.inf) if value else 0.0


def _survival(history: BondHistory, lag: int) -> tuple[float | None, float | None]:
    """Return the part of bonds that is unbroken after `lag` frames, and its error."""
    seen = np.minimum(history.stop, history.n_frames - lag) - history.start
    watched = np.maximum(seen, 0)  # frames of each bond from which the lag fits
    if not watched.sum():
        return None, None
    outlived = np.maximum(history.stop - history.start - lag, 0)
    part = float(outlived.sum() / watched.sum())
    return part, float(np.sqrt(part * (1 - part) / np.count_nonzero(watched)))
