"""How wide the region is where two phases have mixed, and how it grows.

Two definitions, both reported. The width is the distance between 10 % and 90 % of a
complementary error function, which the share of the first phase follows across a front
as behind any diffusing one. It is fitted to the counts of marker atoms themselves
(binomial likelihood), so that empty slices between atomic layers weigh nothing and no
smearing widens it. The overlap is the height in which both phases' markers exceed a
tenth of the density that they have alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.diffusion.unwrapped_positions import Drift
from ionface.analysis.interphase.density_profiles import (
    Growth,
    Interphase,
    Profiles,
    blurred,
    profiles,
)
from ionface.analysis.pairs import each_species
from ionface.analysis.readers import open_trajectory
from ionface.analysis.statistics import trend
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

__all__ = ["Front", "Growth", "Interphase", "fit_fronts", "interphase"]

INTERVALS = 4
"""Each window is fitted in so many intervals at least."""

TOLD = 20
"""Intervals of a run at least: their scatter and correlation are the errors."""

LAYER = 1.0
"""Å: smearing before the overlap is measured, half the spacing of atomic layers."""


def interphase(
    trajectory: Any,
    first: str | Sequence[str],
    second: str | Sequence[str],
    *,
    windows: int = 10,
    resolution: float = 0.1,
    drift: Drift = "auto",
) -> Interphase:
    """Return how wide the region is where two phases have mixed, against time.

    Args:
        trajectory: whatever `open_trajectory` takes, wrapped or not.
        first: species that only the first phase has at the start, its markers.
        second: those of the second phase.
        windows: of time.
        resolution: of the counts, Å.
        drift: see `unwrapped_positions.reference`.

    Raises:
        AnalysisError: a species marks both phases, is missing, or the phases are apart.
    """
    first, second = each_species(first), each_species(second)
    if not first or not second or set(first) & set(second):
        raise AnalysisError(
            f"each phase needs marker species of its own, got {list(first)} and "
            f"{list(second)}"
        )
    trajectory = open_trajectory(trajectory)
    windows = max(1, min(windows, len(trajectory)))
    wanted = max(INTERVALS, -(-TOLD // windows))
    intervals = max(1, min(wanted, len(trajectory) // windows))
    found = profiles(
        trajectory,
        [*first, *second],
        resolution=resolution,
        windows=windows * intervals,
        smearing=0.0,
        drift=drift,
    )
    return _interphase(found, first, second, intervals)


def _interphase(
    counted: Profiles, first: Sequence[str], second: Sequence[str], intervals: int
) -> Interphase:
    """Return the same from profiles without smearing.

    Args:
        counted: profiles with `intervals` times as many windows as wanted.
        first: marker species of the first phase.
        second: those of the second.
        intervals: of each window, whose scatter over the run gives the errors.

    Raises:
        AnalysisError: a phase has no marker, or both are apart.
    """
    frames = np.array(counted.frames, dtype=np.float64)[:, None] * counted.slice_volume
    a, b = (
        sum(counted.densities[s] for s in names) * frames for names in (first, second)
    )
    a, b = (
        v.reshape(-1, intervals, v.shape[-1]) for v in (np.asarray(a), np.asarray(b))
    )
    fits = [_window(x, y, counted) for x, y in zip(a, b, strict=True)]
    number = min(len(widths) for _, widths, _, _ in fits)
    notes = []
    if any(len(widths) != number for _, widths, _, _ in fits):
        notes.append(
            "the number of fronts changes with time; only the common ones count"
        )
    widths = np.array([w[:number] for _, w, _, _ in fits])
    layers = np.array([g[:number] for _, _, g, _ in fits]) / np.sqrt(12)
    widths_of_parts = [
        part
        for x, y, (_, whole, _, _) in zip(a, b, fits, strict=True)
        for part in _parts(x, y, counted, len(whole))
    ]
    noise = [_noise([w[i] for w in widths_of_parts], len(fits)) for i in range(number)]
    errors = np.hypot(noise, layers)
    times_fs = counted.windows_fs
    times = tuple(
        (times_fs[i][0], times_fs[i + intervals - 1][1])
        for i in range(0, len(times_fs), intervals)
    )
    middles = np.mean(times, axis=1) / 1000.0
    growth = [_growth(middles, widths[:, i], errors[:, i]) for i in range(number)]
    return Interphase(
        first=tuple(first),
        second=tuple(second),
        windows_fs=times,
        positions=counted.edges[0] + np.array([p[:number] for p, _, _, _ in fits]),
        widths=widths,
        errors=errors,
        overlaps=np.array([o for _, _, _, o in fits]),
        growth=tuple(growth) if len(times) >= 3 else (),
        notes=tuple(notes),
    )


def _window(
    a: FloatArray, b: FloatArray, counted: Profiles
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return positions, widths, gaps and overlap of one window of some intervals."""
    whole = fit_fronts(a.sum(0), b.sum(0), counted.height, periodic=counted.periodic)
    sigma = LAYER * a.shape[1] / counted.height
    x, y = (blurred(v.sum(0), sigma, periodic=counted.periodic) for v in (a, b))
    block = find_block(x, y, periodic=counted.periodic)
    return (
        np.array([front.position for front in whole]),
        np.array([front.width for front in whole]),
        np.array([front.gap for front in whole]),
        overlap(x, y, block, counted.height),
    )


