"""`reactions`: everything that a run tells about the pairs that may react."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.pairs import each_pair, pair_name, parse_pair
from ionface.analysis.rdf.rdf import rdf
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.reactions.bond_events import BondHistory, bond_history
from ionface.analysis.reactions.bond_rule import BondRule, bond_rules
from ionface.analysis.reactions.groups import GroupCounts, group_counts
from ionface.analysis.reactions.lifetimes import Lifetimes, Onset, lifetimes, onset
from ionface.analysis.reactions.reference_fractions import (
    INITIAL,
    MARGIN,
    RANGE,
    Shares,
    explain,
)
from ionface.analysis.reactions.verdicts import Verdict, verdict
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import (
    Provenance,
    Result,
    Windows,
    plain,
    windows_of,
)
from ionface.analysis.trajectory.frames import FS_PER_PS, FloatArray, Skipped
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

BINS_PER_ANGSTROM = 40
"""Bins of 0.025 Å: a quarter of what a bond's length spreads over at 300 K, so that
binning blurs no shell, and wide enough to be filled by a window of frames."""


@dataclass(frozen=True)
class PairReaction:
    """What became of one pair.

    Attributes:
        history: each bond, from forming to breaking.
        verdict: whether the number of bonds changed, and whether they are the same.
        lifetimes: of the bonds.
        onset: when bonds began to form; None if none formed.
        groups: connected atoms by formula.
        shares: what the reference crystals explain, one per window; empty without
            references that have the pair.
    """

    history: BondHistory
    verdict: Verdict
    lifetimes: Lifetimes
    onset: Onset | None
    groups: GroupCounts
    shares: tuple[Shares, ...] = ()

    @classmethod
    def of(cls, history: BondHistory, shares: tuple[Shares, ...] = ()) -> PairReaction:
        """Return all that a history amounts to."""
        return cls(
            history=history,
            verdict=verdict(history),
            lifetimes=lifetimes(history),
            onset=onset(history),
            groups=group_counts(history),
            shares=shares,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            **self.history.as_dict(),
            "verdict": plain(self.verdict),
            "lifetimes": plain(self.lifetimes),
            "onset": plain(self.onset),
            "groups": self.groups.as_dict(),
            "shares": plain(self.shares),
        }

    @classmethod
    def from_dict(
        cls, pair: str, data: Mapping[str, Any], times_fs: FloatArray
    ) -> PairReaction:
        """Return what `as_dict` wrote: all but the shares follows from the bonds."""
        history = BondHistory.from_dict(pair, data, times_fs)
        return cls.of(history, tuple(Shares(**share) for share in data["shares"]))


@dataclass(frozen=True, repr=False)
class ReactionReport(Result):
    """What a run tells about its pairs.

    Attributes:
        pairs: by name, as in "In-S".
        times_fs: of all frames, shape (n_frames,).
        windows_fs: first and last time of the windows of `shares`, fs.
        skipped: what the trajectory held but could not be used.
    """

    kind: ClassVar[str] = "reactions"
    figure: ClassVar[str] = "ionface.analysis.figures.reactions_figure:figure_reactions"

    pairs: Mapping[str, PairReaction]
    times_fs: FloatArray
    windows_fs: Windows = ()
    skipped: Skipped = field(default_factory=Skipped)

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "pairs": {name: pair.as_dict() for name, pair in self.pairs.items()},
            "times_fs": plain(self.times_fs),
            "windows_fs": plain(self.windows_fs),
            "skipped": plain(self.skipped),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the report that `values` wrote."""
        times = np.array(data["times_fs"], dtype=np.float64)
        return cls(
            pairs={
                name: PairReaction.from_dict(name, pair, times)
                for name, pair in data["pairs"].items()
            },
            times_fs=times,
            windows_fs=windows_of(data["windows_fs"]),
            skipped=Skipped(**data["skipped"]),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per pair."""
        for name, pair in self.pairs.items():
            v, life = pair.verdict, pair.lifetimes
            yield {
                "pair": name,
                **v.row(),
                "first_fs": None if pair.onset is None else pair.onset.first_fs,
                "lifetime_fs": life.mean_fs,
                "lifetime_error_fs": life.error_fs,
            }

    def summary(self) -> str:
        """Return the verdict of each pair."""
        return ", ".join(f"{k} {pair.verdict.words}" for k, pair in self.pairs.items())


def reactions(
    trajectory: Any,
    pairs: str | Iterable[str | tuple[str, str]],
    *,
    references: Mapping[str, RdfResult] | None = None,
    rules: Mapping[str, BondRule | float] | None = None,
    windows: int = 10,
    within: float = RANGE,
    threads: int | None = None,
) -> ReactionReport:
    """Return which bonds formed and broke, and what that amounts to.

    Args:
        trajectory: whatever `open_trajectory` takes, wrapped or not; the cell may
            change.
        pairs: as in ["In-S"], or "In-S" alone; the first species are the centers of the
            groups.
        references: RDFs of crystals that may have formed, by name, from `crystal_rdf`
            or `rdf`, at least up to `within` and best to 1 Å more; each serves
            the pairs that it has.
        rules: what counts as a bond, or the length at which bonds end (Å), by pair,
            instead of `BondRule.of`.
        windows: of time, for the shares of the references.
        within: distance up to which the references explain neighbors, Å.
        threads: as in `kernels.counting.tally`.

    Raises:
        AnalysisError: there is no pair or no frame, a species is missing, a rule is for
            a pair that was not asked for or holds a shell of a reference, or a
            reference ends before `within`.

    >>> cell = np.diag([20.0, 20.0, 20.0])
    >>> apart = np.where(np.arange(400) < 100, 5.0, 2.6)  # one bond forms and stays
    >>> positions = np.zeros((400, 2, 3))
    >>> positions[:, 1, 0] = apart
    >>> run = Trajectory.from_arrays(["In", "S"], cell, positions, timestep_fs=2.0)
    >>> found = reactions(run, ["In-S"]).pairs["In-S"]
    >>> found.history.formed_fs.tolist(), found.lifetimes.broken
    ([234.0], 0)
    """
    trajectory = open_trajectory(trajectory)
    known = references or {}
    names = [pair_name(parse_pair(pair)) for pair in each_pair(pairs)]
    given = {pair_name(parse_pair(name)): rule for name, rule in (rules or {}).items()}
    if unknown := sorted(given.keys() - set(names)):
        raise AnalysisError(f"rules for {unknown}, but the pairs are {names}; add them")
    chosen = bond_rules(names, known, given)
    histories = {n: bond_history(trajectory, n, rule) for n, rule in chosen.items()}
    windows_fs, shares = _shares(trajectory, names, known, windows, within, threads)
    return ReactionReport(
        pairs={
            name: PairReaction.of(history, shares.get(name, ()))
            for name, history in histories.items()
        },
        times_fs=trajectory.times_fs,
        windows_fs=windows_fs,
        skipped=trajectory.skipped,
        provenance=Provenance.of(trajectory),
    )


def _shares(
    trajectory: Trajectory,
    names: list[str],
    references: Mapping[str, RdfResult],
    windows: int,
    within: float,
    threads: int | None,
) -> tuple[Windows, dict[str, tuple[Shares, ...]]]:
    wanted = [n for n in names if any(n in r.pairs for r in references.values())]
    if not wanted:
        return (), {}
    bins = max(1, round(BINS_PER_ANGSTROM * within))
    wide = bins + round(BINS_PER_ANGSTROM * MARGIN)
    measured = rdf(
        trajectory, wanted, cutoff=within, bins=bins, windows=windows, threads=threads
    )
    initial = rdf(
        trajectory.between(0, 1),
        wanted,
        cutoff=within * wide / bins,
        bins=wide,
        windows=1,
    )
    return measured.windows_fs, {
        name: explain(measured, name, references, initial, within=within)
        for name in wanted
    }


UNEXPLAINED = 0.5
"""A fit whose residual exceeds this part of the measured is no explanation: most of
what is seen would then be something else."""

HEADER = (
    "pair", "number of bonds", "bonds", "at start", "at end", "formed", "broken",
    "gained", "lost", "chance", "survive", "first ps", "lifetime ps",
)  # fmt: skip


def table(report: ReactionReport) -> list[list[str]]:
    """Return one row per pair, under HEADER."""
    return [_row(name, pair) for name, pair in report.pairs.items()]


def lines(report: ReactionReport) -> list[str]:
    """Return one paragraph per pair: the verdict and what it rests on."""
    return [sentence(name, pair) for name, pair in report.pairs.items()]


def sentence(name: str, pair: PairReaction) -> str:
    """Return what became of a pair, in words with numbers."""
    v, life = pair.verdict, pair.lifetimes
    parts = [
        f"{name.replace('-', '–')}: {v.words}: {v.at_start:g} bonds at the start, "
        f"{with_error(v)} in the last quarter",
        f"{v.formed} formed, {v.broken} broke, {v.gained} gained and {v.lost} lost for "
        f"good (by chance: {v.chance:.2g})",
    ]
    if v.caution:
        parts.append(v.caution)
    if v.survival is not None:
        parts.append(
            f"{100 * v.survival:.0f} % of the bonds survive "
            f"{_ps(v.survival_lag_fs)} ps unbroken"
        )
    if pair.onset is not None:
        parts.append(
            f"the first formed at {_ps(pair.onset.first_fs)} ps (onset "
            f"{_ps(pair.onset.onset_fs)} ± {_ps(pair.onset.error_fs)} ps)"
        )
    if len(pair.history):
        parts.append(f"lifetime {_lifetime(pair)} ps, {life.censored} outlive the run")
    if pair.shares:
        parts.append(_share_words(pair))
    return "; ".join(parts) + "."


def with_error(v: Verdict) -> str:
    """Return the number of bonds at the end with its error, if it has one."""
    if np.isnan(v.at_end_error):
        return f"{v.at_end:.1f} (too short for an error)"
    return f"{v.at_end:.1f} ± {v.at_end_error:.1f}"


def _row(name: str, pair: PairReaction) -> list[str]:
    v = pair.verdict
    return [
        name,
        v.number if v.then is None else f"{v.number}, {v.then}",
        v.bonds,
        f"{v.at_start:g}",
        with_error(v),
        str(v.formed),
        str(v.broken),
        str(v.gained),
        str(v.lost),
        f"{v.chance:.2g}",
        "–" if v.survival is None else f"{100 * v.survival:.0f} %",
        "–" if pair.onset is None else _ps(pair.onset.first_fs),
        _lifetime(pair) if len(pair.history) else "–",
    ]


def _lifetime(pair: PairReaction) -> str:
    life = pair.lifetimes
    if life.mean_fs is None or life.error_fs is None:
        return f"> {_ps(life.at_least_fs or 0.0)}"
    return f"{_ps(life.mean_fs)} ± {_ps(life.error_fs)}"


def _share_words(pair: PairReaction) -> str:
    last = pair.shares[-1]
    if last.residual > UNEXPLAINED:
        return (
            "no mixture of the references explains its neighbors in the last window "
            f"({100 * last.residual:.0f} % residual)"
        )
    named = ", ".join(
        f"{100 * share:.0f} % {'the ' if name == INITIAL else ''}{name}"
        for name, share in last.shares.items()
    )
    return (
        f"neighbors in the last window: {named}, {100 * last.residual:.0f} % residual"
    )


def _ps(time_fs: float) -> str:
    return f"{time_fs / FS_PER_PS:.3g}"
