"""Means of correlated series and the errors that they really have.

Neighboring frames of a trajectory tell nearly the same. Two ways to account for it:
blocking for many series at once (each bin of a g(r)), the integrated correlation time
for one series (bonds against time).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray

WINDOW = 5.0
"""Correlations are summed up to so many correlation times: beyond it there is noise
(Sokal, Monte Carlo Methods in Statistical Mechanics, 1996)."""

FEWEST = 4
"""Blocking stops at so many blocks: the error of an error is 1/sqrt(2 (n - 1))."""


@dataclass(frozen=True)
class Mean:
    """The mean of a correlated series.

    Attributes:
        value: the mean.
        error: its standard error; NaN for a single value.
        correlation: statistical inefficiency g = 1 + 2 Σ ρ, in samples: so many samples
            tell as much as one independent sample.
        independent: number of independent samples, n / g.
    """

    value: float
    error: float
    correlation: float
    independent: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {k: None if np.isnan(v) else v for k, v in asdict(self).items()}


def correlated_mean(series: FloatArray) -> Mean:
    """Return the mean of one evenly spaced series with its standard error.

    Args:
        series: shape (n,), n >= 1.
    """
    g = inefficiency(series - np.mean(series))
    n = len(series)
    error = np.std(series, ddof=1) * np.sqrt(g / n) if n > 1 else np.nan
    return Mean(float(np.mean(series)), float(error), g, n / g)


def inefficiency(deviations: FloatArray) -> float:
    """Return the statistical inefficiency 1 + 2 Σ ρ(k) of a series of mean zero.

    The sum ends at the first k that exceeds WINDOW correlation times. Between 1 and n;
    too small where the series is not much longer than its correlations.

    Args:
        deviations: shape (n,).
    """
    n = len(deviations)
    spectrum = np.fft.rfft(deviations, n=2 * n)  # padded: no wrap-around
    covariance = np.fft.irfft(np.abs(spectrum) ** 2)[:n]
    if not covariance[0] > 0:
        return 1.0
    sums = 2 * np.cumsum(covariance / covariance[0]) - 1
    enough = np.arange(n) >= WINDOW * sums / 2
    return float(np.clip(sums[np.argmax(enough)] if enough.any() else n, 1.0, n))


def blocked_error(series: FloatArray) -> FloatArray:
    """Return the standard error of the mean of many series, by blocking.

    Neighbors are averaged in pairs again and again; the error that this gives rises
    until blocks are independent. The result is the first level that no later level
    exceeds by more than the later one's own uncertainty (Flyvbjerg and Petersen,
    J. Chem. Phys. 91, 461 (1989), doi:10.1063/1.457480).

    Args:
        series: shape (n, ...), evenly spaced along the first axis.

    Returns:
        Shape (...); NaN if n < 2.
    """
    x = np.asarray(series, dtype=np.float64)
    if len(x) < 2:
        return np.full(x.shape[1:], np.nan)
    errors: list[FloatArray] = []
    limits: list[FloatArray] = []
    while len(errors) == 0 or len(x) >= FEWEST:
        error = np.std(x, axis=0, ddof=1) / np.sqrt(len(x))
        errors.append(error)
        limits.append(error * (1 - 1 / np.sqrt(2 * (len(x) - 1))))
        x = 0.5 * (x[0 : len(x) - 1 : 2] + x[1 : len(x) : 2])
    levels = np.array(errors)
    # What the later levels show for certain, from the last to the first.
    later = np.maximum.accumulate(
        np.array([*limits[1:], np.zeros_like(limits[0])])[::-1]
    )
    settled = levels >= later[::-1]
    first = np.argmax(settled, axis=0)
    chosen: FloatArray = np.take_along_axis(levels, first[None], axis=0)[0]
    return chosen
