"""The slope of an MSD with its error, and what speaks against calling it diffusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionface.analysis.diffusion.msd_covariance import LagWindow
from ionface.analysis.trajectory.frames import FloatArray

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
