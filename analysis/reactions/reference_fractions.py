"""How much of a measured g(r) known crystals explain.

The number of neighbors per distance, 4π r² ρ g(r), is written as a sum of those of the
reference crystals and of the initial structure with weights that are not negative. The
weight of a crystal is the part of the atoms of the first species that has the crystal's
surroundings; its share is the part of the neighbors within range that it accounts for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ionface.analysis.rdf.kernels.images import Bins
from ionface.analysis.rdf.rdf_result import RdfResult, broaden
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

INITIAL = "initial structure"

WIDTHS = (0.0, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Broadenings of the references that are tried, Å; the best is reported."""

MARGIN = 1.0
"""References are read so far beyond the range, Å, if they go: what broadens into it."""

RANGE = 5.0
"""Neighbors up to here are explained, Å: the first shells tell compounds apart."""


@dataclass(frozen=True)
class Shares:
    """What explains the neighbors of a pair in one window of time.

    Attributes:
        weights: by reference, the part of atoms with its surroundings.
        shares: by reference, the part of the neighbors that it accounts for.
        residual: norm of what remains over the norm of the measured: 0 is a perfect
            fit, 1 explains nothing.
        width: broadening of the references, Å.
        neighbors: measured, within range, per atom of the first species.
    """

    weights: Mapping[str, float]
    shares: Mapping[str, float]
    residual: float
    width: float
    neighbors: float


def explain(
    measured: RdfResult,
    pair: str,
    references: Mapping[str, RdfResult],
    initial: RdfResult | None = None,
    *,
    within: float = RANGE,
) -> tuple[Shares, ...]:
    """Return what explains the neighbors of a pair, window by window.

    Args:
        measured: of the dynamics.
        pair: as in "In-S".
        references: RDFs of crystals by name, at rest or in motion; those without the
            pair are left out.
        initial: RDF of the first frame, as one more reference.
        within: longest distance that is explained, Å.

    Raises:
        AnalysisError: the pair was not measured, or a reference ends before `within`.
    """
    if pair not in measured.pairs:
        raise AnalysisError(
            f"no {pair} among the measured pairs {sorted(measured.pairs)}; add it"
        )
    edges = _edges(measured.r)
    inside = int(np.count_nonzero(edges <= within + 1e-9)) - 1
    known = {k: v for k, v in references.items() if pair in v.pairs}
    if initial is not None:
        known[INITIAL] = initial
    beyond = np.arange(inside + 1 + round(MARGIN / edges[1])) * edges[1]
    shells = {
        name: _neighbors(reference, pair, beyond, within, name).mean(axis=0)
        for name, reference in known.items()
    }
    series = _neighbors(measured, pair, edges[: inside + 1], within, "the measurement")
    return tuple(_fit(row, shells, beyond) for row in series)


def _fit(y: FloatArray, shells: Mapping[str, FloatArray], edges: FloatArray) -> Shares:
    from scipy.optimize import nnls

    total, names = float(y.sum()), list(shells)
    if not total or not names:
        zero = dict.fromkeys(names, 0.0)
        return Shares(zero, zero, 1.0 if total else 0.0, 0.0, total)
    r = 0.5 * (edges[:-1] + edges[1:])
    best = None
    for width in WIDTHS:
        columns = np.transpose([broaden(r, shells[name], width) for name in names])
        columns = columns[: len(y)]
        weights, rest = nnls(columns, y)
        if best is None or rest < best[1]:
            best = (weights, rest, width, columns)
    assert best is not None  # WIDTHS is not empty
    weights, rest, width, columns = best
    shares = weights * columns.sum(axis=0) / total
    return Shares(
        dict(zip(names, weights.tolist(), strict=True)),
        dict(zip(names, shares.tolist(), strict=True)),
        float(rest / np.linalg.norm(y)),
        width,
        total,
    )


def _edges(r: FloatArray) -> FloatArray:
    width = float(r[1] - r[0]) if len(r) > 1 else 2 * float(r[0])
    return Bins(width * len(r), len(r)).edges


def _neighbors(
    result: RdfResult, pair: str, edges: FloatArray, within: float, name: str
) -> FloatArray:
    """Return neighbors per atom in each bin, shape (n_windows, n_bins)."""
    own = _edges(result.r)
    if own[-1] < within - 1e-6:
        raise AnalysisError(
            f"the RDF of {name} ends at {own[-1]:.2f} Å, before {within:.2f} Å; "
            "compute it with a longer cutoff, or explain a shorter range"
        )
    rows = [np.interp(edges, own, [0.0, *row]) for row in result.pairs[pair].n]
    return np.diff(np.array(rows), axis=1)