def _parts(
    a: FloatArray, b: FloatArray, counted: Profiles, fronts: int
) -> list[list[float]]:
    """Return the widths in the intervals of a window that have all of its fronts."""
    fits = (
        fit_fronts(x, y, counted.height, periodic=counted.periodic)
        for x, y in zip(a, b, strict=True)
    )
    return [[front.width for front in fit] for fit in fits if len(fit) == fronts]


def _noise(widths: Sequence[float], windows: int) -> float:
    """Return the standard error of the mean width in one of some windows, Å.

    That of the mean of the run, around a straight line, for a part of it. NaN where the
    run is too short to tell.
    """
    line = trend(np.arange(len(widths), dtype=np.float64), np.array(widths))
    spread = (len(widths) ** 2 - 1) / 12
    return float(line.error * np.sqrt(spread * windows)) if len(widths) > 2 else np.nan


def _growth(times: FloatArray, widths: FloatArray, errors: FloatArray) -> Growth:
    rate, rate_error = _slope(times, widths, errors)
    squares, square_error = _slope(times, widths**2, 2 * widths * errors)
    return Growth(rate, rate_error, squares, square_error)


def _slope(x: FloatArray, y: FloatArray, errors: FloatArray) -> tuple[float, float]:
    """Return a slope and its standard error, from the given errors or the scatter."""
    if len(x) < 3:
        return np.nan, np.nan
    centered = x - x.mean()
    norm = float(centered @ centered)
    slope = float(centered @ y) / norm
    rest = y - y.mean() - slope * centered
    # the given errors know how long widths remember; the scatter of few windows may
    # only add what these miss
    scatter = np.sqrt(float(rest @ rest) / (len(x) - 2) / norm)
    given = np.sqrt(float((centered**2) @ (errors**2))) / norm
    return slope, float(np.maximum(scatter, given))  # NaN where an error is


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
        gap: widest spacing without any marker atom that reaches into the front, Å, as
            between atomic layers: what cannot be resolved.
    """

    position: float
    sigma: float
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
        if _gap(offsets, a + b, 0.0, 0.0) * step > GAP or not (a.sum() and b.sum()):
            continue
        heights = offsets * step
        offset, sigma = _fit(
            heights if rising else -heights, a, b, block.densities, step
        )
        half = TEN_TO_NINETY * sigma / 2
        here = offset if rising else -offset
        ends = np.array([here - half, here + half]) / step
        gap = min(_gap(offsets, a + b, *ends) * step, GAP)
        position = edge * step + (offset if rising else -offset)
        if periodic:
            position %= height
        fronts.append(Front(position, sigma, gap))
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


def _gap(offsets: FloatArray, atoms: FloatArray, low: float, high: float) -> float:
    """Return the widest run of slices without atoms that reaches between two offsets.

    Infinite where one of the offsets lies beyond all atoms.
    """
    held = offsets[atoms > IMPURITY[1] * atoms.max()]
    edges = np.concatenate([[-np.inf], held, [np.inf]])
    crossed = (edges[:-1] <= high) & (edges[1:] >= low)
    return float(np.max(np.diff(edges)[crossed], initial=1.0) - 1)


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
