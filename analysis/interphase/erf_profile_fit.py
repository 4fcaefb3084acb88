"""Where one phase ends and another begins: fronts in the counts of marker atoms.

The share of the first phase follows a complementary error function across a front, as
behind any diffusing one. It is fitted to the counts themselves (binomial likelihood),
so that empty slices between atomic layers weigh nothing and no smearing widens it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

TEN_TO_NINETY = 2.5631031310892007
"""Distance between 10 % and 90 % of an error function, in its standard deviations."""

IMPURITY = (1e-4, 0.05)
"""Share of foreign markers deep in a phase that are no part of the front: fitted within
these limits, so that a single stray atom does not become a wide front."""

SEPARATION = 0.6
"""Share of the first phase's markers in its block less that of the second's: 1 for
phases that are apart, 0 for a homogeneous mixture."""

GAP = 4.0
"""Å without a marker of either phase: more than any layer spacing, so a vacuum."""


@dataclass(frozen=True)
class Front:
    """A place where the marker atoms change.

    Attributes:
        position: of equal shares, Å over the a-b plane.
        sigma: of the error function, Å.
        rising: the first phase lies above.
        gap: Å around the position without any marker atom: what cannot be resolved.
    """

    position: float
    sigma: float
    rising: bool
    gap: float

    @property
    def width(self) -> float:
        """Return the distance between 10 % and 90 %, Å."""
        return TEN_TO_NINETY * self.sigma


@dataclass(frozen=True)
class Block:
    """The slices that the first phase fills, on a circle of n slices.

    Attributes:
        start: first slice.
        length: number of slices.
        densities: of either phase's markers where it is alone, atoms per slice.
    """

    start: int
    length: int
    densities: tuple[float, float]


def find_block(first: FloatArray, second: FloatArray, *, periodic: bool) -> Block:
    """Return where the first phase is: most of its markers, fewest of the second's.

    Args:
        first: marker atoms of the first phase in each slice, shape (n_slices,).
        second: those of the second phase.
        periodic: the block may lie across the border.

    Raises:
        AnalysisError: one of the phases has no marker atom, or both are everywhere.
    """
    if not (first.sum() > 0 and second.sum() > 0):
        raise AnalysisError(
            "a front lies between two phases, and one of them has no marker atom; name "
            "species that only one of them has"
        )
    n = len(first)
    score = first / first.sum() - second / second.sum()
    total = np.concatenate([[0.0], np.cumsum(np.tile(score, 2 if periodic else 1))])
    starts = np.arange(n)[:, None]
    stops = starts + np.arange(1, n)[None]
    inside = stops < len(total)
    gains = np.where(
        inside, total[np.minimum(stops, len(total) - 1)] - total[starts], -9
    )
    start, length = np.unravel_index(np.argmax(gains), gains.shape)
    if (apart := float(gains.max())) < SEPARATION:
        raise AnalysisError(
            f"the markers do not tell the phases apart: the best block has {apart:.2f} "
            f"more of the first than of the second, below {SEPARATION}; name species "
            "that only one of the phases has"
        )
    chosen = np.zeros(n, dtype=bool)
    chosen[(start + np.arange(length + 1)) % n] = True
    densities = _density(first, chosen), _density(second, ~chosen)
    return Block(int(start), int(length) + 1, densities)


def fit_fronts(
    first: FloatArray, second: FloatArray, height: float, *, periodic: bool
) -> list[Front]:
    """Return the fronts between two phases: two in a cell without vacuum, else one.

    The lower end of the first phase comes first, wherever the cell's border is.

    Args:
        first: marker atoms of the first phase in each slice, shape (n_slices,).
        second: those of the second phase.
        height: of the cell, Å.
        periodic: the cell repeats along the normal.

    Raises:
        AnalysisError: a phase has no marker, or a vacuum lies on both sides.
    """
    n = len(first)
    step = height / n
    block = find_block(first, second, periodic=periodic)
    # half of either phase belongs to this front, the other half to the next one
    reach = {True: block.length / 2, False: (n - block.length) / 2}
    fronts = []
    for edge, rising in ((block.start, True), (block.start + block.length, False)):
        above, below = (
            (reach[True], reach[False]) if rising else (reach[False], reach[True])
        )
        slices = np.arange(int(np.ceil(edge - below)), int(np.floor(edge + above)))
        if not periodic:
            slices = slices[(slices >= 0) & (slices < n)]
        a, b = first[slices % n], second[slices % n]
        offsets = np.asarray(slices + 0.5 - edge, dtype=np.float64)
        gap = _gap(offsets, a + b) * step
        if gap > GAP or not (a.sum() > 0 and b.sum() > 0):
            continue
        heights = offsets * step
        offset, sigma = _fit(
            heights if rising else -heights, a, b, block.densities, step
        )
        position = edge * step + (offset if rising else -offset)
        if periodic:
            position %= height
        fronts.append(Front(position, sigma, rising, gap))
    if not fronts:
        raise AnalysisError(
            "the two phases touch nowhere: a vacuum lies between their marker atoms"
        )
    return fronts


def overlap(
    first: FloatArray,
    second: FloatArray,
    block: Block,
    height: float,
    share: float = 0.1,
) -> float:
    """Return how many Å of height hold both phases, each above a share of its density.

    Args:
        first: marker atoms of the first phase in each slice, smeared over the spacing
            of its layers, shape (n_slices,).
        second: those of the second phase.
        block: of the first phase.
        height: of the cell, Å.
        share: of the density that either marker has where it is alone.
    """
    both = (first > share * block.densities[0]) & (second > share * block.densities[1])
    return float(np.sum(both)) * height / len(first)


def _density(counts: FloatArray, chosen: NDArray[np.bool_]) -> float:
    """Return atoms per slice between the outermost tenths of a phase's own atoms."""
    inside = counts[chosen]
    share = np.cumsum(inside) / inside.sum()
    low, high = np.searchsorted(share, [0.1, 0.9])
    return float(0.8 * inside.sum() / max(1, high - low))


