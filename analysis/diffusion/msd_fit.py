"""The slope of an MSD with its error, and what speaks against calling it diffusion.

The MSD of a finite run fluctuates, and neighboring lags share most of their origins: a
plain fit takes its noise for signal. For random walks the covariance of all lags
follows from how much two displacements overlap (Qian, Sheetz, Elson, Biophys. J. 60,
910 (1991), doi:10.1016/S0006-3495(91)82125-7; Michalet, Phys. Rev. E 82, 041914 (2010),
doi:10.1103/PhysRevE.82.041914). It gives the best weights for a slope, and its error
(Bullerjahn, von Bülow, Hummer, J. Chem. Phys. 153, 024116 (2020),
doi:10.1063/5.0008312).

Motion within a site, and hops that return at once, add an offset to the MSD that is no
diffusion and may be as large as what diffusion adds. So the exponent that decides is
that of the slope, 1 + d ln MSD' / d ln lag, whatever the offset: 1 for diffusion, below
it for motion that slows down, 2 for free flight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.result import Provenance, number_of, plain
from ionface.analysis.statistics import TWO_SIDED
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

CM2_PER_S = 0.1
"""cm²/s in one Å²/fs: 1e-16 cm² per 1e-15 s."""


VIBRATION = 1.0
"""Å² in three dimensions: the largest offset that motion within a site explains; 2 <u²>
of ions in crystals is 0.1-0.8 Å² at 300-1000 K."""

CONFIDENCE = 0.95
"""Of all intervals and bounds: that of two standard errors, as readers expect."""

WIDEST_EXPONENT = 1.0
"""Half of the widest interval of the exponent that still tells diffusion from a slope
that is going to vanish."""


@dataclass(frozen=True)
class SlopeFit:
    """The line through an MSD.

    Attributes:
        slope: Å² per frame.
        slope_error: its standard error.
        exponent: 1 + d ln MSD' / d ln lag; NaN where the slope is not above zero.
        exponent_error: its standard error.
        end: MSD at the last lag, Å².
        bound: what the slope cannot exceed where the motion slows down, Å² per frame.
        offset: of the line at lag zero, Å².
        offset_error: its standard error, which is that of the slope.
        together: the collective factor.
    """

    slope: float
    slope_error: float
    exponent: float
    exponent_error: float
    end: float
    bound: float
    offset: float
    offset_error: float
    together: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % confidence interval of the slope."""
        return chi2_interval(self.slope, self.slope_error)

    @property
    def speeding(self) -> bool:
        """Return whether the motion still speeds up, so that it has no bound."""
        return self.exponent - TWO_SIDED * self.exponent_error > 1


STILL = SlopeFit(
    slope=0.0,
    slope_error=0.0,
    exponent=np.nan,
    exponent_error=np.nan,
    end=0.0,
    bound=0.0,
    offset=0.0,
    offset_error=0.0,
    together=1.0,
)
"""Of atoms that stand still along the directions asked for."""

ROUNDING = 1e-12
"""Of an MSD; what it rises by less is how the machine adds, and no motion."""

HELD = "these atoms stand still along it, as if held"


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
    rise = slope * float(np.ptp(lags.lags))
    moves = slope > TWO_SIDED * slope_error and rise > ROUNDING * mean.max()
    bend = float(lags.bend @ mean) / slope if moves else np.nan
    bend_error = max(
        _standard_error((lags.bend @ curves - bend * slopes) / slope, together),
        lags.bend_noise / walkers,
    )
    near = bend + bend_error * np.array([-0.5, 0.0, 0.5])
    below, exponent, above = np.interp(near, lags.bends, EXPONENTS)
    return SlopeFit(
        slope=slope,
        slope_error=slope_error,
        exponent=float(exponent),
        exponent_error=float(above - below),
        end=float(mean[-1]),
        bound=max(
            plain * chi2_interval(1.0, end_error)[1],
            chi2_interval(slope, slope_error)[1],
        ),
        offset=offset,
        offset_error=slope_error * float(np.mean(lags.lags)),
        together=together,
    )


def _standard_error(values: FloatArray, together: float) -> float:
    # of atoms, not of times: what they share is known as a factor, not to be estimated
    # from an order that atoms do not have
    number = len(values)
    if number < 2:
        return 0.0
    return float(np.std(values, ddof=1) * np.sqrt(together / number))


