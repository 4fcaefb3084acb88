"""Radial distribution functions as an analysis: settings, crystals, what is shown.

A user's settings and a trajectory give RDFs in windows of time, and those of reference
crystals at rest to stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ionface.analysis.figures.rdf_figure import SMOOTH
from ionface.analysis.kind import Crystal, Kind, Progress
from ionface.analysis.pairs import parse_pair
from ionface.analysis.rdf.rdf import (
    MOST_WINDOWS,
    RdfSettings,
    RunningRdf,
    crystal_rdf,
    rdf,
    suitable_windows,
)
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.report import tables
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

THERMAL = 0.06
"""Å; width of a crystal's lines when they stand beside a warm sample: about what atoms
of these crystals move at room temperature. Without it lines would tower over peaks."""


@dataclass(frozen=True)
class RdfChoices:
    """Time-resolved radial distribution functions of stored or running dynamics.

    Attributes:
        pairs: as in In-S; repeatable.
        cutoff: Å.
        bins: number of bins.
        windows: number of time windows; by the length of the run if not given.
        references: a crystal to compare with; repeatable.
    """

    pairs: tuple[str, ...]
    cutoff: float = 8.0
    bins: int = 200
    windows: int | None = None
    references: tuple[Crystal, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        _ = list(map(parse_pair, self.pairs))
        RdfSettings(self.cutoff, self.bins, 1 if self.windows is None else self.windows)


def _rdf(
    trajectory: Trajectory, settings: RdfChoices, progress: Progress | None = None
) -> RdfResult:
    result = rdf(
        trajectory,
        settings.pairs,
        cutoff=settings.cutoff,
        bins=settings.bins,
        windows=settings.windows or suitable_windows(trajectory.times_or_nan_fs),
        progress=progress,
    )
    return replace(
        result,
        references=crystals_at_rest(
            settings.references, settings.pairs, settings.cutoff, settings.bins
        ),
    )


def crystals_at_rest(
    crystals: Iterable[Crystal], pairs: tuple[str, ...], cutoff: float, bins: int
) -> dict[str, RdfResult]:
    """Return the RDFs of crystals at rest, broadened as warm ones, by name.

    Raises:
        AnalysisError: one has none of the pairs.
    """
    found = {}
    for crystal in crystals:
        present = [p for p in pairs if set(parse_pair(p)) <= set(crystal.species)]
        if not present:
            raise AnalysisError(
                f"reference {crystal.name} has none of the pairs {list(pairs)}; it "
                f"consists of {sorted(set(crystal.species))}"
            )
        found[crystal.name] = crystal_rdf(
            crystal.species,
            crystal.lattice,
            crystal.positions,
            present,
            cutoff=cutoff,
            bins=bins,
            broadening=THERMAL,
            source=crystal.name,
        )
    return found


class RunningAnalysis:
    """RDFs of frames that come one by one, beside the crystals of the settings."""

    def __init__(
        self,
        species: Iterable[str],
        settings: RdfChoices,
        **origin: Any,
    ) -> None:
        self._rdf = RunningRdf(
            species,
            settings.pairs,
            cutoff=settings.cutoff,
            bins=settings.bins,
            windows=settings.windows or MOST_WINDOWS,
            **origin,
        )
        self.add = self._rdf.add
        self._references = crystals_at_rest(
            settings.references, settings.pairs, settings.cutoff, settings.bins
        )

    def result(self) -> RdfResult:
        """Return the RDFs of all frames so far."""
        return replace(self._rdf.result(), references=self._references)


RDFS = Kind(
    RdfResult,
    "Radial distribution functions",
    tables.rdf_contents,
    f"g(r) in windows of time, early to late, smoothed by a Gaussian of {SMOOTH} "
    "Å; bands are standard errors, dotted lines the running coordination. Table "
    "and files are not smoothed.",
    RdfChoices,
    _rdf,
    running=RunningAnalysis,
)