def _gap(offsets: FloatArray, atoms: FloatArray) -> float:
    """Return the distance between the nearest slices with atoms around offset 0."""
    held = offsets[atoms > IMPURITY[1] * atoms.max()]
    above, below = held[held > 0], held[held < 0]
    if not (len(above) and len(below)):
        return np.inf
    return float(above.min() - below.max() - 1)


def _fit(
    heights: FloatArray,
    first: FloatArray,
    second: FloatArray,
    densities: tuple[float, float],
    step: float,
) -> tuple[float, float]:
    """Return position and sigma of the front towards the first phase, Å."""
    from scipy.optimize import minimize
    from scipy.special import ndtr

    used = first + second > 0
    z, a, b = heights[used], first[used], second[used]

    def misfit(parameters: FloatArray) -> float:
        share = ndtr((z - parameters[0]) / np.exp(parameters[1]))
        mixed = densities[0] * share
        p = mixed / (mixed + densities[1] * (1 - share) + 1e-300)
        p = parameters[2] + (1 - 2 * parameters[2]) * p
        return float(-np.sum(a * np.log(p) + b * np.log1p(-p)) / (a + b).sum())

    smallest = np.log(step / 2)
    largest = np.log(max(np.ptp(heights), step))
    bounds = [(heights.min(), heights.max()), (smallest, largest), IMPURITY]
    sigmas = [s for s in (step, 1.0, 4.0) if smallest <= np.log(s) <= largest]
    fits = [
        minimize(misfit, (0.0, np.log(s), 1e-3), method="Nelder-Mead", bounds=bounds)
        for s in sigmas
    ]
    best = min(fits, key=lambda fit: float(fit.fun))
    return float(best.x[0]), float(np.exp(best.x[1]))
