"""What independent runs of one interface say together: they are the unit of statistics.

Runs from one start with different velocities differ by chance alone. Their gains and
losses add up to one verdict, and their spread is an error that needs no model of how
long a run remembers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.reactions.reaction_report import ReactionReport
from ionface.analysis.reactions.verdicts import Verdict, verdict
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

ALL = "all runs"

FIRST = 10
"""Frames by which a run is known: different velocities move atoms by 0.01 Å in 1 fs."""

SAME = 1e-4
"""Å: rounding of files that are text."""


@dataclass(frozen=True, repr=False)
class Replicas(Result):
    """Independent runs of one interface.

    Attributes:
        runs: what each tells, by its name.
    """

    kind: ClassVar[str] = "replicas"
    figure: ClassVar[str] = "ionface.analysis.figures.reactions_figure:figure_replicas"

    runs: Mapping[str, ReactionReport]

    @classmethod
    def of(cls, runs: Mapping[str, ReactionReport]) -> Replicas:
        """Return what some runs tell together.

        Raises:
            AnalysisError: there are fewer than two, or they follow different pairs.
        """
        if len(runs) < 2:
            raise AnalysisError(
                f"{len(runs)} run: what runs say together needs two at least; give "
                "more of them"
            )
        pairs = {name: list(report.pairs) for name, report in runs.items()}
        first = next(iter(pairs.values()))
        if other := [name for name, followed in pairs.items() if followed != first]:
            raise AnalysisError(
                f"{other[0]} follows the pairs {pairs[other[0]]}, the others {first}; "
                "follow the same pairs in all runs"
            )
        told = Provenance.joint(report.provenance for report in runs.values())
        return cls(runs, provenance=told)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdict of all runs together, by pair."""
        pairs = next(iter(self.runs.values())).pairs
        each = {p: [r.pairs[p].history for r in self.runs.values()] for p in pairs}
        return {pair: verdict(*histories) for pair, histories in each.items()}

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "verdicts": plain(self.verdicts),
            "runs": {name: report.as_dict() for name, report in self.runs.items()},
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the runs that `values` wrote."""
        runs = {k: ReactionReport.from_dict(run) for k, run in data["runs"].items()}
        return cls(runs, provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per pair and run, and one for all runs of the pair."""
        for pair, together in self.verdicts.items():
            for name, report in self.runs.items():
                yield {"pair": pair, "run": name, **report.pairs[pair].verdict.row()}
            yield {"pair": pair, "run": ALL, **together.row()}

    def summary(self) -> str:
        """Return the verdict of each pair."""
        told = ", ".join(f"{pair} {v.words}" for pair, v in self.verdicts.items())
        return f"{len(self.runs)} runs: {told}"


def first_frames(trajectory: Trajectory) -> FloatArray:
    """Return the positions by which a run is known from others, Å.

    Returns:
        Shape (n, n_atoms, 3), n <= FIRST.
    """
    return np.array(trajectory.between(0, min(FIRST, len(trajectory))).positions)


def check_independent(starts: Mapping[str, FloatArray]) -> None:
    """Refuse a run that is given twice, as a copy or run again with the same seed.

    Args:
        starts: `first_frames` of the runs, by their names.

    Raises:
        AnalysisError: the last frame that two of them have in common is the same.
    """
    for (first, one), (second, other) in combinations(starts.items(), 2):
        frames = min(len(one), len(other))
        a, b = one[frames - 1], other[frames - 1]
        if a.shape == b.shape and np.allclose(a, b, rtol=0.0, atol=SAME):
            raise AnalysisError(
                f"{second} is the same run as {first}: after {frames} frames all atoms "
                f"are within {SAME:g} Å of its; give runs with different seeds"
            )