def chi2_interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95 % confidence interval of a mean of squares.

    Such a mean is distributed as chi² with 2 (value / error)² degrees of freedom, whose
    quantiles are far from symmetric when few atoms have moved.
    """
    if not error:  # nothing moves
        return value, value
    from scipy.stats import chi2

    if value < TWO_SIDED * error:  # no motion that has the shape of one
        return value - TWO_SIDED * error, value + TWO_SIDED * error
    freedom = 2 * (value / error) ** 2
    tails = np.array([1 + CONFIDENCE, 1 - CONFIDENCE]) / 2
    low, high = value * freedom / chi2.ppf(tails, freedom)
    return float(low), float(high)


def objection_to(fit: SlopeFit, site: float) -> str:
    """Return why the motion is not shown to be diffusive; empty if it is."""
    reach = TWO_SIDED * fit.exponent_error
    shown = f"the exponent is {fit.exponent:.2f} ± {reach:.2f}"
    if fit.speeding:
        return f"{shown}, above 1: still in free flight, or drifting; no bound"
    beyond = fit.end - max(fit.offset, 0.0)
    if beyond < site:
        return (
            f"the MSD grows by {max(beyond, 0.0):.2g} Å² beyond its offset, not by "
            f"{site:.2g} Å²: too little has left its site; only an upper bound"
        )
    if np.isnan(fit.exponent):
        return "the slope is not above zero; only an upper bound"
    if fit.exponent + reach < 1:
        return f"{shown}, below 1: it still slows down; only an upper bound"
    if reach > WIDEST_EXPONENT:
        return f"{shown}, which tells nothing; use a longer run; only an upper bound"
    return ""


def returns(fit: SlopeFit, axes: int) -> tuple[str, ...]:
    """Return a note where hops that return at once stand beside diffusion."""
    if fit.offset - TWO_SIDED * fit.offset_error <= VIBRATION * axes / 3:
        return ()
    return (
        f"fast returns: {fit.offset:.2g} Å² of the MSD are hops to and fro within a "
        "cage, more than vibration explains; the coefficient is of what leaves it",
    )


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

EXPONENTS = np.linspace(0.02, 4.0, 200)
"""Powers of the lag between which an exponent is looked up."""

_GRID = 10_000
"""Longer runs are treated as their every k-th frame: only lag / run matters there."""


@dataclass(frozen=True)
class LagWindow:
    """The lags of a fit and what random walkers do there.

    Attributes:
        lags: in frames, ascending, shape (n_lags,).
        slope: weights that turn an MSD at these lags into its slope per frame, whatever
            its offset, shape (n_lags,).
        bend: weights that turn an MSD into lag times its second derivative, whatever
            its offset and slope, shape (n_lags,).
        bends: bend over slope of a power of the lag, for each of EXPONENTS.
        slope_noise: standard error of a slope of one, for one walker along one axis.
        bend_noise: the same of the bend, over a slope of one.
        end_noise: relative standard error of the MSD at the last lag, likewise.
    """

    lags: NDArray[np.intp]
    slope: FloatArray
    bend: FloatArray
    bends: FloatArray
    slope_noise: float
    bend_noise: float
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
    slope = _weights([np.ones_like(times), times], covariance)
    # (t ln t)'' = 1 / t: its weight is t MSD'' of the curve, the same at all lags
    curved = times * np.log(times / times.mean())
    bend = _weights([np.ones_like(times), times, curved], covariance)
    powers = (times[:, None] / times.mean()) ** EXPONENTS
    return LagWindow(
        lags=stride * model,
        slope=slope / stride,
        bend=bend / stride,
        bends=(bend @ powers) / (slope @ powers),
        slope_noise=float(np.sqrt(slope @ covariance @ slope)),
        bend_noise=float(np.sqrt(bend @ covariance @ bend)),
        end_noise=float(np.sqrt(covariance[-1, -1]) / times[-1]),
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


def _weights(terms: list[FloatArray], covariance: FloatArray) -> FloatArray:
    """Return the generalized least-squares weights of the last of some terms."""
    design = np.stack(terms, axis=1)
    solved = np.linalg.solve(covariance, design)
    weights: FloatArray = np.linalg.solve(design.T @ solved, solved.T)[-1]
    return weights


@dataclass(frozen=True, repr=False)
class Diffusion:
    """A diffusion coefficient, or how large it can be at most.

    Attributes:
        species: of the atoms, or what the caller calls them.
        direction: '3d', 'in-plane' or 'normal'.
        coefficient: D, Å²/fs; means something only if `diffusive`.
        error: standard error, Å²/fs.
        interval: 95 % confidence, Å²/fs; not symmetric for few atoms.
        exponent: that of the slope, 1 + d ln MSD' / d ln t in the window: 1 for
            diffusion, below for motion that slows down, 2 for free flight; NaN where
            the slope is not above zero.
        exponent_error: its standard error.
        diffusive: whether the motion is shown to be diffusive.
        verdict: 'diffusive', or 'not diffusive: ...' and why.
        upper_bound: D is smaller with 95 % confidence, Å²/fs, None where the motion
            still speeds up, so that there is no bound.
        msd_end: MSD at the end of the window, Å².
        window_fs: lags of the fit, fs.
        atoms: how many.
        collective: variance of the mean over that of independent atoms, at least 1.
        offset: MSD that the fitted line has at lag zero, Å²: the motion within a site.
        drift: what was subtracted, in words.
        notes: what else one should know.
        provenance: where it comes from; a file tells it once for all of them.
    """

    species: str
    direction: str
    coefficient: float
    error: float
    interval: tuple[float, float]
    exponent: float
    exponent_error: float
    diffusive: bool
    verdict: str
    upper_bound: float | None
    msd_end: float
    window_fs: tuple[float, float]
    atoms: int
    collective: float
    offset: float = 0.0
    drift: str = ""
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def cm2_per_s(self) -> float:
        """Return D in cm²/s."""
        return self.coefficient * CM2_PER_S

    @property
    def error_cm2_per_s(self) -> float:
        """Return the standard error in cm²/s."""
        return self.error * CM2_PER_S

    @property
    def still(self) -> bool:
        """Return whether the atoms do not move in this direction at all."""
        return self.upper_bound == 0

    def __repr__(self) -> str:
        return f"Diffusion({self})"

    def __str__(self) -> str:
        """Return it in words, as in "Li 3d: D = 1.2e-05 ± 1e-06 cm²/s"."""
        if self.diffusive:
            value = f"D = {self.cm2_per_s:.2g} ± {self.error_cm2_per_s:.1g} cm²/s"
        elif self.still:
            value = "stands still"
        elif self.upper_bound is not None:
            value = f"D < {self.upper_bound * CM2_PER_S:.2g} cm²/s"
        else:
            value = "not diffusive"
        return f"{self.species} {self.direction}: {value}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; a coefficient that has no meaning is null."""
        low, high = self.interval
        bound = self.upper_bound
        known = {
            "d_a2_per_fs": self.coefficient,
            "d_cm2_per_s": self.cm2_per_s,
            "d_error_cm2_per_s": self.error_cm2_per_s,
            "d_interval_cm2_per_s": [low * CM2_PER_S, high * CM2_PER_S],
        }
        return {
            "species": self.species,
            "direction": self.direction,
            **(known if self.diffusive else dict.fromkeys(known)),
            "d_upper_bound_cm2_per_s": None if bound is None else bound * CM2_PER_S,
            "exponent": plain(self.exponent),
            "exponent_error": plain(self.exponent_error),
            "offset_a2": self.offset,
            "verdict": self.verdict,
            "msd_end_a2": self.msd_end,
            "window_fs": list(self.window_fs),
            "atoms": self.atoms,
            "collective_factor": self.collective,
            "drift": self.drift,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diffusion:
        """Return what `as_dict` wrote; a coefficient without meaning is NaN."""
        low, high = data["d_interval_cm2_per_s"] or (np.nan, np.nan)
        bound = data["d_upper_bound_cm2_per_s"]
        diffusive = data["d_cm2_per_s"] is not None
        return cls(
            species=data["species"],
            direction=data["direction"],
            coefficient=data["d_a2_per_fs"] if diffusive else np.nan,
            error=data["d_error_cm2_per_s"] / CM2_PER_S if diffusive else np.nan,
            interval=(low / CM2_PER_S, high / CM2_PER_S),
            exponent=number_of(data["exponent"]),
            exponent_error=number_of(data["exponent_error"]),
            diffusive=diffusive,
            verdict=data["verdict"],
            upper_bound=None if bound is None else bound / CM2_PER_S,
            msd_end=data["msd_end_a2"],
            window_fs=(data["window_fs"][0], data["window_fs"][1]),
            atoms=data["atoms"],
            collective=data["collective_factor"],
            offset=data["offset_a2"],
            drift=data["drift"],
            notes=tuple(data["notes"]),
        )
