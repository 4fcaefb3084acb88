"""How long bonds last, and when they began to form, with what the run could not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.reactions.bond_events import BondHistory
from ionface.analysis.trajectory.frames import FloatArray

EARLY = 5
"""The first so many formings tell the rate at the onset: their mean time is known to
45 % (1/√5), and they are over before partners run out and the rate falls."""

CONFIDENCE = 0.95
"""Of the lower limit of a lifetime that no break, or few, can tell."""


SEEN_BOND = 2 / 3
SEEN_GAP = 1 / 2
"""Part of the rule's average that a bond of 2.6 Å, or a gap, must fill to be seen: the
mean of an In-S distance is then below `form`, or above `release`."""


@dataclass(frozen=True)
class Lifetimes:
    """Lifetime of a bond, from bonds of which many outlive the run.

    For bonds that break at a constant rate the best estimate is the time that all bonds
    were watched over the number of breaks: bonds that the run's start or end cuts off
    count with the time that they were seen (censoring). What is shorter than the
    averaging of `BondRule` is hardly seen, so that bonds are watched, and their breaks
    counted, from that age on; breaks whose gap is too short to be seen are made up for
    by those of gaps that are long enough.

    Attributes:
        mean_fs: watched time over breaks; None if no bond broke.
        error_fs: its standard error, mean / sqrt(breaks); None if no bond broke.
        at_least_fs: lower limit, with a confidence of 95 % or more; None without bonds.
        median_fs: where the survival curve of Kaplan and Meier (J. Am. Stat. Assoc. 53,
            457 (1958), doi:10.1080/01621459.1958.10501452) of bonds that formed during
            the run falls to one half; None if it does not.
        broken: bonds whose breaking was seen.
        censored: bonds that outlived the run.
        from_start: bonds that were there in the first frame; their age is unknown.
    """

    mean_fs: float | None
    error_fs: float | None
    at_least_fs: float | None
    median_fs: float | None
    broken: int
    censored: int
    from_start: int


@dataclass(frozen=True)
class Onset:
    """When bonds began to form.

    Attributes:
        first_fs: when the first new bond formed.
        onset_fs: the first forming less the mean time between the first formings: the
            unbiased start of a process of constant rate; never before the run.
        error_fs: that mean time, or the time between frames if it is longer; with a
            single forming, the time since the run began.
    """

    first_fs: float
    onset_fs: float
    error_fs: float


def lifetimes(history: BondHistory) -> Lifetimes:
    """Return the lifetimes of the bonds of a history."""
    from scipy.stats import chi2

    unseen = history.rule.average_fs
    ended = history.stop < history.n_frames
    breaks, watched = _watched(history.durations_fs, ended, unseen)
    returns, apart = _watched(*_gaps(history), unseen)
    missed, spread = _missed(
        breaks / watched if watched else 0.0, returns / apart if apart else 0.0, unseen
    )
    # 2 watched / lifetime is chi-squared with 2 breaks degrees of freedom.
    limit = 2 * watched / float(chi2.ppf(CONFIDENCE, 2 * breaks + 2))
    mean = watched / breaks / missed if breaks else None
    return Lifetimes(
        mean_fs=mean,
        error_fs=spread * mean / breaks**0.5 if mean is not None else None,
        at_least_fs=limit / missed if len(history) else None,
        median_fs=_median(history),
        broken=int(ended.sum()),
        censored=int((~ended).sum()),
        from_start=int((history.start == 0).sum()),
    )


def _missed(breaking: float, returning: float, average: float) -> tuple[float, float]:
    """Return breaks over those seen, and by how much the error of their number grows.

    Of memoryless gaps a part exp(-rate * shortest) is long enough to be seen, and of
    bonds likewise: each rate is made up for with the other one until both agree.

    Args:
        breaking: rate of breaks that are seen, 1/fs.
        returning: rate at which atoms that are seen to part bind again, 1/fs.
        average: of the rule, fs.
    """
    rate, factor, back = breaking, 1.0, returning
    for _ in range(100):
        back = returning * np.exp(min(SEEN_BOND * average * rate, 1.0))
        factor = float(np.exp(min(SEEN_GAP * average * back, 1.0)))
        rate = breaking * factor
    loop = min(SEEN_BOND * SEEN_GAP * average**2 * rate * back, 0.8)
    return factor, float(np.hypot(1.0, SEEN_GAP * average * back) / (1 - loop))


def _watched(
    durations: FloatArray, ended: NDArray[np.bool_], unseen: float
) -> tuple[int, float]:
    """Return how many ended, and the time watched, from the age `unseen` on, fs."""
    late = durations > unseen
    return int((ended & late).sum()), float((durations[late] - unseen).sum())


def _gaps(history: BondHistory) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return how long two atoms are apart after each bond, fs, and if they bind again.

    Returns:
        Both of shape (n,); the run's end cuts off the last gap of each two atoms.
    """
    times, n = history.times_fs, history.n_frames
    order = np.lexsort((history.start, history.second, history.first))
    first, second, start, stop = (
        column[order]
        for column in (history.first, history.second, history.start, history.stop)
    )
    again = np.append((np.diff(first) == 0) & (np.diff(second) == 0), False)
    end = np.where(again[: len(start)], np.append(start[1:], n)[: len(start)], n)
    parted = stop < n
    until = times[np.minimum(end, n - 1)[parted]]
    return until - times[stop[parted]], again[: len(start)][parted]


def survival(history: BondHistory) -> tuple[FloatArray, FloatArray]:
    """Return the Kaplan-Meier survival curve of bonds that formed during the run.

    Returns:
        Ages at which bonds broke, fs, and the part that outlives each, both (n,).
    """
    formed = history.start > 0
    ages = history.durations_fs[formed]
    broken = history.stop[formed] < history.n_frames
    steps = np.unique(ages[broken])
    at_risk = np.array([(ages >= age).sum() for age in steps])
    breaks = np.array([((ages == age) & broken).sum() for age in steps])
    return steps, np.cumprod(1 - breaks / np.maximum(at_risk, 1))


def onset(history: BondHistory) -> Onset | None:
    """Return when bonds began to form; None if none formed during the run."""
    formed = history.formed_fs
    if not len(formed):
        return None
    begin = float(history.times_fs[0])
    first = float(formed[0])
    early = formed[:EARLY]
    gap = (
        float(early[-1] - first) / (len(early) - 1) if len(early) > 1 else first - begin
    )
    interval = float(np.median(np.diff(history.times_fs)))
    return Onset(first, max(begin, first - gap), max(gap, interval))


def _median(history: BondHistory) -> float | None:
    ages, alive = survival(history)
    below = np.flatnonzero(alive <= 0.5)
    return float(ages[below[0]]) if len(below) else None
