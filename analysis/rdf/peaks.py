"""The first peak of a g(r): where it is, how high, how many neighbors belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray

SMOOTHING = 0.08
"""Width (standard deviation) of the Gaussian that a g(r) is smoothed with, Å, a little
narrower than a bond at 300 K."""

PROMINENCE = 0.05
"""A peak rises above its surroundings by this part of the highest value: a first shell
is never so low beside the next ones, ripples of a well-averaged g(r) are lower."""

ERRORS = 2.0
"""A peak rises above its surroundings by so many standard errors of the smoothed g: a
ripple does so once in twenty places, and few of them lie before a first shell."""

NARROW = 0.2
"""Widths in bins below which a Gaussian leaves its bin alone: neighbors would get less
than exp(-12) of it."""


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
    from scipy.signal import find_peaks  # its import takes longer than an analysis

    smooth = broaden(r, g, SMOOTHING)
    if not smooth.max() > 0:
        return None
    # A zero on both sides lets a peak in the first or last bin count.
    padded = np.concatenate([[0.0], smooth, [0.0]])
    tops, found = find_peaks(padded, prominence=PROMINENCE * float(smooth.max()))
    noise = np.concatenate([[0.0], smoothed_error(r, error), [0.0]])
    strong = tops[found["prominences"] > ERRORS * noise[tops]] - 1
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


def broaden(r: FloatArray, g: FloatArray, sigma: float) -> FloatArray:
    """Return g smoothed with a Gaussian that keeps its sum.

    Args:
        r: centers of equal bins, Å, shape (n_bins,).
        g: any density per r, shape (n_bins,).
        sigma: standard deviation, Å.
    """
    from scipy.ndimage import gaussian_filter1d  # 0.4 s, which no other command pays

    width = sigma / (r[1] - r[0]) if len(r) > 1 else 0.0
    if width < NARROW:
        return np.array(g, dtype=np.float64)
    g = np.asarray(g, dtype=np.float64)
    smooth: FloatArray = gaussian_filter1d(g, width, mode="reflect", truncate=6.0)
    return smooth


def smoothed_error(r: FloatArray, error: FloatArray) -> FloatArray:
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
