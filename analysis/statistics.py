"""Means and trends of correlated series, and the errors that they really have.

Neighboring frames of a trajectory tell nearly the same. One series (a temperature, a
number of bonds) is judged by its statistical inefficiency; many series at once (each
bin of a g(r)) by blocking, which needs no correlation function of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray

FEWEST = 4
"""Blocking stops at so many blocks: the error of an error is 1/sqrt(2 (n - 1))."""

CONSTANT = 1e-12
"""Deviations below this part of the largest value are rounding, not fluctuation."""


@dataclass(frozen=True)
class Mean:
    """The mean of a correlated series.

    Attributes:
        value: the mean.
        error: its standard error; NaN for a single value.
        correlation: statistical inefficiency g, in samples: so many samples tell as
            much as one independent sample.
        independent: number of independent samples, n / g.
    """

    value: float
    error: float
    correlation: float
    independent: float


@dataclass(frozen=True)
class Trend:
    """A straight line through a correlated series.

    Attributes:
        slope: per unit of time.
        error: its standard error, with the correlation of the scatter around the line.
        independent: number of independent samples behind it; below about 5 the series
            is too short for its own correlations.
    """

    slope: float
    error: float
    independent: float


def correlated_mean(series: FloatArray) -> Mean:
    """Return the mean of one evenly spaced series with its standard error.

    The error is s / sqrt(n / g - 1), s being the standard deviation over n: deviations
    are taken from the series' own mean, which makes both s² and all correlations too
    small by g / n. That matters for runs of few correlation times.

    Args:
        series: shape (n,), n >= 1.

    >>> mean = correlated_mean(np.array([1.0, 3.0, 2.0, 2.0]))
    >>> mean.value, round(mean.error, 3), mean.independent
    (2.0, 0.408, 4.0)
    """
    n, g = len(series), inefficiency(series)
    # With fewer than two independent samples nothing tells the error: at least s.
    error = np.std(series) / np.sqrt(max(n / g - 1, 1.0)) if n > 1 else np.nan
    return Mean(float(np.mean(series)), float(error), g, n / g)


def inefficiency(series: FloatArray) -> float:
    """Return how many neighboring values are worth one: 1 for independent ones.

    g = 1 + 2 Σ ρ(k), summed while pairs of neighboring lags are positive (Geyer,
    Statist. Sci. 7, 473 (1992), doi:10.1214/ss/1177011137). Of the usual estimators it
    is the one whose error bars hold best over short, counted and oscillating series:
    those of Sokal's window of 5 correlation times miss the truth more often, by up to
    5 %. Between 1 and n; too small where the series is not much longer than its
    correlations.

    Args:
        series: shape (n,), evenly spaced.
    """
    n = len(series)
    deviations = series - np.mean(series)
    spectrum = np.fft.rfft(deviations, n=2 * n)  # padded: no wrap-around
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, n=2 * n)[:n]
    noise = n * (CONSTANT * np.abs(series).max()) ** 2
    if n < 4 or not covariance[0] > noise:
        return 1.0
    correlation = covariance / covariance[0]
    pairs = correlation[: n - n % 2].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return float(np.clip(2 * pairs[:stop].sum() - 1, 1.0, n))


def trend(times: FloatArray, series: FloatArray) -> Trend:
    """Return the straight line through a series.

    Args:
        times: shape (n,); without a slope if there are fewer than three, or all equal.
        series: shape (n,).
    """
    centered = times - times.mean()
    norm, n = float(centered @ centered), len(series)
    if n < 3 or not norm > 0:
        return Trend(0.0, 0.0, float(n))
    slope = float(centered @ series) / norm
    rest = series - series.mean() - slope * centered
    g = inefficiency(rest)
    return Trend(slope, float(np.sqrt(rest @ rest / (n - 2) * g / norm)), n / g)


def equilibrated_from(series: FloatArray, most: float = 0.5) -> int:
    """Return the first index from which a series is worth most independent values.

    Args:
        series: shape (n,).
        most: no more than this fraction is given up.

    Source: Chodera, J. Chem. Theory Comput. 12, 1799 (2016),
    doi:10.1021/acs.jctc.5b00784.
    """
    # Steps of 2.5 % of the run: the worth of what is kept is flat around its maximum.
    starts = np.unique(np.linspace(0, most * len(series), 21).astype(int))
    worth = [(len(series) - s) / inefficiency(series[s:]) for s in starts]
    return int(starts[int(np.argmax(worth))])


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
