"""How noisy the mean squared displacements of random walkers are.

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
