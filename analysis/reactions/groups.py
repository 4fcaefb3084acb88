"""Groups by connectivity: how many PS4, PS3, P2S7 or In-S clusters there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionface.analysis.rdf.kernels.images import IntArray
from ionface.analysis.reactions.bond_events import BondHistory
from ionface.analysis.reactions.bonds import window_means
from ionface.analysis.trajectory.frames import FloatArray


@dataclass(frozen=True)
class GroupCounts:
    """Number of groups of each formula in every frame.

    A group is an atom of the first species with all that bonds of the pair connect to
    it; a ligand that two centers share makes them one group.

    Attributes:
        pair: center and ligand, as in "P-S".
        times_fs: shape (n_frames,).
        counts: by formula, as in "PS4", most frequent first; each shape (n_frames,).
    """

    pair: str
    times_fs: FloatArray
    counts: Mapping[str, IntArray]

    def as_dict(self, windows: int = 20) -> dict[str, Any]:
        """Return plain JSON values: first and last frame, and means of windows."""
        return {
            name: {
                "first": int(series[0]),
                "last": int(series[-1]),
                "window_means": window_means(series, windows).tolist(),
            }
            for name, series in self.counts.items()
        }


def group_counts(history: BondHistory) -> GroupCounts:
    """Return how many groups of each formula there are in every frame.

    Args:
        history: of the bonds between centers (first species) and ligands.
    """
    center, ligand = history.pair.split("-")
    changes = np.unique(np.concatenate([[0], history.start, history.stop]))
    changes = changes[changes < history.n_frames]
    ends = np.append(changes[1:], history.n_frames)
    series: dict[str, IntArray] = {}
    for start, stop in zip(changes.tolist(), ends.tolist(), strict=True):
        alive = (history.start <= start) & (history.stop > start)
        for formula, number in _formulas(history, alive, center, ligand).items():
            row = series.setdefault(formula, np.zeros(history.n_frames, dtype=np.int64))
            row[start:stop] = number
    order = sorted(series, key=lambda name: (-series[name].sum(), name))
    return GroupCounts(
        history.pair, history.times_fs, {name: series[name] for name in order}
    )


def _formulas(
    history: BondHistory, alive: np.ndarray[Any, Any], center: str, ligand: str
) -> Counter[str]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    centers, a = np.unique(history.first[alive], return_inverse=True)
    same = center == ligand
    if same:
        both = np.concatenate([history.first[alive], history.second[alive]])
        centers, index = np.unique(both, return_inverse=True)
        a, b, size = index[: alive.sum()], index[alive.sum() :], len(centers)
    else:
        ligands, b = np.unique(history.second[alive], return_inverse=True)
        b, size = b + len(centers), len(centers) + len(ligands)
    found: Counter[str] = Counter()
    if alone := history.atoms[0] - len(centers):
        found[center] = alone
    if size:
        graph = coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
        number, label = connected_components(graph, directed=False)
        inner = np.bincount(label[: len(centers)], minlength=number)
        outer = np.bincount(label[len(centers) :], minlength=number)
        for m, n in zip(inner.tolist(), outer.tolist(), strict=True):
            found[_part(center, m) + _part(ligand, n)] += 1
    return found


def _part(symbol: str, number: int) -> str:
    return "" if number == 0 else symbol if number == 1 else f"{symbol}{number}"
