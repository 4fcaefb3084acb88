"""The first peak of a g(r): where it is, how high, how many neighbors belong to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray

SMOOTHING = 0.08
"""Width (standard deviation) of the Gaussian that a g(r) is smoothed with, Å, a little
narrower than a bond at 300 K."""

PROMINENCE = 0.05
"""A peak rises above its surroundings by this part of the highest value."""

ERRORS = 2.0
"""A peak rises above its surroundings by so many standard errors of the smoothed g."""


@dataclass(frozen=True)
class Peak:
    """A maximum of g(r).

    Attributes:
        r: its position, Å.
        height: of g there.
        minimum: the first minimum behind it, Å.
        coordination: n(r) at that minimum, neighbors per atom of the first species.
    """

    r: float
    height: float
    minimum: float
    coordination: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def first_peak(
    r: FloatArray, g: FloatArray, n: FloatArray, error: FloatArray
) -> Peak | None:
    """Return the first peak that stands out of noise and ripples, or None.

    Args:
        r: centers of equal bins, Å, shape (n_bins,).
        g: shape (n_bins,).
        n: running coordination up to each bin's upper edge, shape (n_bins,).
        error: standard error of g, shape (n_bins,); NaN where unknown.
    """
    smooth = broaden(r, g, SMOOTHING)
    if not smooth.max() > 0:
        return None
    # A zero on both sides lets a peak in the first or last bin count.
    padded = np.concatenate([[0.0], smooth, [0.0]])
    found, prominences = _maxima(padded, PROMINENCE * float(smooth.max()))
    noise = np.concatenate([[0.0], _smooth_error(r, error), [0.0]])
    strong = found[prominences > ERRORS * noise[found]] - 1
    strong = strong[strong < len(r) - 1]  # a rise that the cutoff ends is no peak
    if not len(strong):
        return None
    top = int(strong[0])
    following = int(strong[1]) if len(strong) > 1 else len(r)
    low = top + int(np.argmin(smooth[top:following]))
    near = slice(max(0, top - 2), top + 3)
    return Peak(
        r=_vertex(r, smooth, top),
        height=float(g[near].max()),
        minimum=float(r[low]),
        coordination=float(n[low]),
    )


def _maxima(g: FloatArray, least: float) -> tuple[NDArray[np.intp], FloatArray]:
    """Return the maxima of at least some prominence, and their prominences.

    As `scipy.signal.find_peaks` does, whose import takes longer than an analysis: the
    middle of a plateau, over the higher of the two lowest points on the way to higher
    ground.
    """
    edges = np.flatnonzero(np.diff(g)) + 1  # runs of equal values
    starts, stops = np.r_[0, edges], np.r_[edges, len(g)]
    level = g[starts]
    inner = np.arange(1, len(level) - 1)
    tops = inner[(level[inner] > level[inner - 1]) & (level[inner] > level[inner + 1])]
    found, heights = [], []
    for top in tops.tolist():
        higher = np.flatnonzero(level > level[top])
        left = higher[higher < top].max(initial=-1) + 1
        right = higher[higher > top].min(initial=len(level))
        base = max(level[left : top + 1].min(), level[top:right].min())
        if level[top] - base >= least:
            found.append((starts[top] + stops[top] - 1) // 2)
            heights.append(level[top] - base)
    return np.array(found, dtype=np.intp), np.array(heights)


def broaden(r: FloatArray, g: FloatArray, sigma: float) -> FloatArray:
    """Return g smoothed with a Gaussian that keeps its sum.

    As `scipy.ndimage.gaussian_filter1d` does with mirrored ends and six standard
    deviations, without its import.

    Args:
        r: centers of equal bins, Å, shape (n_bins,).
        g: any density per r, shape (n_bins,).
        sigma: standard deviation, Å.
    """
    width = sigma / (r[1] - r[0]) if len(r) > 1 else 0.0
    if width < 0.2:  # narrower than a bin: nothing to do
        return np.array(g, dtype=np.float64)
    reach = int(6.0 * width + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    mirrored = np.pad(np.asarray(g, dtype=np.float64), reach, mode="symmetric")
    return np.convolve(mirrored, weights / weights.sum(), mode="valid")


def _smooth_error(r: FloatArray, error: FloatArray) -> FloatArray:
    """Return the standard error of the smoothed g, from that of independent bins.

    The squares of a Gaussian's weights are a Gaussian that is narrower by √2 and has a
    sum of width / (2 √π σ).
    """
    variance = broaden(r, np.nan_to_num(error) ** 2, SMOOTHING / np.sqrt(2))
    weight = (r[1] - r[0]) / (2 * np.sqrt(np.pi) * SMOOTHING) if len(r) > 1 else 1.0
    return np.asarray(np.sqrt(variance * min(1.0, weight)), dtype=np.float64)


def _vertex(r: FloatArray, g: FloatArray, top: int) -> float:
    """Return the vertex of the parabola through a maximum and its neighbors, Å."""
    if not 0 < top < len(r) - 1:
        return float(r[top])
    left, middle, right = g[top - 1 : top + 2]
    curvature = left - 2 * middle + right
    offset = 0.5 * (left - right) / curvature if curvature else 0.0
    return float(r[top] + offset * (r[1] - r[0]))
