"""The one straight line through the logarithm of something against 1/T.

ln y = ln y0 - Ea / (kB T). Diffusion fits y = D, ionic conduction y = σT: a hopping ion
has σ = (A/T) exp(-Ea / kB T), and ln σ against 1/T would give an energy that is too
small by about kB T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionface.analysis.run_checks.temperature import KB
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

EXTRAPOLATED_TO = 300.0
"""K; where one wants to know a value unless another temperature is asked for."""


@dataclass(frozen=True)
class ArrheniusLine:
    """Both parameters with their covariance, without which no extrapolation has errors.

    Attributes:
        log_prefactor: ln y0.
        ea: activation energy, eV.
        covariance: of (log_prefactor, ea), shape (2, 2); NaN for two points without
            errors.
        chi2_per_freedom: about 1 if the line explains the data; above 1 it has widened
            the covariance. None where nothing tells: two points, or no errors.
    """

    log_prefactor: float
    ea: float
    covariance: FloatArray
    chi2_per_freedom: float | None

    @property
    def ea_error(self) -> float:
        """Return the standard error of the activation energy, eV."""
        return float(np.sqrt(self.covariance[1, 1]))

    def log_value(self, temperature: float) -> tuple[float, float]:
        """Return ln y at a temperature in K, and its standard error.

        Raises:
            AnalysisError: the temperature is not positive.
        """
        if not temperature > 0:
            raise AnalysisError(f"a temperature is positive, in K; got {temperature}")
        slope = np.array([1.0, -1.0 / (KB * temperature)])
        value = slope @ np.array([self.log_prefactor, self.ea])
        return float(value), float(np.sqrt(slope @ self.covariance @ slope))


def arrhenius_line(
    temperatures: FloatArray, values: FloatArray, errors: FloatArray | None = None
) -> ArrheniusLine:
    """Return the fit of ln y against 1/T.

    Args:
        temperatures: K, shape (n,), two different ones at least.
        values: y, in any unit, shape (n,).
        errors: standard errors of y, shape (n,). Without them all points weigh the
            same, and their scatter around the line tells the errors.

    Raises:
        AnalysisError: fewer than two temperatures, or what is not positive.
    """
    t, y = (np.asarray(v, dtype=np.float64) for v in (temperatures, values))
    check_points(t, y, y if errors is None else np.asarray(errors, dtype=np.float64))
    design = np.stack([np.ones_like(t), -1 / (KB * t)], axis=1)
    # the error of ln y is that of y over y
    weights = np.ones_like(y) if errors is None else (y / errors) ** 2
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    fit = covariance @ (design.T @ (weights * np.log(y)))
    freedom = len(t) - 2
    chi2 = float(np.sum(weights * (np.log(y) - design @ fit) ** 2))
    scale = chi2 / freedom if freedom else np.nan
    if errors is None:
        scatter = np.asarray(covariance * scale)
        return ArrheniusLine(float(fit[0]), float(fit[1]), scatter, None)
    widened = np.asarray(covariance * max(1.0, scale) if freedom else covariance)
    told = scale if freedom else None
    return ArrheniusLine(float(fit[0]), float(fit[1]), widened, told)


def check_points(
    t: FloatArray, y: FloatArray, e: FloatArray, what: str = "values"
) -> None:
    """Refuse what is no set of points of such a line.

    Raises:
        AnalysisError: shapes differ, one temperature alone, or what is not positive.
    """
    if not (t.ndim == 1 and t.shape == y.shape == e.shape):
        raise AnalysisError(
            f"an Arrhenius line needs one value and one error per temperature, got "
            f"shapes {t.shape}, {y.shape} and {e.shape}"
        )
    if len(np.unique(t)) < 2:
        raise AnalysisError(
            f"an activation energy needs two temperatures at least, got "
            f"{sorted(set(t.tolist()))} K; measure or run at another one"
        )
    for name, numbers in (("temperatures", t), (what, y), ("errors", e)):
        if not (np.isfinite(numbers).all() and (numbers > 0).all()):
            raise AnalysisError(
                f"{name} must be positive numbers, got {numbers.tolist()}; "
                "what has no error, or is not above zero, is no point of the line"
            )
