"""The slope of an MSD with its error, and what speaks against calling it diffusion.

The MSD of a finite run fluctuates, and neighboring lags share most of their origins: a
plain fit takes its noise for signal. For random walks the covariance of all lags
follows from how much two displacements overlap (Qian, Sheetz, Elson, Biophys. J. 60,
910 (1991), doi:10.1016/S0006-3495(91)82125-7; Michalet, Phys. Rev. E 82, 041914 (2010),
doi:10.1103/PhysRevE.82.041914). It gives the best weights for a slope, and its error
(Bullerjahn, von Bülow, Hummer, J. Chem. Phys. 153, 024116 (2020),
doi:10.1063/5.0008312).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

VIBRATION = 1.0
"""Å² in three dimensions: the largest offset that motion within a site explains; 2 <u²>
of ions in crystals is 0.1-0.8 Å² at 300-1000 K."""

CONFIDENCE = 0.95
_TWO_SIDED = 1.959963984540054  # standard deviations that hold 95 %

WIDEST_EXPONENT = 0.6
"""Half of the widest interval of the exponent that still tells cage from diffusion."""


@dataclass(frozen=True)
class SlopeFit:
    """The line through an MSD.

    Attributes:
        slope: Å² per frame.
        slope_error: its standard error.
        exponent: d ln MSD / d ln lag.
        exponent_error: its standard error.
        beyond_site: the exponent without an offset that vibration explains.
        end: MSD at the last lag, Å².
        bound: what the slope cannot exceed where the motion slows down, Å² per frame.
        offset: of the line at lag zero, Å².
        together: the collective factor.
    """

    slope: float
    slope_error: float
    exponent: float
    exponent_error: float
    beyond_site: float
    end: float
    bound: float
    offset: float
    together: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % confidence interval of the slope."""
        return chi2_interval(self.slope, self.slope_error)

    @property
    def speeding(self) -> bool:
        """Return whether the motion still speeds up, so that it has no bound."""
        return self.exponent - _TWO_SIDED * self.exponent_error > 1


def fit_slope(
    curves: FloatArray, lags: LagWindow, together: float, axes: int
) -> SlopeFit:
    """Return the fit of MSDs.

    Args:
        curves: of each atom, Å², shape (n_lags, n_atoms).
        lags: of the fit.
        together: the collective factor.
        axes: how many directions the MSD counts.
    """
    walkers = float(np.sqrt(curves.shape[1] * axes / together))
    mean = curves.mean(axis=1)  # (n_lags,)
    slopes = lags.slope @ curves  # (n_atoms,)
    slope = float(slopes.mean())
    plain = float(mean[-1] / lags.lags[-1])
    end_error = max(
        _standard_error(curves[-1] / mean[-1], together), lags.end_noise / walkers
    )
    slope_error = max(
        _standard_error(slopes, together),
        (slope if slope > 0 else plain) * lags.slope_noise / walkers,
    )
    offset = float(np.mean(mean - slope * lags.lags))
    far = mean - min(max(offset, 0.0), VIBRATION * axes / 3)
    exponent = float(lags.exponent @ np.log(mean))
    return SlopeFit(
        slope=slope,
        slope_error=slope_error,
        exponent=exponent,
        beyond_site=float(lags.exponent @ np.log(far)) if far.min() > 0 else exponent,
        exponent_error=max(
            _standard_error(lags.exponent @ (curves / mean[:, None]), together),
            lags.exponent_noise / walkers,
        ),
        end=float(mean[-1]),
        bound=max(
            plain * chi2_interval(1.0, end_error)[1],
            chi2_interval(slope, slope_error)[1],
        ),
        offset=offset,
        together=together,
    )


def _standard_error(values: FloatArray, together: float) -> float:
    number = len(values)
    if number < 2:
        return 0.0
    return float(np.std(values, ddof=1) * np.sqrt(together / number))


