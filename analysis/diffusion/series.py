"""Means, trends and equilibration of a series whose neighbors are correlated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray


@dataclass(frozen=True)
class Trend:
    """A straight line through a series.

    Attributes:
        slope: per unit of time.
        error: its standard error, with the correlation of the scatter around the line.
        scatter: standard deviation around the line.
    """

    slope: float
    error: float
    scatter: float


def inefficiency(series: FloatArray) -> float:
    """Return how many neighboring values are worth one: 1 for independent ones.

    Twice the integrated autocorrelation time, summed while pairs of neighboring lags
    are positive (Geyer, Statist. Sci. 7, 473 (1992), doi:10.1214/ss/1177011137).
    """
    n = len(series)
    centered = series - series.mean()
    variance = float(centered @ centered) / n
    if n < 4 or variance <= 1e-24 * max(1.0, float(np.abs(series).max()) ** 2):
        return 1.0
    from scipy.fft import irfft, next_fast_len, rfft

    length = next_fast_len(2 * n - 1, real=True)
    spectrum = rfft(centered, n=length)
    products = irfft(spectrum.real**2 + spectrum.imag**2, n=length)[:n]
    correlation = products / (n * variance)
    pairs = correlation[: n - n % 2].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return float(np.clip(2 * pairs[:stop].sum() - 1, 1.0, n))


def equilibrated_from(series: FloatArray, most: float = 0.5) -> int:
    """Return the first index from which a series is worth most independent values.

    Args:
        series: shape (n,).
        most: no more than this fraction is given up.

    Source: Chodera, J. Chem. Theory Comput. 12, 1799 (2016),
    doi:10.1021/acs.jctc.5b00784.
    """
    starts = np.unique(np.linspace(0, most * len(series), 21).astype(int))
    worth = [(len(series) - s) / inefficiency(series[s:]) for s in starts]
    return int(starts[int(np.argmax(worth))])


def mean_error(series: FloatArray) -> float:
    """Return the standard error of the mean of a correlated series."""
    if len(series) < 2:
        return 0.0
    independent = max(1.0, len(series) / inefficiency(series))
    return float(np.std(series, ddof=1) / np.sqrt(independent))


def trend(times: FloatArray, series: FloatArray) -> Trend:
    """Return the straight line through a series.

    Args:
        times: shape (n,), three at least.
        series: shape (n,).
    """
    centered = times - times.mean()
    norm = float(centered @ centered)
    slope = float(centered @ series) / norm
    rest = series - series.mean() - slope * centered
    scatter = float(np.sqrt(rest @ rest / max(1, len(series) - 2)))
    return Trend(slope, scatter * np.sqrt(inefficiency(rest) / norm), scatter)
