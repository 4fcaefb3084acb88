"""When a run may end early: a bond count that no longer changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ionface.analysis.rdf.bonds import bonds
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError


@dataclass(frozen=True)
class Steady:
    """A bond count is steady: the means of the last two windows agree.

    Attributes:
        pair: as in "In-S".
        window: length of one window, fs.
        tolerance: largest relative difference of the two means.
        at_least: shortest run, fs.
    """

    pair: str
    window: float = 2000.0
    tolerance: float = 0.05
    at_least: float = 0.0

    def __post_init__(self) -> None:
        """Refuse windows and tolerances that mean nothing.

        Raises:
            IonfaceError: one is not above 0.
        """
        for name in ("window", "tolerance"):
            if not getattr(self, name) > 0:
                raise IonfaceError(
                    f"until.{name} must be above 0, not {getattr(self, name)}"
                )

    def reached(self, trajectory: Trajectory) -> bool:
        """Tell whether the end of a trajectory fulfills the criterion."""
        times = trajectory.times_fs
        end = times[-1]
        if end - times[0] < max(2 * self.window, self.at_least):
            return False
        start = int(np.searchsorted(times, end - 2 * self.window))
        recent = trajectory.between(start, len(times))
        counts = bonds(recent, [self.pair])
        series = next(iter(counts.counts.values()))
        late = counts.times_fs > end - self.window
        first, second = float(series[~late].mean()), float(series[late].mean())
        return abs(second - first) <= self.tolerance * max(first, second, 1.0)


def criterion(given: Mapping[str, Any]) -> Steady:
    """Return the criterion that a study's key `until` describes.

    Raises:
        IonfaceError: a key is unknown, or `pair` is missing.
    """
    known = [field.name for field in fields(Steady)]
    if unknown := sorted(given.keys() - set(known)):
        raise IonfaceError(f"until: no such key as {unknown[0]!r}; have {known}")
    if "pair" not in given:
        raise IonfaceError("until: name the pair whose bonds are counted, as in In-S")
    return Steady(**given)
