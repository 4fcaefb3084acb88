"""How many bonds there are in each frame.

The count needs no volume and no density; it is what grows when an interface reacts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.rdf.kernels.images import IntArray
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.reactions.bond_events import BondHistory, bond_history
from ionface.analysis.reactions.bond_rule import BondRule, bond_rules
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray


@dataclass(frozen=True, repr=False)
class BondCounts(Result):
    """Number of bonds in each frame.

    Attributes:
        times_fs: fs, shape (n_frames,); NaN without a time axis.
        counts: by pair, as in "In-S": bonds, each counted once, shape (n_frames,).
        rules: by pair: what counts as a bond.
        atoms: by pair: number of atoms of the first species.
        windows: of time, for tables.
    """

    kind: ClassVar[str] = "bonds"
    figure: ClassVar[str] = "ionface.analysis.figures.bonds_figure:figure_bonds"
    units: ClassVar[Mapping[str, str]] = {
        "counts": "bonds",
        "length": "Å",
    }

    times_fs: FloatArray
    counts: Mapping[str, IntArray]
    rules: Mapping[str, BondRule]
    atoms: Mapping[str, int]
    windows: int = 10

    def window_means(self, windows: int) -> dict[str, FloatArray]:
        """Return the mean number of bonds in equal windows of frames.

        Returns:
            By pair, shape (n_windows,); fewer windows if there are fewer frames.
        """
        return {
            name: window_means(series, windows) for name, series in self.counts.items()
        }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "times_fs": plain(self.times_fs),
            "counts": plain(self.counts),
            "rules": plain(self.rules),
            "atoms": dict(self.atoms),
            "windows": self.windows,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the counts that `values` wrote."""
        return cls(
            times_fs=np.array(data["times_fs"], dtype=np.float64),
            counts={k: np.array(v, dtype=np.int64) for k, v in data["counts"].items()},
            rules={k: BondRule(**rule) for k, rule in data["rules"].items()},
            atoms=data["atoms"],
            windows=data.get("windows", cls.windows),
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per frame."""
        for frame, time in enumerate(self.times_fs):
            numbers = {name: int(row[frame]) for name, row in self.counts.items()}
            yield {"time_fs": float(time), **numbers}

    def summary(self) -> str:
        """Return how many bonds there are in the first and the last frame."""
        return ", ".join(
            f"{name} {row[0]} to {row[-1]}" for name, row in self.counts.items()
        )

    @classmethod
    def of(
        cls, histories: Mapping[str, BondHistory], provenance: Provenance
    ) -> BondCounts:
        """Return the counts of histories by the names of their pairs; one at least."""
        return cls(
            times_fs=next(iter(histories.values())).times_fs,
            counts={name: history.counts for name, history in histories.items()},
            rules={name: history.rule for name, history in histories.items()},
            atoms={name: history.atoms[0] for name, history in histories.items()},
            provenance=provenance,
        )


def window_means(series: IntArray, windows: int) -> FloatArray:
    """Return the means of a series in equal windows, (n_windows,); never empty ones."""
    number = max(1, min(windows, len(series)))
    return np.array([part.mean() for part in np.array_split(series, number)])


def bonds(
    trajectory: Any,
    pairs: str | Iterable[str | tuple[str, str]] | Mapping[str, float | None],
    *,
    references: Mapping[str, RdfResult] | None = None,
) -> BondCounts:
    """Return the number of bonds of each pair in every frame, over all images.

    Args:
        trajectory: whatever `open_trajectory` takes; positions may be wrapped or not,
            the cell may change. Without a time axis distances are not averaged.
        pairs: as in ["In-S"], or "In-S" alone; or a mapping from such names to the
            lengths at which bonds end, Å, or None for `BondRule.of`.
        references: RDFs of crystals by name, whose shells say where bonds end.

    Raises:
        AnalysisError: a species is missing, a pair is not written as A-B, a length is
            not positive or lies on a shell of a reference, or there is no frame.

    >>> from ionface.analysis.trajectory.trajectory import Trajectory
    >>> cell = np.diag([10.0, 10.0, 10.0])
    >>> frames = [[[0, 0, 0], [4.0, 0, 0]], [[0, 0, 0], [2.6, 0, 0]]]
    >>> run = Trajectory.from_arrays(["In", "S"], cell, frames)
    >>> bonds(run, ["In-S"]).counts["In-S"].tolist()
    [0, 1]
    """
    frames = open_trajectory(trajectory)
    given = pairs if isinstance(pairs, Mapping) else {}
    rules = bond_rules(pairs, references or {}, given)
    found = {name: bond_history(frames, name, rule) for name, rule in rules.items()}
    return BondCounts.of(found, Provenance.of(frames))
