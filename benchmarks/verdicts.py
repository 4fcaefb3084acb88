"""How often the verdicts on bonds are right, on histories whose truth is known.

Run `python benchmarks/verdicts.py`: 200 synthetic histories for each of the truths
below, 2.3 and 20 ps long, and writes docs/verdicts.md. The seeds are fixed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from ionface.analysis.reactions.bond_events import BondHistory
from ionface.analysis.reactions.bond_rule import BondRule
from ionface.analysis.reactions.verdicts import CHANCE, Verdict, verdict

TABLE = Path(__file__).resolve().parents[1] / "docs" / "verdicts.md"
LENGTHS_PS = (2.3, 20.0)
REPEATS = 200
FRAME_FS = 2.0

Times = tuple[np.ndarray, np.ndarray]
Made = Callable[[np.random.Generator, float], Times]


def existing(rng: np.random.Generator, number: int, life: float) -> Times:
    """Return bonds that are there at the start, and when each breaks, fs."""
    return np.zeros(number), rng.exponential(life, number)


def born(rng: np.random.Generator, times: np.ndarray, life: float) -> Times:
    """Return bonds that form at some times, and when each breaks, fs."""
    return times, times + rng.exponential(life, len(times))


def arrivals(
    rng: np.random.Generator, rate: float, start: float, stop: float
) -> np.ndarray:
    """Return the times of a Poisson process of constant rate, 1/fs."""
    span = max(0.0, stop - start)
    return start + span * rng.random(rng.poisson(rate * span))


def both(*parts: Times) -> Times:
    """Return the bonds of several kinds together."""
    starts, stops = zip(*parts, strict=True)
    return np.concatenate(starts), np.concatenate(stops)


def exchange(mean: float, life: float) -> Made:
    """Bonds that form and break at constant rates, `mean` of them on average."""

    def make(rng: np.random.Generator, length: float) -> Times:
        new = arrivals(rng, mean / life, 0, length)
        return both(existing(rng, rng.poisson(mean), life), born(rng, new, life))

    return make


def beside(permanent: int, mean: float, life: float) -> Made:
    """Exchanging bonds beside some that never break."""

    def make(rng: np.random.Generator, length: float) -> Times:
        forever = existing(rng, permanent, np.inf)
        return both(forever, exchange(mean, life)(rng, length))

    return make


def filling(mean: float, life: float) -> Made:
    """Exchanging bonds of which none is there at the start."""
    return lambda rng, length: born(rng, arrivals(rng, mean / life, 0, length), life)


def settling(first: int, last: int, within: float) -> Made:
    """Bonds that form in the first moments of a run, and stay."""

    def make(rng: np.random.Generator, _length: float) -> Times:
        new = within * rng.random(last - first)
        return both(existing(rng, first, np.inf), born(rng, new, np.inf))

    return make


def growing(first: int, last: int, onset: float = 0.0, until: float = 1.0) -> Made:
    """Bonds that form between two parts of the run, at constant rate, and stay."""

    def make(rng: np.random.Generator, length: float) -> Times:
        begin, end = onset * length, until * length
        new = arrivals(rng, (last - first) / (end - begin), begin, end)
        return both(existing(rng, first, np.inf), born(rng, new, np.inf))

    return make


def growing_by_exchange(last: float, life: float) -> Made:
    """Bonds that live shortly, the mean number rising in proportion to time."""

    def make(rng: np.random.Generator, length: float) -> Times:
        # births that let the mean be last * t / length: n' = b - n / life
        most = last / length + last / life
        times = arrivals(rng, most, 0, length)
        rate = last / length + last * times / length / life
        return born(rng, times[rng.random(len(times)) < rate / most], life)

    return make


def breaking(first: int, broken: int) -> Made:
    """Bonds of which some break, one after the other."""

    def make(rng: np.random.Generator, length: float) -> Times:
        stops = np.full(first, np.inf)
        stops[:broken] = length * rng.random(broken)
        return np.zeros(first), stops

    return make


def seldom(gained: int, share: float) -> Made:
    """Six bonds that stay, and in a share of the runs some more that form."""

    def make(rng: np.random.Generator, length: float) -> Times:
        new = length * rng.random(gained if rng.random() < share else 0)
        return both(existing(rng, 6, np.inf), born(rng, new, np.inf))

    return make


def either_way(spread: float) -> Made:
    """Bonds that become more in one run and fewer in another, by a normal number."""

    def make(rng: np.random.Generator, length: float) -> Times:
        change = round(rng.normal(0, spread))
        new = length * rng.random(max(0, change))
        lost = length * rng.random(min(30, max(0, -change)))
        kept = existing(rng, 30 - len(lost), np.inf)
        return both(kept, (np.zeros(len(lost)), lost), born(rng, new, np.inf))

    return make


@dataclass(frozen=True)
class Truth:
    """One kind of history.

    Attributes:
        words: what happens.
        make: bonds of a run of a length in fs: when each forms and breaks, fs.
        number: the right word for their number, or "" if it does not change.
        then: words that are right for what follows.
    """

    words: str
    make: Made
    number: str = ""
    then: tuple[str, ...] = ()


GROWTH = ("still growing", "undecided")
STAYS = ("stays", "undecided")
TRUTHS = (
    Truth("exchange, 10 bonds of 5 ps", exchange(10, 5000)),
    Truth("exchange, 10 bonds of 2 ps", exchange(10, 2000)),
    Truth("12 for ever beside 4 of 2 ps", beside(12, 4, 2000)),
    Truth("12 for ever beside 3 of 0.5 ps", beside(12, 3, 500)),
    Truth("exchange, 3 bonds of 0.5 ps", exchange(3, 500)),
    Truth("exchange, 1 bond of 0.3 ps", exchange(1, 300)),
    Truth("from none to 2 of 1 ps", filling(2, 1000)),
    Truth("6 to 8 within 0.2 ps, then constant", settling(6, 8, 200)),
    Truth("0 to 15 all the time", growing(0, 15), "grew", GROWTH),
    Truth("0 to 15 in the first tenth", growing(0, 15, 0, 0.1), "grew", STAYS),
    Truth("0 to 15 from 5 to 15 %", growing(0, 15, 0.05, 0.15), "grew", STAYS),
    Truth("0 to 12 by bonds of 3 ps", growing_by_exchange(12, 3000), "grew", GROWTH),
    Truth("6 to 15 all the time", growing(6, 15), "grew", GROWTH),
    Truth("4 of 48 break", breaking(48, 4), "fell", ("still falling", "undecided")),
    Truth("12 more in one run of three, none in others", seldom(12, 1 / 3)),
    Truth("0 ± 10 more, each run its own", either_way(10)),
)


def history(made: Times, length: float) -> BondHistory:
    """Return bonds of different atoms that form and break at some times, fs."""
    frames = round(length / FRAME_FS)
    start, stop = (
        np.minimum(np.ceil(times / FRAME_FS), frames).astype(int) for times in made
    )
    seen = (start < frames) & (stop > start)
    start, stop = start[seen], stop[seen]
    atoms = np.arange(len(start))
    return BondHistory(
        "In-S", BondRule(2.9, 3.1), FRAME_FS * np.arange(frames), atoms, atoms,
        start, stop, (len(atoms), len(atoms)),
    )  # fmt: skip


def verdicts(
    truth: Truth, length_ps: float, repeats: int, runs: int = 1
) -> list[Verdict]:
    """Return the verdicts on so many histories, or sets of some runs each."""
    length = 1000 * length_ps
    seed = [TRUTHS.index(truth), round(length), runs]
    rng = np.random.default_rng(seed)
    return [
        verdict(*(history(truth.make(rng, length), length) for _ in range(runs)))
        for _ in range(repeats)
    ]


def by_events(found: Verdict) -> str:
    """Return the verdict of the plain test of bonds formed against bonds broken."""
    events = found.formed + found.broken
    if not events or binomtest(found.formed, events).pvalue > CHANCE:
        return "no change shown"
    return "grew" if found.formed > found.broken else "fell"


def row(truth: Truth, length_ps: float, repeats: int) -> list[str]:
    """Return a line of the table, in percent."""
    found = verdicts(truth, length_ps, repeats)
    share = 100 / repeats
    number = Counter(v.number for v in found)
    plain = Counter(map(by_events, found))
    then = Counter(v.then for v in found if v.then)
    three = Counter(v.number for v in verdicts(truth, length_ps, repeats // 2, 3))
    return [
        truth.words,
        f"{length_ps:g}",
        *(f"{share * number[word]:.3g}" for word in ("grew", "fell")),
        *(
            f"{share * sum(then[word] for word in words):.3g}"
            for words in (("still growing", "still falling"), ("stays",))
        ),
        f"{share * then['undecided']:.3g}",
        f"{share * (plain['grew'] + plain['fell']):.3g}",
        f"{2 * share * (three['grew'] + three['fell']):.3g}",
    ]


def main(repeats: int = REPEATS) -> None:
    """Write the table."""
    header = [
        "truth", "ps", "grew", "fell", "still", "stays", "undecided",
        "formed against broken alone", "three runs together",
    ]  # fmt: skip
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    shown = {}
    for truth in TRUTHS:
        for length in LENGTHS_PS:
            cells = row(truth, length, repeats)
            shown[truth.words, length] = float(cells[-1])
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    own, length = TRUTHS[-1], LENGTHS_PS[0]
    pooled = [v.chance <= CHANCE for v in verdicts(own, length, repeats // 2, 3)]
    true = {truth.words for truth in TRUTHS if truth.number}
    least = min(share for (words, _), share in shown.items() if words in true)
    text = TEXT.format(
        repeats=repeats,
        table="\n".join(lines),
        own=f"{shown[own.words, length]:.0f}",
        pooled=f"{100 * np.mean(pooled):.0f}",
        least=f"{least:.0f}",
    )
    TABLE.write_text(text)


TEXT = """\
# How far the verdicts on bonds can be trusted

Written by `python benchmarks/verdicts.py`: {repeats} synthetic histories of each kind,
judged by `ionface.analysis.reactions.verdicts`. Numbers are percent of the histories.
In the first eight rows nothing changes for good, or by two bonds only: "grew" and
"fell" are false there, and may reach 0.27 %. In the others they are the power, but for
the last two: what is true of one run there is not of the interface, and three runs
together should show nothing.

{table}

"Formed against broken alone" is the exact binomial test of all bonds that formed
against all that broke. It is as safe, and blind where bonds exchange: what the verdict
counts are the bonds gained and lost for good. "Three runs together" is the share of
changes that three independent runs show (`dynamics: {{seeds: 3}}`,
`ionface analyze replicas`). The test takes the bonds within a run as independent. That
holds for none that a cascade in one run makes, so that the runs must agree as well: the
change of each (bonds gained less lost) differs from zero by Student's t, to one side
with 5 %, or every run shows it alone. Of three runs of which each goes its own way
this leaves {own} % of the {pooled} % that gains and losses added up would show; of
true growth or loss in all runs it finds {least} % or more.
No history with fewer than ten events shows a change.
"""


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
