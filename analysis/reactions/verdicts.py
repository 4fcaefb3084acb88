"""What a pair does during a run, in words, and the counts that decide.

The number of bonds: grew, fell, or no change is shown. It is decided by the bonds that
the run gained for good (there at the end, not at the start) and those it lost for good
(there at the start, not at the end). If the number only fluctuates, each change is as
likely one as the other, however long bonds live: the exact binomial test of McNemar
(Psychometrika 12, 153 (1947), doi:10.1007/BF02295996). Bonds that form and break in
between say nothing of a change, and would only drown it.

The test takes the bonds of one run as independent of each other. What sets off a
cascade in one run is no property of the interface, so that several runs must also
agree: their own changes differ from zero by Student's t, or each shows it alone.

Then: whether a number that changed stays, or still changes, in the second half.

The bonds themselves: the same ones all the time, or exchanging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.reactions.bond_events import BondHistory
from ionface.analysis.statistics import correlated_mean, independent_error

Number = Literal["grew", "fell", "no change shown"]
Then = Literal["still growing", "still falling", "stays", "undecided"]
Bonds = Literal["the same ones", "exchanging", "none"]

CHANCE = 0.0027
"""Of a verdict where nothing changes, at most: that of three standard errors, since a
report has tens of pairs."""

FEWEST = 10
"""Events without which no change can be shown: ten of one kind are as likely as heads
ten times, either way, 2 / 2¹⁰ = 0.002; nine are 0.0039, above CHANCE."""

AGREE = 0.05
"""Of runs that seem to agree on the direction of the change where their mean is none:
Student's t of their own changes, to the one side that the gains and losses name. Three
runs cannot do better and still find what all of them show."""

STILL = 0.05
"""The second half goes on if chance alone would do so more rarely: a likelier error is
tolerable here, as `undecided` stands between the two."""

SMALL = 0.35
"""A number stays if the second half, with 95 % confidence, brings less than this part
of the whole change: half of it would be growth as steady as before."""

ABSENT = 0.1
"""Fewer bonds than this on average are none to speak of: one for a tenth of a run."""

LASTING = 0.5
"""Bonds are the same ones if at least this part survives a quarter of the run."""

LATE = 0.25
"""The last quarter of the run is its end: long enough for a mean."""


@dataclass(frozen=True)
class Verdict:
    """What a pair does during a run, or during several of one study.

    Attributes:
        number: of the bonds: it grew, it fell, or no change is shown.
        then: whether a number that changed stays.
        bonds: the same ones, exchanging, or none to speak of.
        at_start: number of bonds in the first frame; of several runs, the mean.
        at_end: mean number in the last quarter.
        at_end_error: its standard error: correlation in time included, or of the mean
            of several runs; NaN where the run is too short to tell.
        formed: bonds that formed, all runs together.
        broken: bonds that broke.
        gained: bonds that are there at the end and were not at the start.
        lost: bonds that were there at the start and are not at the end.
        chance: probability of so uneven a gain and loss if nothing changes.
        late_gained: as `gained`, of the second half of each run.
        late_lost: as `lost`, of the second half.
        survival: part of the bonds that is unbroken after a quarter of the run, over
            all starting times; None without bonds.
        survival_lag_fs: the quarter of the run.
        runs: how many.
        changes: bonds gained less those lost in each of several runs; empty of one.
    """

    number: Number
    then: Then | None
    bonds: Bonds
    at_start: float
    at_end: float
    at_end_error: float
    formed: int
    broken: int
    gained: int
    lost: int
    chance: float
    late_gained: int
    late_lost: int
    survival: float | None
    survival_lag_fs: float
    runs: int = 1
    changes: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """Return it in words, as in "grew, stays; the same ones"."""
        if self.bonds == "none":
            return "no bonds"
        change = self.number if self.then is None else f"{self.number}, {self.then}"
        return f"{change}; {self.bonds}"

    def row(self) -> dict[str, Any]:
        """Return it as the columns of a table."""
        columns = {
            "number": "number of bonds", "then": "then", "bonds": "bonds",
            "at_start": "at start", "at_end": "at end", "at_end_error": "error at end",
            "formed": "formed", "broken": "broken", "gained": "gained", "lost": "lost",
            "chance": "chance", "survival": "survival",
        }  # fmt: skip
        return {column: getattr(self, name) for name, column in columns.items()}

    @property
    def caution(self) -> str:
        """Return why no change can be shown; empty if one could be."""
        events = self.gained + self.lost  # of bonds that come and go none counts
        if self.number == "no change shown" and self.chance <= CHANCE:
            each = ", ".join(f"{change:+d}" for change in self.changes)
            return (
                f"the runs do not agree on a change ({each} bonds): what one of them "
                "does may be chance; it takes more runs"
            )
        if events >= FEWEST or self.bonds == "none":
            return ""
        return (
            f"{events} bond{'s' * (events != 1)} gained or lost for good cannot show a "
            f"change: it takes {FEWEST} at least, from a longer run or more of them"
        )


def verdict(history: BondHistory, *others: BondHistory) -> Verdict:
    """Return what a pair does in a run, or in several independent runs of one study.

    Of several runs each is one sample: their gains and losses, added up, show a change
    only if the runs agree on it, and the number at the end has the error of their mean.
    """
    runs = (history, *others)
    each = [_changes(run, 0) for run in runs]
    whole = np.sum(each, axis=0)
    late = np.sum([_changes(run, run.n_frames // 2) for run in runs], axis=0)
    gained, lost = whole.tolist()
    number, chance = _number(gained, lost)
    if number != "no change shown" and others and not _agree(each, number):
        number = "no change shown"
    end, error = _end(runs)
    survival = _survival(runs)
    return Verdict(
        number=number,
        then=None if number == "no change shown" else _then(whole, late),
        bonds=_bonds(float(np.mean([run.counts.mean() for run in runs])), survival),
        at_start=float(np.mean([run.counts[0] for run in runs])),
        at_end=end,
        at_end_error=error,
        formed=sum(len(run.formed_fs) for run in runs),
        broken=sum(len(run.broken_fs) for run in runs),
        gained=gained,
        lost=lost,
        chance=chance,
        late_gained=int(late[0]),
        late_lost=int(late[1]),
        survival=survival,
        survival_lag_fs=float(history.times_fs[_lag(history)] - history.times_fs[0]),
        runs=len(runs),
        changes=tuple(more - fewer for more, fewer in each) if others else (),
    )


def _changes(history: BondHistory, since: int) -> tuple[int, int]:
    """Return how many pairs of atoms are bonded at the end and not in a frame, or v.v.

    A pair whose bond broke and formed again has changed nothing.
    """

    def there(frame: int) -> set[tuple[int, int]]:
        alive = (history.start <= frame) & (history.stop > frame)
        pairs = zip(history.first[alive], history.second[alive], strict=True)
        return {(int(a), int(b)) for a, b in pairs}

    before, after = there(since), there(history.n_frames - 1)
    return len(after - before), len(before - after)


def _number(gained: int, lost: int) -> tuple[Number, float]:
    from scipy.stats import binomtest

    if not gained + lost:
        return "no change shown", 1.0
    chance = float(binomtest(gained, gained + lost).pvalue)
    if chance > CHANCE:
        return "no change shown", chance
    return ("grew" if gained > lost else "fell"), chance


def _agree(each: Sequence[tuple[int, int]], number: Number) -> bool:
    """Return whether runs agree that a number grew or fell, given (gained, lost).

    The runs' scatter, too, is known from a few of them only: hence Student's t, and
    hence what each run shows alone counts as well.
    """
    from scipy.stats import ttest_1samp

    if all(_number(*changes)[0] == number for changes in each):
        return True
    changes = [gained - lost for gained, lost in each]
    if len(set(changes)) == 1:
        return True  # no scatter at all
    side = "greater" if number == "grew" else "less"
    return bool(ttest_1samp(changes, 0, alternative=side).pvalue <= AGREE)


def _then(whole: NDArray[np.int64], late: NDArray[np.int64]) -> Then:
    """Return what the second half does to a change, given (gained, lost) of both."""
    from scipy.stats import binomtest

    grew = whole[0] > whole[1]
    with_it, against = (late if grew else late[::-1]).tolist()
    events = with_it + against
    goes_on = events and binomtest(with_it, events).pvalue <= STILL
    if goes_on and with_it > against:
        return "still growing" if grew else "still falling"
    if not goes_on and _most(with_it, against) < SMALL * abs(int(whole[0] - whole[1])):
        return "stays"
    return "undecided"


def _most(with_it: int, against: int) -> float:
    """Return the 95 % upper limit of the difference of two Poisson means.

    Recovered from the limits of each (Li, Tang, Poon, Tang, Stat. Med. 30, 1 (2011)).
    """
    from scipy.stats import chi2

    above = chi2.ppf(0.95, 2 * with_it + 2) / 2 - with_it
    below = against - (chi2.ppf(0.05, 2 * against) / 2 if against else 0.0)
    return float(with_it - against + np.hypot(above, below))


def _end(runs: Sequence[BondHistory]) -> tuple[float, float]:
    """Return the mean number of bonds in the last quarter, and its standard error."""
    if len(runs) == 1:
        counts = runs[0].counts.astype(np.float64)
        end = correlated_mean(counts[len(counts) - max(1, _lag(runs[0])) :])
        return end.value, end.error
    means = np.array([run.counts[-max(1, _lag(run)) :].mean() for run in runs])
    return float(means.mean()), float(independent_error(means))


def _lag(history: BondHistory) -> int:
    frames = history.n_frames
    return max(1, round(LATE * frames)) if frames > 1 else 0


def _bonds(mean: float, survival: float | None) -> Bonds:
    if mean < ABSENT:
        return "none"
    return "exchanging" if survival is None or survival < LASTING else "the same ones"


def _survival(runs: Sequence[BondHistory]) -> float | None:
    """Return the part of bonds that is unbroken after a quarter of the run."""
    watched = outlived = 0
    for run in runs:
        lag = _lag(run)
        seen = np.minimum(run.stop, run.n_frames - lag) - run.start
        watched += int(np.maximum(seen, 0).sum())
        outlived += int(np.maximum(run.stop - run.start - lag, 0).sum())
    return outlived / watched if watched else None