def chi2_interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95 % confidence interval of a mean of squares.

    Such a mean is distributed as chi² with 2 (value / error)² degrees of freedom, whose
    quantiles are far from symmetric when few atoms have moved.
    """
    from scipy.stats import chi2

    if value < _TWO_SIDED * error:  # no motion that has the shape of one
        return value - _TWO_SIDED * error, value + _TWO_SIDED * error
    freedom = 2 * (value / error) ** 2
    tails = np.array([1 + CONFIDENCE, 1 - CONFIDENCE]) / 2
    low, high = value * freedom / chi2.ppf(tails, freedom)
    return float(low), float(high)


def objection_to(fit: SlopeFit, site: float) -> str:
    """Return why the motion is not shown to be diffusive; empty if it is."""
    reach = _TWO_SIDED * fit.exponent_error
    shown = f"the exponent is {fit.exponent:.2f} ± {reach:.2f}"
    if fit.speeding:
        return f"{shown}, above 1: still in free flight, or drifting; no bound"
    beyond = fit.end - max(fit.offset, 0.0)
    if beyond < site:
        return (
            f"the MSD grows by {max(beyond, 0.0):.2g} Å² beyond its offset, not by "
            f"{site:.2g} Å²: too little has left its site; only an upper bound"
        )
    if max(fit.exponent, fit.beyond_site) + reach < 1:
        return f"{shown}, below 1, as of atoms in a cage; only an upper bound"
    if reach > WIDEST_EXPONENT:
        return f"{shown}, which tells nothing; use a longer run; only an upper bound"
    if fit.interval[0] <= 0:
        return "the slope is not above zero; only an upper bound"
    return ""


def collective_factor(positions: FloatArray, lag: int) -> float:
    """Return by how much common motion makes the atoms' mean noisier.

    The variance in time of the atoms' mean squared displacement over what it would be
    for independent atoms: 1 for these, n_atoms if all move alike. Never below 1.

    Args:
        positions: Å, shape (n_frames, n_atoms, n_axes).
        lag: of the displacements, in frames.
    """
    moved = positions[lag:] - positions[:-lag]
    squares = np.einsum("tax,tax->ta", moved, moved)
    alone = float(np.mean(np.var(squares, axis=0)))
    if not alone > 0:
        return 1.0
    return max(1.0, squares.shape[1] * float(np.var(squares.mean(axis=1))) / alone)


LAGS = 40
"""Lags of a fit: neighbors are so correlated that more of them tell nothing new."""

_GRID = 10_000
"""Longer runs are treated as their every k-th frame: only lag / run matters there."""


@dataclass(frozen=True)
class LagWindow:
    """The lags of a fit and what random walkers do there.

    Attributes:
        lags: in frames, ascending, shape (n_lags,).
        slope: weights that turn an MSD at these lags into its slope per frame, whatever
            its offset, shape (n_lags,).
        exponent: weights that turn ln MSD into d ln MSD / d ln lag, shape (n_lags,).
        slope_noise: standard error of a slope of one, for one walker along one axis.
        exponent_noise: the same of the exponent.
        end_noise: relative standard error of the MSD at the last lag, likewise.
    """

    lags: NDArray[np.intp]
    slope: FloatArray
    exponent: FloatArray
    slope_noise: float
    exponent_noise: float
    end_noise: float


@lru_cache(maxsize=32)
def lag_window(n_frames: int, start: float, stop: float) -> LagWindow:
    """Return the lags between two fractions of a run, with generalized weights.

    Raises:
        AnalysisError: the fractions are no window, or hold fewer than four lags.
    """
    if not 0 < start < stop < 1:
        raise AnalysisError(
            f"a fit needs lags between two fractions of the run, 0 < start < stop < 1; "
            f"got {start} and {stop}"
        )
    stride = -(-n_frames // _GRID)
    model = _lags(n_frames // stride, start, stop)
    if len(model) < 4:
        raise AnalysisError(
            f"{n_frames} frames have {len(model)} lags between {start:g} and {stop:g} "
            "of the run, a slope needs four; widen the window or use a longer run"
        )
    covariance = msd_covariance(n_frames // stride, model)
    times = model.astype(np.float64)
    relative = covariance / np.outer(times, times)
    slope = _slope_weights(times, covariance)
    exponent = _slope_weights(np.log(times), relative)
    return LagWindow(
        lags=stride * model,
        slope=slope / stride,
        exponent=exponent,
        slope_noise=float(np.sqrt(slope @ covariance @ slope)),
        exponent_noise=float(np.sqrt(exponent @ relative @ exponent)),
        end_noise=float(np.sqrt(relative[-1, -1])),
    )


def msd_covariance(n_frames: int, lags: NDArray[np.intp]) -> FloatArray:
    """Return the covariance of the MSDs of one walker along one axis.

    Its steps have variance 1, so that the MSD at a lag of m frames is m on average.

    Returns:
        Shape (n_lags, n_lags).
    """
    result = np.empty((len(lags), len(lags)))
    for row, long in enumerate(lags):
        for column, short in enumerate(lags[: row + 1]):
            # of two displacements: the second starts `shift` frames after the first
            shift = np.arange(-short + 1, long)
            shared = np.minimum(long, shift + short) - np.maximum(0, shift)
            first, second = n_frames - long, n_frames - short  # time origins
            pairs = np.minimum(first, second - shift) - np.maximum(0, -shift)
            total = 2.0 * np.sum(np.maximum(pairs, 0) * shared.astype(np.float64) ** 2)
            result[row, column] = result[column, row] = total / (first * second)
    return result


def _lags(n_frames: int, start: float, stop: float) -> NDArray[np.intp]:
    ends = max(1.0, start * n_frames), min(stop * n_frames, n_frames - 1.0)
    return np.unique(np.rint(np.linspace(*ends, LAGS)).astype(np.intp))


def _slope_weights(x: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the generalized least-squares weights of the slope beside an offset."""
    design = np.stack([np.ones_like(x), x], axis=1)
    solved = np.linalg.solve(covariance, design)
    weights: FloatArray = np.linalg.solve(design.T @ solved, solved.T)[1]
    return weights
