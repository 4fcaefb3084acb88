"""`reactions`: everything that a run tells about the pairs that may react."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.rdf import partial_rdfs
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.reactions.bond_events import (
    RESIDENCE,
    BondHistory,
    BondRule,
    bond_history,
)
from ionface.analysis.reactions.groups import GroupCounts, group_counts
from ionface.analysis.reactions.lifetimes import Lifetimes, Onset, lifetimes, onset
from ionface.analysis.reactions.reference_fractions import (
    MARGIN,
    RANGE,
    Shares,
    explain,
)
from ionface.analysis.reactions.verdicts import Verdict, verdict
from ionface.analysis.trajectory.frames import FloatArray, Skipped
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

BINS_PER_ANGSTROM = 40


@dataclass(frozen=True)
class PairReaction:
    """What became of one pair.

    Attributes:
        history: each bond, from forming to breaking.
        verdict: one word and its statistics.
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

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            **self.history.as_dict(),
            "verdict": self.verdict.as_dict(),
            "lifetimes": self.lifetimes.as_dict(),
            "onset": None if self.onset is None else self.onset.as_dict(),
            "groups": self.groups.as_dict(),
            "shares": [share.as_dict() for share in self.shares],
        }


@dataclass(frozen=True)
class ReactionReport:
    """What a run tells about its pairs.

    Attributes:
        pairs: by name, as in "In-S".
        times_fs: of all frames, shape (n_frames,).
        windows_fs: first and last time of the windows of `shares`, fs.
        skipped: what the trajectory held but could not be used.
        sources: the files.
    """

    pairs: Mapping[str, PairReaction]
    times_fs: FloatArray
    windows_fs: tuple[tuple[float, float], ...] = ()
    skipped: Skipped = field(default_factory=Skipped)
    sources: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "pairs": {name: pair.as_dict() for name, pair in self.pairs.items()},
            "times_fs": self.times_fs.tolist(),
            "windows_fs": [list(window) for window in self.windows_fs],
            "skipped": {"count": self.skipped.count, "reason": self.skipped.reason},
            "sources": list(self.sources),
        }


def reactions(
    trajectory: Trajectory,
    pairs: Iterable[str | tuple[str, str]],
    *,
    references: Mapping[str, RdfResult] | None = None,
    rules: Mapping[str, BondRule] | None = None,
    residence_fs: float = RESIDENCE,
    windows: int = 10,
    within: float = RANGE,
    threads: int | None = None,
) -> ReactionReport:
    """Return which bonds formed and broke, and what that amounts to.

    Args:
        trajectory: positions may be wrapped or not; the cell may change.
        pairs: as in "In-S"; the first species are the centers of the groups.
        references: RDFs of crystals that may have formed, by name, from `crystal_rdf`
            or `partial_rdfs`, at least up to `within` and best to 1 Å more; each serves
            the pairs that it has.
        rules: what counts as a bond, by pair, instead of `BondRule.of`.
        residence_fs: of the default rules.
        windows: of time, for the shares of the references.
        within: distance up to which the references explain neighbors, Å.
        threads: as in `pair_counting.tally`.

    Raises:
        AnalysisError: there is no pair or no frame, a species is missing, a rule is for
            a pair that was not asked for, or a reference ends before `within`.
    """
    names = [pair_name(parse_pair(pair)) for pair in pairs]
    if not names:
        raise AnalysisError("no pair to follow; name at least one, as In-S")
    given = {pair_name(parse_pair(name)): rule for name, rule in (rules or {}).items()}
    if unknown := sorted(given.keys() - set(names)):
        raise AnalysisError(f"rules for {unknown}, but the pairs are {names}; add them")
    histories = {
        name: bond_history(
            trajectory, name, given.get(name) or BondRule.of(name, residence_fs)
        )
        for name in names
    }
    windows_fs, shares = _shares(
        trajectory, names, references or {}, windows, within, threads
    )
    return ReactionReport(
        pairs={
            name: PairReaction(
                history=history,
                verdict=verdict(history),
                lifetimes=lifetimes(history),
                onset=onset(history),
                groups=group_counts(history),
                shares=shares.get(name, ()),
            )
            for name, history in histories.items()
        },
        times_fs=trajectory.times_fs,
        windows_fs=windows_fs,
        skipped=trajectory.skipped,
        sources=trajectory.sources,
    )


def _shares(
    trajectory: Trajectory,
    names: list[str],
    references: Mapping[str, RdfResult],
    windows: int,
    within: float,
    threads: int | None,
) -> tuple[tuple[tuple[float, float], ...], dict[str, tuple[Shares, ...]]]:
    wanted = [n for n in names if any(n in r.pairs for r in references.values())]
    if not wanted:
        return (), {}
    bins = max(1, round(BINS_PER_ANGSTROM * within))
    wide = bins + round(BINS_PER_ANGSTROM * MARGIN)
    measured = partial_rdfs(
        trajectory, wanted, cutoff=within, bins=bins, windows=windows, threads=threads
    )
    initial = partial_rdfs(
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
