"""What independent runs of one interface say together: they are the unit of statistics.

Runs from one start with different velocities differ by chance alone. Their gains and
losses add up to one verdict, and their spread is an error that needs no model of how
long a run remembers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ionface.analysis.reactions.reaction_report import ReactionReport
from ionface.analysis.reactions.verdicts import Verdict, verdict
from ionface.analysis.result import Provenance, Result, plain
from ionface.errors import AnalysisError

ALL = "all runs"


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
