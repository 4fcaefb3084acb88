"""Means and trends of correlated series, and the errors that they really have.

Neighboring frames of a trajectory tell nearly the same. There is one estimator of how
much, `inefficiency`, for a temperature, a number of bonds, each bin of a g(r); errors
follow from it, or are NaN where a series is too short to tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray

CONSTANT = 1e-12
"""Deviations below this part of the largest value are rounding, not fluctuation."""

TWO_SIDED = 1.959963984540054
"""Standard deviations around the mean of a normal distribution that hold 95 % of it."""

TOO_SHORT = 6.0
"""Independent values below which a series does not tell its own error: it has not been
where it would yet go, and looks less correlated than it is. Runs of 20 correlation
times have about 14 by their own count, those of 5 have 7, and of 3 have 6: not all that
are too short are seen to be, see `Mean.error`."""

CORRELATED = 3.0
"""Independent values for each degree of freedom of Student's t: the sum of correlations
is itself a sum over noise, over about 1.5 g lags, and stops where noise lets it."""


@dataclass(frozen=True)
class Mean:
    """The mean of a correlated series.

    Attributes:
        value: the mean.
        error: its standard error; NaN if the series is too short to tell. Of it 1.96
            hold the truth in 95 % of series of 50 correlation times, 94 % of those of
            20, 90 of 10, 82 of 5 and 73 of 3, where it is told: it is not in 0, 2, 18,
            40 and 50 % of them. Once it holds 72 % from 100 correlation times, not 68.
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
        error: its standard error, as that of a mean.
        scatter: standard deviation around it.
        independent: number of independent values of the scatter around it.
    """

    slope: float
    error: float
    scatter: float
    independent: float


def correlated_mean(series: FloatArray) -> Mean:
    """Return the mean of one evenly spaced series with its standard error.

    Args:
        series: shape (n,), n >= 1.

    >>> mean = correlated_mean(np.resize([1.0, 3.0, 2.0, 2.0], 12))
    >>> mean.value, round(mean.error, 3), mean.independent
    (2.0, 0.317, 12.0)
    """
    n, g = len(series), float(inefficiency(series))
    return Mean(float(np.mean(series)), float(mean_error(series)), g, n / g)


def mean_error(series: FloatArray) -> FloatArray:
    """Return the standard errors of the means of many series.

    The error is s / sqrt(n / g - 2), s being the standard deviation over n: deviations
    are taken from the series' own mean, which makes both s² and all correlations too
    small by g / n each. A factor of Student's t with n / (3 g) degrees of freedom adds
    what is not known of g, so that 1.96 errors hold 95 %; see `Mean.error` how well.

    Args:
        series: shape (n, ...), evenly spaced along the first axis.

    Returns:
        Shape (...); NaN where a series is too short.
    """
    x = np.asarray(series, dtype=np.float64)
    return _error(x.std(axis=0), len(x) / inefficiency(x), 2)


def independent_error(values: FloatArray) -> FloatArray:
    """Return the standard errors of means of independent values, as of several runs.

    s / sqrt(n), widened by Student's t with n - 1 degrees of freedom, so that 1.96 of
    it hold 95 % also of two or three runs, whose s is hardly known.

    Args:
        values: shape (n, ...).

    Returns:
        Shape (...); NaN of fewer than two.

    >>> float(independent_error(np.array([1.0, 2.0, 3.0])).round(3))
    1.267
    """
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return np.full(np.shape(values)[1:], np.nan)
    wider = t.ppf(0.975, n - 1) / t.ppf(0.975, np.inf)
    return np.asarray(wider * np.std(values, axis=0, ddof=1) / np.sqrt(n))


def _error(scatter: FloatArray, independent: FloatArray, known: int) -> FloatArray:
    """Return the error of a mean of so many independent values.

    Args:
        scatter: their standard deviation.
        independent: number of values.
        known: how many of them their own correlations use up.
    """
    from scipy.stats import t

    enough = np.where(independent >= TOO_SHORT, independent, np.nan)
    wider = t.ppf(0.975, enough / CORRELATED) / t.ppf(0.975, np.inf)
    return np.asarray(wider * scatter / np.sqrt(enough - known), dtype=np.float64)


def inefficiency(series: FloatArray) -> FloatArray:
    """Return how many neighboring values are worth one: 1 for independent ones.

    g = 1 + 2 Σ ρ(k), summed while pairs of neighboring lags are positive (Geyer,
    Statist. Sci. 7, 473 (1992), doi:10.1214/ss/1177011137). Of the usual estimators it
    is the one whose error bars hold best over short, counted and oscillating series:
    those of Sokal's window of 5 correlation times miss the truth more often, by up to
    5 %. Between 1 and n.

    Of independent values the error that follows is too large, 1.32 times for 32 of them
    and 1.11 for 200: sums end where noise first makes a pair negative, so that noise
    adds and never takes away, and Student's factor is wide. Taking a first pair within
    its noise for none would mend a part of that, and let series with a correlation time
    of one value miss the truth twice as often.

    Args:
        series: shape (n, ...), evenly spaced along the first axis.

    Returns:
        Shape (...).
    """
    n = len(series)
    deviations = series - np.mean(series, axis=0)
    spectrum = np.fft.rfft(deviations, n=2 * n, axis=0)  # padded: no wrap-around
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, n=2 * n, axis=0)[:n]
    noise = n * (CONSTANT * np.abs(series).max(axis=0, initial=0.0)) ** 2
    moves = covariance[0] > noise
    if n < 4 or not moves.any():
        return np.ones(deviations.shape[1:])
    correlation = covariance / np.where(moves, covariance[0], 1.0)
    pairs = correlation[: n - n % 2].reshape(n // 2, 2, *moves.shape).sum(axis=1)
    summed = np.where(np.logical_and.accumulate(pairs > 0, axis=0), pairs, 0.0)
    g = np.clip(2 * summed.sum(axis=0) - 1, 1.0, n)
    return np.asarray(np.where(moves, g, 1.0), dtype=np.float64)


def trend(times: FloatArray, series: FloatArray) -> Trend:
    """Return the straight line through a series.

    Args:
        times: shape (n,); without a slope if there are fewer than three, or all equal.
        series: shape (n,).
    """
    centered = times - times.mean()
    norm, n = float(centered @ centered), len(series)
    if n < 3 or not norm > 0:
        return Trend(0.0, 0.0, 0.0, float(n))
    slope = float(centered @ series) / norm
    rest = series - series.mean() - slope * centered
    rest[np.abs(rest) <= CONSTANT * np.abs(series).max()] = 0.0
    independent = n / inefficiency(rest)
    spread = np.sqrt(norm / n)
    scatter = float(rest.std())
    error = float(_error(np.asarray(scatter), independent, 3))
    return Trend(slope, error / spread, scatter, float(independent))


def equilibrated_from(series: FloatArray) -> int:
    """Return the first index from which a series is worth most independent values.

    Args:
        series: shape (n,); no more than half of it is given up.

    Source: Chodera, J. Chem. Theory Comput. 12, 1799 (2016),
    doi:10.1021/acs.jctc.5b00784.
    """
    # Steps of 2.5 % of the run: the worth of what is kept is flat around its maximum.
    starts = np.unique(np.linspace(0, 0.5 * len(series), 21).astype(int))
    worth = [(len(series) - s) / float(inefficiency(series[s:])) for s in starts]
    return int(starts[int(np.argmax(worth))])
