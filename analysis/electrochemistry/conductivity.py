"""The activation energy of ionic conduction, of conductivities against temperature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ionface.analysis.arrhenius_line import (
    EXTRAPOLATED_TO,
    ArrheniusLine,
    arrhenius_line,
)
from ionface.analysis.electrochemistry.measured_tables import MeasuredTable, read_table
from ionface.analysis.result import Provenance, Result, number_of, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

ZERO_CELSIUS = 273.15
WIDEST = (100.0, 2500.0)
"""K; what lies outside was given in another unit."""

CONDUCTIVITIES = {
    "S/cm": 1.0, "mS/cm": 1e-3, "uS/cm": 1e-6, "\u00b5S/cm": 1e-6, "\u03bcS/cm": 1e-6,
    "S/m": 0.01, "S cm-1": 1.0, "mS cm-1": 1e-3, "S cm^-1": 1.0, "mS cm^-1": 1e-3,
}  # fmt: skip
"""Units in S/cm; the micro sign and the Greek letter look alike."""

NAMES = ("conductivity", "ionic conductivity", "σ", "sigma")


@dataclass(frozen=True, repr=False)
class Conductivities(Result):
    """The straight line through ln σT against 1/T.

    Attributes:
        line: in K S/cm.
        temperatures: K, ascending, shape (n,).
        conductivities: σ, S/cm, shape (n,).
        errors: of them, S/cm, shape (n,); NaN where the table tells none.
        at: temperature at which one wants to know σ, K.
    """

    kind: ClassVar[str] = "conductivity"
    figure: ClassVar[str] = (
        "ionface.analysis.figures.conductivity_figure:figure_conductivity"
    )

    line: ArrheniusLine
    temperatures: FloatArray
    conductivities: FloatArray
    errors: FloatArray
    at: float = EXTRAPOLATED_TO

    def conductivity(self, temperature: float) -> tuple[float, float]:
        """Return σ of the line at a temperature in K, S/cm, and the error of ln σ."""
        log, error = self.line.log_value(temperature)
        return float(np.exp(log)) / temperature, error

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per temperature."""
        for t, s, e in zip(
            self.temperatures, self.conductivities, self.errors, strict=True
        ):
            yield {
                "temperature (K)": float(t),
                "conductivity (S/cm)": float(s),
                "error (S/cm)": float(e),
                "fit (S/cm)": self.conductivity(float(t))[0],
            }

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        there, error = self.conductivity(self.at)
        return {
            "ea_ev": self.line.ea,
            "ea_error_ev": plain(self.line.ea_error),
            "log_prefactor_k_s_per_cm": self.line.log_prefactor,
            "covariance": plain(self.line.covariance),
            "chi2_per_freedom": self.line.chi2_per_freedom,
            "points": [plain(row) for row in self.rows()],
            "at_k": self.at,
            "conductivity_at_s_per_cm": there,
            "log_error_at": plain(error),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the line that `values` wrote."""
        points = data["points"]
        return cls(
            ArrheniusLine(
                data["log_prefactor_k_s_per_cm"],
                data["ea_ev"],
                np.array(data["covariance"], dtype=np.float64),
                data["chi2_per_freedom"],
            ),
            np.array([p["temperature (K)"] for p in points]),
            np.array([p["conductivity (S/cm)"] for p in points]),
            np.array([number_of(p["error (S/cm)"]) for p in points]),
            data["at_k"],
            provenance=provenance,
        )

    def summary(self) -> str:
        """Return the activation energy."""
        return f"Ea of σT = {self.line.ea:.3f} ± {self.line.ea_error:.3f} eV"


def conductivities(
    temperatures: FloatArray,
    values: FloatArray,
    errors: FloatArray | None = None,
    *,
    at: float = EXTRAPOLATED_TO,
    source: str = "",
) -> Conductivities:
    """Return the fit of ln σT against 1/T.

    Args:
        temperatures: K, shape (n,), two different ones at least.
        values: σ, S/cm, shape (n,).
        errors: standard errors of σ, S/cm, shape (n,); the scatter tells them if None.
        at: temperature at which one wants to know σ, K.
        source: path of the table.

    Raises:
        AnalysisError: fewer than two temperatures, or what is not positive.
    """
    order = np.argsort(temperatures, kind="stable")
    t, s = temperatures[order], values[order]
    e = None if errors is None else errors[order]
    return Conductivities(
        arrhenius_line(t, s * t, None if e is None else e * t),
        t,
        s,
        np.full_like(s, np.nan) if e is None else e,
        at,
        provenance=Provenance(sources=(source,) if source else ()),
    )


def measured_conductivities(
    path: str | Path, *, at: float = EXTRAPOLATED_TO
) -> Conductivities:
    """Return the fit of a table with columns of temperature (K or °C) and σ.

    A third column "error", in the unit of σ, weighs the points.

    Raises:
        AnalysisError: a column is missing, or as `conductivities`.
    """
    table = read_table(path)
    values = table.quantity(NAMES, CONDUCTIVITIES, "conductivity")
    errors = table.optional((r"(standard )?error", "std"), CONDUCTIVITIES)
    return conductivities(
        temperatures_of(table), values, errors, at=at, source=table.source
    )


def temperatures_of(table: MeasuredTable) -> FloatArray:
    """Return the temperatures of a table, K.

    Raises:
        AnalysisError: no column tells them, or what can be no temperature in its unit.
    """
    names = ("temperature", "T", "temp")
    celsius = table.optional(names, {"°C": 1.0, "C": 1.0, "degC": 1.0, "oC": 1.0})
    if celsius is not None:
        found = celsius + ZERO_CELSIUS
    else:
        found = table.quantity(names, {"K": 1.0}, "temperature, or in °C,")
    low, high = WIDEST
    if odd := [t for t in found if not low <= t <= high]:
        raise AnalysisError(
            f"{table.source} has a temperature of {odd[0]:g} K, beyond {low:g}-{high:g}"
            " K; check whether its unit is °C, and name the column 'temperature (°C)'"
        )
    return found
